"""break_glass_roles: who still works while the stream is unhealthy and everybody else is refused, and that this is told."""

import pytest

from conftest import sync_server
from frozen import NOTICED_SECONDS, REFUSED, timed
from rawpg import RawSession, Refused, errors, warnings

_TIMEOUT_SECONDS = 1
_INSERT = "INSERT INTO fact VALUES ('{mark}')"
_COUNT = "SELECT count(*) FROM fact WHERE mark = '{mark}'"


@pytest.fixture(scope="module")
def server(installation, aws, alias):
    settings = {
        "sync_timeout": f"{_TIMEOUT_SECONDS}s",
        "on_failure": "fail_operation",
        "break_glass_roles": "fireman, trainee",
    }
    with sync_server(installation, aws, alias, **settings) as server:
        server.cluster.execute(
            "CREATE TABLE fact (mark text)",
            "GRANT ALL ON fact TO PUBLIC",
            "CREATE ROLE fireman LOGIN SUPERUSER",
            "CREATE ROLE trainee LOGIN",
        )
        yield server


def by_socket(server, **startup):
    return RawSession(server.cluster.port, host=str(server.cluster.folder), **startup)


def by_tcp(server, **startup):
    return RawSession(server.cluster.port, **startup)


@pytest.fixture(scope="module")
def story(server):
    """Sessions from before the stream was frozen; it is known to be unhealthy."""
    sessions = {
        "fireman": by_socket(server, user="fireman").ready(),
        "fireman by TCP": by_tcp(server, user="fireman").ready(),
        "trainee": by_socket(server, user="trainee").ready(),
        "postgres": by_socket(server).ready(),
    }
    with server.frozen():
        assert errors(sessions["postgres"].run("INSERT INTO fact VALUES ('first')")) == [REFUSED]
        server.unhealthy()
        yield sessions
    server.healthy()


def test_a_break_glass_role_that_is_the_first_to_wait_in_vain_goes_on_with_a_warning(server):
    with by_socket(server, user="fireman") as session:
        with server.frozen():
            got, seconds = timed(lambda: session.query(_INSERT.format(mark="in vain")).until("Z"))
            assert (errors(got), warnings(got)) == ([], ["AS003"])
            assert _TIMEOUT_SECONDS <= seconds < _TIMEOUT_SECONDS + NOTICED_SECONDS
            assert server.sees(_COUNT.format(mark="in vain")) == 1
            server.unhealthy()
        server.healthy()
    server.cluster.wait_for_end(session.pid)
    assert told_of_glass(server, session.pid)


def told_of_glass(server, pid):
    """The events by which a session said that it goes on all the same."""
    broken = [e for e in server.cluster.session_events(pid) if e["command"] == "STREAM BREAK GLASS"]
    assert {e["class"] for e in broken} <= {"MISC"}
    return broken


@pytest.mark.parametrize("who", ["fireman by TCP", "trainee", "postgres"])
def test_everybody_else_is_refused(server, story, who):
    got, seconds = timed(lambda: story[who].run(_INSERT.format(mark=who)))
    assert errors(got) == [REFUSED]
    assert seconds < _TIMEOUT_SECONDS / 2
    assert errors(story[who].run("VACUUM fact")) == [REFUSED]
    assert server.sees(_COUNT.format(mark=who)) == 0


def test_a_break_glass_role_works_by_the_socket(server, story):
    session = story["fireman"]
    for statement in ("BEGIN", _INSERT.format(mark="in a block"), "COMMIT", _INSERT.format(mark="alone"), "VACUUM fact"):
        got, seconds = timed(lambda text=statement: session.query(text).until("Z"))
        assert (errors(got), warnings(got)) == ([], []), statement
        assert seconds < _TIMEOUT_SECONDS / 2, statement
    assert server.sees(_COUNT.format(mark="in a block")) == server.sees(_COUNT.format(mark="alone")) == 1


@pytest.mark.parametrize(
    ("connect", "user"), [(by_tcp, "postgres"), (by_socket, "postgres"), (by_tcp, "fireman"), (by_socket, "trainee")]
)
def test_a_login_of_everybody_else_is_refused(server, story, connect, user):
    session = connect(server, user=user)
    with pytest.raises(Refused) as refused:
        session.ready()
    assert refused.value.sqlstate == REFUSED


def test_a_break_glass_role_logs_in_by_the_socket(server, story):
    def work():
        with by_socket(server, user="fireman") as session:
            assert not errors(session.run(_INSERT.format(mark="logged in")))

    _, seconds = timed(work)
    assert seconds < _TIMEOUT_SECONDS
    assert server.sees(_COUNT.format(mark="logged in")) == 1


@pytest.mark.parametrize("setting", ["", "trainee", "firemen"])
def test_a_role_that_is_not_listed_any_more_is_refused(server, story, setting):
    server.reload(break_glass_roles=setting)
    try:
        # A session reads its settings again before its next statement.
        assert errors(story["fireman"].run(_INSERT.format(mark="not listed"))) == [REFUSED]
    finally:
        server.reload(break_glass_roles="fireman, trainee")
    assert not errors(story["fireman"].run(_INSERT.format(mark="listed")))
    assert server.sees(_COUNT.format(mark="not listed")) == 0


def test_a_session_that_only_calls_itself_so_is_refused(server, story):
    assert errors(story["postgres"].run("SET SESSION AUTHORIZATION fireman")) == [REFUSED]
    assert errors(story["postgres"].run(f"SET SESSION AUTHORIZATION fireman; {_INSERT.format(mark='disguised')}")) == [REFUSED]
    assert server.sees(_COUNT.format(mark="disguised")) == 0


def test_each_use_is_told_when_the_stream_takes_records_again(server, story):
    server.thaw()
    server.healthy()
    server.cluster.settle()
    told = [e for e in server.reader.events if e["command"] == "STREAM BREAK GLASS"]
    assert {e["dbUserName"] for e in told} == {"fireman"}
    assert {e["class"] for e in told} == {"MISC"}
    texts = {e["commandText"] for e in server.reader.events if e["dbUserName"] == "fireman"}
    assert {_INSERT.format(mark=mark) for mark in ("in a block", "alone", "logged in", "listed")} <= texts
