"""What can go wrong with single records of PutRecords: the others are stored, and the answer tells by position which were not.

Kinesis' limits, which no local AWS enforces, are imitated by two token buckets for each shard, one of records and one of
bytes (partition key and data), that hold one second's worth. A record larger than a bucket passes when that is full and
leaves it in debt: Kinesis' own limits are never below a record's, those of a test may be.
"""

import base64
import hashlib
import json
import threading
import time

from injector_calls import Answer

# Source: Kinesis Data Streams quotas, for each shard.
RECORDS_PER_SECOND = 1000
BYTES_PER_SECOND = 1024 * 1024

_HASH_KEYS = 2**128
THROTTLED = "ProvisionedThroughputExceededException"
INTERNAL = "InternalFailure"


def hash_key(entry):
    """The place of a record among the shards."""
    if "ExplicitHashKey" in entry:
        return int(entry["ExplicitHashKey"])
    return int.from_bytes(hashlib.md5(entry["PartitionKey"].encode()).digest(), "big")


def put_where_allowed(exchange, refusal):
    """Forwards the records of PutRecords that `refusal(stream, entry)` is None for; the others fail with its (code, message)."""
    request = json.loads(exchange.body)
    stream = request.get("StreamName") or request["StreamARN"].rsplit("/", 1)[1]
    refusals = [refusal(stream, entry) for entry in request["Records"]]
    kept = [entry for entry, refused in zip(request["Records"], refusals) if refused is None]
    answer = Answer(200, [("Content-Type", "application/x-amz-json-1.1")], b'{"Records":[]}')
    if kept:
        answer = exchange.forward(json.dumps(request | {"Records": kept}).encode())
        if answer.status != 200:
            return exchange.answer(answer)
    told = json.loads(answer.body)
    of_kept = iter(told["Records"])
    records = [
        next(of_kept) if refused is None else {"ErrorCode": refused[0], "ErrorMessage": refused[1]} for refused in refusals
    ]
    failed = sum("ErrorCode" in record for record in records)
    answer.body = json.dumps(told | {"FailedRecordCount": failed, "Records": records}).encode()
    exchange.injector.count("forwarded", len(kept))
    for refused in filter(None, refusals):
        exchange.injector.count(refused[0])
    return exchange.answer(answer)


class FailRecords:
    """A share of the records fails, drawn by the injector's seed."""

    def __init__(self, share, code=INTERNAL):
        self.name = f"records: {code}"
        self._share = share
        self._code = code

    def act(self, exchange):
        draw = exchange.injector.draw
        put_where_allowed(exchange, lambda *_: (self._code, "injected") if draw() < self._share else None)


class _Bucket:
    """Tokens that come back at a rate; it holds one second's worth."""

    def __init__(self, per_second, now):
        self._per_second = per_second
        self._tokens = per_second
        self._at = now

    def has(self, wanted, now):
        self._tokens = min(self._per_second, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        return self._tokens >= min(wanted, self._per_second)

    def take(self, wanted):
        self._tokens -= wanted


class Throttle:
    """Each shard takes so many records and bytes a second: `shards` equal ones, or else those that ListShards tells."""

    name = "throttle"

    def __init__(self, records_per_second=RECORDS_PER_SECOND, bytes_per_second=BYTES_PER_SECOND, shards=None):
        self._limits = (records_per_second, bytes_per_second)
        self._shards = shards
        self._lock = threading.Lock()
        self._buckets = {}

    def act(self, exchange):
        ranges = self._ranges(exchange)

        def refusal(stream, entry):
            place = hash_key(entry)
            shard = next(shard for shard, first, last in ranges if first <= place <= last)
            # The limit counts what the key and the data are, not their form in JSON.
            size = len(entry["PartitionKey"].encode()) + len(base64.b64decode(entry["Data"]))
            if self._passes((stream, shard), size):
                return None
            return THROTTLED, f"Rate exceeded for shard {shard} in stream {stream}"

        put_where_allowed(exchange, refusal)

    def _passes(self, shard, size):
        now = time.monotonic()
        with self._lock:
            records, volume = self._buckets.setdefault(shard, [_Bucket(limit, now) for limit in self._limits])
            passes = records.has(1, now) and volume.has(size, now)
            if passes:
                records.take(1)
                volume.take(size)
            return passes

    def _ranges(self, exchange):
        """Name, first and last hash key of the open shards."""
        if self._shards is not None:
            width = _HASH_KEYS // self._shards
            last = self._shards - 1
            return [
                (f"virtual-{n}", n * width, _HASH_KEYS - 1 if n == last else (n + 1) * width - 1) for n in range(self._shards)
            ]
        stream = json.loads(exchange.body)
        name = {key: stream[key] for key in ("StreamName", "StreamARN") if key in stream}
        shards = exchange.injector.aws.kinesis.list_shards(**name)["Shards"]
        return [
            (s["ShardId"], int(s["HashKeyRange"]["StartingHashKey"]), int(s["HashKeyRange"]["EndingHashKey"]))
            for s in shards
            if "EndingSequenceNumber" not in s["SequenceNumberRange"]
        ]
