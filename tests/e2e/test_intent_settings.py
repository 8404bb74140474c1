"""STREAM INTENT for settings that bring code into sessions: told before they change, whoever changes them in whatever way."""

import pytest

from intents import intents, run, told_first
from rawpg import RawSession

_PATH = "dynamic_library_path"
SETUP = f"""
CREATE FUNCTION by_pl(name text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN set_config(name, $$$libdir$$, false); END';
CREATE FUNCTION by_sql(text) RETURNS text LANGUAGE sql AS 'SELECT set_config($1, $$$libdir$$, false)';
CREATE FUNCTION with_clause() RETURNS int LANGUAGE plpgsql SET {_PATH} = '$libdir' AS 'BEGIN RETURN 1; END';
CREATE VIEW reading AS SELECT set_config('{_PATH}', '$libdir', false) AS x;
CREATE ROLE outsider LOGIN;
"""

WAYS = {
    "set_config": f"SELECT set_config('{_PATH}', '$libdir', false)",
    "set_config in upper case": f"SELECT set_config('{_PATH.upper()}', '$libdir', false)",
    "set_config of a name that is computed": "SELECT set_config('dynamic_' || 'library_path', '$libdir', true)",
    "function in PL": f"SELECT by_pl('{_PATH}')",
    "function in SQL": f"SELECT by_sql('{_PATH}')",
    "view": "TABLE reading",
    "pg_settings": f"UPDATE pg_settings SET setting = '$libdir' WHERE name = '{_PATH}'",
    "SET clause of a function": "SELECT with_clause()",
    "set_config in DO": f"DO $do$ BEGIN PERFORM set_config('{_PATH}', '$libdir', false); END $do$",
    "SET in DO": f"DO $do$ BEGIN SET {_PATH} = '$libdir'; END $do$",
    "EXECUTE in DO": f"DO $do$ BEGIN EXECUTE 'SET {_PATH} = ''$libdir'''; END $do$",
    "SET": f"SET {_PATH} = '$libdir'",
    "SET LOCAL": f"BEGIN; SET LOCAL {_PATH} = '$libdir'",
    "switch": "SET allow_system_table_mods = on",
    "switch by set_config": "SELECT set_config('allow_system_table_mods', 'on', false)",
    "libraries": "SELECT set_config('session_preload_libraries', 'auto_explain', false)",
    "local libraries": "SELECT set_config('local_preload_libraries', '', false)",
}


@pytest.fixture(scope="module", autouse=True)
def setup(cluster):
    cluster.execute(SETUP)


def statements(text):
    return ["BEGIN", text.removeprefix("BEGIN; ")] if text.startswith("BEGIN; ") else [text]


@pytest.mark.parametrize("way", WAYS)
def test_a_change_is_told_once_before_it_happens(cluster, way):
    intent = told_first(run(cluster, *statements(WAYS[way])))
    by_command = way.startswith(("SET", "EXECUTE")) and "clause" not in way or way == "switch"
    assert (intent["objectType"] == "PARAMETER") != by_command


@pytest.mark.parametrize(
    ("way", "name"),
    [("set_config of a name that is computed", _PATH), ("pg_settings", _PATH), ("switch by set_config", "allow_system_table_mods")],
)
def test_the_setting_is_named(cluster, way, name):
    assert told_first(run(cluster, WAYS[way]))["objectName"] == name


def test_a_change_by_message_is_told_before(cluster):
    oid = cluster.value("SELECT 'set_config(text,text,boolean)'::regprocedure::oid::int")
    with RawSession(cluster.port) as session:
        session.call_function(oid, "allow_system_table_mods", "on", "t").answer()
    cluster.wait_for_end(session.pid)
    events = cluster.session_events(session.pid)[1:-1]
    assert [(e["command"], e["objectName"]) for e in events] == [
        ("EXECUTE", "pg_catalog.set_config"),
        ("STREAM INTENT", "allow_system_table_mods"),
    ]
    assert len({e["statementId"] for e in events}) == 1


def test_options_of_a_login_are_told_with_it(cluster):
    with RawSession(cluster.port, options="-c dynamic_library_path=$libdir -c work_mem=5MB") as session:
        session.run("SELECT 1")
    cluster.wait_for_end(session.pid)
    events = cluster.session_events(session.pid)
    assert [(e["command"], e["objectName"], e["statementId"]) for e in events[:3]] == [
        ("CONNECT", None, 1),
        ("STREAM INTENT", _PATH, 1),
        ("SELECT", None, 2),
    ]


def test_a_change_that_the_role_may_not_make_is_a_failure(cluster):
    events = run(cluster, WAYS["set_config"], fails="42501", user="outsider")
    assert not intents(events) and events[-1]["exitCode"] == "42501"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT set_config('work_mem', '5MB', false)",
        "SELECT current_setting('dynamic_library_path')",
        "UPDATE pg_settings SET setting = '5MB' WHERE name = 'work_mem'",
        "SHOW dynamic_library_path",
        "DISCARD ALL",
    ],
)
def test_another_setting_is_not_told_before(cluster, statement):
    assert not intents(run(cluster, statement))


def test_every_event_of_the_module_is_complete_and_once(cluster):
    cluster.settle()
    cluster.reader.check_complete()
