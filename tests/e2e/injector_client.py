"""A client of the injector that does not try again, and records that tell whether they were stored."""

import contextlib
import secrets

import boto3
import pytest
from botocore.config import Config

from local_aws import CREDENTIALS, REGION
from waiting import wait_for

SHARDS = 2


def client(injector, service="kinesis", timeout_seconds=20):
    """It tries once."""
    config = Config(retries={"total_max_attempts": 1}, read_timeout=timeout_seconds)
    keys = {name.lower(): value for name, value in CREDENTIALS.items()}
    return boto3.client(service, endpoint_url=injector.endpoint, region_name=REGION, config=config, **keys)


@contextlib.contextmanager
def made_stream(aws):
    """A stream of `SHARDS` shards, while it is entered."""
    name = f"injector-{secrets.token_hex(6)}"
    aws.kinesis.create_stream(StreamName=name, ShardCount=SHARDS)
    wait_for(lambda: aws.stream(name)["StreamStatus"] == "ACTIVE", "the stream is active")
    yield name
    aws.delete_stream(name)


class Records:
    """Records of one test, told by their data."""

    def __init__(self, aws, stream, injector):
        self._aws = aws
        self._stream = stream
        self._name = secrets.token_hex(8)
        self.kinesis = client(injector)

    def entries(self, count, size=0):
        return [{"Data": f"{self._name} {n} {'x' * size}".encode(), "PartitionKey": secrets.token_hex(16)} for n in range(count)]

    def put(self, count=1, size=0, entries=None):
        return self.kinesis.put_records(StreamName=self._stream, Records=entries or self.entries(count, size))

    def stored(self):
        """The numbers of those on the stream."""
        found = []
        for shard in self._aws.kinesis.list_shards(StreamName=self._stream)["Shards"]:
            iterator = self._aws.kinesis.get_shard_iterator(
                StreamName=self._stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while records := (answer := self._aws.kinesis.get_records(ShardIterator=iterator, Limit=10_000))["Records"]:
                iterator = answer["NextShardIterator"]
                found += [record["Data"].decode().split() for record in records]
        return sorted(int(number) for name, number, *_ in found if name == self._name)


@pytest.fixture(scope="module")
def stream(aws):
    with made_stream(aws) as name:
        yield name


@pytest.fixture
def records(aws, stream, injector):
    return Records(aws, stream, injector)
