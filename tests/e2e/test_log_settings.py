"""No logging setting hides a failure, whoever sets it and in whatever way, and none makes two of one."""

import pytest

from rawpg import RawSession, errors
from told import PROTOCOLS, ask, brief, ended, failures, outcomes, record_raw, waits
from waiting import wait_for

# What a failure could be hidden by.
QUIET = {
    "log_min_messages": "panic",
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "client_min_messages": "error",
    "log_error_verbosity": "terse",
}
# What could make two of one.
LOUD = {
    "log_min_messages": "debug5",
    "log_min_error_statement": "debug5",
    "log_statement": "all",
    "client_min_messages": "debug5",
    "log_error_verbosity": "verbose",
    "log_duration": "on",
    "log_min_duration_statement": "0",
    "debug_print_parse": "on",
}
FAILURES = {
    "22012": "SELECT 1 / 0",
    "22003": "SELECT id * 2147483647 FROM thing",
    "42601": "SELEC 1",
    "42P01": "SELECT * FROM nothing",
    "23505": "INSERT INTO thing VALUES (2)",
    "42P07": "CREATE TABLE thing (a int)",
    "42704": "SET nothing = 1",
}


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    cluster.execute(
        "CREATE TABLE thing (id int PRIMARY KEY)",
        "INSERT INTO thing VALUES (2)",
        "CREATE ROLE quiet SUPERUSER LOGIN",
        "CREATE ROLE ordinary LOGIN",
        "CREATE ROLE trusted LOGIN",
        "GRANT ALL ON SCHEMA public TO ordinary, trusted",
        "GRANT ALL ON thing TO ordinary, trusted",
        "CREATE DATABASE silent",
        f"GRANT SET ON PARAMETER {', '.join(QUIET)} TO trusted",
    )
    cluster.execute("CREATE TABLE thing (id int PRIMARY KEY)", "INSERT INTO thing VALUES (2)", dbname="silent")
    loosen = " ".join(each(QUIET, "PERFORM set_config('{name}', '{value}', false);"))
    cluster.execute(
        f"CREATE FUNCTION loosen() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN {loosen} END $$",
        "CREATE TABLE not_for_all (id int)",
    )


def each(settings, form):
    return [form.format(name=name, value=value) for name, value in settings.items()]


# How a session comes to its settings: what another session does first, what it does itself, how it begins.
WAYS = {
    "set": ([], each(QUIET, "SET {name} = '{value}'"), {}),
    "set local": ([], ["BEGIN", *each(QUIET, "SET LOCAL {name} = {value}")], {}),
    "set_config": ([], each(QUIET, "SELECT set_config('{name}', '{value}', false)"), {}),
    "update of pg_settings": (
        [],
        each(QUIET, "UPDATE pg_settings SET setting = '{value}' WHERE name = '{name}'"),
        {},
    ),
    "alter role": (each(QUIET, "ALTER ROLE quiet SET {name} = {value}"), [], {"user": "quiet"}),
    "alter role all": (each(QUIET, "ALTER ROLE ALL SET {name} = {value}"), [], {}),
    "alter database": (each(QUIET, "ALTER DATABASE silent SET {name} = {value}"), [], {"database": "silent"}),
    "alter role in database": (
        each(QUIET, "ALTER ROLE quiet IN DATABASE silent SET {name} = {value}"),
        [],
        {"user": "quiet", "database": "silent"},
    ),
    "options": ([], [], {"options": " ".join(each(QUIET, "-c {name}={value}"))}),
    "startup message": ([], [], dict(QUIET)),
    "a role with a grant": ([], each(QUIET, "SET {name} = '{value}'"), {"user": "trusted"}),
    "a role without": ([], ["SET client_min_messages = error"], {"user": "ordinary"}),
    "a function of a superuser": ([], ["SELECT loosen()"], {"user": "ordinary"}),
    "a role that is set": ([], ["SET ROLE quiet", *each(QUIET, "SET {name} = '{value}'")], {}),
    "loud": ([], each(LOUD, "SET {name} = '{value}'"), {}),
    "quiet, then loud": ([], [*each(QUIET, "SET {name} = '{value}'"), *each(LOUD, "SET {name} = '{value}'")], {}),
    "quiet, then reset": ([], [*each(QUIET, "SET {name} = '{value}'"), "RESET ALL"], {}),
}
UNDO = ["ALTER ROLE quiet RESET ALL", "ALTER ROLE ALL RESET ALL", "ALTER DATABASE silent RESET ALL"]
UNDO.append("ALTER ROLE quiet IN DATABASE silent RESET ALL")


@pytest.fixture(params=WAYS)
def way(cluster, request):
    before, own, startup = WAYS[request.param]
    cluster.execute(*before)
    yield request.param, own, startup
    if before:
        cluster.execute(*UNDO)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_failure_is_told_once(cluster, way, protocol):
    name, own, startup = way
    statements = [f"{text} /* {name}, {protocol} */" for text in FAILURES.values()]

    def fail(session):
        for statement in own:
            assert errors(session.run(statement)) == [], statement
        in_block = "BEGIN" in own
        for sqlstate, statement in zip(FAILURES, statements, strict=True):
            if in_block:
                session.run("SAVEPOINT s")
            assert errors(ask(session, statement, protocol).answer()) == [sqlstate]
            if in_block:
                session.run("ROLLBACK TO s")

    events = record_raw(cluster, fail, **startup)
    assert outcomes(failures(events)) == list(zip(FAILURES, statements, strict=True))
    assert all(e["errorMessage"] for e in failures(events))
    numbers = [e["statementId"] for e in events]
    assert sorted(set(numbers)) == list(range(2, max(numbers) + 1)), "no statement is missing"
    assert len({e["statementId"] for e in failures(events)}) == len(FAILURES)


@pytest.mark.parametrize("setting", QUIET)
def test_each_setting_by_itself_hides_nothing(cluster, setting):
    def fail(session):
        session.run(f"SET {setting} = {QUIET[setting]}")
        for sqlstate, statement in FAILURES.items():
            assert errors(session.run(statement)) == [sqlstate]

    assert outcomes(failures(record_raw(cluster, fail))) == list(FAILURES.items())


@pytest.mark.parametrize("level", ["debug5", "info", "notice", "warning", "error", "log", "fatal", "panic"])
def test_the_log_keeps_what_its_setting_asks_for_and_the_stream_everything(cluster, level):
    statement = f"SELECT 1 / 0 /* at {level} */"

    def fail(session):
        session.run(f"SET log_min_messages = {level}")
        assert [m.row for m in session.run("SHOW log_min_messages") if m.kind == "D"] == [[level]]
        assert errors(session.run(statement)) == ["22012"]

    assert outcomes(failures(record_raw(cluster, fail))) == [("22012", statement)]
    logged = cluster.log_lines("STATEMENT", f"/* at {level} */")
    assert len(logged) == (0 if level in ("log", "fatal", "panic") else 1)


@pytest.mark.parametrize("language", ["plpgsql", "sql"])
@pytest.mark.parametrize(
    ("failing", "sqlstate"),
    [
        ("SELECT 1 / (id - 2) FROM thing", "22012"),
        ("INSERT INTO thing VALUES (2)", "23505"),
        ("SELECT id FROM not_for_all", "42501"),
    ],
)
def test_a_functions_own_settings_hide_nothing(cluster, language, failing, sqlstate):
    settings = " ".join(each(QUIET, "SET {name} = '{value}'"))
    body = failing if language == "sql" else f"BEGIN EXECUTE $x$ {failing} $x$; END"
    cluster.execute(
        f"CREATE OR REPLACE FUNCTION silently() RETURNS void LANGUAGE {language} {settings} AS $f$ {body} $f$"
    )

    def fail(session):
        assert errors(session.run("SELECT silently()")) == [sqlstate]
        session.run("SELECT 'next'")

    events = record_raw(cluster, fail, user="trusted")
    assert outcomes(failures(events)) == [(sqlstate, "SELECT silently()")]
    assert (events[-1]["commandText"], events[-1]["statementId"]) == ("SELECT 'next'", 3)


def test_a_functions_own_settings_hide_no_error_that_it_catches(cluster):
    settings = " ".join(each(QUIET, "SET {name} = '{value}'"))
    cluster.execute(
        f"CREATE OR REPLACE FUNCTION catches() RETURNS void LANGUAGE plpgsql {settings} AS"
        " $$ BEGIN INSERT INTO thing VALUES (2); EXCEPTION WHEN OTHERS THEN NULL; END $$"
    )
    events = record_raw(cluster, lambda session: session.run("SELECT catches()"))
    assert [(e["exitCode"], e["command"]) for e in failures(events)] == [("23505", "INSERT")], brief(events)


def test_a_setting_that_is_made_by_the_string_that_fails_hides_nothing(cluster):
    events = record_raw(cluster, lambda session: session.run("SET log_min_messages = panic; SELECT 1 / 0"))
    assert [e["exitCode"] for e in events] == [None, "22012"]


def test_a_setting_that_the_failure_itself_takes_back_hides_nothing(cluster):
    def fail(session):
        session.run("BEGIN")
        session.run("SET log_min_messages = panic")
        session.run("SELECT 1 / 0")
        session.run("SELECT 'aborted'")
        session.run("ROLLBACK")
        session.run("SELECT 2 / 0")

    assert [e["exitCode"] for e in failures(record_raw(cluster, fail))] == ["22012", "25P02", "22012"]


def test_a_session_that_logs_nothing_tells_that_an_administrator_ended_it(cluster):
    statement = "SELECT pg_sleep(600) /* not logged */"
    with RawSession(cluster.port, options="-c log_min_messages=panic") as session:
        session.query(statement)
        waits(cluster, session.pid, "PgSleep")
        cluster.execute(f"SELECT pg_terminate_backend({session.pid})")
        session.until_closed()
    assert outcomes(failures(ended(cluster, session.pid))) == [("57P01", statement)]
    last = cluster.session_events(session.pid)[-1]
    assert (last["command"], last["exitCode"]) == ("DISCONNECT", "1")
    assert not cluster.log_lines("not logged")


def test_a_role_that_may_not_set_it_is_refused_and_that_is_told(cluster):
    def fail(session):
        for statement in ("SET log_min_messages = panic", "SELECT set_config('log_statement', 'none', false)"):
            assert errors(session.run(statement)) == ["42501"]

    events = record_raw(cluster, fail, user="ordinary")
    assert [(e["exitCode"], e["dbUserName"]) for e in failures(events)] == [("42501", "ordinary")] * 2


def test_a_server_that_is_configured_to_log_nothing_tells_everything(make_cluster):
    cluster = make_cluster(conf=dict(QUIET))
    cluster.execute("CREATE TABLE thing (id int PRIMARY KEY)", "INSERT INTO thing VALUES (2)")

    def fail(session):
        for sqlstate, statement in FAILURES.items():
            assert errors(session.run(statement)) == [sqlstate]

    assert outcomes(failures(record_raw(cluster, fail))) == list(FAILURES.items())
    assert "division by zero" not in cluster.log()


def test_a_setting_that_is_reloaded_in_the_middle_of_a_session_hides_nothing(make_cluster):
    cluster = make_cluster()
    cluster.execute("CREATE TABLE thing (id int PRIMARY KEY)", "INSERT INTO thing VALUES (2)")

    def fail(session):
        assert errors(session.run("SELECT 1 / 0")) == ["22012"]
        cluster.execute(*each(QUIET, "ALTER SYSTEM SET {name} = '{value}'"), "SELECT pg_reload_conf()")
        wait_for(
            lambda: ["panic"] in [m.row for m in session.run("SHOW log_min_messages") if m.kind == "D"],
            "the session has the new settings",
        )
        for sqlstate, statement in FAILURES.items():
            assert errors(session.run(statement)) == [sqlstate]

    assert outcomes(failures(record_raw(cluster, fail))) == [("22012", "SELECT 1 / 0"), *FAILURES.items()]
