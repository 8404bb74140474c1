"""Logins, logouts and refused logins."""

import psycopg
import pytest


def told(cluster, wanted):
    return cluster.reader.wait_for(lambda events: [e for e in events if wanted(e)])


def ended(cluster, pid):
    cluster.wait_for_end(pid)
    return cluster.session_events(pid)


def test_a_session_by_tcp_begins_and_ends(cluster):
    with cluster.connect(application_name="a visitor") as session:
        pid, port = session.info.backend_pid, session.execute("SELECT inet_client_port()").fetchone()[0]
    first, *_, last = ended(cluster, pid)
    for event, command in ((first, "CONNECT"), (last, "DISCONNECT")):
        assert (event["command"], event["class"], event["substatementId"]) == (command, "MISC", 1)
        assert (event["databaseName"], event["dbUserName"]) == ("postgres", "postgres")
        assert (event["remoteHost"], event["remotePort"]) == ("127.0.0.1", str(port))
        assert (event["serverHost"], event["netProtocol"]) == ("127.0.0.1", "TCP")
        assert event["clientApplication"] == "a visitor"
        assert (event["objectType"], event["objectName"], event["rowCount"]) == (None, None, None)
        assert (event["commandText"], event["paramList"], event["errorMessage"]) == (None, [], None)
    assert (first["statementId"], first["exitCode"]) == (1, None)
    assert (last["statementId"], last["exitCode"]) == (3, "0")


def test_a_session_by_unix_socket_is_local(cluster):
    with cluster.connect(host=str(cluster.folder)) as session:
        pid = session.info.backend_pid
    first = ended(cluster, pid)[0]
    assert (first["remoteHost"], first["remotePort"], first["netProtocol"]) == ("[local]", "", "UNIX")


def test_a_client_that_vanishes_has_an_end(cluster):
    session = cluster.connect()
    pid = session.info.backend_pid
    session.pgconn.finish()
    assert ended(cluster, pid)[-1]["command"] == "DISCONNECT"


def test_a_session_ended_by_an_administrator_says_so(cluster):
    with cluster.connect() as session:
        pid = session.info.backend_pid
        cluster.execute(f"SELECT pg_terminate_backend({pid})")
        last = ended(cluster, pid)[-1]
        session.close()
    assert last["exitCode"] == "1"
    assert "terminating connection due to administrator command" in last["errorMessage"]


def test_a_wrong_password_is_an_auth_failure(cluster):
    cluster.execute("CREATE ROLE with_password LOGIN PASSWORD 'right'")
    cluster.connect(user="with_password", password="right").close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        cluster.connect(user="with_password", password="wrong")
    failures = told(cluster, lambda e: e["command"] == "AUTH FAILURE" and e["dbUserName"] == "with_password")
    assert len(failures) == 1
    event = failures[0]
    assert (event["class"], event["exitCode"], event["databaseName"]) == ("MISC", "28P01", "postgres")
    assert event["errorMessage"] == 'password authentication failed for user "with_password"'
    assert (event["remoteHost"], event["statementId"], event["commandText"]) == ("127.0.0.1", 1, None)


@pytest.mark.parametrize(
    ("options", "sqlstate", "message"),
    [
        ({"user": "refused"}, "28000", "pg_hba.conf rejects connection"),
        ({"user": "no_such_role"}, "28000", 'role "no_such_role" does not exist'),
        ({"dbname": "no_such_database"}, "3D000", 'database "no_such_database" does not exist'),
    ],
)
def test_a_refused_login_is_an_auth_failure(cluster, options, sqlstate, message):
    with pytest.raises(psycopg.OperationalError):
        cluster.connect(application_name=f"refused {message}", **options)
    event = told(cluster, lambda e: e["command"] == "AUTH FAILURE" and message in (e["errorMessage"] or ""))[0]
    assert event["exitCode"] == sqlstate


def test_a_server_that_does_not_log_still_tells_refused_logins(make_cluster):
    cluster = make_cluster(conf={"log_min_messages": "panic"})
    with pytest.raises(psycopg.OperationalError):
        cluster.connect(user="no_such_role")
    assert told(cluster, lambda e: e["command"] == "AUTH FAILURE")[0]["dbUserName"] == "no_such_role"
