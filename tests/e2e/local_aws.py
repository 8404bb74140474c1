"""The local AWS that the tests run against, and what they make in it."""

import secrets

import boto3
from botocore.config import Config
from waiting import wait_for

REGION = "us-east-1"
ACCOUNT = "000000000000"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


class Aws:
    """Clients of one endpoint, with one identity."""

    def __init__(self, kind, endpoint, credentials=None, account=ACCOUNT):
        self.kind = kind
        self.endpoint = endpoint
        self.account = account
        self.credentials = credentials or CREDENTIALS
        self.kinesis = self.client("kinesis")
        self.kms = self.client("kms")

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.credentials["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.credentials["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"max_attempts": 5, "mode": "standard"}, read_timeout=30),
        )

    def make_key(self):
        """A new KMS key; its id and an alias for it."""
        key_id = self.kms.create_key(Description="activity_stream e2e")["KeyMetadata"]["KeyId"]
        alias = f"alias/e2e-{secrets.token_hex(6)}"
        self.kms.create_alias(AliasName=alias, TargetKeyId=key_id)
        return key_id, alias

    def stream(self, name):
        """DescribeStreamSummary, or nothing where there is no such stream."""
        try:
            return self.kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        except self.kinesis.exceptions.ResourceNotFoundException:
            return None

    def delete_stream(self, name):
        """Emulators keep every record in memory."""
        summary = wait_for(
            lambda: (s := self.stream(name) or {"StreamStatus": None})["StreamStatus"] != "CREATING" and s,
            f"{name} is made",
        )
        if summary["StreamStatus"] in ("ACTIVE", "UPDATING"):
            self.kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)
