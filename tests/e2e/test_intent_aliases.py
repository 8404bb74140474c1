"""STREAM INTENT for code of users' own: a function is known by its OID, language and library, so neither another name, place, owner
nor volatility hides what it is; what has the server call one where no call is told is told before instead."""

import pytest

from intents import intents, run, told_first
from told import record_raw

READ = "pg_read_file"
SETUP = """
CREATE SCHEMA elsewhere;
CREATE TABLE item (id int, name text);
INSERT INTO item VALUES (1, 'PG_VERSION');
CREATE LANGUAGE wild HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator;
CREATE FUNCTION innocent(text) RETURNS text LANGUAGE internal AS 'pg_read_file_all';
CREATE FUNCTION frozen(text) RETURNS text LANGUAGE internal IMMUTABLE STRICT AS 'pg_read_file_all';
CREATE FUNCTION harmless(text) RETURNS int LANGUAGE internal AS 'textlen';
CREATE FUNCTION in_wild() RETURNS int LANGUAGE wild AS 'BEGIN RETURN 1; END';
CREATE FUNCTION trigger_in_wild() RETURNS trigger LANGUAGE wild AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION event_in_wild() RETURNS event_trigger LANGUAGE wild AS 'BEGIN END';
CREATE FUNCTION plain_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION plain() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE PROCEDURE do_wild() LANGUAGE wild AS 'BEGIN END';
CREATE FUNCTION loose(text, text) RETURNS boolean LANGUAGE c STRICT AS '$libdir/citext', 'citext_eq';
CREATE EXTENSION citext;
CREATE OPERATOR <<! (RIGHTARG = text, FUNCTION = innocent);
CREATE TYPE contents AS (x text);
CREATE FUNCTION to_contents(text) RETURNS contents LANGUAGE sql AS 'SELECT row(innocent($1))::contents';
CREATE CAST (text AS contents) WITH FUNCTION to_contents(text);
CREATE DOMAIN checked AS text CHECK (innocent('PG_VERSION') <> VALUE);
CREATE TABLE defaulted (id int, x text DEFAULT innocent('PG_VERSION'));
CREATE TABLE generated (name text, x text GENERATED ALWAYS AS (frozen(name)) STORED);
CREATE TABLE indexed (name text);
CREATE INDEX ON indexed (frozen(name));
CREATE TABLE partial (name text);
CREATE INDEX ON partial (name) WHERE frozen(name) <> 'x';
CREATE VIEW reading AS SELECT innocent('PG_VERSION') AS x;
"""

INNOCENT, FROZEN = "public.innocent", "public.frozen"
CALLS = {
    "internal": ("SELECT innocent('PG_VERSION')", INNOCENT),
    "internal, folded into a constant": ("SELECT frozen('PG_VERSION')", FROZEN),
    "folded in WHERE": ("SELECT id FROM item WHERE name = frozen('PG_VERSION')", FROZEN),
    "folded by EXPLAIN": ("EXPLAIN SELECT frozen('PG_VERSION')", FROZEN),
    "internal, of none of the list": ("SELECT harmless('x')", "public.harmless"),
    "view": ("TABLE reading", INNOCENT),
    "operator": ("SELECT <<! 'PG_VERSION'::text", INNOCENT),
    "cast": ("SELECT 'PG_VERSION'::text::contents", INNOCENT),
    "domain": ("SELECT 'x'::checked", INNOCENT),
    "DEFAULT": ("INSERT INTO defaulted (id) VALUES (1)", INNOCENT),
    "generated column": ("INSERT INTO generated VALUES ('PG_VERSION')", FROZEN),
    "expression of an index": ("INSERT INTO indexed VALUES ('PG_VERSION')", FROZEN),
    "condition of an index": ("INSERT INTO partial VALUES ('PG_VERSION')", FROZEN),
    "building an index": ("CREATE INDEX ON item (frozen(name))", FROZEN),
    "untrusted": ("SELECT in_wild()", "public.in_wild"),
    "untrusted, in a block": ("DO $$ BEGIN PERFORM in_wild(); END $$", "public.in_wild"),
    "untrusted, EXECUTE": ("DO $$ DECLARE x int; BEGIN EXECUTE 'SELECT in_' || 'wild()' INTO x; END $$", "public.in_wild"),
    "untrusted procedure": ("CALL do_wild()", "public.do_wild"),
    "C, of no extension": ("SELECT loose('a', 'b')", "public.loose"),
}

COMMANDS = {
    "trigger": "CREATE TRIGGER t BEFORE UPDATE ON item FOR EACH ROW EXECUTE FUNCTION trigger_in_wild()",
    "event trigger": "CREATE EVENT TRIGGER e ON ddl_command_end WHEN TAG IN ('CREATE AGGREGATE') EXECUTE FUNCTION event_in_wild()",
    "operator class": "CREATE OPERATOR CLASS reads FOR TYPE text USING gin AS FUNCTION 2 lo_import(text), STORAGE text",
    "operator family": "ALTER OPERATOR FAMILY text_ops USING spgist ADD FUNCTION 6 (text) innocent(text)",
    "volatility": f"ALTER FUNCTION {READ}(text) STABLE",
    "volatility again": f"ALTER FUNCTION {READ}(text) VOLATILE",
    "owner": "ALTER FUNCTION innocent(text) OWNER TO CURRENT_USER",
    "owner of an untrusted one": "ALTER FUNCTION in_wild() OWNER TO CURRENT_USER",
    "routine": "ALTER ROUTINE in_wild() STRICT",
    "procedure": "ALTER PROCEDURE do_wild() SECURITY DEFINER",
    "setting": "ALTER FUNCTION plain() SET dynamic_library_path = '$libdir'",
    "setting taken back": "ALTER FUNCTION plain() RESET dynamic_library_path",
    "setting of a new one": "CREATE FUNCTION setting() RETURNS int LANGUAGE sql SET session_preload_libraries = '' AS 'SELECT 1'",
}

ORDINARY = [
    "SELECT 'a'::citext = 'b'::citext",
    "SELECT citext_eq('a', 'b')",
    "SELECT plain(), upper('x'), length('x')",
    "SELECT array_length(ARRAY[1], 1), 'x'::char(3)::citext",
    "CREATE TRIGGER plain BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION plain_trigger()",
    "ALTER FUNCTION plain() STRICT",
    "ALTER FUNCTION plain() SET work_mem = '5MB'",
    "ALTER FUNCTION plain() RENAME TO plainer",
    "DROP FUNCTION plainer()",
    "CREATE OPERATOR CLASS plain FOR TYPE text USING btree AS OPERATOR 1 <, FUNCTION 1 bttextcmp(text, text)",
]


@pytest.fixture(scope="module", autouse=True)
def setup(cluster):
    cluster.execute(SETUP)


@pytest.mark.parametrize("scenario", CALLS)
def test_a_call_of_such_code_is_told_before(cluster, scenario):
    statement, name = CALLS[scenario]
    events = run(cluster, statement)
    (intent, *_), calls = intents(events), [e for e in events if e["command"] == "EXECUTE" and e["objectName"] == name]
    assert intent["objectName"] == name and calls[0]["sequence"] == intent["sequence"] + 1
    assert {e["statementId"] for e in events} == {2}


@pytest.mark.parametrize("scenario", COMMANDS)
def test_a_command_that_hides_such_code_is_told_before(cluster, scenario):
    told_first(run(cluster, COMMANDS[scenario]))


def test_a_renamed_and_moved_function_stays_known(cluster):
    told_first(run(cluster, f"ALTER FUNCTION {READ}(text) RENAME TO harmless_file"))
    try:
        told_first(run(cluster, "ALTER FUNCTION harmless_file(text) SET SCHEMA elsewhere"))
        told_first(run(cluster, "SELECT elsewhere.harmless_file('PG_VERSION')"), "elsewhere.harmless_file", "FUNCTION")
    finally:
        cluster.execute("ALTER FUNCTION elsewhere.harmless_file(text) SET SCHEMA pg_catalog")
        cluster.execute(f"ALTER FUNCTION harmless_file(text) RENAME TO {READ}")


def test_a_call_by_message_is_told_before(cluster):
    oid = cluster.value("SELECT 'innocent(text)'::regprocedure::oid::int")
    pids = []

    def send(session):
        pids.append(session.pid)
        session.call_function(oid, "PG_VERSION").answer()

    record_raw(cluster, send)
    events = cluster.session_events(pids[0])[1:-1]
    assert [(e["command"], e["objectName"]) for e in events] == [("STREAM INTENT", INNOCENT), ("EXECUTE", INNOCENT)]


@pytest.mark.parametrize("statement", ORDINARY)
def test_other_code_is_not_told_before(cluster, statement):
    assert not intents(run(cluster, statement))


def test_a_trigger_that_names_no_function_is_one_failure(cluster):
    statement = "CREATE TRIGGER x BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION nothing()"
    events = run(cluster, statement, fails="42883")
    assert [(e["command"], e["exitCode"]) for e in events] == [("CREATE TRIGGER", "42883")]


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("ALTER FUNCTION twice RENAME TO thrice", "42725"),
        ("ALTER FUNCTION never(int) RENAME TO nowhere", "42883"),
        ("ALTER PROCEDURE plain() RENAME TO simple", "42883"),
        ("ALTER FUNCTION do_wild() RENAME TO simple", "42809"),
        ("ALTER FUNCTION no_schema.f() RENAME TO simple", "3F000"),
    ],
)
def test_what_names_no_function_is_a_failure_of_the_command_and_none_of_ours(cluster, statement, code):
    cluster.execute(*(f"CREATE OR REPLACE FUNCTION twice({kind}) RETURNS int LANGUAGE sql AS 'SELECT 1'" for kind in ("int", "text")))
    cluster.execute("CREATE EXTENSION IF NOT EXISTS activity_stream")
    events = run(cluster, statement, fails=code)
    assert [e["exitCode"] for e in events if e["exitCode"] != "0" and e["exitCode"]][-1:] == [code]
    assert cluster.value("SELECT contained_failures FROM activity_stream.status") == 0


def test_every_event_of_the_module_is_complete_and_once(cluster):
    cluster.settle()
    cluster.reader.check_complete()
