"""What every run stands on: a local AWS, the injector before it, and one server whose calls go through that."""

import contextlib
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tests" / "e2e"))

from injector import Injector  # noqa: E402
from local_aws import Aws  # noqa: E402
from psycopg.rows import dict_row  # noqa: E402
from server import Cluster, Installation  # noqa: E402
from waiting import wait_for  # noqa: E402

# What an operator would have. Autovacuum is off because it is no load of ours, and it takes from a small machine.
_CONF = {
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "autovacuum": "off",
    "max_connections": "50",
    "activity_stream.batch_linger": "200ms",
    "activity_stream.heartbeat_interval": "1s",
}


class Ground:
    """The server, its AWS, and the way between them. `conf` are settings of PostgreSQL, `settings` ours without their prefix."""

    def __init__(self, conf=None, seed=1, **settings):
        # Ended from outside, a run stops its server and removes what it made, as at any other end.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        self.aws = Aws("ministack", os.environ["ACTIVITY_E2E_ENDPOINT"])
        self._exits = contextlib.ExitStack()
        self.injector = self._exits.enter_context(Injector(self.aws, seed))
        installation = Installation(os.environ["ACTIVITY_E2E_PG_CONFIG"])
        self._exits.callback(installation.close)
        ours = {f"activity_stream.{name}": value for name, value in settings.items()}
        alias = self.aws.make_key()[1]
        self.cluster = Cluster(installation, self.aws, alias, _CONF | ours | (conf or {}), self.injector.endpoint)
        self._exits.callback(self._close_cluster)

    def start(self):
        """Starts the server; it streams when this returns."""
        self.cluster.start()
        self.cluster.execute("CREATE EXTENSION activity_stream")
        self.wait_for_status("the stream is there", lambda row: row["state"] == "streaming")
        return self

    def status(self):
        """The row of the status view, as a dict."""
        with self.cluster.connect(row_factory=dict_row) as session:
            return session.execute("SELECT * FROM activity_stream.status").fetchone()

    def windows(self):
        """The loss windows, as dicts."""
        with self.cluster.connect(row_factory=dict_row) as session:
            return session.execute("SELECT * FROM activity_stream.loss_windows").fetchall()

    def wait_for_status(self, what, wanted, timeout=60, pause=0.2):
        """Asks until `wanted(row)`; the row."""
        last = {}

        def look():
            last.update(self.status())
            return wanted(last) and last

        return wait_for(look, lambda: f"{what}; {last}", timeout, pause)

    def wait_until_delivered(self, timeout=600):
        """Until nothing is left in the spool, and in the ring only what this very asking publishes."""

        def delivered(row):
            return row["spool_records"] == 0 and row["published_events"] - row["acked_events"] <= _OF_ASKING_EVENTS

        return self.wait_for_status("all is on the stream", delivered, timeout)

    def wait_until_windows_are_told(self, timeout=20):
        """Waits until the view says of each loss window that it has its end and that everybody knows; the windows, and whether."""
        rows = []

        def told():
            rows[:] = self.windows()
            return all(row["ended_at"] and row["told"] for row in rows)

        try:
            wait_for(told, "loss windows are told", timeout, 0.5)
        except AssertionError:
            return rows, False
        return rows, True

    def _close_cluster(self):
        keep = os.environ.get("ACTIVITY_ENDURANCE_KEEP_LOG")
        if keep and self.cluster.log_file.exists():
            Path(keep).write_text(self.cluster.log(), encoding="utf-8")
        self.cluster.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._exits.close()


# A question to the status view is a login, a statement, and the end of the question before.
_OF_ASKING_EVENTS = 5
