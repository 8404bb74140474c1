"""The stream: made, found, waited for."""

import pytest

from reader import Reader
from waiting import wait_for


def active(cluster):
    return wait_for(
        lambda: (summary := cluster.aws.stream(cluster.stream)) and summary["StreamStatus"] == "ACTIVE" and summary,
        "the stream is active",
    )


def streams(cluster):
    cluster.execute("SELECT 'on the stream'")
    cluster.reader.wait_for_text("on the stream")


def test_it_is_made_on_demand_with_the_name_that_consumers_expect(make_cluster):
    cluster = make_cluster()
    streams(cluster)
    summary = active(cluster)
    assert summary["StreamName"] == f"aws-rds-das-{cluster.cluster_id}"
    assert summary["StreamModeDetails"]["StreamMode"] == "ON_DEMAND"
    assert summary["RetentionPeriodHours"] == 24


def test_it_is_made_with_shards_and_retention_when_asked(make_cluster):
    cluster = make_cluster(stream_mode="provisioned", shard_count=3, retention_hours=48)
    streams(cluster)
    summary = active(cluster)
    assert summary["StreamModeDetails"]["StreamMode"] == "PROVISIONED"
    assert (summary["OpenShardCount"], summary["RetentionPeriodHours"]) == (3, 48)


def test_one_that_is_there_is_used_as_it_is(make_cluster):
    cluster = make_cluster(start=False, stream_mode="provisioned", shard_count=3)
    cluster.aws.kinesis.create_stream(StreamName=cluster.stream, ShardCount=2)
    cluster.start()
    streams(cluster)
    assert active(cluster)["OpenShardCount"] == 2


def test_records_spread_over_the_shards(make_cluster):
    cluster = make_cluster(stream_mode="provisioned", shard_count=2, batch_linger="1ms")
    for number in range(40):
        cluster.execute(f"SELECT {number}")
    cluster.settle()
    keys = [record["PartitionKey"] for record in cluster.reader.records]
    assert len(set(keys)) == len(keys) > 20
    cluster.reader.check_complete()


@pytest.mark.localstack
def test_one_that_is_being_made_is_waited_for(make_cluster):
    cluster = make_cluster(start=False)
    cluster.aws.kinesis.create_stream(StreamName=cluster.stream, ShardCount=1)
    assert cluster.aws.stream(cluster.stream)["StreamStatus"] == "CREATING"
    cluster.start()
    streams(cluster)
    assert not cluster.log_lines("WARNING", "the stream cannot be reached")
    cluster.settle()
    cluster.reader.check_complete()


def test_without_leave_to_make_it_it_is_waited_for(make_cluster):
    cluster = make_cluster(create_stream="off")
    cluster.execute("SELECT 'before there was a stream'")
    wait_for(lambda: cluster.log_lines("WARNING", "the stream cannot be reached"), "the log says so")
    assert cluster.aws.stream(cluster.stream) is None
    cluster.aws.kinesis.create_stream(StreamName=cluster.stream, ShardCount=1)
    cluster.reader.wait_for_text("before there was a stream", timeout=60)
    cluster.settle()
    cluster.reader.check_complete()


def test_one_that_is_deleted_is_made_again(make_cluster):
    cluster = make_cluster()
    streams(cluster)
    cluster.aws.delete_stream(cluster.stream)
    wait_for(lambda: cluster.aws.stream(cluster.stream) is None, "the stream is gone")
    cluster.execute("SELECT 'on the next stream'")
    cluster.reader = Reader(cluster.aws, cluster.stream, cluster.cluster_id)
    wait_for(
        lambda: (s := cluster.aws.stream(cluster.stream)) and s["StreamStatus"] == "ACTIVE",
        "another stream",
        timeout=60,
    )
    cluster.reader.wait_for_text("on the next stream", timeout=60)


def test_a_name_of_the_operators_choice_is_used(make_cluster):
    cluster = make_cluster(start=False)
    cluster.stream = cluster.reader.stream = f"orders.{cluster.cluster_id}_audit"
    cluster.configure({"activity_stream.stream_name": cluster.stream})
    cluster.start()
    streams(cluster)
