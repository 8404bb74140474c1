"""An endpoint that takes records as fast as they come: PutRecords is answered here, and everything else is passed on.

A local AWS keeps all in memory and takes a few MB a second, so it would be the thing that is measured. What is taken is
appended to a file, as `activity-consumer verify --files` reads it: the records' data, one a line, in the order of arrival.
"""

import base64
import itertools
import json
import threading

from injector import PUT_RECORDS
from injector_calls import Answer

_ANSWER_HEADERS = [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-RequestId", "taken-by-the-sink")]


class Sink:
    """A fault of the injector, though nothing goes wrong: it stands in for the stream."""

    name = "sink"

    def __init__(self, path):
        self._file = open(path, "wb")
        self._lock = threading.Lock()
        self._sequence = itertools.count(1)
        self.records = 0
        """Records that were taken."""
        self.bytes = 0
        """Their data, which is what the spool holds of them but for its own few bytes."""

    def take_the_place(self, injector):
        """From now on every PutRecords comes here."""
        return injector.inject(self, PUT_RECORDS)

    def act(self, exchange):
        # A record's data is JSON without a newline, so lines keep records apart.
        entries = json.loads(exchange.body)["Records"]
        data = [base64.b64decode(entry["Data"]) for entry in entries]
        with self._lock:
            for one in data:
                self._file.write(one + b"\n")
            self.records += len(data)
            self.bytes += sum(map(len, data))
            stored = [{"SequenceNumber": str(next(self._sequence)), "ShardId": "shardId-000000000000"} for _ in data]
        body = json.dumps({"FailedRecordCount": 0, "Records": stored, "EncryptionType": "NONE"}).encode()
        exchange.answer(Answer(200, _ANSWER_HEADERS, body))

    def close(self):
        """What was taken is in the file."""
        self._file.close()
