"""No SQL changes a setting of the stream or the libraries that the server loads, a superuser's neither; who tries is told."""

import psycopg
import pytest

from told import outcomes
from waiting import wait_for

REFUSED = "AS006"
NOT_NOW = "55P02"
VALUES = {"mode": "off", "kms_key_id": "alias/other", "on_failure": "continue", "sync_timeout": "1", "ring_size": "4096"}
WAYS = {
    "SET": "SET activity_stream.{name} = '{value}'",
    "SET LOCAL": "SET LOCAL activity_stream.{name} = '{value}'",
    "SET in capitals": "SET \"Activity_Stream.{name}\" = '{value}'",
    "SET TO DEFAULT": "SET activity_stream.{name} TO DEFAULT",
    "RESET": "RESET activity_stream.{name}",
    "set_config": "SELECT set_config('activity_stream.{name}', '{value}', false)",
    "set_config, local": "SELECT set_config('activity_stream.{name}', '{value}', true)",
    "pg_settings": "UPDATE pg_settings SET setting = '{value}' WHERE name = 'activity_stream.{name}'",
    "role": "ALTER ROLE CURRENT_USER SET activity_stream.{name} = '{value}'",
    "all roles": "ALTER ROLE ALL SET activity_stream.{name} = '{value}'",
    "role in a database": "ALTER ROLE CURRENT_USER IN DATABASE postgres SET activity_stream.{name} = '{value}'",
    "database": "ALTER DATABASE postgres SET activity_stream.{name} = '{value}'",
    "function": "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET activity_stream.{name} = '{value}' AS 'SELECT 1'",
    "altered function": "ALTER FUNCTION plain() SET activity_stream.{name} = '{value}'",
}
ALTER_SYSTEM = {
    "SET": "ALTER SYSTEM SET activity_stream.mode = 'off'",
    "SET in capitals": "ALTER SYSTEM SET \"Activity_Stream.MODE\" = 'off'",
    "SET TO DEFAULT": "ALTER SYSTEM SET activity_stream.mode TO DEFAULT",
    "RESET": "ALTER SYSTEM RESET activity_stream.mode",
    "setting of the start": "ALTER SYSTEM SET activity_stream.stream_name = 'other'",
    "no setting": "ALTER SYSTEM SET activity_stream.no_such_setting = 1",
    "wrong value": "ALTER SYSTEM SET activity_stream.mode = 'sometimes'",
    "shared libraries": "ALTER SYSTEM SET shared_preload_libraries = ''",
    "shared libraries, quoted": "ALTER SYSTEM SET \"Shared_Preload_Libraries\" = 'auto_explain'",
    "shared libraries, reset": "ALTER SYSTEM RESET shared_preload_libraries",
    "session libraries": "ALTER SYSTEM SET session_preload_libraries = 'auto_explain'",
    "local libraries": "ALTER SYSTEM SET local_preload_libraries = 'auto_explain'",
}
# The server's own rules: settings that would lead to other files.
ELSEWHERE = {
    "configuration": ("ALTER SYSTEM SET config_file = '/tmp/other.conf'", "55P02"),
    "data directory": ("ALTER SYSTEM SET data_directory = '/tmp/other'", "55P02"),
    "another file": ("ALTER SYSTEM SET include = '/tmp/other.conf'", "42704"),
    "a second line": ("ALTER SYSTEM SET log_line_prefix = E'x\\nactivity_stream.mode = off'", "22023"),
}


@pytest.fixture(scope="module", autouse=True)
def setup(cluster):
    cluster.execute("CREATE FUNCTION plain() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE ROLE ordinary LOGIN")


def refused(cluster, statement, sqlstate, **options):
    """The statement fails with that; its error, and the events of its session."""
    errors = []

    def run(session):
        with pytest.raises(psycopg.Error) as caught:
            session.execute(statement)
        assert caught.value.sqlstate == sqlstate, caught.value
        errors.append(caught.value.diag)

    events = cluster.record(run, **options)
    return errors[0], events


def automatic(cluster):
    return (cluster.data / "postgresql.auto.conf").read_text()


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("way", WAYS)
def test_a_superuser_cannot_set_it(cluster, way, name):
    before = cluster.value(f"SHOW activity_stream.{name}")
    statement = WAYS[way].format(name=name, value=VALUES[name])
    _, events = refused(cluster, statement, NOT_NOW)
    assert outcomes(events)[-1] == (NOT_NOW, statement)
    assert cluster.value(f"SHOW activity_stream.{name}") == before
    assert cluster.value("SELECT count(*) FROM pg_db_role_setting") == 0


def test_a_connection_cannot_bring_it(cluster):
    with pytest.raises(psycopg.OperationalError, match='"activity_stream.mode" cannot be changed now'):
        cluster.connect(options="-c activity_stream.mode=off")


def test_a_role_setting_that_is_written_by_hand_has_no_effect(cluster):
    by_hand = "INSERT INTO pg_db_role_setting VALUES (0, 'postgres'::regrole, ARRAY['activity_stream.mode=off'])"
    cluster.execute(by_hand)
    try:
        assert cluster.value("SHOW activity_stream.mode") == "async"
        assert outcomes(cluster.record(lambda session: session.execute("SELECT 'still told'"))) == [(None, "SELECT 'still told'")]
    finally:
        cluster.execute("DELETE FROM pg_db_role_setting")


@pytest.mark.parametrize("user", ["postgres", "ordinary"])
@pytest.mark.parametrize("scenario", ALTER_SYSTEM)
def test_alter_system_is_refused_and_told_twice(cluster, scenario, user):
    statement, before = ALTER_SYSTEM[scenario], automatic(cluster)
    error, events = refused(cluster, statement, REFUSED, user=user)
    assert "cannot be changed by ALTER SYSTEM" in error.message_primary
    assert error.message_detail and "postgresql.conf" in error.message_hint
    assert [(e["command"], e["exitCode"], e["commandText"], e["dbUserName"]) for e in events] == [
        ("STREAM INTENT", None, statement, user),
        ("ALTER SYSTEM", REFUSED, statement, user),
    ]
    assert automatic(cluster) == before


@pytest.mark.parametrize("scenario", ELSEWHERE)
def test_alter_system_cannot_lead_elsewhere(cluster, scenario):
    statement, sqlstate = ELSEWHERE[scenario]
    before = automatic(cluster)
    refused(cluster, statement, sqlstate)
    assert automatic(cluster) == before


def test_other_parameters_are_not_concerned(cluster):
    cluster.execute("ALTER SYSTEM SET work_mem = '5MB'")
    assert "work_mem" in automatic(cluster)
    cluster.execute("ALTER SYSTEM RESET ALL")
    assert "work_mem" not in automatic(cluster)


@pytest.mark.parametrize("line", ["activity_stream.mode = 'async'", "Session_Preload_Libraries = ''"])
def test_reset_all_is_refused_where_it_would_take_one_away(cluster, line):
    file = cluster.data / "postgresql.auto.conf"
    before = file.read_text()
    file.write_text(f"work_mem = '5MB'\n{line}\n")
    try:
        statement = "ALTER SYSTEM RESET ALL"
        error, events = refused(cluster, statement, REFUSED)
        assert line.split(" = ")[0] in error.message_primary
        assert "by name" in error.message_hint
        assert [e["command"] for e in events] == ["STREAM INTENT", "ALTER SYSTEM"]
        assert line in file.read_text()
        cluster.execute("ALTER SYSTEM RESET work_mem")
        assert "work_mem" not in file.read_text()
        assert line.split(" = ")[0].lower() in file.read_text().lower()
    finally:
        file.write_text(before)


def test_it_is_refused_also_where_nothing_is_captured(make_cluster):
    cluster = make_cluster(mode="off")
    with pytest.raises(psycopg.Error) as caught:
        cluster.execute("ALTER SYSTEM SET activity_stream.mode = 'async'")
    assert caught.value.sqlstate == REFUSED
    wait_for(lambda: cluster.log_lines(REFUSED), "the log says so")
