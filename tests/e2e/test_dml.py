"""DML: one event for each relation with its access, kind, quoted name and the exact number of rows, by either protocol."""

import pytest

from told import PROTOCOLS, ask, first_words, ids, read, record_raw, texts, write

SETUP = """
CREATE SCHEMA shop;
CREATE TABLE shop.item (id int PRIMARY KEY, name text, price numeric);
CREATE TABLE shop.part (id int, item int);
CREATE TABLE shop.copy (LIKE shop.item);
CREATE TABLE shop."Odd Name" ("A b" int);
CREATE TABLE "Odd.Schema""s" (a int);
CREATE SCHEMA "Select";
CREATE TABLE "Select"."from" (a int);
CREATE SEQUENCE shop.numbers;
INSERT INTO shop.item VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 3), (4, 'four', 4);
INSERT INTO shop.part VALUES (10, 1), (11, 1), (12, 2);
INSERT INTO "Odd.Schema""s" VALUES (1), (2);
"""

MERGE = """MERGE INTO shop.item i USING (SELECT DISTINCT item FROM shop.part UNION ALL VALUES (77)) p ON i.id = p.item
  WHEN MATCHED AND i.id = 1 THEN DELETE WHEN MATCHED THEN UPDATE SET price = 0 WHEN NOT MATCHED THEN INSERT VALUES (p.item)"""


def nothing(command, rows, kind="READ"):
    """A statement without a relation."""
    return (kind, command, None, None, rows)


ITEM, PART, COPY = "shop.item", "shop.part", "shop.copy"

# Statements, and what they give in order.
READS = [
    ("SELECT", [nothing("SELECT", 1)]),
    ("SELECT 1 WHERE false", [nothing("SELECT", 0)]),
    ("VALUES (1), (2), (3)", [nothing("SELECT", 3)]),
    ("TABLE shop.part", [read(PART, 3)]),
    ("SELECT * FROM shop.item WHERE id > 100", [read(ITEM, 0)]),
    ("SELECT count(*) FROM shop.item", [read(ITEM, 1)]),
    ("SELECT * FROM shop.item LIMIT 2", [read(ITEM, 2)]),
    ("SELECT item, count(*) FROM shop.part GROUP BY ROLLUP (item)", [read(PART, 3)]),
    ("SELECT * FROM shop.item a JOIN shop.item b USING (id)", [read(ITEM, 4)]),
    ("SELECT * FROM shop.item i JOIN shop.part p ON p.item = i.id", [read(ITEM, 3), read(PART, 3)]),
    ("SELECT id FROM shop.item EXCEPT SELECT item FROM shop.part", [read(ITEM, 2), read(PART, 2)]),
    ("SELECT EXISTS (SELECT FROM shop.part)", [read(PART, 1)]),
    ("SELECT name, (SELECT count(*) FROM shop.part) FROM shop.item", [read(ITEM, 4), read(PART, 4)]),
    ("WITH p AS MATERIALIZED (SELECT * FROM shop.part) SELECT name FROM shop.item, p WHERE false", [read(ITEM, 0), read(PART, 0)]),
    ("WITH RECURSIVE r(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM r WHERE n < 5) TABLE r", [nothing("SELECT", 5)]),
    ("SELECT * FROM shop.item FOR UPDATE", [read(ITEM, 4)]),
    ("SELECT * FROM shop.item FOR NO KEY UPDATE SKIP LOCKED", [read(ITEM, 4)]),
    ("SELECT * FROM shop.item FOR KEY SHARE", [read(ITEM, 4)]),
    ("SELECT * FROM generate_series(1, 7)", [nothing("SELECT", 7)]),
    ("SELECT unnest('{1,2,3}'::int[])", [nothing("SELECT", 3)]),
    ("SELECT * FROM ROWS FROM (generate_series(1, 2), generate_series(1, 4)) f(a, b)", [nothing("SELECT", 4)]),
    ("SELECT x FROM shop.part p, LATERAL generate_series(1, p.item) x", [read(PART, 4)]),
    ("SELECT nextval('shop.numbers'), setval('shop.numbers', 7), currval('shop.numbers')", [nothing("SELECT", 1)]),
    ("SELECT last_value FROM shop.numbers", [read("shop.numbers", 1, "SEQUENCE")]),
    ('SELECT "A b" FROM shop."Odd Name"', [read('shop."Odd Name"', 0)]),
    ('TABLE "Odd.Schema""s"', [read('public."Odd.Schema""s"', 2)]),
    ('TABLE "Select"."from"', [read('"Select"."from"', 0)]),
    ("SELECT relname FROM pg_class WHERE relname = 'pg_class'", [read("pg_catalog.pg_class", 1)]),
    ("SELECT table_name FROM shop.item, information_schema.tables WHERE false", None),
    ("SELECT count(*) FROM pg_stat_database", [read("pg_catalog.pg_stat_database", 1, "VIEW"), read("pg_catalog.pg_database", 1)]),
    ("SELECT count(*) FROM pg_toast.pg_toast_1255", [read("pg_toast.pg_toast_1255", 1, "TOAST TABLE")]),
    ("SELECT s.name FROM shop.item s TABLESAMPLE bernoulli (100)", [read(ITEM, 4)]),
]

WRITES = [
    ("INSERT INTO shop.part VALUES (1, 1), (2, 2)", [write("INSERT", PART, 2)]),
    ("INSERT INTO shop.part DEFAULT VALUES RETURNING *", [write("INSERT", PART, 1)]),
    ("INSERT INTO shop.part TABLE shop.part", [write("INSERT", PART, 3), read(PART, 3)]),
    ("INSERT INTO shop.copy SELECT * FROM shop.item WHERE id < 4", [write("INSERT", COPY, 3), read(ITEM, 3)]),
    ("INSERT INTO shop.copy SELECT FROM shop.item WHERE false", [write("INSERT", COPY, 0), read(ITEM, 0)]),
    ('INSERT INTO shop."Odd Name" VALUES (1)', [write("INSERT", 'shop."Odd Name"', 1)]),
    ("INSERT INTO shop.item VALUES (1), (9) ON CONFLICT DO NOTHING", [write("INSERT", ITEM, 1)]),
    ("INSERT INTO shop.item VALUES (1), (9) ON CONFLICT (id) DO UPDATE SET name = excluded.name", [write("INSERT", ITEM, 2)]),
    (
        "INSERT INTO shop.item VALUES (1), (2) ON CONFLICT (id) DO UPDATE SET name = 'x' WHERE item.id = 1 RETURNING id",
        [write("INSERT", ITEM, 1)],
    ),
    ("UPDATE shop.item SET price = 0", [write("UPDATE", ITEM, 4)]),
    ("UPDATE shop.item SET price = 0 WHERE id > 2 RETURNING name", [write("UPDATE", ITEM, 2)]),
    ("UPDATE shop.item SET price = 0 WHERE false", [write("UPDATE", ITEM, 0)]),
    ("UPDATE shop.item i SET price = 0 FROM shop.part p WHERE p.item = i.id", [write("UPDATE", ITEM, 2), read(PART, 2)]),
    ("UPDATE shop.item SET price = (SELECT count(*) FROM shop.part)", [write("UPDATE", ITEM, 4), read(PART, 4)]),
    ("DELETE FROM shop.part", [write("DELETE", PART, 3)]),
    ("DELETE FROM shop.part USING shop.item WHERE item.id = part.item", [write("DELETE", PART, 3), read(ITEM, 3)]),
    ("DELETE FROM shop.part WHERE item = 1 RETURNING *", [write("DELETE", PART, 2)]),
    (MERGE, [write("MERGE", ITEM, 3), read(PART, 3)]),
    (
        "MERGE INTO shop.part USING (VALUES (1)) v(a) ON false WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN DO NOTHING",
        [write("MERGE", PART, 0)],
    ),
    (
        "WITH gone AS (DELETE FROM shop.part RETURNING *) INSERT INTO shop.copy SELECT id FROM gone",
        [write("INSERT", COPY, 3), write("DELETE", PART, 3)],
    ),
    # The rows are those of the statement itself.
    (
        "WITH d AS (DELETE FROM shop.part RETURNING *), u AS (UPDATE shop.item SET price = 0) SELECT count(*) FROM d",
        [write("DELETE", PART, 1), write("UPDATE", ITEM, 1)],
    ),
    (
        "WITH i AS (INSERT INTO shop.copy VALUES (1) RETURNING id) SELECT i.id FROM i, shop.item",
        [read(ITEM, 4), write("INSERT", COPY, 4)],
    ),
]


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    cluster.execute(SETUP)


def brief(events):
    return [(e["class"], e["command"], e["objectType"], e["objectName"], e["rowCount"]) for e in events]


def run(cluster, statement, protocol="simple"):
    """The events of a statement whose work is undone, so that each finds the tables as they were."""

    def undone(session):
        session.run("BEGIN")
        assert not [m.fields for m in ask(session, statement, protocol).answer() if m.kind == "E"]
        session.run("ROLLBACK")

    events = record_raw(cluster, undone)
    assert [e["command"] for e in (events[0], events[-1])] == ["BEGIN", "ROLLBACK"]
    assert {e["statementId"] for e in events[1:-1]} == {3}
    return events[1:-1]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("statement", "expected"), READS + WRITES, ids=first_words)
def test_a_statement_is_one_event_for_each_relation(cluster, statement, expected, protocol):
    events = run(cluster, statement, protocol)
    if expected is None:
        # A view of views: all of them are told, in one statement.
        assert {("VIEW", "information_schema.tables"), ("TABLE", "pg_catalog.pg_class")} <= {
            (e["objectType"], e["objectName"]) for e in events
        }
    else:
        assert sorted(map(str, brief(events))) == sorted(map(str, expected))
    assert set(ids(events)) == {(3, 1)}
    assert set(texts(events)) == {statement}


# Commands whose query is a substatement of its own, before the command.
COMMANDS = [
    ("CREATE TABLE shop.made AS SELECT * FROM shop.item", read(ITEM, 4), ("DDL", "CREATE TABLE AS", "TABLE", "shop.made", None)),
    ("CREATE TABLE shop.made AS VALUES (1), (2)", nothing("SELECT", 2), ("DDL", "CREATE TABLE AS", "TABLE", "shop.made", None)),
    ("CREATE TABLE shop.made AS TABLE shop.item WITH NO DATA", None, ("DDL", "CREATE TABLE AS", "TABLE", "shop.made", None)),
    ("SELECT id INTO shop.made FROM shop.part", read(PART, 3), ("DDL", "SELECT INTO", "TABLE", "shop.made", None)),
    ("SELECT 1 AS a INTO TEMP made", nothing("SELECT", 1), ("DDL", "SELECT INTO", "TABLE", "pg_temp.made", None)),
    ("EXPLAIN SELECT * FROM shop.part", read(PART, None), nothing("EXPLAIN", None, "MISC")),
    ("EXPLAIN ANALYZE SELECT * FROM shop.part", read(PART, 3), nothing("EXPLAIN", None, "MISC")),
    ("EXPLAIN ANALYZE DELETE FROM shop.part", write("DELETE", PART, 3), nothing("EXPLAIN", None, "MISC")),
    ("DECLARE c CURSOR FOR SELECT * FROM shop.part", None, nothing("DECLARE CURSOR", None)),
    ("PREPARE p AS DELETE FROM shop.part", None, nothing("PREPARE", None, "WRITE")),
    ("PREPARE p AS TABLE shop.part", None, nothing("PREPARE", None)),
]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("statement", "query", "command"), COMMANDS, ids=first_words)
def test_a_command_with_a_query_is_told_after_it(cluster, statement, query, command, protocol):
    events = [e for e in run(cluster, statement, protocol) if not (e["command"] == "SELECT" and statement.startswith("DECLARE"))]
    assert brief(events) == ([query] if query else []) + [command]
    assert ids(events) == [(3, 1 + place) for place in range(len(events))] or statement.startswith("DECLARE")
    assert set(texts(events)) == {statement}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("TRUNCATE shop.part", [PART]),
        ('TRUNCATE shop.part, shop.item, shop."Odd Name" RESTART IDENTITY CASCADE', [PART, ITEM, 'shop."Odd Name"']),
    ],
)
def test_each_emptied_table_is_one_event(cluster, statement, expected):
    events = run(cluster, statement)
    assert brief(events) == [("WRITE", "TRUNCATE TABLE", "TABLE", name, None) for name in expected]
    assert set(ids(events)) == {(3, 1)}


def test_a_write_that_fails_halfway_has_no_rows(cluster):
    statement = "INSERT INTO shop.item VALUES (100), (101), (1)"
    event = record_raw(cluster, lambda session: session.run(statement))[-1]
    assert brief([event]) == [write("INSERT", ITEM, None)]
    assert event["exitCode"] == "23505"


def test_every_event_of_the_module_is_complete_and_once(cluster):
    cluster.settle()
    cluster.reader.check_complete()
