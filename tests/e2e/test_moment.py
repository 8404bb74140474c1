"""The moment: an event is in the ring before the client can have read the completion of the rows that it tells of.

The client reads the completion without a Sync, so nothing that comes later can have told it; then another session
publishes an event, and its place is behind.
"""

import pytest

from rawpg import RawSession, errors
from told import after_all_of_this, counts, ended, so_far, texts

TEN = "SELECT g FROM generate_series(1, 10) g"


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    cluster.execute("CREATE TABLE thing (id int PRIMARY KEY)")


def test_a_completion_comes_after_its_event(cluster):
    with cluster.connect() as witness, RawSession(cluster.port) as session:
        session.statement(TEN).flush().until("C")
        bound = after_all_of_this(cluster, witness)
        # The session is still where it was: no Sync, nothing committed.
        event = so_far(cluster, session.pid, 1)[0]
        assert (event["rowCount"], event["sequence"] < bound) == (10, True)
    assert counts(ended(cluster, session.pid)) == [("SELECT", 10)]


def test_a_suspension_comes_after_the_first_parts_event(cluster):
    with cluster.connect() as witness, RawSession(cluster.port) as session:
        session.statement(TEN, rows=6).flush().until("s")
        bound = after_all_of_this(cluster, witness)
        event = so_far(cluster, session.pid, 1)[0]
        assert (event["rowCount"], event["sequence"] < bound) == (6, True)
        session.execute().flush().until("C")
        bound = after_all_of_this(cluster, witness)
        event = so_far(cluster, session.pid, 2)[1]
        assert (event["rowCount"], event["sequence"] < bound) == (10, True)
    assert counts(ended(cluster, session.pid)) == [("SELECT", 6), ("SELECT", 10)]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO thing VALUES (200)",
        "UPDATE thing SET id = 201 WHERE id = 200",
        "DELETE FROM thing WHERE id = 201",
        "SET work_mem = '4MB'",
        "CREATE TABLE momentary (a int)",
        "DROP TABLE momentary",
        "BEGIN",
    ],
)
def test_the_completion_of_any_statement_comes_after_its_event(cluster, statement):
    with cluster.connect() as witness, RawSession(cluster.port) as session:
        session.statement(statement).flush().until("C")
        bound = after_all_of_this(cluster, witness)
        event = so_far(cluster, session.pid, 1)[0]
        assert (event["commandText"], event["sequence"] < bound) == (statement, True)
        session.sync().answer()
    assert texts(ended(cluster, session.pid)) == [statement]


def test_completions_in_the_middle_of_a_query_string_come_after_their_events(cluster):
    with cluster.connect() as witness, RawSession(cluster.port) as session:
        # The second statement's rows push the first one's completion out of the server's buffer.
        session.query("DELETE FROM thing WHERE id = 0; SELECT repeat('x', 100000); SELECT pg_sleep(600)")
        session.until("C")
        bound = after_all_of_this(cluster, witness)
        event = so_far(cluster, session.pid, 1)[0]
        assert (event["command"], event["sequence"] < bound) == ("DELETE", True)
        session.cancel()
        assert errors(session.answer()) == ["57014"]
