"""Sync mode with on_failure = continue: one session waits in vain, then nobody waits until the stream is healthy again."""

import time

import pytest

import faults
from accounts import gap_ends, missing, params, stream_events
from frozen import NOT_DURABLE, NOTICED_SECONDS, timed
from rawpg import RawSession, errors, warnings
from waiting import wait_for

_TIMEOUT_SECONDS = 2
_STATEMENTS = 200
_INSERT = "INSERT INTO fact VALUES ('{mark}')"


@pytest.fixture
def server(make_sync):
    server = make_sync(sync_timeout=f"{_TIMEOUT_SECONDS}s")
    server.cluster.execute("CREATE TABLE fact (mark text)")
    return server


def runs(session, text):
    """It succeeds; the warnings."""
    got = session.query(text).until("Z")
    assert errors(got) == [], text
    return warnings(got)


def test_after_one_wait_in_vain_nobody_waits_until_the_stream_is_healthy_again(server):
    texts = [_INSERT.format(mark=f"unhealthy {number}") for number in range(_STATEMENTS)]
    with RawSession(server.cluster.port) as first, RawSession(server.cluster.port) as second:
        with server.frozen():
            warned, seconds = timed(lambda: runs(first, "SELECT 'in vain'"))
            assert warned == [NOT_DURABLE]
            assert _TIMEOUT_SECONDS <= seconds < _TIMEOUT_SECONDS + NOTICED_SECONDS
            begun = server.status("sync_waits")
            warned, seconds = timed(lambda: [w for text in texts for w in runs(first, text) + runs(second, text)])
            assert warned == []
            assert seconds < _STATEMENTS * _TIMEOUT_SECONDS / 20
            server.unhealthy()
            assert server.status("sync_waits") == begun
        server.healthy()
        text = _INSERT.format(mark="healthy again")
        assert server.waits_of(lambda: runs(first, text)) == 1
        assert server.all_is_on_the_stream()
    assert server.sees("SELECT count(*) FROM fact") == 2 * _STATEMENTS + 1
    assert not missing(server.cluster, ["SELECT 'in vain'", *texts, text])
    assert server.windows() == [("not durable in time", True, 0)]
    assert server.status("lost_events") == 0
    assert len(server.cluster.log_lines("WARNING", NOT_DURABLE)) == 1
    server.cluster.settle()
    server.reader.check_complete(twice_is_fine=True)


def test_the_window_is_told_in_the_log_and_on_the_stream(server):
    with RawSession(server.cluster.port) as session, server.frozen():
        runs(session, "SELECT 'in vain'")
        server.unhealthy()
        wait_for(lambda: server.cluster.log_lines("WARNING", "AS002"), "the log tells of the window")
        assert len(server.cluster.log_lines("DETAIL", "not durable in time")) == 1
    server.healthy()
    gap_ends(server.cluster)
    (begin,), (end,) = (stream_events(server.cluster, f"GAP {part}") for part in ("BEGIN", "END"))
    assert params(begin)["window"] == params(end)["window"]
    assert {params(event)["reason"] for event in (begin, end)} == {"not durable in time"}
    assert params(end)["count"] == "0"
    wait_for(lambda: len(server.cluster.log_lines("WARNING", "AS002")) == 2, "the log tells of its end")


def test_the_statement_that_waits_in_vain_is_committed_whole(server):
    with RawSession(server.cluster.port) as session, server.frozen():
        with session.batch():
            for number in range(10):
                session.statement(_INSERT.format(mark=number))
            session.sync()
        got = session.until("Z")
        assert (errors(got), warnings(got)) == ([], [NOT_DURABLE])
        assert server.sees("SELECT count(*) FROM fact") == 10


def test_a_block_waits_in_vain_once_and_not_at_each_of_its_statements(server):
    insert = _INSERT.format(mark="in a block")
    with RawSession(server.cluster.port) as session, server.frozen():
        warned, seconds = timed(
            lambda: [runs(session, text) for text in ("BEGIN", insert, insert, "SELECT 1", "COMMIT")]
        )
        assert warned == [[NOT_DURABLE], [], [], [], []]
        assert seconds < _TIMEOUT_SECONDS + NOTICED_SECONDS
        assert server.sees("SELECT count(*) FROM fact") == 2


def test_logins_go_on_at_once_while_the_window_is_open(server):
    def log_in_and_out():
        for _ in range(5):
            with RawSession(server.cluster.port) as session:
                runs(session, "SELECT 1")
            session.close_socket()

    with RawSession(server.cluster.port) as session, server.frozen():
        runs(session, "SELECT 'in vain'")
        server.unhealthy()
        _, seconds = timed(log_in_and_out)
        assert seconds < _TIMEOUT_SECONDS


def test_a_stream_that_stays_too_slow_is_one_window(server):
    """What it takes becomes durable, always too late: no session waits, and nothing flaps."""
    with RawSession(server.cluster.port) as session:
        slow = server.injector.inject(faults.Delay(1.5 * _TIMEOUT_SECONDS))
        assert runs(session, "SELECT 'in vain'") == [NOT_DURABLE]
        server.unhealthy()
        begun, waits, acked = time.monotonic(), server.status("sync_waits"), server.status("acked_events")
        while time.monotonic() - begun < 4 * _TIMEOUT_SECONDS:
            _, seconds = timed(lambda: runs(session, _INSERT.format(mark='x')))
            assert seconds < _TIMEOUT_SECONDS / 2
            (window,) = server.windows()
            assert window[:2] == ("not durable in time", False)
        assert server.status("sync_waits") == waits
        assert server.status("acked_events") > acked
        slow.end()
        server.healthy()
        assert len(server.windows()) == 1
        assert server.waits_of(lambda: runs(session, _INSERT.format(mark='x'))) == 1
    assert server.status("lost_events") == 0


def test_it_happens_again_with_a_window_of_its_own(server):
    with RawSession(server.cluster.port) as session:
        for number in range(2):
            with server.frozen():
                assert runs(session, f"SELECT 'in vain {number}'") == [NOT_DURABLE]
                server.unhealthy()
            server.healthy()
    assert server.windows() == [("not durable in time", True, 0)] * 2


def test_a_window_closes_on_a_server_where_nothing_happens(server):
    with RawSession(server.cluster.port) as session, server.frozen():
        runs(session, "SELECT 'in vain'")
        server.unhealthy()
    server.healthy()
    assert server.windows() == [("not durable in time", True, 0)]


def test_what_counts_as_durable_in_the_spool_needs_no_stream(make_sync):
    server = make_sync(sync_timeout=f"{_TIMEOUT_SECONDS}s", durability="spool")
    with RawSession(server.cluster.port) as session:
        server.injector.inject(faults.Hold())
        waits = server.status("sync_waits")
        for number in range(20):
            assert runs(session, f"SELECT 'to the spool {number}'") == []
        assert server.status("sync_waits") == waits + 20
        assert server.windows() == []
        server.injector.clear()
    server.cluster.settle()
    server.reader.check_complete(twice_is_fine=True)


def test_events_that_are_lost_are_counted_in_a_window_of_their_own(make_sync):
    """Nobody waits while the stream is unhealthy, so the ring fills; both windows are told."""
    server = make_sync(sync_timeout="500ms", ring_size="4MB", spool_max_size="0")
    with RawSession(server.cluster.port) as session, server.frozen():
        for _ in range(300):
            runs(session, f"SELECT length('{'x' * 50_000}')")
        server.unhealthy()
        assert {window[0] for window in server.windows()} == {"not durable in time", "ring full"}
    server.healthy()
    assert {window[:2] for window in server.windows()} == {("not durable in time", True), ("ring full", True)}
    lost = server.status("dropped_events")
    assert lost > 0
    assert [w[2] for w in server.windows("WHERE reason = 'ring full'")] == [lost]
