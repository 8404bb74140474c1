"""Logins that the server refuses, for every reason it has: one AUTH FAILURE each, and nothing else."""

import contextlib
import signal

import pytest

from conftest import Factory
from rawpg import PROTOCOL, RawSession, Refused, errors
from waiting import wait_for

_HBA = """\
local all all trust
host all with_password 127.0.0.1/32 scram-sha-256
host all stranger 0.0.0.0/32 trust
host all known,postgres,limited,no_login,expired 127.0.0.1/32 trust
"""


@pytest.fixture(scope="module")
def cluster(installation, aws, alias):
    """A server with roles and databases that somebody may not use."""
    factory = Factory(installation, aws, alias)
    cluster = factory(start=False, conf={"authentication_timeout": "1s"})
    (cluster.data / "pg_hba.conf").write_text(_HBA)
    cluster.start()
    cluster.execute(
        "CREATE ROLE known LOGIN",
        "CREATE ROLE no_login",
        "CREATE ROLE limited LOGIN CONNECTION LIMIT 0",
        "CREATE ROLE with_password LOGIN PASSWORD 'right' VALID UNTIL 'yesterday'",
        "CREATE DATABASE reserved",
        "REVOKE CONNECT ON DATABASE reserved FROM PUBLIC",
        "CREATE DATABASE crowded CONNECTION LIMIT 0",
    )
    yield cluster
    factory.close()


def refused(cluster, **startup):
    """What the server said to a client that it did not let in."""
    with pytest.raises(Refused) as caught:
        RawSession(cluster.port, **startup).ready()
    return caught.value


def told(cluster, name):
    """All events of the one session with that application_name, when there is an AUTH FAILURE."""

    def failed(events):
        return [e for e in events if e["command"] == "AUTH FAILURE" and e["clientApplication"] == name]

    failure = cluster.reader.wait_for(failed, f"the failure of {name}")[0]
    cluster.settle()
    return [e for e in cluster.reader.events if e["sessionId"] == failure["sessionId"]]


@pytest.mark.parametrize(
    ("name", "startup", "sqlstate", "message"),
    [
        ("hba", {"user": "stranger"}, "28000", 'no pg_hba.conf entry for host "127.0.0.1", user "stranger"'),
        ("no login", {"user": "no_login"}, "28000", 'role "no_login" is not permitted to log in'),
        ("limit of a role", {"user": "limited"}, "53300", 'too many connections for role "limited"'),
        (
            "limit of a database",
            {"user": "known", "database": "crowded"},
            "53300",
            "too many connections for database",
        ),
        (
            "no privilege",
            {"user": "known", "database": "reserved"},
            "42501",
            'permission denied for database "reserved"',
        ),
        ("closed database", {"database": "template0"}, "55000", "is not currently accepting connections"),
        ("unknown setting", {"nothing": "1"}, "42704", 'unrecognized configuration parameter "nothing"'),
        ("wrong setting", {"work_mem": "much"}, "22023", 'invalid value for parameter "work_mem"'),
        (
            "forbidden setting",
            {"user": "known", "log_statement": "none"},
            "42501",
            "permission denied to set parameter",
        ),
        ("wrong options", {"options": "--nothing"}, "42601", "requires a value"),
    ],
)
def test_a_refused_login_is_one_auth_failure_and_nothing_else(cluster, name, startup, sqlstate, message):
    answer = refused(cluster, application_name=name, **startup)
    assert answer.sqlstate == sqlstate
    assert message in answer.message
    events = told(cluster, name)
    assert [e["command"] for e in events] == ["AUTH FAILURE"]
    event = events[0]
    assert (event["class"], event["exitCode"], event["errorMessage"]) == ("MISC", sqlstate, answer.message)
    assert (event["dbUserName"], event["databaseName"]) == (
        startup.get("user", "postgres"),
        startup.get("database", "postgres"),
    )
    assert (event["remoteHost"], event["statementId"], event["substatementId"]) == ("127.0.0.1", 1, 1)
    assert (event["commandText"], event["objectType"], event["objectName"], event["rowCount"]) == (
        None,
        None,
        None,
        None,
    )


def test_a_login_without_an_answer_to_the_question_for_the_password_is_one_auth_failure(cluster):
    session = RawSession(cluster.port, user="with_password", application_name="no answer")
    session.until_closed()
    session.close_socket()
    events = told(cluster, "no answer")
    assert [(e["command"], e["exitCode"]) for e in events] == [("AUTH FAILURE", "57014")]
    assert events[0]["errorMessage"] == "canceling authentication due to timeout"


def test_an_expired_password_is_one_auth_failure(cluster):
    with pytest.raises(Exception, match="password authentication failed"):
        cluster.connect(user="with_password", password="right", application_name="expired")
    events = told(cluster, "expired")
    assert [(e["command"], e["exitCode"]) for e in events] == [("AUTH FAILURE", "28P01")]
    assert events[0]["dbUserName"] == "with_password"


@pytest.mark.parametrize(
    ("startup", "sqlstate", "message"),
    [
        ({"user": None, "database": None}, "28000", "no PostgreSQL user name specified in startup packet"),
        ({"replication": "perhaps"}, "22023", 'invalid value for parameter "replication"'),
        ({"protocol": PROTOCOL + (6 << 16)}, "0A000", "unsupported frontend protocol 9.0"),
    ],
)
def test_a_login_that_says_nonsense_is_one_auth_failure(cluster, startup, sqlstate, message):
    answer = refused(cluster, **startup)
    assert answer.sqlstate == sqlstate
    events = cluster.reader.wait_for(
        lambda events: [e for e in events if message in (e["errorMessage"] or "")], f"the failure with {message}"
    )
    assert [(e["command"], e["class"], e["exitCode"]) for e in events] == [("AUTH FAILURE", "MISC", sqlstate)]
    assert events[0]["remoteHost"] == "127.0.0.1"


def test_logins_beyond_max_connections_are_auth_failures(make_cluster):
    cluster = make_cluster(conf={"max_connections": "6", "superuser_reserved_connections": "2"})
    cluster.execute("CREATE ROLE ordinary LOGIN")
    # The session that made the role may take a moment to go.
    left = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
    wait_for(lambda: cluster.value(left) == 1, "no other session is left")
    with contextlib.ExitStack() as held:
        watcher = held.enter_context(cluster.connect())
        wait_for(lambda: watcher.execute(left).fetchone()[0] == 1, "no other session is left")
        for _ in range(3):
            held.enter_context(RawSession(cluster.port, user="ordinary"))
        reserved = refused(cluster, user="ordinary", application_name="reserved")
        for _ in range(2):
            held.enter_context(RawSession(cluster.port))
        full = refused(cluster, application_name="full")
    assert (reserved.sqlstate, full.sqlstate) == ("53300", "53300")
    assert full.message == "sorry, too many clients already"
    for name, user, answer in (("reserved", "ordinary", reserved), ("full", "postgres", full)):
        events = told(cluster, name)
        assert [e["command"] for e in events] == ["AUTH FAILURE"]
        assert (events[0]["exitCode"], events[0]["errorMessage"]) == ("53300", answer.message)
        assert (events[0]["dbUserName"], events[0]["databaseName"]) == (user, "postgres")


def test_a_server_that_logs_nothing_tells_them_too(make_cluster):
    cluster = make_cluster(conf={"log_min_messages": "panic", "log_min_error_statement": "panic"})
    cluster.execute("CREATE ROLE no_login", "CREATE ROLE limited LOGIN CONNECTION LIMIT 0")
    for name, user, sqlstate in (("one", "no_login", "28000"), ("two", "limited", "53300")):
        assert refused(cluster, user=user, application_name=name).sqlstate == sqlstate
        assert [(e["command"], e["exitCode"]) for e in told(cluster, name)] == [("AUTH FAILURE", sqlstate)]


def test_a_server_that_waits_for_its_last_session_tells_them_too(make_cluster):
    cluster = make_cluster()
    with RawSession(cluster.port) as held:
        postmaster = int((cluster.data / "postmaster.pid").read_text().split()[0])
        cluster.kill(postmaster, signal.SIGTERM)
        wait_for(lambda: cluster.log_lines("received smart shutdown request"), "the server shuts down")
        answer = refused(cluster, application_name="too late")
        assert errors(held.run("SELECT 'still here'")) == []
    assert (answer.sqlstate, answer.message) == ("57P03", "the database system is shutting down")
    cluster.reader.wait_for_text("still here")
    failures = cluster.reader.wait_for(lambda events: [e for e in events if e["command"] == "AUTH FAILURE"])
    assert [(e["exitCode"], e["errorMessage"]) for e in failures] == [("57P03", answer.message)]
    wait_for(lambda: not cluster.running(), "the server is down")


def test_a_role_that_may_log_in_again_does(cluster):
    cluster.execute("ALTER ROLE no_login LOGIN")
    with RawSession(cluster.port, user="no_login", application_name="let in") as session:
        pid = session.pid
    cluster.execute("ALTER ROLE no_login NOLOGIN")
    cluster.wait_for_end(pid)
    assert [e["command"] for e in cluster.session_events(pid)] == ["CONNECT", "DISCONNECT"]
