"""Records that somebody else seals, who may use the key and write to the stream: with AWS's own library and nothing of ours."""

import base64
import gzip
import json

import aws_encryption_sdk
from aws_encryption_sdk import CommitmentPolicy
from aws_encryption_sdk.identifiers import Algorithm

from das import DataKeyProvider

_SDK = aws_encryption_sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT)


def put(cluster, alias, inner):
    """Puts a record with this inner JSON text on a cluster's stream, under a data key of its own."""
    kms = cluster.aws.kms
    context = {"aws:rds:dbc-id": cluster.cluster_id}
    key = kms.generate_data_key(KeyId=alias, EncryptionContext=context, KeySpec="AES_256")
    provider = DataKeyProvider(key["Plaintext"])
    provider.add_master_key("DataKey")
    message, _ = _SDK.encrypt(
        source=gzip.compress(inner.encode()),
        key_provider=provider,
        algorithm=Algorithm.AES_256_GCM_IV12_TAG16_HKDF_SHA256,
    )
    envelope = {
        "type": "DatabaseActivityMonitoringRecords",
        "version": "1.1",
        "databaseActivityEvents": base64.b64encode(message).decode(),
        "key": base64.b64encode(key["CiphertextBlob"]).decode(),
    }
    data = json.dumps(envelope, separators=(",", ":")).encode()
    cluster.aws.kinesis.put_record(StreamName=cluster.stream, Data=data, PartitionKey="a")


def inner(cluster, epoch, first_sequence, chain, events):
    """The inner JSON of these events' texts, placed there."""
    head = f'{{"type":"DatabaseActivityMonitoringRecord","clusterId":"{cluster.cluster_id}","instanceId":"{cluster.instance_id}"'
    place = f'"epoch":"{epoch}","firstSequence":{first_sequence},"chain":"{chain}"'
    return f'{head},"databaseActivityEventList":[{",".join(events)}],{place}}}'
