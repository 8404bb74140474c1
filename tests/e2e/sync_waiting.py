"""Sessions of a sync server that wait for as long as a test likes."""

import pytest

from frozen import NOTICED_SECONDS, timed
from rawpg import RawSession, errors, warnings

INSERT = "INSERT INTO fact VALUES (1)"
COUNT = "SELECT count(*) FROM fact"


@pytest.fixture
def make_server(make_sync):
    def make(**settings):
        server = make_sync(**settings)
        server.cluster.execute("CREATE TABLE fact (id int)")
        return server

    return make


@pytest.fixture
def server(make_server):
    """Its sessions wait a minute, and go on then."""
    return make_server()


@pytest.fixture
def strict(make_server):
    """Its sessions wait a minute, and fail then."""
    return make_server(on_failure="fail_operation")


def logged_in(server, count=1, before=()):
    """Sessions that have done what comes before; while it is frozen none gets in."""
    sessions = [RawSession(server.cluster.port).ready() for _ in range(count)]
    for session in sessions:
        for text in before:
            assert not errors(session.run(text))
    return sessions


def wait(server, sessions, statement=INSERT):
    """They wait for their events to be durable, which they do not become."""
    if not server.is_frozen():
        server.freeze()
    for session in sessions:
        session.query(statement)
    for session in sessions:
        server.waits(session.pid)
    return sessions


def waiting(server, statement=INSERT, before=()):
    """One session that waits."""
    (session,) = wait(server, logged_in(server, before=before), statement)
    return session


def outcome(session):
    """Errors and warnings; at once."""
    got, seconds = timed(lambda: session.until("Z"))
    assert seconds < NOTICED_SECONDS
    return errors(got), warnings(got)
