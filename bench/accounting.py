"""What a run cost: the processor time of each who took part, and what went through the stream."""

import os
import time
from pathlib import Path

import modules_path  # noqa: F401
from cpu import _of_all, of_process  # of all processors, what a hypervisor took included
from variants import STREAMING
from waiting import wait_for

_STATUS = ("published_events", "records", "record_bytes", "sync_waits")
_WIRE = ("requests", "body_bytes", "held_answers", "held_us")


class Accounts:
    """The books of one server."""

    def __init__(self, servers, name, awake):
        self._awake = awake
        self._streaming = name in STREAMING
        self._cluster = servers.clusters[name]
        self._endpoint = servers.endpoints[name]
        # One session for all questions: a login would be an event, and wait.
        self._session = self._cluster.connect()
        self._postmaster = int((self._cluster.data / "postmaster.pid").read_text().split()[0])
        self._helper = self._worker() if self._streaming else self._logger()

    def _worker(self):
        return self._session.execute("SELECT worker_pid FROM activity_stream.status").fetchone()[0]

    def _children(self):
        path = Path(f"/proc/{self._postmaster}/task/{self._postmaster}/children")
        return [int(pid) for pid in path.read_text(encoding="ascii").split()]

    def _logger(self):
        """The logging collector, where there is one."""
        for pid in self._children():
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"postgres: logger"):
                return pid
        return None

    def _server_seconds(self):
        """All processes of the server, those that have ended among them, but not the worker or the logging collector."""
        total = of_process(self._postmaster, with_reaped=True)
        return total + sum(of_process(pid) for pid in self._children() if pid != self._helper)

    def _wait_for_ends(self, there):
        """Until the postmaster has seen the ends of all processes that came meanwhile: then it has their times."""
        wait_for(lambda: there.issuperset(self._children()), "pgbench's sessions have ended", pause=0.005)

    def _now(self):
        status = {}
        if self._streaming:
            # What is still in the ring is part of the price.
            assert self._session.execute("SELECT activity_stream.flush('60 s')").fetchone()[0], "the stream takes nothing"
            row = self._session.execute(f"SELECT {', '.join(_STATUS)} FROM activity_stream.status").fetchone()
            wire = self._endpoint.counters()
            status = dict(zip(_STATUS, row)) | {name: wire[name] for name in _WIRE}
        helper = of_process(self._helper) if self._helper else 0
        return status | {"helper_cpu_s": helper, "endpoint_cpu_s": of_process(self._endpoint.pid)}

    def of(self, work):
        """Does the work, and returns its result with what it cost."""
        before, there = self._now(), set(self._children())
        machine, server, own = self._machine(), self._server_seconds(), _own_children()
        result = work()
        self._wait_for_ends(there)
        spent = {"pgbench_cpu_s": _own_children() - own, "server_cpu_s": self._server_seconds() - server}
        spent |= {name: value - before[name] for name, value in self._now().items()}
        elapsed, everybody, awake, harness = (end - begin for begin, end in zip(machine, self._machine()))
        ours = awake + harness + sum(value for name, value in spent.items() if name.endswith("_cpu_s"))
        return result | spent | {"others_processors": max(everybody - ours, 0) / elapsed}

    def _machine(self):
        return time.monotonic(), _of_all(), self._awake.seconds(), time.process_time()

    def lost(self):
        """Events that were lost since the server was started."""
        query = "SELECT dropped_events + lost_events FROM activity_stream.status"
        return self._session.execute(query).fetchone()[0] if self._streaming else 0

    def close(self):
        self._session.close()


def _own_children():
    times = os.times()
    return times.children_user + times.children_system
