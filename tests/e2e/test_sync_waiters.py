"""Sync mode: every wait ends, whatever ends it, and what that does to the transaction."""

import signal

import pytest

from frozen import NOT_DURABLE, NOTICED_SECONDS, gone, timed
from rawpg import RawSession, errors, warnings
from sync_waiting import COUNT, INSERT, logged_in, make_server, outcome, server, wait, waiting
from waiting import wait_for

_SESSIONS = 20
# A server that starts again after a crash.
_RESTART_SECONDS = 30


@pytest.mark.parametrize(
    ("statement", "before"),
    [(INSERT, ()), (INSERT, ("BEGIN",)), ("COMMIT", ("BEGIN", INSERT)), ("ROLLBACK", ("BEGIN", INSERT))],
    ids=["alone", "in a block", "COMMIT", "ROLLBACK"],
)
@pytest.mark.parametrize("mode", ["continue", "fail_operation"])
def test_a_termination_ends_the_session_and_rolls_back(make_server, mode, statement, before):
    server = make_server(on_failure=mode, sync_timeout="3s")
    session = waiting(server, statement, before)
    server.terminate(session)
    got, seconds = timed(session.until_closed)
    assert [m.fields["C"] for m in got if m.kind == "E"] == ["57P01"]
    gone(session.pid)
    # Its logout waits as long as any other.
    assert seconds < 3 + NOTICED_SECONDS
    assert server.sees(COUNT) == 0


def test_a_client_that_vanishes_leaves_no_session_behind(make_server):
    server = make_server(sync_timeout="2s")
    session = waiting(server)
    session.close_socket()
    # The wait of the statement, then that of the logout.
    gone(session.pid, within=2 + 2 + NOTICED_SECONDS)


def test_a_fast_shutdown_ends_the_waits(make_server):
    server = make_server(sync_timeout="3s", shutdown_timeout="1s")
    sessions = wait(server, logged_in(server, 3))
    _, seconds = timed(lambda: server.cluster.stop("fast"))
    assert seconds < 3 + 1 + 2 * NOTICED_SECONDS
    for session in sessions:
        assert "57P01" in [m.fields["C"] for m in session.until_closed() if m.kind == "E"]


# Ends of others


def test_a_killed_worker_ends_the_waits_by_the_restart_of_the_server(server):
    sessions = wait(server, logged_in(server, 3))
    worker = server.status("worker_pid")
    server.cluster.kill(worker)
    for session in sessions:
        _, seconds = timed(session.until_closed)
        assert seconds < _RESTART_SECONDS
    server.thaw()
    server.watch_anew()
    assert server.sees(COUNT) == 0
    with RawSession(server.cluster.port) as session:
        assert not errors(session.run(INSERT))
    assert server.sees(COUNT) == 1
    server.healthy()


def test_the_end_of_the_postmaster_ends_the_waits(server):
    sessions = wait(server, logged_in(server, _SESSIONS))
    _, seconds = timed(server.cluster.kill_postmaster)
    assert seconds < NOTICED_SECONDS
    for session in sessions:
        assert not [m for m in session.until_closed() if m.kind in "CZ"]
    server.cluster.start()
    server.thaw()
    server.watch_anew()
    assert server.sees(COUNT) == 0


def test_a_worker_that_stands_still_holds_sessions_up_for_sync_timeout_and_not_longer(make_server):
    server = make_server(sync_timeout="1s")
    worker = server.status("worker_pid")
    with RawSession(server.cluster.port) as session:
        server.delivered()
        server.cluster.kill(worker, signal.SIGSTOP)
        try:
            got, seconds = timed(lambda: session.query(INSERT).until("Z"))
            assert (errors(got), warnings(got)) == ([], [NOT_DURABLE])
            assert 1 <= seconds < 1 + NOTICED_SECONDS
            _, seconds = timed(lambda: [session.run(INSERT) for _ in range(20)])
            assert seconds < NOTICED_SECONDS
        finally:
            server.cluster.kill(worker, signal.SIGCONT)
        over = [("not durable in time", True, 0)]
        wait_for(lambda: server.windows() == over, lambda: f"the window is over: {server.windows()}")
        assert server.waits_of(lambda: session.run(INSERT)) == 1
    assert server.sees(COUNT) == 22


@pytest.mark.parametrize("mode", ["async", "off"])
def test_another_mode_lets_those_go_that_wait(make_server, mode):
    server = make_server(sync_timeout="8s")
    sessions = logged_in(server, _SESSIONS)
    server.freeze()
    with server.changing(mode=mode):
        # The change is in force when sync_timeout is over, so before the time of those is over who begin to wait now.
        wait_for(lambda: server.status("config_pending"), "the change is pending")
        wait(server, sessions)
    for session in sessions:
        assert outcome(session) == ([], [])
    assert server.sees(COUNT) == _SESSIONS


def test_when_one_has_waited_in_vain_all_are_let_go(make_server):
    server = make_server(sync_timeout="6s")
    first, *others = logged_in(server, 1 + _SESSIONS)
    wait(server, [first])
    begun = f"SELECT now() - query_start >= '3 s' FROM pg_stat_activity WHERE pid = {first.pid}"
    wait_for(lambda: server.sees(begun), "the first has waited half of the time")
    wait(server, others)
    # Each by itself would wait for six seconds from now.
    got, seconds = timed(lambda: [session.until("Z") for session in (first, *others)])
    assert seconds < 5
    assert [(errors(m), warnings(m)) for m in got] == [([], [NOT_DURABLE])] * (1 + _SESSIONS)


def test_a_statement_that_began_before_the_mode_was_changed_waits_for_nothing(make_server):
    server = make_server(sync_timeout="3s")
    (session,) = logged_in(server)
    server.sees("SELECT pg_advisory_lock(1) IS NULL")
    server.freeze()
    session.query("SELECT pg_advisory_lock(1)")
    kind = f"SELECT wait_event_type FROM pg_stat_activity WHERE pid = {session.pid}"
    wait_for(lambda: server.sees(kind) == "Lock", "it waits for the lock")
    server.reload(mode="async")
    server.sees("SELECT pg_advisory_unlock(1)")
    assert outcome(session) == ([], [])
    assert server.windows() == []
