"""Triggers, foreign keys, event triggers and extension scripts: what they run belongs to the statement that set them off."""

import pytest

from told import ids, record_raw

SETUP = """
CREATE TABLE log (id int);
CREATE ROLE keeper;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO public.log VALUES (1); RETURN COALESCE(NEW, OLD); END $$;
CREATE FUNCTION note_at_end() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO public.log SELECT count(*) FROM made; RETURN NULL; END $$;
CREATE TABLE by_row (a int);
CREATE TRIGGER t BEFORE INSERT OR UPDATE ON by_row FOR EACH ROW EXECUTE FUNCTION note();
CREATE TABLE by_statement (a int);
CREATE TRIGGER t AFTER INSERT ON by_statement REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION note_at_end();
CREATE TABLE before_all (a int);
CREATE TRIGGER t BEFORE TRUNCATE ON before_all FOR EACH STATEMENT EXECUTE FUNCTION note();
CREATE TABLE checked (a int);
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON checked FOR EACH ROW EXECUTE FUNCTION note();
CREATE TABLE deferred (a int);
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON deferred DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note();
CREATE VIEW shown AS SELECT 1 AS a;
CREATE TRIGGER t INSTEAD OF INSERT ON shown FOR EACH ROW EXECUTE FUNCTION note();
CREATE TABLE conditional (a int);
CREATE FUNCTION is_big(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN $1 > 2; END';
CREATE TRIGGER t AFTER INSERT ON conditional FOR EACH ROW WHEN (is_big(NEW.a)) EXECUTE FUNCTION note();
CREATE TABLE chained (a int);
CREATE FUNCTION chain() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN IF NEW.a > 0 THEN INSERT INTO chained VALUES (NEW.a - 1); END IF; RETURN NEW; END $$;
CREATE TRIGGER t AFTER INSERT ON chained FOR EACH ROW EXECUTE FUNCTION chain();
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent VALUES (1), (2), (3);
CREATE TABLE child (id int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE);
INSERT INTO child VALUES (1), (1), (2);
ALTER TABLE parent OWNER TO keeper;
ALTER TABLE child OWNER TO keeper;
"""

NOTE = ("WRITE", "INSERT", "public.log", 1)
READ_KEY = ("READ", "SELECT", "public.parent", 1)


def insert(name, rows=1):
    return ("WRITE", "INSERT", f"public.{name}", rows)


# In the order of substatementId.
SCENARIOS = {
    "row, before": ("INSERT INTO by_row VALUES (1), (2)", [insert("by_row", 2), NOTE, NOTE]),
    "row, update of none": ("UPDATE by_row SET a = 1 WHERE false", [("WRITE", "UPDATE", "public.by_row", 0)]),
    "statement, with its new rows": ("INSERT INTO by_statement VALUES (1), (2)", [insert("by_statement", 2), NOTE]),
    "statement, of no rows": ("INSERT INTO by_statement SELECT 1 WHERE false", [insert("by_statement", 0), NOTE]),
    "constraint": ("INSERT INTO checked VALUES (1), (2)", [insert("checked", 2), NOTE, NOTE]),
    "deferred constraint": ("INSERT INTO deferred VALUES (1), (2)", [insert("deferred", 2), NOTE, NOTE]),
    "INSTEAD OF on a view": ("INSERT INTO shown VALUES (7)", [insert("shown"), NOTE]),
    "with a condition": (
        "INSERT INTO conditional VALUES (1), (3)",
        [insert("conditional", 2), ("FUNCTION", "EXECUTE", "public.is_big", None), NOTE],
    ),
    "that sets off itself": ("INSERT INTO chained VALUES (2)", [insert("chained")] * 3),
    "key of a parent": ("INSERT INTO child VALUES (3), (3)", [insert("child", 2), READ_KEY, READ_KEY]),
    "DELETE that cascades": (
        "DELETE FROM parent WHERE id = 1",
        [("WRITE", "DELETE", "public.parent", 1), ("WRITE", "DELETE", "public.child", 2)],
    ),
    "UPDATE that cascades": (
        "UPDATE parent SET id = 77 WHERE id = 2",
        [("WRITE", "UPDATE", "public.parent", 1), ("WRITE", "UPDATE", "public.child", 1), READ_KEY],
    ),
}


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    cluster.execute(SETUP)


def brief(events):
    return [(e["class"], e["command"], e["objectName"], e["rowCount"]) for e in events]


def run(cluster, *statements):
    """The events of statements in a session of their own, in the order of their numbers."""

    def send(session):
        for statement in statements:
            assert not [m.fields for m in session.run(statement) if m.kind == "E"], statement

    return sorted(record_raw(cluster, send), key=lambda e: (e["statementId"], e["substatementId"]))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_a_trigger_runs_has_the_next_numbers(cluster, scenario):
    statement, expected = SCENARIOS[scenario]
    events = run(cluster, statement, "SELECT 'next'")
    assert brief(events[:-1]) == expected
    assert ids(events[:-1]) == [(2, 1 + place) for place in range(len(expected))]
    assert ids(events[-1:]) == [(3, 1)]
    assert [e["commandText"] for e in events if e["substatementId"] == 1] == [statement, "SELECT 'next'"]


def test_foreign_keys_are_enforced_in_the_owners_role(cluster):
    events = run(cluster, "INSERT INTO child VALUES (3)", "DELETE FROM parent WHERE id = 3")
    assert [(e["objectName"], e["effectiveUserName"], e["dbUserName"]) for e in events] == [
        ("public.child", "postgres", "postgres"),
        ("public.parent", "keeper", "postgres"),
        ("public.parent", "postgres", "postgres"),
        ("public.child", "keeper", "postgres"),
    ]


def test_a_key_that_is_missing_is_one_failure_of_the_statement(cluster):
    events = record_raw(cluster, lambda session: session.run("INSERT INTO child VALUES (4711)"))
    failed = [e for e in events if e["exitCode"]]
    assert [(e["exitCode"], e["objectName"], e["commandText"]) for e in failed] == [
        ("23503", "public.child", "INSERT INTO child VALUES (4711)")
    ]


def test_a_trigger_of_truncate_runs_before_its_command_is_told(cluster):
    events = run(cluster, "TRUNCATE before_all")
    assert brief(events) == [NOTE, ("WRITE", "TRUNCATE TABLE", "public.before_all", None)]
    assert ids(events) == [(2, 1), (2, 2)]


def test_a_trigger_of_copy_is_numbered_inside_it(cluster):
    events = run(cluster, "COPY by_row FROM PROGRAM 'seq 3'")
    assert sorted(brief(events)) == sorted([NOTE] * 3 + [insert("by_row", 3), ("WRITE", "COPY", "public.by_row", 3)])
    assert {e["statementId"] for e in events} == {2}


@pytest.mark.parametrize("end", ["COMMIT", "SET CONSTRAINTS ALL IMMEDIATE"])
def test_deferred_triggers_belong_to_what_makes_them_run(cluster, end):
    events = run(cluster, "BEGIN", "INSERT INTO deferred VALUES (1), (2)", end, "END")
    assert [(e["command"], *number) for e, number in zip(events, ids(events), strict=True)][2:5] == [
        ("INSERT", 4, 1),
        ("INSERT", 4, 2),
        (end.removesuffix(" ALL IMMEDIATE"), 4, 3),
    ]


@pytest.fixture
def event_triggers(cluster):
    cluster.execute(
        "CREATE OR REPLACE FUNCTION on_event() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO public.log VALUES (1); END $$"
    )
    events = {"es": "ddl_command_start", "ee": "ddl_command_end", "ed": "sql_drop", "er": "table_rewrite"}
    for name, event in events.items():
        cluster.execute(f"CREATE EVENT TRIGGER {name} ON {event} EXECUTE FUNCTION on_event()")
    yield
    for name in events:
        cluster.execute(f"DROP EVENT TRIGGER {name}")


def test_event_triggers_run_inside_the_command(cluster, event_triggers):
    created = run(cluster, "CREATE TABLE evented (a int PRIMARY KEY)")
    assert brief(created) == [
        NOTE,
        NOTE,
        ("DDL", "CREATE TABLE", "public.evented", None),
        ("DDL", "CREATE INDEX", "public.evented_pkey", None),
    ]
    assert ids(created) == [(2, 1), (2, 2), (2, 3), (2, 3)]
    rewritten = run(cluster, "ALTER TABLE evented ALTER a TYPE text")
    assert brief(rewritten)[:3] == [NOTE] * 3
    assert {e["statementId"] for e in rewritten} == {2}
    dropped = run(cluster, "DROP TABLE evented")
    assert brief(dropped)[:4] == [NOTE] * 3 + [("DDL", "DROP TABLE", "public.evented", None)]


EXTENSIONS = ["pg_stat_statements", "citext", "hstore", "pgcrypto", "dblink"]


@pytest.mark.parametrize("name", EXTENSIONS)
def test_an_extension_is_one_event_and_not_its_script(cluster, name):
    statement = f"CREATE EXTENSION {name}"
    with cluster.connect() as session:
        pid = session.info.backend_pid
        session.execute(statement)
        session.execute("SELECT 'next'")
    cluster.wait_for_end(pid)
    events = cluster.session_events(pid)[1:-1]
    assert [(e["class"], e["command"], e["objectType"], e["objectName"]) for e in events] == [
        ("MISC", "STREAM INTENT", "EXTENSION", name),
        ("DDL", "CREATE EXTENSION", "EXTENSION", name),
        ("READ", "SELECT", None, None),
    ]
    assert ids(events) == [(2, 1), (2, 1), (3, 1)]


def test_an_extension_and_what_it_requires_are_told(cluster):
    events = run(cluster, "CREATE EXTENSION earthdistance CASCADE")
    assert sorted(brief(events)) == [("DDL", "CREATE EXTENSION", name, None) for name in ("cube", "earthdistance")]


def test_an_extension_that_is_updated_is_one_event(cluster):
    cluster.execute("CREATE EXTENSION pg_trgm VERSION '1.4'")
    assert brief(run(cluster, "ALTER EXTENSION pg_trgm UPDATE")) == [("DDL", "ALTER EXTENSION", "pg_trgm", None)]


def test_an_extension_in_a_do_block_is_one_event_inside(cluster):
    events = run(cluster, "DO $$ BEGIN CREATE EXTENSION isn; INSERT INTO log VALUES (1); END $$")
    assert brief(events) == [("FUNCTION", "DO", None, None), ("DDL", "CREATE EXTENSION", "isn", None), NOTE]
    assert ids(events) == [(2, 1), (2, 2), (2, 3)]


def test_a_script_that_fails_is_one_failure(cluster):
    cluster.execute("CREATE FUNCTION seg_in(cstring) RETURNS int LANGUAGE internal AS 'int4in'", "CREATE TYPE seg AS ENUM ()")
    events = record_raw(cluster, lambda session: session.run("CREATE EXTENSION seg"))
    assert [(e["command"], e["objectName"], bool(e["exitCode"])) for e in events] == [("CREATE EXTENSION", "seg", True)]


def test_every_event_of_the_module_is_complete_and_once(cluster):
    cluster.settle()
    cluster.reader.check_complete()
