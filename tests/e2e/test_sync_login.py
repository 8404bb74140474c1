"""Sync mode: logins, refused logins and logouts."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from frozen import NOT_DURABLE, NOTICED_SECONDS, gone, timed
from rawpg import RawSession, Refused, errors
from waiting import wait_for

_TIMEOUT_SECONDS = 2
_PASSWORD = "CREATE ROLE with_password LOGIN PASSWORD 'right'"


@pytest.fixture
def server(make_sync):
    """Its sessions wait a minute."""
    return make_sync()


@pytest.fixture
def impatient(make_sync):
    return make_sync(sync_timeout=f"{_TIMEOUT_SECONDS}s")


def begins_to_wait(server, run):
    """Until what `run` began has published an event, which is what it waits for; what is not yet logged in shows nowhere else."""
    before = server.status("published_events")
    started = run()
    wait_for(lambda: server.status("published_events") > before, "an event")
    return started


def told(server, command):
    """Events of that command that can be read at this moment."""
    server.reader.poll()
    return [e for e in server.reader.events if e["command"] == command]


def test_a_session_is_ready_when_its_login_is_on_the_stream(server):
    server.freeze()
    session = begins_to_wait(server, lambda: RawSession(server.cluster.port))
    while session.heard():
        assert session.read().kind == "R", "more than of its authentication"
    server.thaw()
    session.ready()
    assert session.pid in [e["pid"] for e in told(server, "CONNECT")]
    session.close_socket()


def test_what_the_client_sent_with_its_login_does_not_run_before_it_is_on_the_stream(server):
    server.cluster.execute("CREATE TABLE fact (id int)")
    server.freeze()
    session = begins_to_wait(server, lambda: RawSession(server.cluster.port).query("INSERT INTO fact VALUES (1)"))
    assert server.sees("SELECT count(*) FROM fact") == 0
    assert server.sees("SELECT count(*) FROM pg_locks WHERE relation = 'fact'::regclass AND pid <> pg_backend_pid()") == 0
    server.thaw()
    session.ready()
    assert not errors(session.answer())
    assert server.sees("SELECT count(*) FROM fact") == 1
    session.close_socket()


def test_a_login_against_a_stream_that_takes_nothing_is_let_in_after_sync_timeout(impatient):
    with impatient.frozen():
        session, seconds = timed(lambda: RawSession(impatient.cluster.port).ready())
        assert _TIMEOUT_SECONDS <= seconds < _TIMEOUT_SECONDS + NOTICED_SECONDS
        assert impatient.cluster.log_lines("WARNING", NOT_DURABLE)
        # The stream is known to be unhealthy now.
        _, seconds = timed(lambda: session.run("SELECT 1"))
        assert seconds < _TIMEOUT_SECONDS / 2
        session.close_socket()


REFUSED_LOGINS = {
    "no such database": ({"dbname": "nothing"}, "3D000", 'database "nothing" does not exist'),
    "no such role": ({"user": "nobody"}, "28000", 'role "nobody" does not exist'),
    "wrong password": (
        {"user": "with_password", "password": "wrong"},
        "28P01",
        'password authentication failed for user "with_password"',
    ),
    "pg_hba.conf": ({"user": "refused"}, "28000", "pg_hba.conf rejects connection"),
}


@pytest.mark.parametrize("name", REFUSED_LOGINS)
def test_a_login_is_refused_when_that_is_on_the_stream(server, name):
    startup, sqlstate, message = REFUSED_LOGINS[name]
    server.cluster.execute(_PASSWORD)
    over = threading.Event()

    def log_in():
        try:
            with pytest.raises(psycopg.OperationalError) as refused:
                # One attempt: without sslmode it comes again where it is refused.
                server.cluster.connect(sslmode="disable", gssencmode="disable", connect_timeout=60, **startup)
            return str(refused.value)
        finally:
            over.set()

    server.freeze()
    with ThreadPoolExecutor() as pool:
        try:
            answer = begins_to_wait(server, lambda: pool.submit(log_in))
            assert not over.wait(0.5), "it is refused before that is durable"
        finally:
            server.thaw()
        assert message in answer.result()
    (failure,) = told(server, "AUTH FAILURE")
    assert (failure["exitCode"], failure["dbUserName"]) == (sqlstate, startup.get("user", "postgres"))


@pytest.mark.parametrize("name", ["no such database", "pg_hba.conf"])
def test_a_rejection_against_a_stream_that_takes_nothing_is_sent_after_sync_timeout(impatient, name):
    startup, sqlstate, _ = REFUSED_LOGINS[name]
    given = {"database": startup["dbname"]} if "dbname" in startup else startup
    with impatient.frozen():

        def log_in():
            with pytest.raises(Refused) as refused:
                RawSession(impatient.cluster.port, **given).ready()
            return refused.value.sqlstate

        answer, seconds = timed(log_in)
        assert answer == sqlstate
        assert _TIMEOUT_SECONDS <= seconds < _TIMEOUT_SECONDS + NOTICED_SECONDS


def test_a_logout_against_a_stream_that_takes_nothing_is_over_after_sync_timeout(impatient):
    sessions = [RawSession(impatient.cluster.port).ready() for _ in range(10)]
    with impatient.frozen():
        for session in sessions:
            session.terminate()
        for session in sessions:
            gone(session.pid, within=_TIMEOUT_SECONDS + NOTICED_SECONDS)
    impatient.healthy()
    for session in sessions:
        impatient.cluster.wait_for_end(session.pid)


def test_a_logout_is_over_when_it_is_on_the_stream(server):
    session = RawSession(server.cluster.port).ready()
    server.freeze()
    begins_to_wait(server, session.terminate)
    assert not session.heard()
    server.thaw()
    assert session.until_closed() == []
    gone(session.pid)
    assert session.pid in [e["pid"] for e in told(server, "DISCONNECT")]


def test_a_session_that_is_terminated_while_it_logs_in_is_over(impatient):
    with impatient.frozen():
        session = begins_to_wait(impatient, lambda: RawSession(impatient.cluster.port))
        clients = "backend_type = 'client backend' AND pid <> pg_backend_pid()"
        pid = impatient.sees(f"SELECT pid FROM pg_stat_activity WHERE {clients}")
        impatient.cluster.kill(pid, signal.SIGTERM)
        # Its CONNECT and its DISCONNECT are waited for.
        gone(pid, within=2 * _TIMEOUT_SECONDS + NOTICED_SECONDS)
        assert "57P01" in [m.fields["C"] for m in session.until_closed() if m.kind == "E"]


# ProcSignalBarrier


def refused_login(server):
    return RawSession(server.cluster.port, user="refused")


def login(server):
    return RawSession(server.cluster.port)


@pytest.mark.parametrize("what", ["statement", "login", "refused login", "logout"])
def test_drop_database_is_not_held_up_by_what_waits(server, what):
    server.cluster.execute("CREATE DATABASE spare", "CREATE TABLE fact (id int)")
    session = RawSession(server.cluster.port).ready()
    server.freeze()
    waits = {
        "statement": lambda: session.query("INSERT INTO fact VALUES (1)"),
        "login": lambda: login(server),
        "refused login": lambda: refused_login(server),
        "logout": session.terminate,
    }
    held = begins_to_wait(server, waits[what])
    _, seconds = timed(lambda: server.watcher.execute("DROP DATABASE spare"))
    assert seconds < NOTICED_SECONDS
    assert server.status("sync_timeouts") == 0
    server.thaw()
    if held is not None:
        held.close_socket()
