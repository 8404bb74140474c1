"""Reads a stream from its beginning, every shard of it, and collects what it finds."""

from collections import Counter

import das
import fields
from waiting import wait_for


class Reader:
    """Everything on a stream so far. Each event is checked when it is read."""

    def __init__(self, aws, stream, cluster_id):
        self.aws = aws
        self.stream = stream
        self.opener = das.Opener(aws.kms, cluster_id)
        self.records = []
        self.heartbeats = []
        self.events = []
        self._iterators = {}

    def _shards(self):
        summary = self.aws.stream(self.stream)
        if not summary or summary["StreamStatus"] not in ("ACTIVE", "UPDATING"):
            return
        shards = self.aws.kinesis.list_shards(StreamName=self.stream)["Shards"]
        for shard in shards:
            if shard["ShardId"] not in self._iterators:
                self._iterators[shard["ShardId"]] = self.aws.kinesis.get_shard_iterator(
                    StreamName=self.stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
                )["ShardIterator"]

    def poll(self):
        """Reads what is new; the new events."""
        new = []
        if not self._iterators:
            self._shards()
        for shard, iterator in self._iterators.items():
            while iterator:
                answer = self.aws.kinesis.get_records(ShardIterator=iterator, Limit=10_000)
                iterator = self._iterators[shard] = answer.get("NextShardIterator")
                for raw in answer["Records"]:
                    new += self._take(raw)
                if not answer["Records"]:
                    break
        self.events += new
        return new

    def _take(self, raw):
        record = self.opener.open(raw["Data"])
        self.records.append(raw)
        if das.is_heartbeat(record):
            assert record["databaseActivityEventList"] == [{"type": "heartbeat"}]
            assert list(record) == das.RECORD
            self.heartbeats.append(raw)
            return []
        events = record["databaseActivityEventList"]
        for place, event in enumerate(events):
            fields.check(event)
            assert event["sequence"] == record["firstSequence"] + place, record
            # Not part of an event: where it was found.
            event["epoch"] = record["epoch"]
        return events

    def wait_for(self, wanted, what="the events", timeout=30):
        """Reads until `wanted(events)` is true; its answer."""

        def look():
            self.poll()
            return wanted(self.events)

        return wait_for(look, lambda: f"{what}; {len(self.events)} events are on the stream", timeout)

    def is_whole_up_to(self, event):
        """Whether every event of the same start of the server with a lower sequence number is there, too."""
        before = {e["sequence"] for e in self.events if e["epoch"] == event["epoch"] and e["sequence"] <= event["sequence"]}
        return len(before) == event["sequence"]

    def wait_for_text(self, text, timeout=30):
        """Reads until an event's commandText has `text` in it; those events."""
        return self.wait_for(
            lambda events: [e for e in events if text in (e["commandText"] or "")],
            f"a commandText with {text}",
            timeout,
        )

    def check_complete(self, twice_is_fine=False):
        """No sequence number is missing below the highest one of each epoch, and none is there twice."""
        seen = Counter((e["epoch"], e["sequence"]) for e in self.events)
        for epoch in {epoch for epoch, _ in seen}:
            numbers = {n for e, n in seen if e == epoch}
            missing = set(range(1, max(numbers) + 1)) - numbers
            assert not missing, f"{len(missing)} missing in epoch {epoch}, first {min(missing)}"
        if not twice_is_fine:
            twice = [place for place, count in seen.items() if count > 1]
            assert not twice, f"{len(twice)} events are there twice, first {min(twice)}"
