"""STREAM INTENT for functions: calls that reach files, sessions, the configuration or other servers are told before they run, however
they come to run."""

import pytest

from rawpg import errors
from told import failures, ids, record_raw

READ = "pg_catalog.pg_read_file"
SETUP = """
CREATE EXTENSION dblink;
CREATE TABLE item (id int, name text);
INSERT INTO item VALUES (1, 'PG_VERSION'), (2, 'PG_VERSION');
CREATE VIEW reading AS SELECT pg_read_file('PG_VERSION') AS x;
CREATE VIEW over_reading AS SELECT x FROM reading;
CREATE MATERIALIZED VIEW kept AS SELECT pg_read_file('PG_VERSION') AS x WITH NO DATA;
CREATE FUNCTION by_sql(text) RETURNS text LANGUAGE sql AS 'SELECT pg_read_file($1)';
CREATE FUNCTION by_atomic(file text) RETURNS text RETURN pg_read_file(file);
CREATE FUNCTION by_pl(file text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN pg_read_file(file); END';
CREATE FUNCTION by_assignment(file text) RETURNS text LANGUAGE plpgsql AS
  'DECLARE x text; BEGIN x := upper(pg_read_file(file)); RETURN x; END';
CREATE FUNCTION by_condition(file text) RETURNS text LANGUAGE plpgsql AS
  'BEGIN IF pg_read_file(file) <> $$$$ THEN RETURN 1; END IF; RETURN 0; END';
CREATE FUNCTION by_dynamic(file text) RETURNS text LANGUAGE plpgsql AS
  'DECLARE x text; BEGIN EXECUTE format($$SELECT pg_%s_file(%L)$$, $$read$$, file) INTO x; RETURN x; END';
CREATE FUNCTION by_definer(file text) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT pg_read_file($1)';
CREATE FUNCTION by_lie(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN pg_read_file($1); END';
CREATE FUNCTION by_default(x text DEFAULT pg_read_file('PG_VERSION')) RETURNS text LANGUAGE sql AS 'SELECT $1';
CREATE PROCEDURE by_procedure() LANGUAGE plpgsql AS 'BEGIN PERFORM pg_read_file($$PG_VERSION$$); END';
CREATE FUNCTION by_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.x := pg_read_file($$PG_VERSION$$); RETURN NEW; END';
CREATE TYPE contents AS (x text);
CREATE FUNCTION to_contents(text) RETURNS contents LANGUAGE sql AS 'SELECT row(pg_read_file($1))::contents';
CREATE CAST (text AS contents) WITH FUNCTION to_contents(text);
CREATE OPERATOR <<! (RIGHTARG = text, FUNCTION = pg_read_file);
CREATE FUNCTION joined(text, text) RETURNS text LANGUAGE sql AS 'SELECT $1 || pg_read_file($2)';
CREATE AGGREGATE all_files(text) (SFUNC = joined, STYPE = text, INITCOND = '');
CREATE DOMAIN checked AS text CHECK (pg_read_file('PG_VERSION') <> VALUE);
CREATE TABLE defaulted (id int, x text DEFAULT pg_read_file('PG_VERSION'));
CREATE TABLE constrained (x text CHECK (pg_read_file('PG_VERSION') <> x));
CREATE TABLE triggered (x text);
CREATE TRIGGER t BEFORE INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION by_trigger();
CREATE TABLE ruled (x text);
CREATE RULE r AS ON INSERT TO ruled DO ALSO SELECT pg_read_file('PG_VERSION');
CREATE TABLE guarded (x text);
CREATE POLICY p ON guarded USING (pg_read_file('PG_VERSION') <> x);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE ROLE reader LOGIN;
GRANT SELECT ON guarded TO reader;
GRANT EXECUTE ON FUNCTION pg_read_file(text) TO reader;
INSERT INTO guarded VALUES ('x');
"""

WAYS = {
    "SELECT": "SELECT pg_read_file('PG_VERSION')",
    "quoted name": "SELECT \"pg_catalog\".\"pg_read_file\"('PG_VERSION')",
    "WHERE": "SELECT id FROM item WHERE pg_read_file(name) <> ''",
    "FROM": "SELECT * FROM pg_read_file('PG_VERSION')",
    "sub-select": "SELECT (SELECT pg_read_file('PG_VERSION')) FROM item",
    "CTE": "WITH x AS MATERIALIZED (SELECT pg_read_file(name) FROM item) SELECT count(*) FROM x",
    "CASE": "SELECT CASE WHEN id = 1 THEN pg_read_file(name) END FROM item",
    "ORDER BY": "SELECT id FROM item ORDER BY pg_read_file(name)",
    "argument of an aggregate": "SELECT count(pg_read_file(name)) FROM item",
    "window function": "SELECT count(pg_read_file(name)) OVER () FROM item",
    "INSERT": "INSERT INTO item VALUES (3, pg_read_file('PG_VERSION'))",
    "UPDATE": "UPDATE item SET name = name WHERE pg_read_file('PG_VERSION') = name",
    "RETURNING": "DELETE FROM item WHERE id = 3 RETURNING pg_read_file('PG_VERSION')",
    "MERGE": "MERGE INTO item USING (VALUES (1)) v(a) ON id = a AND pg_read_file('PG_VERSION') = name WHEN MATCHED THEN DO NOTHING",
    "view": "TABLE reading",
    "view of a view": "TABLE over_reading",
    "materialized view": "REFRESH MATERIALIZED VIEW kept",
    "CREATE TABLE AS": "CREATE TEMP TABLE made AS SELECT pg_read_file('PG_VERSION') AS x",
    "COPY of a query": "COPY (SELECT pg_read_file('PG_VERSION')) TO STDOUT",
    "cursor": "BEGIN; DECLARE c CURSOR FOR SELECT pg_read_file('PG_VERSION'); FETCH c",
    "PREPARE": "PREPARE p AS SELECT pg_read_file('PG_VERSION'); EXECUTE p",
    "EXPLAIN ANALYZE": "EXPLAIN ANALYZE SELECT pg_read_file('PG_VERSION')",
    "DO": "DO $$ BEGIN PERFORM pg_read_file('PG_VERSION'); END $$",
    "CALL": "CALL by_procedure()",
    "argument of CALL": "CREATE PROCEDURE pg_temp.noop(text) LANGUAGE sql AS ''; CALL pg_temp.noop(pg_read_file('PG_VERSION'))",
    "function in SQL": "SELECT by_sql('PG_VERSION')",
    "function in SQL, in FROM": "SELECT * FROM by_sql('PG_VERSION')",
    "function with a body of SQL": "SELECT by_atomic('PG_VERSION')",
    "function in PL": "SELECT by_pl('PG_VERSION')",
    "assignment in PL": "SELECT by_assignment('PG_VERSION')",
    "condition in PL": "SELECT by_condition('PG_VERSION')",
    "EXECUTE in PL": "SELECT by_dynamic('PG_VERSION')",
    "SECURITY DEFINER": "SELECT by_definer('PG_VERSION')",
    "function that is folded": "SELECT by_lie('PG_VERSION')",
    "default argument": "SELECT by_default()",
    "cast": "SELECT 'PG_VERSION'::text::contents",
    "operator": "SELECT <<! 'PG_VERSION'::text",
    "aggregate": "SELECT all_files(name) FROM item",
    "domain": "SELECT 'x'::checked",
    "DEFAULT": "INSERT INTO defaulted (id) VALUES (1)",
    "DEFAULT of COPY": "COPY defaulted (id) FROM PROGRAM 'echo 1'",
    "DEFAULT of a new column": "ALTER TABLE item ADD y text DEFAULT pg_read_file('PG_VERSION')",
    "CHECK": "INSERT INTO constrained VALUES ('x')",
    "trigger": "INSERT INTO triggered VALUES ('x')",
    "rule": "INSERT INTO ruled VALUES ('x')",
    "USING of ALTER TYPE": "ALTER TABLE item ALTER name TYPE text USING pg_read_file('PG_VERSION')",
    "query_to_xml": "SELECT query_to_xml('SELECT pg_read_file(''PG_VERSION'')', true, true, '')",
}

# What is called, and the name under which it is told.
CALLS = [
    ("pg_read_file('PG_VERSION', 0, 9)", READ),
    ("pg_read_file('no such file', 0, 9, true)", READ),
    ("pg_read_binary_file('PG_VERSION')", "pg_catalog.pg_read_binary_file"),
    ("pg_read_binary_file('PG_VERSION', 0, 9)", "pg_catalog.pg_read_binary_file"),
    ("pg_read_binary_file('no such file', 0, 9, true)", "pg_catalog.pg_read_binary_file"),
    ("pg_ls_dir('.')", "pg_catalog.pg_ls_dir"),
    ("pg_ls_dir('.', true, false)", "pg_catalog.pg_ls_dir"),
    ("pg_stat_file('PG_VERSION')", "pg_catalog.pg_stat_file"),
    ("pg_stat_file('nothing', true)", "pg_catalog.pg_stat_file"),
    ("lo_import('{data}/PG_VERSION')", "pg_catalog.lo_import"),
    ("lo_import('{data}/PG_VERSION', 4711)", "pg_catalog.lo_import"),
    ("lo_export(4711, '{data}/exported')", "pg_catalog.lo_export"),
    ("pg_terminate_backend(1)", "pg_catalog.pg_terminate_backend"),
    ("pg_cancel_backend(1)", "pg_catalog.pg_cancel_backend"),
    ("pg_reload_conf()", "pg_catalog.pg_reload_conf"),
    ("pg_rotate_logfile()", "pg_catalog.pg_rotate_logfile"),
    ("pg_file_write('written', 'x', false)", "pg_catalog.pg_file_write"),
    ("pg_file_rename('written', 'renamed', NULL)", "pg_catalog.pg_file_rename"),
    ("pg_file_sync('renamed')", "pg_catalog.pg_file_sync"),
    ("pg_file_unlink('renamed')", "pg_catalog.pg_file_unlink"),
    ("dblink_connect('one', 'dbname=postgres host={folder} port={port}')", "public.dblink_connect"),
    ("dblink_connect_u('two', 'dbname=postgres host={folder} port={port}')", "public.dblink_connect_u"),
    ("dblink_exec('dbname=postgres host={folder} port={port}', 'SET work_mem = ''4MB''')", "public.dblink_exec"),
]

FAILING = [
    ("pg_read_file('no such file')", READ, "58P01"),
    ("pg_read_file('PG_VERSION') || (1 / (id - 1)) FROM item", READ, "22012"),
    ("lo_import('/no/such/file')", "pg_catalog.lo_import", "58P01"),
    ("pg_file_write('PG_VERSION', 'x', false)", "pg_catalog.pg_file_write", "58P02"),
    ("dblink_connect('dbname=postgres host=127.0.0.1 port=1')", "public.dblink_connect", "08001"),
    ("dblink_exec('dbname=postgres host=127.0.0.1 port=1', 'SELECT 1')", "public.dblink_exec", "08001"),
]


@pytest.fixture(scope="module", autouse=True)
def setup(cluster):
    cluster.execute(SETUP)
    if has_adminpack(cluster):
        cluster.execute("CREATE EXTENSION adminpack")


def has_adminpack(cluster):
    """PostgreSQL 17 has it no more."""
    return cluster.installation.major < 17


def needs(cluster, call):
    if call.startswith("pg_file_") and not has_adminpack(cluster):
        pytest.skip("adminpack is gone")


def run(cluster, *statements, fails=None, **startup):
    """The events of a session, those before what happens among them, and its process id."""
    pids = []

    def send(session):
        pids.append(session.pid)
        for statement in statements:
            assert errors(session.run(statement)) == ([fails] if fails else []), statement

    record_raw(cluster, send, **startup)
    return cluster.session_events(pids[0])[1:-1]


def check_calls(events, name):
    """Each call has been told before, under its own numbers, and before the statement that it is part of."""
    before = [e for e in events if e["command"] == "STREAM INTENT" and e["objectName"] == name]
    calls = [e for e in events if e["command"] == "EXECUTE" and e["objectName"] == name]
    assert before and ids(before) == ids(calls)
    for intent, call in zip(before, calls, strict=True):
        assert (intent["class"], intent["objectType"], call["class"]) == ("MISC", "FUNCTION", "FUNCTION")
        assert call["sequence"] == intent["sequence"] + 1
        outcomes = [e for e in events if e["statementId"] == intent["statementId"] and e["command"] not in ("STREAM INTENT", "EXECUTE")]
        assert any(e["sequence"] > intent["sequence"] for e in outcomes) or not outcomes
    return before


@pytest.mark.parametrize("way", WAYS)
def test_a_call_is_told_before_however_it_comes_about(cluster, way):
    events = run(cluster, *(WAYS[way].split("; ") if way in ("PREPARE", "cursor", "argument of CALL") else [WAYS[way]]))
    assert not failures(events)
    check_calls(events, READ)


def test_what_is_computed_again_in_a_transaction_is_told_before_by_its_function(cluster):
    read = "SELECT by_pl('PG_VERSION')"
    events = run(cluster, "BEGIN", read, "SELECT 1", read, "COMMIT", read)
    before = [(e["statementId"], e["objectName"]) for e in events if e["command"] == "STREAM INTENT"]
    assert before == [(3, READ), (5, "public.by_pl"), (7, READ)]


def test_a_call_by_a_policy_is_told_before(cluster):
    check_calls(run(cluster, "TABLE guarded", user="reader"), READ)


def test_a_call_by_message_is_told_before(cluster):
    oid = cluster.value("SELECT 'pg_reload_conf()'::regprocedure::oid::int")
    pids = []

    def send(session):
        pids.append(session.pid)
        session.call_function(oid).answer()

    record_raw(cluster, send)
    check_calls(cluster.session_events(pids[0]), "pg_catalog.pg_reload_conf")


@pytest.mark.parametrize(("call", "name"), CALLS)
def test_each_listed_function_is_told_before(cluster, call, name):
    needs(cluster, call)
    statement = f"SELECT {call}".replace("{data}", str(cluster.data)).replace("{folder}", str(cluster.folder))
    events = run(cluster, statement.replace("{port}", str(cluster.port)))
    assert not failures(events)
    assert len(check_calls(events, name)) == 1
    assert ids(events) == [(2, 2), (2, 2), (2, 1)]


@pytest.mark.parametrize(("call", "name", "sqlstate"), FAILING)
def test_a_call_that_fails_was_told_before(cluster, call, name, sqlstate):
    needs(cluster, call)
    events = run(cluster, f"SELECT {call}", fails=sqlstate)
    check_calls(events, name)
    assert [(e["exitCode"], e["statementId"]) for e in failures(events)] == [(sqlstate, 2)]
    assert failures(events)[0] is events[-1]


def test_a_call_that_is_refused_is_one_failure(cluster):
    events = run(cluster, "SELECT pg_read_binary_file('PG_VERSION')", fails="42501", user="reader")
    assert [e["exitCode"] for e in events if e["command"] == "SELECT"] == ["42501"]


def test_another_name_does_not_hide_a_library(cluster):
    cluster.execute("CREATE FUNCTION innocent(text, text) RETURNS text LANGUAGE c AS '$libdir/dblink', 'dblink_connect'")
    where = f"dbname=postgres host={cluster.folder} port={cluster.port}"
    check_calls(run(cluster, f"SELECT innocent('x', '{where}')"), "public.innocent")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_ls_waldir(), pg_current_logfile()",
        "SELECT dblink_get_connections IS NULL FROM (VALUES (1)) dblink_get_connections",
        "SELECT 'pg_read_file(''PG_VERSION'')'",
        "CREATE VIEW not_read_yet AS SELECT pg_read_file('PG_VERSION') AS x",
    ],
)
def test_an_ordinary_statement_is_not_told_before(cluster, statement):
    events = run(cluster, statement)
    assert "STREAM INTENT" not in [e["command"] for e in events]


def test_every_event_of_the_module_is_complete_and_once(cluster):
    cluster.settle()
    cluster.reader.check_complete()
