"""The other side of `python_interop.rs`: AWS's own Encryption SDK, used as its documentation says.

Reads one JSON document with `open` and `make` jobs from standard input and writes the results to standard output.
All bytes are in base64. A message is opened the way a consumer of an activity stream does it: with a raw AES key
of provider BC and name DataKey, once as a master key provider and once as a keyring.
"""

import base64
import json
import logging
import sys
import zlib

import aws_encryption_sdk
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import AesWrappingAlg, CreateRawAesKeyringInput
from aws_encryption_sdk.identifiers import Algorithm, CommitmentPolicy, EncryptionKeyType, WrappingAlgorithm
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKeyProvider
from aws_encryption_sdk.materials_managers.default import DefaultCryptoMaterialsManager

PROVIDER = "BC"
KEY_NAME = "DataKey"
# A consumer's setting: the one AWS's sample programs for activity streams have.
ALLOWS_UNCOMMITTED = CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT
# The library's own default.
COMMITTED_ONLY = CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT


class DataKeyProvider(RawMasterKeyProvider):
    """Gives one plaintext data key as the master key."""

    provider_id = PROVIDER

    def __new__(cls, *args, **kwargs):
        return super().__new__(cls)

    def __init__(self, plaintext_key):
        super().__init__()
        self.wrapping_key = WrappingKey(
            wrapping_algorithm=WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING,
            wrapping_key=plaintext_key,
            wrapping_key_type=EncryptionKeyType.SYMMETRIC,
        )

    def _get_raw_key(self, key_id):
        return self.wrapping_key


def master_key(plaintext_key, key_name=KEY_NAME):
    provider = DataKeyProvider(plaintext_key)
    provider.add_master_key(key_name)
    return {"materials_manager": DefaultCryptoMaterialsManager(master_key_provider=provider)}


def keyring(plaintext_key, key_name=KEY_NAME):
    providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
    return {
        "keyring": providers.create_raw_aes_keyring(
            CreateRawAesKeyringInput(
                key_namespace=PROVIDER,
                key_name=key_name,
                wrapping_key=plaintext_key,
                wrapping_alg=AesWrappingAlg.ALG_AES256_GCM_IV12_TAG16,
            )
        )
    }


def client(policy):
    return aws_encryption_sdk.EncryptionSDKClient(commitment_policy=policy)


def open_with(policy, keys, message):
    """The plaintext, or the name of the exception that refused it."""
    try:
        plaintext, header = client(policy).decrypt(source=message, **keys)
    except aws_encryption_sdk.exceptions.AWSEncryptionSDKClientError as refusal:
        return {"refused": type(refusal).__name__}
    return {
        "plaintext": base64.b64encode(plaintext).decode(),
        "suite": header.algorithm.algorithm_id,
        "frame_bytes": header.frame_length,
        "context": dict(header.encryption_context),
    }


def open_job(job):
    key = base64.b64decode(job["key"])
    message = base64.b64decode(job["message"])
    return {
        "master_key": open_with(ALLOWS_UNCOMMITTED, master_key(key), message),
        "keyring": open_with(ALLOWS_UNCOMMITTED, keyring(key), message),
        "default_policy": open_with(COMMITTED_ONLY, keyring(key), message),
    }


def open_record_job(job):
    """A whole record as a consumer's Lambda gets it: envelope, message, gzip."""
    envelope = json.loads(job["record"])
    message = base64.b64decode(envelope["databaseActivityEvents"], validate=True)
    opened = open_with(ALLOWS_UNCOMMITTED, master_key(base64.b64decode(job["key"])), message)
    plaintext = base64.b64decode(opened["plaintext"])
    return {
        "members": list(envelope),
        "data_key": envelope["key"],
        "inner": zlib.decompress(plaintext, zlib.MAX_WBITS + 16).decode(),
    }


def make_job(job):
    algorithm = Algorithm.get_by_id(job["suite"])
    policy = COMMITTED_ONLY if algorithm.is_committing() else ALLOWS_UNCOMMITTED
    keys = {"master_key": master_key, "keyring": keyring}[job["by"]]
    message, _ = client(policy).encrypt(
        source=base64.b64decode(job["plaintext"]),
        algorithm=algorithm,
        frame_length=job["frame_bytes"],
        encryption_context=job["context"],
        **keys(base64.b64decode(job["key"]), job["key_name"]),
    )
    return {"message": base64.b64encode(message).decode()}


def main():
    # The library logs the stack of every message it refuses, and some here are meant to be refused.
    logging.disable(logging.CRITICAL)
    jobs = json.load(sys.stdin)
    results = {
        "version": aws_encryption_sdk.identifiers.__version__,
        "open": [open_job(job) for job in jobs["open"]],
        "open_record": [open_record_job(job) for job in jobs["open_record"]],
        "make": [make_job(job) for job in jobs["make"]],
    }
    json.dump(results, sys.stdout)


main()
