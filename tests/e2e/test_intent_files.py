"""STREAM INTENT for tables of file_fdw: whatever reads a file or a program through them is told before, partitions and samples too."""

import pytest

from intents import intents, run, told_first

SETUP = """
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN DATA WRAPPER innocent HANDLER file_fdw_handler;
CREATE SERVER innocent FOREIGN DATA WRAPPER innocent;
CREATE FOREIGN TABLE program (x text) SERVER files OPTIONS (program 'echo 1');
CREATE FOREIGN TABLE file (x text) SERVER files OPTIONS (filename '/dev/null');
CREATE FOREIGN TABLE disguised (x text) SERVER innocent OPTIONS (program 'echo 1');
CREATE TABLE parent (id int, x text) PARTITION BY LIST (id);
CREATE TABLE plain_part PARTITION OF parent FOR VALUES IN (1);
CREATE FOREIGN TABLE hidden PARTITION OF parent FOR VALUES IN (2) SERVER files OPTIONS (program 'echo 2,x', format 'csv');
CREATE TABLE ancestor (x text);
CREATE FOREIGN TABLE heir () INHERITS (ancestor) SERVER files OPTIONS (program 'echo 3');
CREATE TABLE item (x text);
CREATE VIEW reading AS SELECT * FROM program;
CREATE MATERIALIZED VIEW kept AS SELECT * FROM program WITH NO DATA;
CREATE FUNCTION by_pl() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM program); END';
"""

READS = {
    "SELECT": ("TABLE program", "program"),
    "file": ("TABLE file", "file"),
    "another wrapper": ("TABLE disguised", "disguised"),
    "sub-select": ("SELECT 1 WHERE EXISTS (SELECT FROM program)", "program"),
    "CTE": ("WITH x AS MATERIALIZED (SELECT * FROM program) SELECT * FROM x", "program"),
    "join": ("SELECT * FROM item JOIN program USING (x)", "program"),
    "INSERT": ("INSERT INTO item SELECT * FROM program", "program"),
    "view": ("TABLE reading", "program"),
    "materialized view": ("REFRESH MATERIALIZED VIEW kept", "program"),
    "CREATE TABLE AS": ("CREATE TEMP TABLE made AS TABLE program", "program"),
    "COPY of a query": ("COPY (TABLE program) TO STDOUT", "program"),
    "PL/pgSQL": ("SELECT by_pl()", "program"),
    "partition": ("SELECT * FROM parent", "hidden"),
    "partition, by its key": ("SELECT * FROM parent WHERE id = 2", "hidden"),
    "child": ("SELECT * FROM ancestor", "heir"),
    "UPDATE of a parent": ("UPDATE item SET x = parent.x FROM parent WHERE parent.x = item.x", "hidden"),
}

SAMPLES = [
    "ANALYZE program",
    "VACUUM (ANALYZE) program",
    "ANALYZE item, program",
    "ANALYZE disguised",
    "ANALYZE parent",
    "ANALYZE ancestor",
    "ANALYZE public.parent (x)",
    "ANALYZE",
]


@pytest.fixture(scope="module")
def cluster(cluster):
    cluster.execute(SETUP)
    return cluster


@pytest.mark.parametrize("way", READS)
def test_a_query_that_reads_it_is_told_before(cluster, way):
    statement, table = READS[way]
    told_first(run(cluster, statement), f"public.{table}", "FOREIGN TABLE")


def test_a_cursor_is_told_before_it_is_fetched_from(cluster):
    events = run(cluster, "BEGIN", "DECLARE c CURSOR FOR TABLE program", "FETCH c")
    (intent,) = intents(events)
    assert all(e["sequence"] > intent["sequence"] for e in events if e["command"] in ("SELECT", "FETCH"))


def test_prepared_it_is_told_each_time(cluster):
    events = run(cluster, "PREPARE p AS TABLE program", "EXECUTE p", "EXECUTE p")
    assert [e["statementId"] for e in intents(events)] == [3, 4]


@pytest.mark.parametrize("statement", SAMPLES)
def test_samples_of_it_are_told_before(cluster, statement):
    told_first(run(cluster, statement))


@pytest.mark.parametrize(
    "statement",
    ["SELECT * FROM plain_part", "SELECT * FROM parent WHERE id = 1", "ANALYZE item", "VACUUM parent", "VACUUM", "ANALYZE plain_part",
     "ALTER FOREIGN TABLE program OPTIONS (SET program 'echo 1')"],
)  # fmt: skip
def test_what_does_not_read_it_is_not_told_before(cluster, statement):
    assert not intents(run(cluster, statement))


def test_every_event_of_the_module_is_complete_and_once(cluster):
    cluster.settle()
    cluster.reader.check_complete()
