"""activity_stream.capture and capture_catalog: which statements are told, and that failures and warnings always are."""

import pytest

from filtered import all_of, each, told, told_raw
from told import PROTOCOLS, ask, commands, ids, outcomes, texts

ALL = {"READ", "WRITE", "FUNCTION", "ROLE", "DDL", "MISC"}
# Each class, in a session's own order.
STATEMENTS = [
    "SET work_mem = '4MB'",
    "TABLE thing",
    "INSERT INTO thing VALUES (5)",
    "SELECT noted(1)",
    "CREATE TABLE made (a int)",
    "GRANT SELECT ON made TO someone",
    "COPY thing TO STDOUT",
    "EXPLAIN DELETE FROM thing",
    "DROP TABLE made",
    "CREATE ROLE another",
    "DROP ROLE another",
    "DO $$ BEGIN PERFORM 1; END $$",
    "DELETE FROM thing WHERE id = 5",
]
FAILING = [
    ("SELECT 1 / 0", "22012"),
    ("INSERT INTO thing VALUES (1)", "23505"),
    ("SET no_such_setting = 1", "42704"),
    ("DROP TABLE no_such_table", "42P01"),
    ("GRANT no_such_role TO someone", "42704"),
    ("SELECT failing()", "P0001"),
    ("SELEC", "42601"),
]


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    cluster.execute(
        "CREATE TABLE thing (id int PRIMARY KEY)",
        "INSERT INTO thing VALUES (1), (2)",
        "CREATE TABLE log (id int)",
        "CREATE ROLE someone",
        "CREATE FUNCTION noted(i int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO log VALUES (i); RETURN i; END $$",
        "CREATE FUNCTION failing() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$",
        "CREATE FUNCTION making(name text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN "
        "EXECUTE format('CREATE TABLE %I (a int)', name); EXECUTE format('INSERT INTO %I VALUES (1)', name); "
        "EXECUTE format('GRANT SELECT ON %I TO someone', name); EXECUTE format('DROP TABLE %I', name); "
        "RETURN 1; END $$",
    )


@pytest.fixture
def capturing(cluster):
    """Changes the setting for one test."""

    def capture(classes, **others):
        cluster.reload(capture=classes, **others)

    yield capture
    cluster.reload(capture="all", capture_catalog="on")


def send(protocol):
    def run(session):
        for statement in STATEMENTS:
            got = ask(session, statement, protocol).until("ZG")
            assert "E" not in {m.kind for m in got}, statement

    return run


@pytest.fixture(scope="module")
def everything(cluster):
    """What is told of the statements by either protocol when nothing is left out."""
    return {protocol: told_raw(cluster, send(protocol)) for protocol in PROTOCOLS}


def names(events):
    return [(e["statementId"], e["substatementId"], e["class"], e["command"], e["objectName"]) for e in events]


@pytest.mark.parametrize(
    ("setting", "classes"),
    [
        ("all", ALL),
        ("ALL", ALL),
        ("all, -misc", ALL - {"MISC"}),
        ("all,-read,-write", ALL - {"READ", "WRITE"}),
        ("read", {"READ"}),
        ("write", {"WRITE"}),
        ("function", {"FUNCTION"}),
        ("role", {"ROLE"}),
        ("ddl", {"DDL"}),
        ("misc", {"MISC"}),
        (" Read ,WRITE", {"READ", "WRITE"}),
        ("-misc, all", ALL),
        ("all, -all, ddl", {"DDL"}),
        ("read, none, role", {"READ", "ROLE"}),
        ("none", set()),
        ("", set()),
    ],
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_events_of_the_classes_of_the_list_are_told_as_if_nothing_were_left_out(
    cluster, capturing, everything, setting, classes, protocol
):
    assert {e["class"] for e in everything[protocol]} == ALL
    capturing(setting)
    expected = [name for name in names(everything[protocol]) if name[2] in classes]
    assert names(told_raw(cluster, send(protocol))) == expected


@pytest.mark.parametrize("setting", ["none", "ddl", "all, -misc", "read"])
def test_failures_of_any_class_are_told(cluster, capturing, setting):
    capturing(setting)
    events = told(cluster, each(*(statement for statement, _ in FAILING)))
    assert [(code, text) for code, text in outcomes(events) if code] == [(code, text) for text, code in FAILING]


def test_a_failure_that_was_caught_is_told(cluster, capturing):
    capturing("none")
    body = "BEGIN INSERT INTO thing VALUES (1); EXCEPTION WHEN unique_violation THEN NULL; END"
    events = told(cluster, each(f"DO $$ {body} $$"))
    assert [(e["command"], e["exitCode"], e["objectName"]) for e in events] == [("INSERT", "23505", "public.thing")]


@pytest.mark.parametrize(
    "statement",
    [
        "COPY log FROM PROGRAM 'true'",
        "SELECT pg_reload_conf()",
        "ALTER SYSTEM SET work_mem = '4MB'",
        "UPDATE pg_authid SET rolname = 'someone' WHERE rolname = 'someone'",
    ],
)
def test_what_is_told_before_it_runs_is_always_told(cluster, capturing, statement):
    capturing("none", capture_catalog="off")
    events = told(cluster, each(statement))
    assert [(e["command"], e["commandText"]) for e in events] == [("STREAM INTENT", statement)]


@pytest.mark.parametrize("setting", ["all", "misc", "all, -misc", "none"])
def test_the_ends_of_a_session_are_of_class_misc(cluster, capturing, setting):
    """Both or none: a DISCONNECT without its CONNECT says nothing."""
    capturing(setting)
    events = all_of(cluster, each("SELECT 1"))
    ends = [e["command"] for e in events if e["command"] in ("CONNECT", "DISCONNECT")]
    assert ends == (["CONNECT", "DISCONNECT"] if setting in ("all", "misc") else [])


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("ddl", [("DDL", "CREATE TABLE"), ("DDL", "DROP TABLE")]),
        ("role", [("ROLE", "GRANT")]),
        ("write", [("WRITE", "INSERT")]),
        ("function", [("FUNCTION", "EXECUTE")]),
        ("ddl, read", [("DDL", "CREATE TABLE"), ("DDL", "DROP TABLE"), ("READ", "SELECT")]),
    ],
)
@pytest.mark.parametrize("call", ["SELECT making('t')", "DO $$ BEGIN PERFORM making('t'); END $$"])
def test_what_runs_inside_a_statement_that_is_left_out_has_its_numbers(cluster, capturing, call, setting, expected):
    whole = told(cluster, each("SELECT 1", call, "SELECT 2"))
    capturing(setting)
    events = told(cluster, each("SELECT 1", call, "SELECT 2"))
    inside = [e for e in events if e["commandText"] not in ("SELECT 1", "SELECT 2")]
    assert set(commands(inside)) >= set(expected)
    assert {e["statementId"] for e in inside} == {3}
    classes = {e["class"] for e in events}
    assert sorted(names(events)) == sorted(name for name in names(whole) if name[2] in classes)


def test_triggers_cursors_and_explain_of_a_class_that_is_left_out(cluster, capturing):
    cluster.execute(
        "CREATE TABLE watched (id int)",
        "CREATE FUNCTION on_insert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "CREATE TEMP TABLE made_by_trigger (a int); DROP TABLE made_by_trigger; RETURN NEW; END $$",
        "CREATE TRIGGER t AFTER INSERT ON watched FOR EACH ROW EXECUTE FUNCTION on_insert()",
    )
    statements = [
        "INSERT INTO watched VALUES (1)",
        "BEGIN",
        "DECLARE c CURSOR FOR SELECT * FROM thing",
        "FETCH 1 FROM c",
        "CREATE TEMP TABLE between (a int)",
        "FETCH ALL FROM c",
        "COMMIT",
        "EXPLAIN ANALYZE INSERT INTO watched VALUES (2)",
        "CREATE TABLE as_table AS SELECT * FROM thing",
        "DROP TABLE as_table",
    ]
    whole = told(cluster, each(*statements))
    capturing("ddl")
    events = told(cluster, each(*statements))
    assert names(events) == [name for name in names(whole) if name[2] == "DDL"]
    assert len(events) >= 6


# The relations of the first, and what is left of them.
CATALOG = [
    ("SELECT relname FROM pg_class", ["pg_catalog.pg_class"], []),
    ("SELECT * FROM pg_settings", None, []),
    ("TABLE thing", ["public.thing"], ["public.thing"]),
    ("SELECT * FROM thing, pg_class", ["pg_catalog.pg_class", "public.thing"], ["public.thing"]),
    ("SELECT 'pg_class'::regclass, 1", [None], [None]),
    ("INSERT INTO log SELECT 1 FROM pg_database", ["pg_catalog.pg_database", "public.log"], ["public.log"]),
]


@pytest.mark.parametrize(("statement", "on", "off"), CATALOG)
def test_relations_of_the_catalog_can_be_left_out(cluster, capturing, statement, on, off):
    for setting, expected in (("on", on), ("off", off)):
        capturing("all", capture_catalog=setting)
        events = told(cluster, each(statement, "SELECT 'next'"))
        mine = [e["objectName"] for e in events if e["commandText"] == statement]
        assert expected is None or sorted(map(str, mine)) == sorted(map(str, expected)), setting
        assert texts(events)[-1] == "SELECT 'next'" and ids(events)[-1] == (3, 1)


def test_failures_of_statements_on_the_catalog_are_told(cluster, capturing):
    capturing("all", capture_catalog="off")
    statements = ["SELECT 1 / 0 FROM pg_class", "SELECT nothing FROM pg_class", "INSERT INTO pg_am VALUES (NULL)"]
    events = [e for e in told(cluster, each(*statements)) if e["command"] != "STREAM INTENT"]
    assert [text for _, text in outcomes(events)] == statements
    assert all(code for code, _ in outcomes(events))


def test_the_reload_holds_in_sessions_that_are_there(cluster, capturing):
    def run(session):
        session.execute("SELECT 'before'")
        capturing("ddl")
        session.execute("SELECT 'during'")
        session.execute("CREATE TEMP TABLE during (a int)")
        capturing("all")
        session.execute("SELECT 'after'")

    events = [e for e in told(cluster, run) if "STREAM" not in e["command"]]
    assert texts(events) == ["SELECT 'before'", "CREATE TEMP TABLE during (a int)", "SELECT 'after'"]
    assert ids(events) == [(2, 1), (4, 1), (5, 1)]
