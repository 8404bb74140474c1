"""Views, partitions, children, foreign tables and files: which relations a statement names, what it copies, and how many rows."""

import pytest

from told import brief as brief_of
from told import first_words, ids, read, record_raw, write

SETUP = """
CREATE TABLE item (id int PRIMARY KEY, name text, price numeric);
INSERT INTO item VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 3);
CREATE TABLE secret (id int, item int);
INSERT INTO secret VALUES (1, 1), (2, 1);
CREATE VIEW cheap AS SELECT id, price FROM item WHERE price < 3;
CREATE VIEW cheaper AS SELECT id FROM cheap WHERE price < 2;
CREATE VIEW both_of AS SELECT i.id, s.id AS secret FROM item i JOIN secret s ON s.item = i.id;
CREATE RULE both_of_in AS ON INSERT TO both_of DO INSTEAD INSERT INTO item VALUES (new.id, 'r', 1);
CREATE MATERIALIZED VIEW sums AS SELECT item, count(*) FROM secret GROUP BY item;
CREATE UNIQUE INDEX ON sums (item);
CREATE MATERIALIZED VIEW plain AS SELECT generate_series(1, 4) AS a;
CREATE TABLE log (at int, what text) PARTITION BY RANGE (at);
CREATE TABLE log1 PARTITION OF log FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (at);
CREATE TABLE log11 PARTITION OF log1 FOR VALUES FROM (0) TO (10);
CREATE TABLE log2 PARTITION OF log FOR VALUES FROM (10) TO (20);
INSERT INTO log VALUES (1, 'a'), (2, 'b'), (11, 'c');
CREATE TABLE base (a int);
CREATE TABLE derived (b int) INHERITS (base);
INSERT INTO base VALUES (1);
INSERT INTO derived VALUES (2, 2), (3, 3);
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
"""


ITEM, SECRET = "public.item", "public.secret"
CHEAP, CHEAPER, BOTH, SUMS, LOG, BASE = (f"public.{name}" for name in ("cheap", "cheaper", "both_of", "sums", "log", "base"))

QUERIES = [
    ("TABLE cheap", [read(CHEAP, 2, "VIEW"), read(ITEM, 2)]),
    ("TABLE cheaper", [read(CHEAPER, 1, "VIEW"), read(CHEAP, 1, "VIEW"), read(ITEM, 1)]),
    ("TABLE both_of", [read(BOTH, 2, "VIEW"), read(ITEM, 2), read(SECRET, 2)]),
    ("UPDATE cheap SET price = 0", [write("UPDATE", CHEAP, 2, "VIEW"), write("UPDATE", ITEM, 2)]),
    ("DELETE FROM cheap WHERE id = 1 RETURNING *", [write("DELETE", CHEAP, 1, "VIEW"), write("DELETE", ITEM, 1)]),
    ("INSERT INTO cheap VALUES (44, 1)", [write("INSERT", CHEAP, 1, "VIEW"), write("INSERT", ITEM, 1)]),
    ("TABLE sums", [read(SUMS, 1, "MATERIALIZED VIEW")]),
    ("TABLE log", [read(LOG, 3)]),
    ("TABLE log1", [read("public.log1", 2)]),
    ("TABLE log2", [read("public.log2", 1)]),
    ("SELECT * FROM log WHERE at = 11", [read(LOG, 1)]),
    ("INSERT INTO log VALUES (3, 'd'), (12, 'e')", [write("INSERT", LOG, 2)]),
    ("INSERT INTO log11 VALUES (3, 'd')", [write("INSERT", "public.log11", 1)]),
    ("UPDATE log SET at = 12 WHERE at = 1", [write("UPDATE", LOG, 1)]),
    ("DELETE FROM log", [write("DELETE", LOG, 3)]),
    ("MERGE INTO log USING item ON at = id WHEN MATCHED THEN UPDATE SET what = 'm'", [write("MERGE", LOG, 2), read(ITEM, 2)]),
    ("TABLE base", [read(BASE, 3)]),
    ("SELECT * FROM ONLY base", [read(BASE, 1)]),
    ("UPDATE base SET a = 0", [write("UPDATE", BASE, 3)]),
    ("DELETE FROM ONLY base", [write("DELETE", BASE, 1)]),
    ("INSERT INTO derived VALUES (1, 1)", [write("INSERT", "public.derived", 1)]),
]


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    cluster.execute(SETUP)
    names = cluster.folder / "names"
    names.write_text("one\ntwo\nthree\n")
    cluster.execute(f"CREATE FOREIGN TABLE names (name text) SERVER files OPTIONS (filename '{names}')")


def brief(events):
    return [(e["class"], e["command"], e["objectType"], e["objectName"], e["rowCount"]) for e in events]


def run(cluster, *statements):
    """The events of statements whose work is undone, without those of BEGIN and ROLLBACK."""

    def undone(session):
        for statement in ("BEGIN", *statements, "ROLLBACK"):
            assert not [m.fields for m in session.run(statement) if m.kind == "E"], statement

    return record_raw(cluster, undone)[1:-1]


@pytest.mark.parametrize(("statement", "expected"), QUERIES, ids=first_words)
def test_what_the_statement_and_its_views_name_is_told(cluster, statement, expected):
    events = run(cluster, statement)
    assert sorted(brief(events)) == sorted(expected)
    assert set(ids(events)) == {(3, 1)}


def test_a_view_with_a_rule_is_told_with_what_the_rule_writes(cluster):
    told = {e[1:4] for e in brief(run(cluster, "INSERT INTO both_of VALUES (9)"))}
    assert {("INSERT", "VIEW", BOTH), ("INSERT", "TABLE", ITEM)} <= told


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("REFRESH MATERIALIZED VIEW sums", [read(SECRET, 1)]),
        ("REFRESH MATERIALIZED VIEW plain", [("READ", "SELECT", None, None, 4)]),
        ("REFRESH MATERIALIZED VIEW sums WITH NO DATA", []),
        ("CREATE MATERIALIZED VIEW made AS SELECT * FROM cheap", [read(CHEAP, 2, "VIEW"), read(ITEM, 2)]),
        ("CREATE MATERIALIZED VIEW made AS SELECT * FROM cheap WITH NO DATA", []),
    ],
)
def test_a_materialized_view_is_told_after_what_it_reads(cluster, statement, expected):
    events = run(cluster, statement)
    words = "REFRESH MATERIALIZED VIEW" if statement.startswith("REFRESH") else "CREATE MATERIALIZED VIEW"
    name = f"public.{statement.removeprefix(words).split()[0]}"
    assert brief(events) == [*expected, ("DDL", words, "MATERIALIZED VIEW", name, None)]


def test_a_concurrent_refresh_is_told_with_what_it_reads(cluster):
    events = brief(record_raw(cluster, lambda session: session.run("REFRESH MATERIALIZED VIEW CONCURRENTLY sums")))
    assert read(SECRET, 1) in events
    assert events[-1] == ("DDL", "REFRESH MATERIALIZED VIEW", "MATERIALIZED VIEW", SUMS, None)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("TRUNCATE log", [LOG, "public.log1", "public.log11", "public.log2"]),
        ("TRUNCATE log1, base", ["public.log1", "public.log11", BASE, "public.derived"]),
        ("TRUNCATE ONLY base", [BASE]),
    ],
)
def test_partitions_and_children_that_are_emptied_are_told(cluster, statement, expected):
    events = run(cluster, statement)
    assert sorted(brief(events)) == sorted(("WRITE", "TRUNCATE TABLE", "TABLE", name, None) for name in expected)


@pytest.mark.parametrize(
    ("statement", "table", "rows"),
    [
        ("COPY item TO {file}", read(ITEM, 3), 3),
        ("COPY item (name) TO PROGRAM 'cat >/dev/null'", read(ITEM, 3), 3),
        ("COPY secret (id) FROM PROGRAM 'seq 5'", write("INSERT", SECRET, 5), 5),
        ("COPY secret (id) FROM PROGRAM 'seq 5' WHERE id > 3", write("INSERT", SECRET, 2), 2),
        ("COPY log FROM PROGRAM 'printf \"1\\tx\\n11\\ty\\n\"'", write("INSERT", LOG, 2), 2),
        ("COPY (SELECT * FROM item, secret) TO {file}", [read(ITEM, 6), read(SECRET, 6)], 6),
        ("COPY (SELECT * FROM cheap) TO {file}", [read(CHEAP, 2, "VIEW"), read(ITEM, 2)], 2),
        ("COPY (VALUES (1), (2)) TO {file}", ("READ", "SELECT", None, None, 2), 2),
        ("COPY (DELETE FROM secret RETURNING *) TO {file}", write("DELETE", SECRET, 2), 2),
        ("COPY (UPDATE item SET price = 0 WHERE id > 1 RETURNING id) TO {file}", write("UPDATE", ITEM, 2), 2),
    ],
)
def test_a_copy_is_told_with_what_it_reads_or_writes(cluster, statement, table, rows):
    statement = statement.format(file=f"'{cluster.folder / 'copied'}'")
    events = run(cluster, statement)
    expected = table if isinstance(table, list) else [table]
    assert brief(events)[:-1] == expected
    last = events[-1]
    assert brief_of([last]) == [("WRITE" if " FROM PROGRAM" in statement else "READ", "COPY", last["objectName"], rows, None)]
    assert last["objectName"] == (None if "COPY (" in statement else expected[0][3])
    assert set(ids(events[:-1])) == {(3, 1)} and ids(events)[-1] == (3, 2)


def test_rows_of_a_file_that_a_copy_wrote_come_back(cluster):
    file = cluster.folder / "both ways"
    events = run(cluster, f"COPY item TO '{file}'", "DELETE FROM item", f"COPY item FROM '{file}'")
    assert [(e["command"], e["rowCount"]) for e in events if e["objectName"] == ITEM] == [
        ("SELECT", 3),
        ("COPY", 3),
        ("DELETE", 3),
        ("INSERT", 3),
        ("COPY", 3),
    ]


def test_a_foreign_file_is_told_as_a_foreign_table(cluster):
    assert brief(run(cluster, "TABLE names")) == [read("public.names", 3, "FOREIGN TABLE")]
    joined = brief(run(cluster, "SELECT * FROM names JOIN item USING (name)"))
    assert sorted(joined) == sorted([read("public.names", 3, "FOREIGN TABLE"), read(ITEM, 3)])


@pytest.fixture(scope="module")
def away(cluster):
    """Foreign tables of another database, `public.away.near` and `far`."""
    cluster.execute("CREATE DATABASE elsewhere")
    cluster.execute(
        "CREATE TABLE near (a int PRIMARY KEY)", "CREATE TABLE far (a int)", "INSERT INTO near VALUES (1), (2)", dbname="elsewhere"
    )
    cluster.execute(
        "CREATE EXTENSION postgres_fdw",
        f"CREATE SERVER away FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '{cluster.port}', dbname 'elsewhere')",
        "CREATE USER MAPPING FOR postgres SERVER away OPTIONS (user 'postgres')",
        "CREATE SCHEMA away",
        "IMPORT FOREIGN SCHEMA public FROM SERVER away INTO away",
    )


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("TABLE away.near", [read("away.near", 2, "FOREIGN TABLE")]),
        ("SELECT * FROM away.near JOIN away.far USING (a)", [read(f"away.{name}", 0, "FOREIGN TABLE") for name in ("near", "far")]),
        ("SELECT count(*) FROM away.near, item", [read("away.near", 1, "FOREIGN TABLE"), read(ITEM, 1)]),
        ("INSERT INTO away.far VALUES (1), (2), (3)", [write("INSERT", "away.far", 3, "FOREIGN TABLE")]),
        ("UPDATE away.near SET a = a + 10 WHERE a = 1", [write("UPDATE", "away.near", 1, "FOREIGN TABLE")]),
        ("DELETE FROM away.near", [write("DELETE", "away.near", 2, "FOREIGN TABLE")]),
        ("TRUNCATE away.far", [write("TRUNCATE TABLE", "away.far", None, "FOREIGN TABLE")]),
    ],
)
def test_a_foreign_table_is_told_here_and_the_query_there(cluster, away, statement, expected):
    events = run(cluster, statement)
    assert sorted(brief(events)) == sorted(expected)
    there = [e for e in cluster.settle() if e["databaseName"] == "elsewhere" and e["clientApplication"] == "postgres_fdw"]
    touched = {name.removeprefix("away.") for _, _, kind, name, _ in expected if kind == "FOREIGN TABLE"}
    assert {f"public.{name}" for name in touched} <= {e["objectName"] for e in there}
