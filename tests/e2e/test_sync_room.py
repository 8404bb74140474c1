"""Sync mode: who publishes faster than is delivered waits for room in the ring, in the midst of a statement."""

import pytest

import faults
from frozen import NOT_DURABLE, REFUSED, timed
from rawpg import RawSession, errors, warnings
from sync_waiting import COUNT

_RING = {"ring_size": "4MB", "spool_max_size": "0"}
_ROWS = 20_000
_CANCELED = "57014"
_SETUP = (
    "CREATE TABLE fact (n text)",
    # Some 700 bytes an event, in the ring.
    "CREATE FUNCTION many(rows int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..rows LOOP"
    f" INSERT INTO fact VALUES (i || '{'x' * 200}'); END LOOP; END $$",
    "CREATE FUNCTION whatever(rows int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM many(rows);"
    " EXCEPTION WHEN OTHERS THEN RAISE WARNING 'caught'; END $$",
)
_BY_TRIGGER = (
    "CREATE TABLE source (n int)",
    "CREATE FUNCTION copied() RETURNS trigger LANGUAGE plpgsql AS"
    f" $$ BEGIN INSERT INTO fact VALUES (NEW.n || '{'x' * 200}'); RETURN NEW; END $$",
    "CREATE TRIGGER copied AFTER INSERT ON source FOR EACH ROW EXECUTE FUNCTION copied()",
)


@pytest.fixture
def make(make_sync):
    def made(**settings):
        server = make_sync(**(_RING | settings))
        server.cluster.execute(*_SETUP)
        return server

    return made


@pytest.mark.parametrize(
    "statements",
    [
        (f"SELECT many({_ROWS})",),
        (f"DO $$ BEGIN PERFORM many({_ROWS}); END $$",),
        ("BEGIN", f"SELECT many({_ROWS})", "COMMIT"),
        (f"INSERT INTO source SELECT generate_series(1, {_ROWS})",),
        (f"COPY (SELECT many({_ROWS})) TO STDOUT",),
    ],
    ids=["function", "DO", "block", "triggers", "COPY"],
)
def test_what_publishes_more_than_the_ring_holds_waits_and_loses_nothing(make, statements):
    server = make(on_failure="fail_operation")
    server.cluster.execute(*_BY_TRIGGER)
    server.injector.inject(faults.Delay(0.1))
    with RawSession(server.cluster.port) as session:
        for statement in statements:
            assert errors(session.run(statement)) == []
    assert server.sees(COUNT) == _ROWS
    assert server.status("dropped_events") == 0
    assert server.windows() == []
    server.injector.clear()
    server.delivered()
    server.reader.poll()
    server.reader.check_complete()
    assert sum(e["command"] == "INSERT" and e["objectName"] == "public.fact" for e in server.reader.events) == _ROWS


def test_a_statement_that_waits_for_room_can_be_cancelled_and_leaves_nothing(make):
    server = make(sync_timeout="5s")
    with RawSession(server.cluster.port) as session, server.frozen():
        session.query(f"SELECT many({_ROWS})")
        server.waits(session.pid)
        server.cancel(session)
        # Its failure is an event, too, and is waited for in vain.
        assert errors(session.answer()) == [_CANCELED]
        assert server.sees(COUNT) == 0


def test_statement_timeout_ends_a_wait_for_room_as_it_ends_the_statement(make):
    server = make(sync_timeout="3s")
    with RawSession(server.cluster.port) as session, server.frozen():
        session.run("SET statement_timeout = '1s'")
        assert errors(session.run(f"SELECT many({_ROWS})")) == [_CANCELED]


def test_where_no_room_comes_in_time_the_statement_goes_on_with_one_warning(make):
    server = make(sync_timeout="500ms")
    with RawSession(server.cluster.port) as session, server.frozen():
        messages, seconds = timed(lambda: session.query(f"SELECT many({_ROWS})").until("Z"))
        assert (errors(messages), warnings(messages)) == ([], [NOT_DURABLE])
        assert seconds < 30
        assert server.sees(COUNT) == _ROWS
        server.unhealthy()
    server.healthy()


@pytest.mark.parametrize("function", ["many", "whatever"])
def test_where_no_room_comes_in_time_the_commit_is_refused_and_no_function_can_catch_that(make, function):
    server = make(sync_timeout="500ms", on_failure="fail_operation")
    with RawSession(server.cluster.port) as session, server.frozen():
        messages = session.run(f"SELECT {function}({_ROWS})")
        assert errors(messages)[-1:] == [REFUSED]
        assert server.sees(COUNT) == 0
    server.healthy()
