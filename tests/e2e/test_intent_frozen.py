"""STREAM INTENT in sync mode: while it is not durable, nothing that it tells of has happened; with on_failure = fail_operation it never
does."""

from pathlib import Path

import pytest

from conftest import sync_server
from frozen import NOT_DURABLE, NOTICED_SECONDS, REFUSED, WATCHER
from rawpg import RawSession, errors, warnings
from waiting import wait_for

_TIMEOUT_SECONDS = 1
SETUP = (
    "CREATE EXTENSION file_fdw",
    "CREATE SERVER files FOREIGN DATA WRAPPER file_fdw",
    "CREATE FOREIGN TABLE program (x text) SERVER files OPTIONS (program 'touch {folder}/seen/program')",
    "CREATE TABLE item (id int)",
    "CREATE LANGUAGE wild HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler",
    "SELECT lo_from_bytea(4711, 'x')",
    "CREATE FUNCTION export(oid, text) RETURNS int LANGUAGE internal AS 'be_lo_export'",
    "CREATE FUNCTION by_pl(file text) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN lo_export(4711, file); END'",
    "CREATE FUNCTION by_sql(text) RETURNS int LANGUAGE sql AS 'SELECT lo_export(4711, $1)'",
    "CREATE VIEW exporting AS SELECT lo_export(4711, '{folder}/seen/view') AS x",
    "CREATE FUNCTION in_wild(file text) RETURNS int LANGUAGE wild AS"
    " 'BEGIN EXECUTE format($$COPY (SELECT 1) TO PROGRAM %L$$, $$touch $$ || file); RETURN 1; END'",
    "CREATE TABLE defaulted (id int, x int DEFAULT lo_export(4711, '{folder}/seen/default'))",
    "CREATE FUNCTION by_trigger() RETURNS trigger LANGUAGE plpgsql AS"
    " 'BEGIN PERFORM lo_export(4711, $${folder}/seen/trigger$$); RETURN NEW; END'",
    "CREATE TABLE triggered (id int)",
    "CREATE TRIGGER t BEFORE INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION by_trigger()",
    "CREATE ROLE clerk",
)

# What a statement does to a file, and the file.
FILES = {
    "COPY to a file": ("COPY item TO '{seen}/copy'", "copy"),
    "COPY to a program": ("COPY item TO PROGRAM 'touch {seen}/to_program'", "to_program"),
    "COPY from a program": ("COPY item FROM PROGRAM 'touch {seen}/from_program'", "from_program"),
    "COPY in a block": ("DO $$ BEGIN COPY item TO PROGRAM 'touch {seen}/in_block'; END $$", "in_block"),
    "lo_export": ("SELECT lo_export(4711, '{seen}/large')", "large"),
    "alias": ("SELECT export(4711, '{seen}/alias')", "alias"),
    "PL/pgSQL": ("SELECT by_pl('{seen}/pl')", "pl"),
    "SQL": ("SELECT by_sql('{seen}/sql')", "sql"),
    "view": ("TABLE exporting", "view"),
    "default": ("INSERT INTO defaulted (id) VALUES (1)", "default"),
    "trigger": ("INSERT INTO triggered VALUES (1)", "trigger"),
    "untrusted": ("SELECT in_wild('{seen}/wild')", "wild"),
    "untrusted block": ("DO LANGUAGE wild $$ BEGIN COPY item TO PROGRAM 'touch {seen}/wild_block'; END $$", "wild_block"),
    "foreign table": ("TABLE program", "program"),
    "COPY of a query": ("COPY (SELECT lo_export(4711, '{seen}/query')) TO STDOUT", "query"),
    "EXPLAIN ANALYZE": ("EXPLAIN ANALYZE SELECT lo_export(4711, '{seen}/explained')", "explained"),
    "CREATE TABLE AS": ("CREATE TEMP TABLE made AS SELECT lo_export(4711, '{seen}/made')", "made"),
}

# What loads a library into the session.
LOADS = {
    "LOAD": ("LOAD 'auto_explain'", "auto_explain"),
    "function in C": ("CREATE FUNCTION in_c(text, text) RETURNS bool LANGUAGE c AS '$libdir/citext', 'citext_eq'", "citext"),
    "CREATE EXTENSION": ("CREATE EXTENSION hstore", "hstore"),
}

# What others see of it at once, and stays though the statement is rolled back.
SEEN = {
    "ALTER SYSTEM": ("ALTER SYSTEM SET work_mem = '5MB'", "SELECT count(*) FROM pg_file_settings WHERE name = 'work_mem'"),
    "pg_reload_conf": ("SELECT pg_reload_conf()", "SELECT pg_conf_load_time()::text"),
    "pg_terminate_backend": ("SELECT pg_terminate_backend({victim})", "SELECT count(*) FROM pg_stat_activity WHERE pid = {victim}"),
}


@pytest.fixture(scope="module", params=["continue", "fail_operation"])
def server(request, installation, aws, alias):
    """In a folder of its own is whatever a statement writes."""
    settings = {"on_failure": request.param, "sync_timeout": "60s" if request.param == "continue" else f"{_TIMEOUT_SECONDS}s"}
    with sync_server(installation, aws, alias, **settings) as server:
        folder = server.cluster.folder
        server.refuses = request.param == "fail_operation"
        server.seen = folder / "seen"
        server.watcher.execute(f"COPY (SELECT 1) TO PROGRAM 'mkdir {server.seen}'")
        server.cluster.execute(*(statement.format(folder=folder) for statement in SETUP))
        yield server


def not_before_it_is_durable(server, session, statement, happened):
    """It is told, waited for, and then done or refused; `happened` says whether it is done."""
    assert not happened()
    with server.frozen():
        session.query(statement)
        if server.refuses:
            assert errors(session.answer()) == [REFUSED]
            server.unhealthy()
        else:
            server.waits(session.pid)
        assert not happened()
    if not server.refuses:
        answer = session.answer()
        assert not errors(answer) and NOT_DURABLE not in warnings(answer)
        wait_for(happened, "it has happened", timeout=NOTICED_SECONDS)


@pytest.fixture
def session(server):
    server.healthy()
    with RawSession(server.cluster.port) as session:
        server.alone(session.pid)
        yield session


@pytest.mark.parametrize("way", FILES)
def test_no_file_is_written_before_it_is_durable(server, session, way):
    statement, name = FILES[way]
    file = server.seen / name
    file.unlink(missing_ok=True)
    not_before_it_is_durable(server, session, statement.format(seen=server.seen), file.exists)


@pytest.mark.parametrize("way", LOADS)
def test_no_library_is_loaded_before_it_is_durable(server, session, way):
    statement, library = LOADS[way]
    maps = Path(f"/proc/{session.pid}/maps")
    not_before_it_is_durable(server, session, statement, lambda: f"/{library}.so" in maps.read_text())


@pytest.mark.parametrize("way", SEEN)
def test_nobody_sees_it_before_it_is_durable(server, session, way):
    with server.cluster.connect(user=WATCHER) as victim:
        statement, look = (text.format(victim=victim.info.backend_pid) for text in SEEN[way])
        before = server.sees(look)
        not_before_it_is_durable(server, session, statement, lambda: server.sees(look) != before)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE pg_authid SET rolcreatedb = true WHERE rolname = 'clerk'",
        "SELECT set_config('session_preload_libraries', 'auto_explain', false)",
        "SET dynamic_library_path = '/tmp'",
        "ALTER ROLE clerk SET session_preload_libraries = 'auto_explain'",
        "COPY pg_db_role_setting FROM '/dev/null'",
        "SELECT pg_read_file('PG_VERSION')",
    ],
)
def test_it_is_waited_for_or_refused(server, session, statement):
    with server.frozen():
        session.query(statement)
        if server.refuses:
            answer = session.answer()
            assert errors(answer) == [REFUSED] and not [m for m in answer if m.kind == "D"]
            server.unhealthy()
        else:
            server.waits(session.pid)
    if not server.refuses:
        assert not errors(session.answer())
