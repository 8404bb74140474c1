"""What is compared: one PostgreSQL, with different things loaded.

The synchronous variants share a server, whose endpoint changes its delay: all else of them is the same.
"""

import contextlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import modules_path  # noqa: F401
from local_endpoint import LocalEndpoint
from server import Cluster, Installation

# What an operator would have. The data fits into memory, no checkpoint comes in between, and nothing waits for a disk (`Cluster`
# has fsync off): a disk would hide what the extensions cost.
_COMMON = {
    "shared_buffers": "1GB",
    "max_connections": "100",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
    "activity_stream.batch_linger": None,
    "activity_stream.heartbeat_interval": "1s",
}
_SERVERS = {
    "bare": {"shared_preload_libraries": ""},
    "pg_stat_statements": {"shared_preload_libraries": "pg_stat_statements"},
    # With all that we tell, and as it is used: to a file, by the logging collector.
    "pgaudit": {
        "shared_preload_libraries": "pgaudit",
        "logging_collector": "on",
        "pgaudit.log": "all",
        "pgaudit.log_relation": "on",
        "pgaudit.log_parameter": "on",
        "pgaudit.log_rows": "on",
    },
    "async": {"activity_stream.mode": "async"},
    "sync": {"activity_stream.mode": "sync"},
}
STREAMING = ("async", "sync")


@dataclass(frozen=True)
class Variant:
    """A column of the table."""

    name: str
    server: str
    delay_ms: int | None = None
    """How long the endpoint holds an answer back; nothing where there is no endpoint."""


SYNC_DELAYS_MS = (0, 5, 20)
VARIANTS = [
    Variant("bare", "bare"),
    Variant("pg_stat_statements", "pg_stat_statements"),
    Variant("pgAudit", "pgaudit"),
    Variant("async", "async", 0),
    *(Variant(f"sync {delay} ms", "sync", delay) for delay in SYNC_DELAYS_MS),
]


class Servers:
    """The servers that are compared, with the same data; each that streams has an endpoint of its own."""

    def __init__(self, names=tuple(_SERVERS), scale=None, start=True):
        self.clusters, self.endpoints = {}, {}
        self._exits = contextlib.ExitStack()
        with contextlib.ExitStack() as undo:
            undo.callback(self._exits.close)
            self._installation = Installation(os.environ["ACTIVITY_E2E_PG_CONFIG"])
            self._exits.callback(self._installation.close)
            for name in names:
                if self._has(_SERVERS[name].get("shared_preload_libraries")):
                    self._make(name)
            self._fill(scale)
            if start:
                self._start()
            undo.pop_all()

    def _has(self, library):
        pg_config = os.environ["ACTIVITY_E2E_PG_CONFIG"]
        folder = subprocess.check_output([pg_config, "--pkglibdir"], text=True).strip()
        return not library or (Path(folder) / f"{library}.so").exists()

    def _make(self, name):
        endpoint = LocalEndpoint()
        self._exits.callback(endpoint.close)
        self.endpoints[name] = endpoint
        self.clusters[name] = Cluster(self._installation, endpoint, "alias/bench", _COMMON | _SERVERS[name])
        self._exits.callback(self.clusters[name].close)

    def _fill(self, scale):
        """pgbench's tables, made once and copied: not a byte differs."""
        first, *others = self.clusters.values()
        if scale is None:
            return
        first.start()
        made = first.program("pgbench", "-i", "-q", "-s", scale, timeout=600)
        assert made.returncode == 0, made.stderr
        first.stop()
        for other in others:
            subprocess.run(["rm", "-rf", str(other.data)], check=True)
            subprocess.run(["cp", "-a", "--reflink=auto", str(first.data), str(other.data)], check=True)
            other.configure({})

    def _start(self):
        for name, cluster in self.clusters.items():
            cluster.start()
            if name in STREAMING:
                cluster.execute("CREATE EXTENSION activity_stream")
            # A scan in the order of the key stays in the buffers; one of the whole table would pass through.
            cluster.execute("SET enable_seqscan = off", "SELECT count(filler) FROM pgbench_accounts WHERE aid > 0", "CHECKPOINT")

    def variants(self):
        """The variants whose server is there."""
        return [variant for variant in VARIANTS if variant.server in self.clusters]

    def prepare(self, variant):
        """Its server."""
        if variant.server in STREAMING:
            self.endpoints[variant.server].delay(variant.delay_ms)
        return self.clusters[variant.server]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._exits.close()
