"""Who had the processors: the server, we with pgbench and the sink, and others, which a shared machine always has."""

import os
import subprocess
import sys
import time
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
# Of /proc/stat's first line: idle and waiting for I/O are columns 4 and 5, guests are counted in the first two.
_IDLE_COLUMNS = (3, 4)
_COUNTED_COLUMNS = 8


def of_process(pid, with_reaped=False):
    """CPU seconds of a process; of those of its children that it has waited for, too."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return sum(map(int, fields[11 : 15 if with_reaped else 13])) / _TICKS


def _of_server(postmaster):
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text(encoding="ascii").split()
    total = of_process(postmaster, with_reaped=True)
    for child in children:
        try:
            total += of_process(child)
        except FileNotFoundError:
            pass  # It has ended since, and the postmaster's sum had it or will: one short process, no more.
    return total


def _of_all():
    columns = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    counted = enumerate(map(int, columns[:_COUNTED_COLUMNS]))
    return sum(ticks for column, ticks in counted if column not in _IDLE_COLUMNS) / _TICKS


class Awake:
    """Keeps every processor from sleeping while it is entered, by processes that run only where nobody else wants to.

    A virtual processor that sleeps takes long to wake up. Two processes that answer each other, as pgbench and its session,
    are twice as fast while something else keeps the processors awake, which would be all that a comparison sees.
    """

    def __enter__(self):
        idle = os.sched_param(0)
        spin = [sys.executable, "-c", "while True: pass"]
        self._spinners = [subprocess.Popen(spin) for _ in range(os.cpu_count())]
        for spinner in self._spinners:
            os.sched_setscheduler(spinner.pid, os.SCHED_IDLE, idle)
        return self

    def __exit__(self, *_):
        for spinner in self._spinners:
            spinner.kill()
            spinner.wait()

    def seconds(self):
        return sum(of_process(spinner.pid) for spinner in self._spinners)


class Shares:
    """Of the time while it is entered: processors that others had, what a hypervisor took included, and that the worker had."""

    def __init__(self, cluster, worker, awake):
        self._awake = awake
        self._postmaster = int((cluster.data / "postmaster.pid").read_text().split()[0])
        self._worker = worker

    def _now(self):
        own = sum(os.times()[:4]) + self._awake.seconds()
        return time.monotonic(), _of_all(), own + _of_server(self._postmaster), of_process(self._worker)

    def __enter__(self):
        self._begin = self._now()
        return self

    def __exit__(self, *_):
        elapsed, everybody, ours, worker = (end - begin for begin, end in zip(self._begin, self._now()))
        self.others = max(everybody - ours, 0) / elapsed
        self.worker_seconds = worker
