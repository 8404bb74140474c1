"""A server in sync mode whose stream can be frozen, and a session that sees what the others may not see yet.

    sessions ──► server ──► injector ──► local AWS      frozen: PutRecords is held, all other calls are done
    watcher  ──► server                                 left out of the stream: it waits for nothing

While it is frozen nothing becomes durable, so a session that waits stays where it is for as long as a test likes to look at it.
The watcher emits nothing and counts in no figure, as long as what it runs succeeds and is not told before it runs (failures and
intents are never left out). So sessions are cancelled and ended by signal, as the server's own functions do it.
"""

import contextlib
import signal
import time
from pathlib import Path

import faults
from waiting import wait_for

WATCHER = "watcher"
SETTINGS = {"mode": "sync", "exclude_roles": WATCHER, "sync_timeout": "60s"}
"""Of ours, for a server whose sessions wait longer than any test does."""
NOT_DURABLE = "AS003"
REFUSED = "AS005"
NOTICED_SECONDS = 5
"""What something that happens at once takes at most, on a machine that is busy."""


class SyncServer:
    """The server, its injector and its watcher."""

    def __init__(self, cluster, injector):
        self.cluster = cluster
        self.injector = injector
        self.reader = cluster.reader
        cluster.execute("CREATE EXTENSION activity_stream", f"CREATE ROLE {WATCHER} LOGIN SUPERUSER")
        self.watcher = cluster.connect(user=WATCHER)
        self._hold = None

    def close(self):
        self.watcher.close()

    def watch_anew(self):
        """Another watcher, where the server was started again."""
        self.close()
        self.cluster.wait_until_serving()
        self.watcher = self.cluster.connect(user=WATCHER)

    # Freezing

    def freeze(self):
        """When all is delivered that was published: nothing becomes durable any more."""
        assert not self.is_frozen()
        self.delivered()
        self._hold = self.injector.inject(faults.Hold())

    def is_frozen(self):
        return self._hold is not None and not self._hold.ended.is_set()

    def thaw(self):
        self._hold.end()

    @contextlib.contextmanager
    def frozen(self):
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    def delivered(self):
        """Until everything that was published is durable, and no call is under way."""
        all_of_it = "published_events = acked_events AND requests_in_flight = 0 AND spool_records = 0"
        wait_for(lambda: self.status(all_of_it), "all is delivered")

    def alone(self, *pids):
        """Until no session is left but these and the watcher's, and all is delivered: others' ends wait, too."""
        others = f"backend_type = 'client backend' AND pid <> pg_backend_pid() AND pid <> ALL ('{{{','.join(map(str, pids))}}}')"
        wait_for(lambda: self.sees(f"SELECT count(*) FROM pg_stat_activity WHERE {others}") == 0, "no other session")
        self.delivered()

    # Looking

    def sees(self, statement):
        """The one value that a statement returns to the watcher."""
        return self.watcher.execute(statement).fetchone()[0]

    def status(self, columns):
        return self.sees(f"SELECT {columns} FROM activity_stream.status")

    def waits(self, pid):
        """Until a session waits for its events to be durable."""
        waiting = f"SELECT wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = {pid}"
        wait_for(lambda: self.sees(waiting), f"session {pid} waits for durability")

    def waits_of(self, run):
        """How many waits were over while `run` ran."""
        before = self.status("sync_waits")
        run()
        return self.status("sync_waits") - before

    def windows(self, only=""):
        """(reason, whether it has ended, lost_events) of the loss windows, the latest first."""
        columns = "reason, ended_at IS NOT NULL, lost_events"
        return self.watcher.execute(f"SELECT {columns} FROM activity_stream.loss_windows {only}").fetchall()

    def unhealthy(self):
        """Until the window of what is not durable is open."""
        is_open = "WHERE reason = 'not durable in time' AND ended_at IS NULL"
        wait_for(lambda: self.windows(is_open), "an open window")

    def healthy(self):
        """Until no window is open."""
        wait_for(lambda: all(ended for _, ended, _ in self.windows()), lambda: f"no open window: {self.windows()}", timeout=60)

    def cancel(self, session):
        """As pg_cancel_backend does."""
        self.cluster.kill(session.pid, signal.SIGINT)

    def terminate(self, session):
        """As pg_terminate_backend does."""
        self.cluster.kill(session.pid, signal.SIGTERM)

    def reload(self, **settings):
        """Changes settings of ours, and waits until they are in force; that is when they are told, or `sync_timeout` is over."""
        with self.changing(**settings):
            pass

    @contextlib.contextmanager
    def changing(self, **settings):
        """The same, with what is done before they are in force."""
        with self.cluster.change(self.sees, settings):
            self.cluster.kill(self.cluster.postmaster(), signal.SIGHUP)
            yield

    def all_is_on_the_stream(self):
        """Whether everything that was published is there at this moment."""
        published = {"epoch": self.status("epoch"), "sequence": self.status("published_events")}
        self.reader.poll()
        return self.reader.is_whole_up_to(published)


def timed(run):
    """What `run` returns, and the seconds that it took."""
    begun = time.monotonic()
    answer = run()
    return answer, time.monotonic() - begun


def gone(pid, within=NOTICED_SECONDS):
    """Until a process is."""
    wait_for(lambda: not Path(f"/proc/{pid}").exists(), f"process {pid} is gone", timeout=within)
