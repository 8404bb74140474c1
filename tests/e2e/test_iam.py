"""Least privilege: what the policies of docs/iam allow is enough, all of it is needed, and reading needs another identity."""

import json

import pytest
from botocore.exceptions import ClientError

from accounts import stream_events
from conftest import Factory
from identities import IamAws, documented
from server import random_id
from sinks import Bus, Topic
from waiting import wait_for

# Beyond the 24 hours that a stream begins with.
RETENTION_HOURS = 48


@pytest.fixture(scope="module")
def iam():
    aws = IamAws()
    yield aws
    aws.close()


class Ground:
    """A key, a topic and a bus, and the servers that use them as a user with some policy."""

    def __init__(self, installation, iam):
        self.iam = iam
        self.key_id, self.alias = iam.admin.make_key()
        self.topic, self.bus = Topic(iam.admin).make(), Bus(iam.admin)
        self.factory = Factory(installation, iam.admin, self.alias)

    def policy(self, name, cluster_id):
        places = {"cluster": cluster_id, "key": self.key_id, "topic": self.topic.arn.rsplit(":", 1)[-1], "bus": self.bus.name}
        return documented(name, **places)

    def user(self, name, cluster_id, without=None):
        """Credentials with a documented policy, less one of its actions."""
        policy = self.policy(name, cluster_id)
        for statement in policy["Statement"]:
            statement["Action"] = [action for action in actions(statement) if action != without]
        policy["Statement"] = [statement for statement in policy["Statement"] if statement["Action"]]
        return self.iam.user(name, policy)

    def server(self, without=None):
        cluster = self.factory(
            start=False,
            retention_hours=RETENTION_HOURS,
            notify_topic_arn=self.topic.arn,
            notify_event_bus=self.bus.name,
        )
        cluster.environment = self.user("database-host", cluster.cluster_id, without)
        return cluster.start()

    def close(self):
        self.factory.close()
        self.topic.close()
        self.bus.close()


@pytest.fixture(scope="module")
def ground(installation, iam):
    ground = Ground(installation, iam)
    yield ground
    ground.close()


@pytest.fixture(scope="module")
def streamed(ground):
    """A server with the documented policy, and something on its stream."""
    cluster = ground.server()
    cluster.execute("SELECT 'as little as possible'")
    cluster.settle()
    return cluster


def actions(statement):
    return [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException"), caught.value


def data_key(cluster):
    """An encrypted data key of a record on the stream."""
    return next(iter(cluster.reader.opener.keys))


def context(cluster_id):
    return {"aws:rds:dbc-id": cluster_id}


def test_the_documented_policy_is_enough_for_all_that_a_server_does(streamed, ground):
    streamed.reader.check_complete()
    assert streamed.reader.wait_for_text("as little as possible")
    assert stream_events(streamed, "START")
    wait_for(
        lambda: ground.iam.admin.stream(streamed.stream)["RetentionPeriodHours"] == RETENTION_HOURS, "the retention is set"
    )
    cluster_arn = f":cluster:{streamed.cluster_id}"
    wait_for(lambda: any(cluster_arn in json.dumps(m) for _, m in ground.topic.wait_for()), "the topic has been told")
    wait_for(lambda: any(cluster_arn in json.dumps(e) for e in ground.bus.wait_for()), "the bus has been told")
    assert not streamed.log_lines("AccessDenied")


def test_with_it_nothing_can_be_read_from_the_stream(streamed, ground):
    host, admin = ground.iam.as_user(streamed.environment).kinesis, ground.iam.admin.kinesis
    refused(host.list_shards, StreamName=streamed.stream)
    found = 0
    for shard in admin.list_shards(StreamName=streamed.stream)["Shards"]:
        place = {"StreamName": streamed.stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        refused(host.get_shard_iterator, **place)
        # Nor with an iterator that somebody hands on.
        iterator = admin.get_shard_iterator(**place)["ShardIterator"]
        found += len(admin.get_records(ShardIterator=iterator)["Records"])
        refused(host.get_records, ShardIterator=iterator)
    assert found
    refused(host.delete_stream, StreamName=streamed.stream)


def test_with_it_nothing_can_be_decrypted(streamed, ground):
    host, admin = ground.iam.as_user(streamed.environment).kms, ground.iam.admin.kms
    blob = {"CiphertextBlob": data_key(streamed), "EncryptionContext": context(streamed.cluster_id)}
    assert len(admin.decrypt(**blob)["Plaintext"]) == 32
    refused(host.decrypt, **blob)
    refused(host.re_encrypt, DestinationKeyId=ground.key_id, CiphertextBlob=blob["CiphertextBlob"])
    refused(host.disable_key, KeyId=ground.key_id)


def test_it_is_for_one_cluster(streamed, ground):
    host, other = ground.iam.as_user(streamed.environment), random_id("cluster-")
    spec = {"KeyId": ground.alias, "KeySpec": "AES_256"}
    assert host.kms.generate_data_key(EncryptionContext=context(streamed.cluster_id), **spec)
    refused(host.kms.generate_data_key, EncryptionContext=context(other), **spec)
    refused(host.kms.generate_data_key, **spec)
    _, another_alias = ground.iam.admin.make_key()
    refused(
        host.kms.generate_data_key, EncryptionContext=context(streamed.cluster_id), **(spec | {"KeyId": another_alias})
    )
    refused(host.kinesis.create_stream, StreamName=f"aws-rds-das-{other}", ShardCount=1)
    refused(host.kinesis.put_records, StreamName=f"aws-rds-das-{other}", Records=[{"Data": b"x", "PartitionKey": "x"}])


def actions_of(name):
    return [action for statement in documented(name)["Statement"] for action in actions(statement)]


@pytest.mark.parametrize("name", ["database-host", "consumer"])
def test_no_policy_is_for_more_than_it_names(name):
    assert "*" not in json.dumps(documented(name))


@pytest.mark.parametrize("action", actions_of("database-host"))
def test_each_action_of_it_is_needed(ground, action):
    cluster = ground.server(without=action)
    cluster.execute("SELECT 1")
    wait_for(
        lambda: cluster.log_lines("is not authorized to perform: " + action),
        lambda: f"the log tells of {action}: {cluster.log()[-2000:]}",
    )
    assert cluster.log_lines("HINT:", "check the identity's IAM policy") or action.startswith("kinesis:Increase")
    cluster.stop("immediate")


def tailed(streamed, ground, consumer, credentials):
    """How activity-consumer ends with these credentials, what it printed and what it complained of."""
    process = consumer(
        *("tail", "--stream", streamed.stream, "--endpoint-url", ground.iam.endpoint),
        *("--from", "trim-horizon", "--idle-timeout", "3"),
        environment=credentials,
    )
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_the_consumers_policy_reads_and_decrypts_and_does_not_write(streamed, ground, consumer):
    credentials = ground.user("consumer", streamed.cluster_id)
    code, out, err = tailed(streamed, ground, consumer, credentials)
    assert (code, err) == (0, "")
    assert "as little as possible" in out
    reader = ground.iam.as_user(credentials)
    refused(
        reader.kinesis.put_records, StreamName=streamed.stream, Records=[{"Data": b"forged", "PartitionKey": "x"}]
    )
    refused(
        reader.kms.generate_data_key,
        KeyId=ground.alias,
        KeySpec="AES_256",
        EncryptionContext=context(streamed.cluster_id),
    )
    refused(
        reader.kms.decrypt, CiphertextBlob=data_key(streamed), EncryptionContext=context(random_id("cluster-"))
    )


@pytest.mark.parametrize("action", actions_of("consumer"))
def test_each_action_of_the_consumers_policy_is_needed(streamed, ground, consumer, action):
    credentials = ground.user("consumer", streamed.cluster_id, without=action)
    code, _, err = tailed(streamed, ground, consumer, credentials)
    assert code != 0 and f"is not authorized to perform: {action}" in err, err


def test_the_key_policy_is_one_that_kms_takes_and_says_the_same(streamed, ground):
    key_policy = ground.policy("kms-key-policy", streamed.cluster_id)
    ground.iam.admin.kms.put_key_policy(KeyId=ground.key_id, PolicyName="default", Policy=json.dumps(key_policy))
    by_sid = {statement["Sid"]: statement for statement in key_policy["Statement"]}
    for sid, name in (("DatabaseHost", "database-host"), ("Consumer", "consumer")):
        own = next(s for s in ground.policy(name, streamed.cluster_id)["Statement"] if s["Sid"] == "DataKeys")
        assert (actions(by_sid[sid]), by_sid[sid]["Condition"]) == (actions(own), own["Condition"])
    administrator = actions(by_sid["Administration"])
    assert not {"kms:Decrypt", "kms:GenerateDataKey", "kms:*", "kms:CreateGrant"} & set(administrator)
