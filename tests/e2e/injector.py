"""An HTTP proxy before the local AWS that makes calls go wrong as they do with AWS.

    worker ──► connection (a thread) ──► the first rule that matches ──► its fault ──► local AWS
               keeps alive               target, share, times           faults.py, faults_records.py

A *rule* says which calls meet a *fault*: those of one target (`X-Amz-Target`), a share of them drawn by the injector's
seed, so many of them, until the rule is ended. What no rule matches is forwarded as it is. A fault is handed the `Exchange`,
one call that is under way (injector_calls.py), and does with it what it likes.

Bodies are held whole: PutRecords takes 10 MiB at most, and a fault has to see a call's records.

What is not imitated: signatures are not checked, connections are plain HTTP, a connection that is refused is not counted.

What fails in the injector itself is raised when it is closed, so a test that it spoiled does not pass.
"""

import contextlib
import http.client
import random
import socket
import threading
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from injector_calls import Connection

PUT_RECORDS = "Kinesis_20131202.PutRecords"
DESCRIBE_STREAM = "Kinesis_20131202.DescribeStreamSummary"
CREATE_STREAM = "Kinesis_20131202.CreateStream"
GENERATE_DATA_KEY = "TrentService.GenerateDataKey"
ANY = None

_BACKLOG_CONNECTIONS = 128


@dataclass
class Rule:
    """Which calls meet a fault."""

    fault: object
    target: str | None = PUT_RECORDS
    share: float = 1.0
    times: int | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    def end(self):
        """No more calls meet it, and those that it holds are let go."""
        self.ended.set()


class Injector:
    """Listens on a port of its own, which stays its own while it is off. All of it may be called from any thread."""

    def __init__(self, aws, seed=1):
        self.aws = aws
        target = urlsplit(aws.endpoint)
        self.aws_address = (target.hostname, target.port)
        self.random = random.Random(seed)
        self.calls = Counter()
        """Calls by their target, whatever became of them."""
        self.met = Counter()
        """Calls that met a fault, by its name."""
        self.records = Counter()
        """Records of PutRecords that met a fault of records: forwarded, or the error that they were answered with."""
        self.connections = 0
        """Connections that were taken."""
        self.under_way = 0
        """Calls that are not over."""
        self._lock = threading.Lock()
        self._rules = []
        self._open = set()
        self._errors = []
        # Bound and not listening, it keeps the port from others while connections are to be refused.
        self._reserved = self._bind(0)
        self._port = self._reserved.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self._port}"
        self._listener = None
        self.turn_on()

    # Faults

    def inject(self, fault, target=PUT_RECORDS, share=1.0, times=None):
        """Has calls of a target (ANY is all) meet a fault: a share of them, at most so many times. Earlier rules come first."""
        rule = Rule(fault, target, share, times)
        with self._lock:
            self._rules.append(rule)
        return rule

    def clear(self):
        """Ends every rule; calls that were held are let go."""
        with self._lock:
            rules, self._rules = self._rules, []
        for rule in rules:
            rule.end()

    def count(self, record_result, records=1):
        """A fault tells what it did with records."""
        with self._lock:
            self.records[record_result] += records

    def draw(self):
        """A number from 0 to 1, by the seed."""
        with self._lock:
            return self.random.random()

    @contextlib.contextmanager
    def call(self, target):
        """One call, from its body to its end; the rule that it meets."""
        with self._lock:
            self.calls[target] += 1
            self.under_way += 1
            rule = self._rule_for(target)
        try:
            yield rule
        finally:
            with self._lock:
                self.under_way -= 1

    def _rule_for(self, target):
        self._rules = [rule for rule in self._rules if not rule.ended.is_set() and rule.times != 0]
        for rule in self._rules:
            if rule.target in (ANY, target) and self.random.random() < rule.share:
                if rule.times is not None:
                    rule.times -= 1
                self.met[rule.fault.name] += 1
                return rule
        return None

    # Connections

    def turn_off(self):
        """Connections are refused, and those that are open are cut."""
        with self._lock:
            listener, self._listener = self._listener, None
            if listener is not None:
                # Closing alone would not end the accept that is under way.
                listener.shutdown(socket.SHUT_RDWR)
                listener.close()
            for client in self._open:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)

    def turn_on(self):
        """Connections are taken."""
        with self._lock:
            if self._listener is None:
                self._listener = self._bind(self._port)
                self._listener.listen(_BACKLOG_CONNECTIONS)
                threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    @contextlib.contextmanager
    def off(self):
        """Off in between."""
        self.turn_off()
        try:
            yield
        finally:
            self.turn_on()

    @staticmethod
    def _bind(port):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        s.bind(("127.0.0.1", port))
        return s

    def _accept(self, listener):
        while True:
            try:
                client, address = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(listener, client, address), daemon=True).start()

    def _serve(self, listener, client, address):
        with self._lock:
            taken = self._listener is listener
            if taken:
                self._open.add(client)
                self.connections += 1
        try:
            if taken:
                Connection(client, address, self)
        except (ConnectionError, TimeoutError, http.client.HTTPException):
            pass  # One of both sides has gone; the other one sees that when this closes.
        except Exception as error:
            self._errors.append(error)
        finally:
            with self._lock:
                self._open.discard(client)
            client.close()

    def close(self):
        """Ends it; raises what went wrong in it."""
        self.clear()
        self.turn_off()
        self._reserved.close()
        if self._errors:
            raise ExceptionGroup("the injector failed", self._errors)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
