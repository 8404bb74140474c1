"""Data keys: their encryption context, their rotation, and a key that KMS withholds."""

import base64
import json

import pytest
from botocore.exceptions import ClientError

from waiting import wait_for


def test_the_data_key_is_bound_to_the_cluster(make_cluster):
    cluster = make_cluster()
    cluster.execute("SELECT 1")
    cluster.settle()
    blob = base64.b64decode(json.loads(cluster.reader.records[0]["Data"])["key"])
    kms = cluster.aws.kms
    right = kms.decrypt(CiphertextBlob=blob, EncryptionContext={"aws:rds:dbc-id": cluster.cluster_id})
    assert len(right["Plaintext"]) == 32
    for context in ({}, {"aws:rds:dbc-id": "cluster-OTHER"}):
        with pytest.raises(ClientError):
            kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)


@pytest.mark.localstack
def test_a_tampered_data_key_is_refused(make_cluster):
    cluster = make_cluster()
    cluster.execute("SELECT 1")
    cluster.settle()
    blob = bytearray(base64.b64decode(json.loads(cluster.reader.records[0]["Data"])["key"]))
    blob[-1] ^= 1
    with pytest.raises(ClientError):
        cluster.aws.kms.decrypt(CiphertextBlob=bytes(blob), EncryptionContext={"aws:rds:dbc-id": cluster.cluster_id})


def test_one_data_key_serves_many_records(make_cluster):
    cluster = make_cluster(batch_linger="1ms")
    for number in range(20):
        cluster.execute(f"SELECT {number}")
    cluster.settle()
    assert len(cluster.reader.records) > 10
    assert len(cluster.reader.opener.keys) == 1


def test_data_keys_rotate_by_age(make_cluster):
    cluster = make_cluster(data_key_max_age="1s")

    def several():
        cluster.execute("SELECT 'again'")
        cluster.reader.poll()
        return len(cluster.reader.opener.keys) >= 3

    wait_for(several, "three data keys", timeout=60, pause=0.2)
    cluster.settle()
    cluster.reader.check_complete()


@pytest.mark.localstack
def test_a_disabled_key_keeps_events_back_until_it_is_enabled(make_cluster, aws):
    key_id, alias = aws.make_key()
    aws.kms.disable_key(KeyId=key_id)
    cluster = make_cluster(alias=alias)
    cluster.execute("SELECT 'while disabled'")
    wait_for(lambda: cluster.log_lines("WARNING", "AS001", "no data key can be had"), "the log says so")
    cluster.reader.poll()
    assert not cluster.reader.records
    aws.kms.enable_key(KeyId=key_id)
    cluster.reader.wait_for_text("while disabled", timeout=90)
    assert cluster.log_lines("data keys can be had")
    cluster.settle()
    cluster.reader.check_complete()


def test_another_key_is_taken_over_by_a_reload(make_cluster, aws):
    cluster = make_cluster()
    cluster.settle()
    key_id, alias = aws.make_key()
    cluster.reload(kms_key_id=alias)

    def under_the_new_key():
        cluster.execute("SELECT 'next'")
        cluster.reader.poll()
        blob = base64.b64decode(json.loads(cluster.reader.records[-1]["Data"])["key"])
        answer = aws.kms.decrypt(CiphertextBlob=blob, EncryptionContext={"aws:rds:dbc-id": cluster.cluster_id})
        return answer["KeyId"].endswith(key_id)

    wait_for(under_the_new_key, "records under the new key")
    cluster.settle()
    cluster.reader.check_complete()
