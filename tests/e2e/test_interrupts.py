"""Statements that something else ends: cancels, timeouts, deadlocks, conflicts; one failure each."""

import pytest

from rawpg import RawSession, errors
from told import brief, ended, failures, ids, kind_of, outcomes, record_raw, waits

SLEEP = "SELECT pg_sleep(600)"


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    cluster.execute("CREATE TABLE thing (id int PRIMARY KEY, n int)", "INSERT INTO thing VALUES (1, 1), (2, 2)")


@pytest.mark.parametrize(
    "statement", [SLEEP, "DO 'BEGIN PERFORM pg_sleep(600); END'", "COPY (SELECT pg_sleep(600)) TO STDOUT"]
)
def test_a_statement_that_its_client_cancels_is_one_failure(cluster, send, statement):
    with RawSession(cluster.port) as session:
        send(session, statement)
        waits(cluster, session.pid, "PgSleep")
        session.cancel()
        assert errors(session.answer()) == ["57014"]
        session.run("SELECT 'next'")
    events = ended(cluster, session.pid)
    failed = failures(events)
    assert outcomes(failed) == [("57014", statement)]
    assert failed[0]["errorMessage"] == "canceling statement due to user request"
    assert failed[0]["statementId"] == 2
    assert (events[-1]["commandText"], events[-1]["statementId"]) == ("SELECT 'next'", 3)


def test_a_statement_that_another_session_cancels_is_one_failure_of_its_own(cluster, send):
    with RawSession(cluster.port) as session:
        send(session, SLEEP)
        waits(cluster, session.pid, "PgSleep")
        other = cluster.record(lambda s: s.execute(f"SELECT pg_cancel_backend({session.pid})"))
        assert errors(session.answer()) == ["57014"]
    assert outcomes(ended(cluster, session.pid)) == [("57014", SLEEP)]
    assert not failures(other)


def test_a_cancel_that_finds_nothing_to_cancel_is_no_event(cluster):
    def idle(session):
        session.run("SELECT 'before'")
        session.cancel()
        session.run("SELECT 'after'")

    events = record_raw(cluster, idle)
    assert outcomes(events) == [(None, "SELECT 'before'"), (None, "SELECT 'after'")]
    assert ids(events) == [(2, 1), (3, 1)]


@pytest.mark.parametrize(
    ("setting", "statement", "sqlstate", "message"),
    [
        ("statement_timeout = '50ms'", SLEEP, "57014", "canceling statement due to statement timeout"),
        ("statement_timeout = '50ms'", "UPDATE thing SET n = 5 WHERE id = 1", "57014", "due to statement timeout"),
        (
            "lock_timeout = '50ms'",
            "UPDATE thing SET n = 5 WHERE id = 1",
            "55P03",
            "canceling statement due to lock timeout",
        ),
        (
            "lock_timeout = '50ms'",
            "DELETE FROM thing WHERE id = 1",
            "55P03",
            "canceling statement due to lock timeout",
        ),
        ("lock_timeout = '50ms'", "TRUNCATE thing", "55P03", "canceling statement due to lock timeout"),
        ("lock_timeout = '50ms'", "LOCK TABLE thing", "55P03", "canceling statement due to lock timeout"),
        (
            "lock_timeout = 0",
            "SELECT n FROM thing WHERE id = 1 FOR UPDATE NOWAIT",
            "55P03",
            "could not obtain lock on row",
        ),
        ("lock_timeout = 0", "LOCK TABLE thing NOWAIT", "55P03", "could not obtain lock on relation"),
    ],
)
def test_a_timeout_is_one_failure_that_names_what_a_success_would(
    cluster, send, setting, statement, sqlstate, message
):
    def wait(session):
        session.run(f"SET {setting}")
        session.run("BEGIN")
        send(session, statement)
        assert errors(session.answer()) == [sqlstate]
        session.run("ROLLBACK")

    with cluster.connect() as holder, holder.transaction():
        holder.execute("UPDATE thing SET n = n WHERE id = 1")
        events = record_raw(cluster, wait)
    failed = failures(events)
    assert outcomes(failed) == [(sqlstate, statement)]
    assert message in failed[0]["errorMessage"]
    assert ids(failed) == [(4, 1)]
    assert events[-1]["statementId"] == 5
    if statement != SLEEP:
        success = record_raw(cluster, lambda s: [s.run(text) for text in ("BEGIN", statement, "ROLLBACK")])
        assert kind_of(failed[0]) == kind_of(next(e for e in success if e["commandText"] == statement))


def test_a_deadlock_is_one_failure_of_its_victim(cluster, send):
    with RawSession(cluster.port) as winner, RawSession(cluster.port) as victim:
        winner.run("SET deadlock_timeout = '1h'")
        victim.run("SET deadlock_timeout = '20ms'")
        for session, number in ((winner, 1), (victim, 2)):
            session.run("BEGIN")
            session.run(f"UPDATE thing SET n = n WHERE id = {number}")
        send(winner, "UPDATE thing SET n = n WHERE id = 2")
        waits(cluster, winner.pid, "transactionid")
        send(victim, "UPDATE thing SET n = n WHERE id = 1")
        assert errors(victim.answer()) == ["40P01"]
        assert errors(winner.answer()) == []
        for session in (winner, victim):
            session.run("ROLLBACK")
    assert not failures(ended(cluster, winner.pid))
    failed = failures(ended(cluster, victim.pid))
    assert outcomes(failed) == [("40P01", "UPDATE thing SET n = n WHERE id = 1")]
    assert brief(failed) == [("WRITE", "UPDATE", "public.thing", None, "40P01")]
    assert (failed[0]["errorMessage"], failed[0]["statementId"]) == ("deadlock detected", 5)


def test_a_serialization_failure_is_one_failure(cluster, send):
    with RawSession(cluster.port) as session:
        session.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
        session.run("SELECT n FROM thing")
        cluster.execute("UPDATE thing SET n = n + 1 WHERE id = 1")
        send(session, "UPDATE thing SET n = 0 WHERE id = 1")
        assert errors(session.answer()) == ["40001"]
        session.run("ROLLBACK")
    failed = failures(ended(cluster, session.pid))
    assert brief(failed) == [("WRITE", "UPDATE", "public.thing", None, "40001")]
    assert failed[0]["statementId"] == 4
