"""pgbench, and what it is sure to have done.

Each transaction runs five statements of its own form. pgbench counts a transaction when it has the answer to its COMMIT, also
in a run that fails because the server went away under it. At that moment at most one transaction of each client is under way:
it may have been executed, and captured, without being counted.
"""

import re
import threading
from dataclasses import dataclass

import psycopg
from faults_load import SCRIPT, STATEMENTS
from waiting import wait_for

def make_tables(cluster, scale=1):
    """pgbench's tables, logged: what was committed is there after a crash."""
    made = cluster.program("pgbench", "-i", "-q", "-s", scale, "-I", "dtgp")
    assert made.returncode == 0, made.stderr


@dataclass
class Done:
    """What a load has done so far."""

    runs: int = 0
    failed_runs: int = 0
    transactions: int = 0
    """Those that the clients know to be committed."""
    in_doubt: int = 0
    """Those that were under way when a run failed, at most."""


class Load:
    """One kind of load; `name` is its application name, by which its events are known."""

    def __init__(self, cluster, name="load", clients=4, per_second=None, options=()):
        self._cluster = cluster
        self.name = name
        self._clients = clients
        self._options = ["-n", "-M", "prepared", "-c", clients, "-j", min(clients, 2), *options]
        if per_second:
            self._options += ["-R", per_second]
        script = cluster.folder / f"{name}.sql"
        script.write_text(SCRIPT, encoding="ascii")
        self._options += ["-f", script]
        self.done = Done()

    def run(self, *how_long, timeout=120, may_fail=False):
        """Runs it once, with pgbench's -T or -t; whether no client failed."""
        ran = self._cluster.program(
            "pgbench", *self._options, *how_long, environment={"PGAPPNAME": self.name}, timeout=timeout
        )
        processed = re.search(r"transactions actually processed: (\d+)", ran.stdout)
        self.done.runs += 1
        self.done.transactions += int(processed.group(1)) if processed else 0
        if ran.returncode == 0:
            assert "number of failed transactions: 0 " in ran.stdout, ran.stdout
            return True
        assert may_fail, ran.stderr
        self.done.failed_runs += 1
        self.done.in_doubt += self._clients
        return False


class Standing:
    """A load that goes on while it is entered, one short run after another, whatever happens to the server."""

    def __init__(self, cluster, load, slice_seconds=3):
        self._cluster = cluster
        self._load = load
        self._slice = slice_seconds
        self._over = threading.Event()
        self._error = None
        self._thread = threading.Thread(target=self._work, daemon=True)

    def _work(self):
        try:
            while not self._over.is_set():
                if not self._load.run("-T", self._slice, may_fail=True):
                    # The server may be down for long: it is for the run to say that this is too long.
                    wait_for(lambda: self._over.is_set() or self._serves(), "the server serves", timeout=180)
        except Exception as error:
            self._error = error

    def _serves(self):
        try:
            with self._cluster.connect(connect_timeout=3):
                return True
        except psycopg.OperationalError:
            return False

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        if self._error:
            raise self._error
