"""STREAM INTENT for catalogs that are changed by hand: told before, through whatever the change comes."""

import pytest

from intents import intents, run, told_first
from rawpg import RawSession, errors

SETUP = """
CREATE ROLE reader;
CREATE FUNCTION by_pl() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE TABLE item (id int);
CREATE VIEW roles AS SELECT rolname, rolcreatedb FROM pg_authid;
CREATE VIEW over_roles AS SELECT * FROM roles;
CREATE VIEW ruled AS SELECT 1 AS x;
CREATE RULE r AS ON INSERT TO ruled DO INSTEAD UPDATE pg_authid SET rolcreatedb = false WHERE rolname = 'reader';
CREATE FUNCTION by_trigger() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN UPDATE pg_authid SET rolcreatedb = false WHERE rolname = $$reader$$; RETURN NEW; END';
CREATE TABLE triggered (x int);
CREATE TRIGGER t BEFORE INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION by_trigger();
CREATE FUNCTION by_sql() RETURNS void LANGUAGE sql AS $$ UPDATE pg_authid SET rolcreatedb = false WHERE rolname = 'reader' $$;
"""

_ROLE = "UPDATE pg_authid SET rolcreatedb = true WHERE rolname = 'reader'"

WAYS = {
    "UPDATE": (_ROLE, "pg_authid"),
    "DELETE": ("DELETE FROM pg_db_role_setting", "pg_db_role_setting"),
    "INSERT": ("INSERT INTO pg_db_role_setting VALUES (0, 10, '{work_mem=5MB}')", "pg_db_role_setting"),
    "of none": ("DELETE FROM pg_auth_members WHERE roleid = 1", "pg_auth_members"),
    "CTE": ("WITH u AS (UPDATE pg_authid SET rolcreatedb = false WHERE rolname = 'reader' RETURNING 1) TABLE u", "pg_authid"),
    "MERGE": ("MERGE INTO pg_authid USING (VALUES (1)) v(a) ON false WHEN MATCHED THEN DELETE", "pg_authid"),
    "view": ("UPDATE roles SET rolcreatedb = true WHERE rolname = 'reader'", "pg_authid"),
    "view of a view": ("UPDATE over_roles SET rolcreatedb = true WHERE rolname = 'reader'", "pg_authid"),
    "rule": ("INSERT INTO ruled VALUES (1)", "pg_authid"),
    "trigger": ("INSERT INTO triggered VALUES (1)", "pg_authid"),
    "function": ("SELECT by_sql()", "pg_authid"),
    "DO": (f"DO $do$ BEGIN {_ROLE}; END $do$", "pg_authid"),
    "EXECUTE in DO": (f"DO $do$ BEGIN EXECUTE $x${_ROLE}$x$; END $do$", "pg_authid"),
    "EXPLAIN ANALYZE": (f"EXPLAIN ANALYZE {_ROLE}", "pg_authid"),
    "COPY from a file": ("COPY pg_db_role_setting FROM '/dev/null'", "pg_db_role_setting"),
    "functions": ("UPDATE pg_proc SET procost = 2 WHERE proname = 'by_pl'", "pg_proc"),
    "languages": ("UPDATE pg_language SET lanpltrusted = true WHERE lanname = 'plpgsql'", "pg_language"),
    "triggers": ("UPDATE pg_trigger SET tgenabled = 'O' WHERE tgname = 't'", "pg_trigger"),
    "event triggers": ("DELETE FROM pg_event_trigger", "pg_event_trigger"),
    "rules": ("UPDATE pg_rewrite SET ev_enabled = 'O' WHERE rulename = 'r'", "pg_rewrite"),
    "relations": ("UPDATE pg_class SET relrowsecurity = false WHERE relname = 'item'", "pg_class"),
    "support functions": ("DELETE FROM pg_amproc WHERE false", "pg_amproc"),
    "wrappers": ("DELETE FROM pg_foreign_data_wrapper", "pg_foreign_data_wrapper"),
}


@pytest.fixture(scope="module", autouse=True)
def setup(cluster):
    cluster.execute(SETUP)


@pytest.mark.parametrize("way", WAYS)
def test_a_catalog_that_is_changed_by_hand_is_told_before(cluster, way):
    statement, catalog = WAYS[way]
    events = run(cluster, statement)
    if way == "COPY from a file":
        # Told once, for the file.
        assert len(intents(events)) == 1
    told_first(events, f"pg_catalog.{catalog}", "TABLE")


def test_prepared_it_is_told_each_time_that_it_runs(cluster):
    events = run(cluster, f"PREPARE p AS {_ROLE}", "EXECUTE p", "EXECUTE p")
    assert [(e["statementId"], e["objectName"]) for e in intents(events)] == [(3, "pg_catalog.pg_authid"), (4, "pg_catalog.pg_authid")]


def test_a_copy_from_the_client_is_told_before(cluster):
    pids = []

    def send(session):
        pids.append(session.info.backend_pid)
        with session.cursor().copy("COPY pg_db_role_setting FROM STDIN") as copy:
            copy.write("0\t10\t{work_mem=6MB}\n")

    cluster.execute("DELETE FROM pg_db_role_setting")
    cluster.record(send)
    events = [e for e in cluster.session_events(pids[0]) if "COPY" in (e["commandText"] or "")]
    told_first(events, "pg_catalog.pg_db_role_setting", "TABLE")
    assert [e["rowCount"] for e in events if e["command"] == "COPY"] == [1]
    cluster.execute("DELETE FROM pg_db_role_setting")


def test_those_of_a_role_that_is_left_out_are_told_before(cluster):
    cluster.execute("CREATE ROLE quiet LOGIN SUPERUSER")
    cluster.reload(exclude_roles="quiet")
    statement = f"{_ROLE} -- quiet"
    try:
        with RawSession(cluster.port, user="quiet") as session:
            assert not errors(session.run(statement))
    finally:
        cluster.reload(exclude_roles="")
    cluster.settle()
    told = [(e["command"], e["objectName"]) for e in cluster.reader.events if e["commandText"] == statement]
    assert told == [("STREAM INTENT", "pg_catalog.pg_authid")]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT rolname FROM pg_authid",
        "SELECT rolname FROM pg_authid FOR SHARE",
        "INSERT INTO item SELECT oid::int FROM pg_class LIMIT 1",
        "UPDATE item SET id = 1 FROM pg_authid WHERE rolname = 'reader'",
        "DELETE FROM pg_description WHERE false",
        "DELETE FROM pg_statistic WHERE false",
        "COPY pg_authid TO STDOUT",
        "ALTER ROLE reader CREATEDB",
        "UPDATE pg_settings SET setting = '5MB' WHERE name = 'work_mem'",
    ],
)
def test_an_ordinary_statement_is_not_told_before(cluster, statement):
    assert not intents(run(cluster, statement))


def test_every_event_of_the_module_is_complete_and_once(cluster):
    cluster.settle()
    cluster.reader.check_complete()
