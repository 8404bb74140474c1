"""Opens activity stream records as AWS documents it, with AWS's own libraries and nothing of ours.

The way is that of the sample program in AWS's documentation of Database Activity Streams: KMS Decrypt of `key` with the
encryption context, a raw AES wrapping key of provider "BC" and name "DataKey", gunzip, JSON.
"""

import base64
import json
import zlib

import aws_encryption_sdk
from aws_encryption_sdk import CommitmentPolicy
from aws_encryption_sdk.identifiers import EncryptionKeyType, WrappingAlgorithm
from aws_encryption_sdk.internal.crypto import WrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKeyProvider

_SDK = aws_encryption_sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_ALLOW_DECRYPT)

ENVELOPE = ["type", "version", "databaseActivityEvents", "key"]
RECORD = ["type", "clusterId", "instanceId", "databaseActivityEventList"]


class DataKeyProvider(RawMasterKeyProvider):
    """One wrapping key, whatever it is asked for."""

    provider_id = "BC"

    def __new__(cls, *args, **kwargs):
        return super(RawMasterKeyProvider, cls).__new__(cls)

    def __init__(self, plaintext_key):
        RawMasterKeyProvider.__init__(self)
        self._key = WrappingKey(
            wrapping_algorithm=WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING,
            wrapping_key=plaintext_key,
            wrapping_key_type=EncryptionKeyType.SYMMETRIC,
        )

    def _get_raw_key(self, key_id):
        return self._key


def open_message(message, plaintext_key):
    """The JSON text in an Encryption SDK message."""
    provider = DataKeyProvider(plaintext_key)
    provider.add_master_key("DataKey")
    compressed, _ = _SDK.decrypt(
        source=message,
        materials_manager=aws_encryption_sdk.materials_managers.default.DefaultCryptoMaterialsManager(provider),
    )
    return zlib.decompress(compressed, zlib.MAX_WBITS + 16).decode("utf-8")


class Opener:
    """Opens records of one cluster; asks KMS once for each distinct data key."""

    def __init__(self, kms, cluster_id):
        self._kms = kms
        self._context = {"aws:rds:dbc-id": cluster_id}
        self._cluster_id = cluster_id
        self.keys = {}

    def _plaintext_key(self, blob):
        if blob not in self.keys:
            self.keys[blob] = self._kms.decrypt(CiphertextBlob=blob, EncryptionContext=self._context)["Plaintext"]
        return self.keys[blob]

    def open(self, data):
        """The inner record of a Kinesis record's data, its own form checked."""
        envelope = json.loads(data)
        assert list(envelope) == ENVELOPE, list(envelope)
        assert envelope["type"] == "DatabaseActivityMonitoringRecords"
        assert envelope["version"] == "1.1"
        # Compact, no newline: consumers compare text.
        assert data == json.dumps(envelope, separators=(",", ":")).encode()

        message = base64.b64decode(envelope["databaseActivityEvents"], validate=True)
        key = self._plaintext_key(base64.b64decode(envelope["key"], validate=True))
        text = open_message(message, key)
        assert text.startswith('{"type":"DatabaseActivityMonitoringRecord","clusterId":"')
        record = json.loads(text)
        assert list(record)[: len(RECORD)] == RECORD, list(record)
        assert record["clusterId"] == self._cluster_id
        assert record["instanceId"].startswith("db-")
        assert record["databaseActivityEventList"], "a record without events"
        return record


def is_heartbeat(record):
    """Whether this is a heartbeat's record: consumers look at its first element."""
    return record["databaseActivityEventList"][0]["type"] == "heartbeat"
