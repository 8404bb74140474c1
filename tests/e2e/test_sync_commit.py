"""Sync mode: nobody sees what a transaction did before its events are durable, in whatever shape it commits."""

import pytest

import sync_shapes
from conftest import sync_server
from rawpg import RawSession, errors
from sync_shapes import SHAPES
from waiting import wait_for


@pytest.fixture(scope="module")
def server(installation, aws, alias):
    with sync_server(installation, aws, alias, conf=sync_shapes.CONF) as server:
        server.cluster.execute(*sync_shapes.SETUP)
        yield server


@pytest.mark.parametrize("name", SHAPES)
def test_nothing_is_visible_before_it_is_durable(server, name):
    shape, mark = SHAPES[name], f"durable {name}"
    with RawSession(server.cluster.port) as session:
        shape.get_ready(session, mark)
        assert server.sees(shape.probe_for(mark)) == 0
        with server.frozen():
            shape.act(session, mark)
            server.waits(session.pid)
            assert server.sees(shape.probe_for(mark)) == 0
        assert not errors(session.answer())
        assert server.sees(shape.probe_for(mark)) == shape.seen
        assert server.all_is_on_the_stream()


@pytest.mark.parametrize("name", ["simple", "extended", "pipeline", "COMMIT", "CREATE TABLE", "fast path"])
def test_the_client_hears_nothing_before_it_is_durable(server, name):
    shape, mark = SHAPES[name], f"heard {name}"
    with RawSession(server.cluster.port) as session:
        shape.get_ready(session, mark)
        with server.frozen():
            shape.act(session, mark)
            server.waits(session.pid)
            assert not session.heard()
        assert not errors(session.answer())


def test_rows_of_a_block_are_not_visible_while_it_goes_on_and_after_its_rollback(server):
    count = "SELECT count(*) FROM fact WHERE mark = 'rolled back'"
    with RawSession(server.cluster.port) as session:
        session.run("BEGIN")
        session.run("INSERT INTO fact VALUES ('rolled back')")
        with server.frozen():
            session.query("ROLLBACK")
            server.waits(session.pid)
            assert server.sees(count) == 0
        assert not errors(session.answer())
    assert server.sees(count) == 0


def test_a_failure_is_durable_before_the_client_hears_of_it(server):
    with RawSession(server.cluster.port) as session:
        with server.frozen():
            session.query("INSERT INTO fact VALUES (1 / 0)")
            server.waits(session.pid)
            assert not session.heard()
        assert errors(session.answer()) == ["22012"]
        assert server.all_is_on_the_stream()


def test_a_listener_is_not_notified_before_the_notification_is_durable(server):
    with RawSession(server.cluster.port, user="watcher") as listener, RawSession(server.cluster.port) as session:
        listener.run("LISTEN news")
        with server.frozen():
            session.query("NOTIFY news")
            server.waits(session.pid)
            listener.run("SELECT 1")
            assert not listener.heard()
        assert not errors(session.answer())
        assert listener.until("A")[-1].kind == "A"


def test_a_row_stays_locked_until_the_commit_is_durable(server):
    server.cluster.execute("CREATE TABLE locked (id int)", "INSERT INTO locked VALUES (1)")
    with RawSession(server.cluster.port) as session, RawSession(server.cluster.port) as other:
        with server.frozen():
            session.query("UPDATE locked SET id = id + 1")
            server.waits(session.pid)
            other.query("UPDATE locked SET id = id + 10")
            kind = f"SELECT wait_event_type FROM pg_stat_activity WHERE pid = {other.pid}"
            wait_for(lambda: server.sees(kind) == "Lock", "the other session waits for the row")
        assert not errors(session.answer()) and not errors(other.answer())
    assert server.sees("SELECT id FROM locked") == 12
