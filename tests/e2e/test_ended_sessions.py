"""Sessions that end before their time by an administrator, a timeout, a lost client: one failure, then DISCONNECT."""

import pytest

from rawpg import RawSession, errors
from told import brief, ended, failures, outcomes, waits

SLEEP = "SELECT pg_sleep(600)"


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    cluster.execute("CREATE TABLE thing (id int PRIMARY KEY, n int)", "INSERT INTO thing VALUES (1, 1), (2, 2)")


def last_words(cluster, pid):
    ended(cluster, pid)
    return cluster.session_events(pid)


def test_a_statement_ended_by_an_administrator_is_one_failure_and_then_the_session_ends(cluster, send):
    with RawSession(cluster.port) as session:
        send(session, SLEEP)
        waits(cluster, session.pid, "PgSleep")
        cluster.execute(f"SELECT pg_terminate_backend({session.pid})")
        assert errors(session.until_closed()) == ["57P01"]
    *_, failure, last = last_words(cluster, session.pid)
    assert [e["command"] for e in last_words(cluster, session.pid)] == ["CONNECT", "SELECT", "DISCONNECT"]
    assert (failure["exitCode"], failure["commandText"], failure["statementId"]) == ("57P01", SLEEP, 2)
    assert failure["errorMessage"] == "terminating connection due to administrator command"
    assert last["exitCode"] == "1"


def test_a_statement_deep_inside_ended_by_an_administrator_is_one_failure(cluster, send):
    statement = "DO 'BEGIN BEGIN PERFORM pg_sleep(600); EXCEPTION WHEN OTHERS THEN NULL; END; END'"
    with RawSession(cluster.port) as session:
        send(session, statement)
        waits(cluster, session.pid, "PgSleep")
        cluster.execute(f"SELECT pg_terminate_backend({session.pid})")
        assert errors(session.until_closed()) == ["57P01"]
    events = last_words(cluster, session.pid)
    assert outcomes(failures(events[:-1])) == [("57P01", statement)], brief(events)
    assert events[-1]["command"] == "DISCONNECT"


@pytest.mark.parametrize("state", ["idle", "idle in transaction", "idle in aborted transaction"])
def test_an_idle_session_ended_by_an_administrator_tells_it_at_its_end(cluster, state):
    with RawSession(cluster.port) as session:
        if state != "idle":
            session.run("BEGIN")
        if "aborted" in state:
            session.run("SELECT 1 / 0")
        cluster.execute(f"SELECT pg_terminate_backend({session.pid})")
        session.until_closed()
    events = last_words(cluster, session.pid)
    told = [e["command"] for e in events if "administrator" in (e["errorMessage"] or "")]
    assert told == ["DISCONNECT"], brief(events)
    assert (events[-1]["command"], events[-1]["exitCode"]) == ("DISCONNECT", "1")


@pytest.mark.parametrize(
    ("setting", "begin", "message"),
    [
        ("idle_in_transaction_session_timeout", True, "terminating connection due to idle-in-transaction timeout"),
        ("idle_session_timeout", False, "terminating connection due to idle-session timeout"),
    ],
)
def test_a_session_that_is_idle_for_too_long_tells_it_at_its_end(cluster, setting, begin, message):
    with RawSession(cluster.port) as session:
        if begin:
            session.run("BEGIN")
        session.run(f"SET {setting} = '50ms'")
        session.until_closed()
    events = last_words(cluster, session.pid)
    assert [e["command"] for e in events if e["errorMessage"] == message] == ["DISCONNECT"]
    assert events[-1]["exitCode"] == "1"


def test_a_dropped_database_ends_its_sessions_with_one_failure_each(cluster):
    cluster.execute("CREATE DATABASE dropped")
    with RawSession(cluster.port, database="dropped") as session:
        session.query(SLEEP)
        waits(cluster, session.pid, "PgSleep")
        cluster.execute("DROP DATABASE dropped WITH (FORCE)")
        session.until_closed()
    events = last_words(cluster, session.pid)
    assert outcomes(events)[1:-1] == [("57P01", SLEEP)]
    assert {e["databaseName"] for e in events} == {"dropped"}


@pytest.mark.parametrize("message", [("B", b"broken"), ("?", b"")], ids=["a malformed message", "an unknown message"])
def test_a_client_that_breaks_the_protocol_has_one_failure(cluster, message):
    with RawSession(cluster.port) as session:
        session.run("SELECT 'before'")
        session.send(*message).sync()
        told = errors(session.until("ZE"))
        session.close_socket()
    assert told == ["08P01"]
    events = last_words(cluster, session.pid)
    assert len([e for e in events if e["errorMessage"]]) == 1, brief(events)
    assert events[-1]["command"] == "DISCONNECT"


def test_a_client_that_vanishes_while_its_statement_runs_has_its_statement_told(cluster):
    statement = "UPDATE thing SET n = n + 1 WHERE id = 2"
    with cluster.connect() as holder, holder.transaction():
        holder.execute("SELECT 1 FROM thing WHERE id = 2 FOR UPDATE")
        with RawSession(cluster.port) as session:
            session.query(statement)
            waits(cluster, session.pid, "transactionid")
            session.close_socket()
    events = last_words(cluster, session.pid)
    assert outcomes(e for e in events if e["commandText"] == statement) == [(None, statement)]
    assert events[-1]["command"] == "DISCONNECT"
