"""STREAM INTENT: commands against the audit, or that leave the database's control, are told before they run, under the numbers of
their outcome; also when they then fail. All others are not."""

import pytest

from rawpg import RawSession
from told import ids, waits

SETUP = """
CREATE TABLE item (id int);
INSERT INTO item VALUES (1), (2);
CREATE FUNCTION harmless() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE LANGUAGE wild HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator;
CREATE ROLE clerk;
CREATE ROLE outsider LOGIN;
"""

COMMANDS = {
    "ALTER SYSTEM SET": ("ALTER SYSTEM SET work_mem = '5MB'", "ALTER SYSTEM", "work_mem"),
    "ALTER SYSTEM RESET": ("ALTER SYSTEM RESET work_mem", "ALTER SYSTEM", "work_mem"),
    "ALTER SYSTEM RESET ALL": ("ALTER SYSTEM RESET ALL", "ALTER SYSTEM", None),
    "LOAD": ("LOAD 'auto_explain'", "LOAD", None),
    "CREATE EXTENSION": ("CREATE EXTENSION pgcrypto", "CREATE EXTENSION", "pgcrypto"),
    "COPY to a file": ("COPY item TO '{folder}/file'", "COPY", "public.item"),
    "COPY from a file": ("COPY item FROM '{folder}/file'", "COPY", "public.item"),
    "COPY to a program": ("COPY item TO PROGRAM 'cat >/dev/null'", "COPY", "public.item"),
    "COPY from a program": ("COPY item FROM PROGRAM 'echo 1'", "COPY", "public.item"),
    "COPY of a query": ("COPY (VALUES (1)) TO PROGRAM 'cat >/dev/null'", "COPY", None),
    "function in C": ("CREATE FUNCTION in_c() RETURNS int LANGUAGE c AS '$libdir/citext', 'citext_eq'", "CREATE FUNCTION", "in_c"),
    "internal function": (
        "CREATE FUNCTION inside(text) RETURNS text LANGUAGE internal AS 'pg_read_file_all'",
        "CREATE FUNCTION",
        "inside",
    ),
    "replaced function": (
        "CREATE OR REPLACE FUNCTION public.inside(text) RETURNS text AS 'pg_read_file_all' LANGUAGE internal",
        "CREATE FUNCTION",
        "public.inside",
    ),
    "function in an untrusted language": (
        "CREATE FUNCTION in_wild() RETURNS int LANGUAGE wild AS 'BEGIN END'",
        "CREATE FUNCTION",
        "in_wild",
    ),
    "procedure in an untrusted language": ("CREATE PROCEDURE do_wild() LANGUAGE wild AS 'BEGIN END'", "CREATE PROCEDURE", "do_wild"),
    "DO in an untrusted language": ("DO LANGUAGE wild $$ BEGIN END $$", "DO", None),
    "CREATE LANGUAGE": ("CREATE LANGUAGE wilder HANDLER plpgsql_call_handler", "CREATE LANGUAGE", None),
    "SET of libraries": ("SET session_preload_libraries = 'auto_explain'", "SET", None),
    "SET of libraries, quoted": ("SET \"Session_Preload_LIBRARIES\" = 'auto_explain'", "SET", None),
    "SET of local libraries": ("SET local_preload_libraries = ''", "SET", None),
    "SET of a path": ("SET dynamic_library_path = '$libdir'", "SET", None),
    "SET SESSION of a path": ("SET SESSION dynamic_library_path TO '$libdir'", "SET", None),
    "SET LOCAL of a path": ("SET LOCAL dynamic_library_path = '$libdir'", "SET", None),
    "SET TO DEFAULT of a path": ("SET dynamic_library_path TO DEFAULT", "SET", None),
    "RESET of a path": ("RESET dynamic_library_path", "RESET", None),
    "SET of a role": ("ALTER ROLE clerk SET session_preload_libraries = 'auto_explain'", "ALTER ROLE", None),
    "SET of a role in a database": (
        "ALTER ROLE clerk IN DATABASE postgres SET session_preload_libraries = 'auto_explain'",
        "ALTER ROLE",
        None,
    ),
    "SET of all roles": ("ALTER ROLE ALL SET dynamic_library_path = '$libdir'", "ALTER ROLE", None),
    "RESET of a role": ("ALTER USER clerk RESET session_preload_libraries", "ALTER ROLE", None),
    "SET of a database": ("ALTER DATABASE postgres SET dynamic_library_path = '$libdir'", "ALTER DATABASE", None),
    "RESET of a database": ("ALTER DATABASE postgres RESET dynamic_library_path", "ALTER DATABASE", None),
}

FAILING = {
    "ALTER SYSTEM": ("ALTER SYSTEM SET no_such_setting = 1", "ALTER SYSTEM", "42704"),
    "ALTER SYSTEM in a transaction": ("BEGIN; ALTER SYSTEM SET work_mem = '5MB'", "ALTER SYSTEM", "25001"),
    "LOAD": ("LOAD 'nothing'", "LOAD", "58P01"),
    "CREATE EXTENSION": ("CREATE EXTENSION nothing", "CREATE EXTENSION", "0A000"),
    "COPY to a file": ("COPY item TO '/no/such/folder'", "COPY", "58P01"),
    "COPY from a file": ("COPY item FROM '/no/such/file'", "COPY", "58P01"),
    "COPY to a program": ("COPY item TO PROGRAM 'exit 7'", "COPY", "38000"),
    "COPY from a program": ("COPY item FROM PROGRAM 'exit 7'", "COPY", "38000"),
    "COPY of nothing": ("COPY no_such_table FROM PROGRAM 'true'", "COPY", "42P01"),
    "function in C": ("CREATE FUNCTION bad() RETURNS int LANGUAGE c AS 'nothing', 'x'", "CREATE FUNCTION", "58P01"),
    "internal function": ("CREATE FUNCTION bad() RETURNS int LANGUAGE internal AS 'no_such'", "CREATE FUNCTION", "42883"),
    "DO in an untrusted language": ("DO LANGUAGE wild $$ BEGIN RAISE 'no'; END $$", "DO", "P0001"),
    "SET of a role": ("ALTER ROLE nobody SET session_preload_libraries = 'auto_explain'", "ALTER ROLE", "42704"),
    "SET of a database": ("ALTER DATABASE nothing SET session_preload_libraries = 'auto_explain'", "ALTER DATABASE", "3D000"),
}

# Of a user who may do none of this.
REFUSED = {
    "ALTER SYSTEM": ("ALTER SYSTEM SET work_mem = '5MB'", "ALTER SYSTEM"),
    "LOAD": ("LOAD 'auto_explain'", "LOAD"),
    "COPY to a file": ("COPY (VALUES (1)) TO '/tmp/refused'", "COPY"),
    "COPY to a program": ("COPY (VALUES (1)) TO PROGRAM 'true'", "COPY"),
    "function in C": ("CREATE FUNCTION bad() RETURNS int LANGUAGE c AS 'nothing', 'x'", "CREATE FUNCTION"),
    "SET of libraries": ("SET session_preload_libraries = 'auto_explain'", "SET"),
    "SET of a database": ("ALTER DATABASE postgres SET session_preload_libraries = 'auto_explain'", "ALTER DATABASE"),
}

ORDINARY = [
    "SELECT * FROM item",
    "INSERT INTO item VALUES (3)",
    "COPY item TO STDOUT",
    "SET work_mem = '5MB'",
    "RESET work_mem",
    "RESET ALL",
    "SET search_path = public",
    "SHOW dynamic_library_path",
    "ALTER ROLE clerk SET work_mem = '5MB'",
    "ALTER ROLE clerk PASSWORD 'x'",
    "ALTER DATABASE postgres SET work_mem = '5MB'",
    "CREATE FUNCTION plain_sql() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION plain_pl() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'",
    "DO $$ BEGIN PERFORM 1; END $$",
    "DO LANGUAGE plpgsql $$ BEGIN PERFORM 1; END $$",
    "SELECT harmless(), upper('x'), pg_backend_pid(), current_setting('work_mem')",
    "SELECT set_config('work_mem', '5MB', false)",
    "SELECT count(*) FROM pg_ls_waldir()",
    "SELECT rolname FROM pg_authid",
    "SELECT proname FROM pg_proc WHERE proname = 'pg_read_file'",
    "CREATE VIEW reading AS SELECT pg_read_file('PG_VERSION') AS x",
    "PREPARE reading AS SELECT pg_read_file('PG_VERSION')",
    "CREATE TABLE reading_default (x text DEFAULT pg_read_file('PG_VERSION'))",
    "VACUUM item",
    "CHECKPOINT",
]


@pytest.fixture(scope="module", autouse=True)
def setup(cluster):
    cluster.execute(SETUP)


def run(cluster, statement, fails=False, **options):
    """The events of a statement, those before it among them."""

    def send(session):
        try:
            if statement.endswith("STDOUT"):
                with session.cursor().copy(statement) as copy:
                    list(copy)
            else:
                session.execute(statement)
            assert not fails, statement
        except Exception as error:
            assert fails and error.sqlstate == fails, error

    events = cluster.record(send, **options)
    assert [e["sequence"] for e in events] == sorted(e["sequence"] for e in events)
    return events


def check_before(events, statement, command):
    """The first event is the intent, and the command's own follows under its numbers; that event."""
    intent, *rest = events
    assert (intent["class"], intent["command"], intent["commandText"]) == ("MISC", "STREAM INTENT", statement)
    assert (intent["exitCode"], intent["errorMessage"], intent["rowCount"]) == (None, None, None)
    assert [e["command"] for e in events].count("STREAM INTENT") == 1
    assert {e["statementId"] for e in events} == {intent["statementId"]}
    own = [e for e in rest if e["command"] == command]
    assert own and all(e["sequence"] > intent["sequence"] and e["logTime"] >= intent["logTime"] for e in own)
    return intent, own[-1]


@pytest.mark.parametrize("scenario", COMMANDS)
def test_a_command_is_told_before_it_runs(cluster, scenario):
    statement, command, name = COMMANDS[scenario]
    statement = statement.format(folder=cluster.folder) if "{folder}" in statement else statement
    intent, own = check_before(run(cluster, statement), statement, command)
    assert own["exitCode"] is None
    assert name is None or intent["objectName"] == name
    # COPY is told with its table first, which takes a number.
    assert ids([intent]) == [(2, 1)] and own["substatementId"] == (2 if command == "COPY" else 1)


@pytest.mark.parametrize("scenario", FAILING)
def test_a_command_that_fails_was_told_before_it_ran(cluster, scenario):
    statement, command, sqlstate = FAILING[scenario]
    events = run(cluster, statement, fails=sqlstate)
    if statement.startswith("BEGIN; "):
        statement = statement.removeprefix("BEGIN; ")
        events = [e for e in events if e["statementId"] == 3]
    _, own = check_before(events, statement, command)
    assert own["exitCode"] == sqlstate


@pytest.mark.parametrize("scenario", REFUSED)
def test_a_command_that_is_refused_was_told_before(cluster, scenario):
    statement, command = REFUSED[scenario]
    intent, own = check_before(run(cluster, statement, fails="42501", user="outsider"), statement, command)
    assert (intent["dbUserName"], own["exitCode"]) == ("outsider", "42501")


@pytest.mark.parametrize("statement", ORDINARY)
def test_an_ordinary_statement_is_not_told_before(cluster, statement):
    assert "STREAM INTENT" not in [e["command"] for e in run(cluster, statement)]


def test_an_unparsable_command_is_one_failure_only(cluster):
    events = run(cluster, "ALTER SYSTEM SET work_mem to be more", fails="42601")
    assert [(e["command"], e["exitCode"]) for e in events] == [("ALTER SYSTEM", "42601")]


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_it_is_on_the_stream_while_the_command_runs(cluster, mode):
    cluster.reload(mode=mode)
    statement = f"DO LANGUAGE wild $$ BEGIN PERFORM pg_advisory_lock({4711 if mode == 'sync' else 4712}); END $$"
    key = statement.split("(")[1].split(")")[0]
    with cluster.connect() as holder, RawSession(cluster.port) as waiting:
        holder.execute(f"SELECT pg_advisory_lock({key})")
        waiting.query(statement)
        told = cluster.reader.wait_for_text(statement)
        waits(cluster, waiting.pid, "advisory")
        assert "STREAM INTENT" in [e["command"] for e in told]
        assert not [e for e in cluster.session_events(waiting.pid) if "pg_advisory_lock" in (e["objectName"] or "")]
        holder.execute(f"SELECT pg_advisory_unlock({key})")
        waiting.answer()
    cluster.reload(mode="async")


def test_inside_a_block_it_is_told_before_under_its_own_number(cluster):
    events = run(cluster, "DO $$ BEGIN PERFORM 1; COPY item TO PROGRAM 'cat >/dev/null'; END $$")
    told = [(e["command"], *number) for e, number in zip(events, ids(events), strict=True)]
    assert told == [("DO", 2, 1), ("SELECT", 2, 2), ("STREAM INTENT", 2, 3), ("SELECT", 2, 3), ("COPY", 2, 4)]


@pytest.mark.parametrize(("language", "code"), [("plpython3u", "pass"), ("plperlu", "1;"), ("pltclu", "return")])
def test_a_language_that_is_installed_as_untrusted_is_told_before(cluster, language, code):
    if not cluster.value(f"SELECT count(*) FROM pg_available_extensions WHERE name = '{language}'"):
        pytest.skip(f"{language} is not installed")
    cluster.execute(f"CREATE EXTENSION {language}")
    statement = f"DO LANGUAGE {language} $${code}$$"
    check_before(run(cluster, statement), statement, "DO")


def test_it_is_told_whatever_classes_are_captured(cluster):
    cluster.reload(capture="none")
    try:
        statement = "COPY item TO PROGRAM 'cat >/dev/null'"
        cluster.execute(statement)
    finally:
        cluster.reload(capture="all")
    cluster.settle()
    told = [e for e in cluster.reader.events if e["commandText"] == statement]
    assert told[-1]["command"] == "STREAM INTENT"
    assert [e["command"] for e in told if e["pid"] == told[-1]["pid"]] == ["STREAM INTENT"]


def test_every_event_of_the_module_is_complete_and_once(cluster):
    cluster.settle()
    cluster.reader.check_complete()
