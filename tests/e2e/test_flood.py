"""Floods do not hide: whatever eight sessions publish while the stream takes nothing, what another one does is told."""

import contextlib
import secrets
import signal

import psycopg
import pytest

import faults
from accounts import closed_windows, params, status, stream_events
from flood import FILLER_BYTES, FLOODER, KINDS, Flood
from verified import verify_both
from waiting import wait_for

# So many must be lost, for a flood to be one.
_DROPPED = 2000
_SHORT_TEXT_BYTES = 2048
_LIGHT = 10


@pytest.fixture
def flooded(make_cluster, injector):
    """Servers with nothing but a small ring between them and AWS."""

    def make(**settings):
        cluster = make_cluster(
            endpoint=injector.endpoint,
            conf={"log_min_error_statement": "panic"},
            **({"spool_max_size": "0", "ring_size": "4MB", "sync_timeout": "300ms"} | settings),
        )
        cluster.execute(
            "CREATE EXTENSION activity_stream",
            f"CREATE ROLE {FLOODER} LOGIN",
            "CREATE ROLE visitor LOGIN",
            "CREATE ROLE refused LOGIN",
        )
        cluster.settle()
        return cluster

    return make


class Acts:
    """What an attacker would want to drown, done once; and where it must be found."""

    def __init__(self, cluster):
        self._cluster = cluster
        self._mark = secrets.token_hex(8)
        self.padded = f"CREATE ROLE padded_{self._mark} /* {'p' * FILLER_BYTES} */"

    def do(self, session):
        mark = self._mark
        session.execute(f"CREATE ROLE act_{mark} SUPERUSER")
        session.execute(f"GRANT pg_read_server_files TO act_{mark}")
        session.execute(f"CREATE TABLE act_{mark} (x int)")
        session.execute(f"COPY (VALUES ('{mark}')) TO PROGRAM 'cat >/dev/null'")
        with pytest.raises(psycopg.errors.UndefinedTable):
            session.execute(f"SELECT * FROM nowhere_{mark}")
        session.execute(self.padded)
        with self._cluster.connect(user="visitor", application_name=mark):
            pass
        with pytest.raises(psycopg.OperationalError, match="rejects connection"):
            self._cluster.connect(user="refused", application_name=mark)
        self._cluster.configure({"activity_stream.batch_linger": "21ms"})
        self._cluster.kill(self._cluster.postmaster(), signal.SIGHUP)

    def check(self):
        """All of it is on the stream."""
        reader = self._cluster.reader
        reader.wait_for(lambda _: stream_events(self._cluster, "CONFIG"), "the new setting")
        mine = [e for e in reader.events if self._mark in f"{e['commandText']} {e['clientApplication']}"]
        told = {(e["class"], e["command"], e["exitCode"]) for e in mine}
        assert told >= {
            ("ROLE", "CREATE ROLE", None),
            ("ROLE", "GRANT ROLE", None),
            ("DDL", "CREATE TABLE", None),
            ("MISC", "STREAM INTENT", None),
            ("READ", "SELECT", "42P01"),
            ("MISC", "CONNECT", None),
            ("MISC", "DISCONNECT", "0"),
            ("MISC", "AUTH FAILURE", "28000"),
        }
        (config,) = stream_events(self._cluster, "CONFIG")
        assert params(config)["new"] == "21ms"
        (padded,) = [e for e in mine if (e["commandText"] or "").startswith(f"CREATE ROLE padded_{self._mark}")]
        assert is_whole(padded, self.padded) or is_short(padded, self.padded)


def is_whole(event, statement):
    return event["commandText"] == statement and "commandTextLength" not in event


def is_short(event, statement):
    return event["commandText"] == statement[:_SHORT_TEXT_BYTES] and event["commandTextLength"] == len(statement)


def dropped(watcher):
    return watcher.execute("SELECT dropped_events FROM activity_stream.status").fetchone()[0]


@contextlib.contextmanager
def held(injector):
    """The stream takes nothing until the block ends, nor does it refuse."""
    hold = injector.inject(faults.Hold())
    try:
        yield
    finally:
        hold.end()


def check_loss(cluster, consumer):
    """What was dropped is told, exactly, and nothing else is missing; how much it was."""
    rows = closed_windows(cluster, "ring full", timeout=60)
    cluster.settle()
    lost = status(cluster, "dropped_events")
    assert lost >= _DROPPED and sum(row["lost_events"] for row in rows) == lost
    cluster.reader.check_complete(twice_is_fine=True)
    assert verify_both(consumer, cluster)["losses"]["events"] == lost


@pytest.mark.parametrize("mode", ["async", "sync"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_act_of_a_session_is_told_while_eight_others_flood(flooded, injector, consumer, kind, mode):
    cluster = flooded(mode=mode)
    acts, light = Acts(cluster), secrets.token_hex(8)
    with cluster.connect() as session, held(injector), Flood(cluster, kind):
        wait_for(lambda: dropped(session) >= _DROPPED, lambda: f"{dropped(session)} events are dropped", timeout=120)
        acts.do(session)
        with cluster.connect(user="visitor") as other:
            for n in range(_LIGHT):
                other.execute(f"SELECT '{light} {n}'")
        before = dropped(session)
        wait_for(lambda: dropped(session) > before, "the flood goes on")
    check_loss(cluster, consumer)
    acts.check()
    if kind != "definitions":
        # Who publishes little is not refused for what the others publish.
        assert len({e["commandText"] for e in cluster.reader.events if light in (e["commandText"] or "")}) == _LIGHT
    if kind in ("failures", "definitions"):
        # The last ones that get in are told short.
        texts = [e for e in cluster.reader.events if e["dbUserName"] == FLOODER and e.get("commandTextLength")]
        assert texts and all(len(e["commandText"]) == _SHORT_TEXT_BYTES for e in texts)


def test_acts_are_told_in_time_while_a_slow_stream_takes_less_than_a_flood_brings(flooded, injector, consumer):
    cluster = flooded(max_in_flight="1")
    slow = injector.inject(faults.Delay(1))
    acts = [Acts(cluster) for _ in range(3)]
    with cluster.connect() as session, Flood(cluster, "distinct texts"):
        for act in acts:
            before = dropped(session)
            wait_for(lambda b=before: dropped(session) >= b + _DROPPED, "events are dropped", timeout=120)
            act.do(session)
    slow.end()
    check_loss(cluster, consumer)
    for act in acts:
        act.check()
