"""Parallel queries: the leader tells, once, with all rows; workers that take part tell nothing of their own."""

import pytest

from conftest import Factory
from intents import run, told_first
from told import PROTOCOLS, ask, ids, record_raw

SETUP = """
CREATE TABLE big AS SELECT g AS id, g % 7 AS part FROM generate_series(1, 20000) g;
ALTER TABLE big SET (parallel_workers = 2);
ANALYZE big;
CREATE TABLE other AS SELECT g AS id FROM generate_series(1, 20000) g;
ALTER TABLE other SET (parallel_workers = 2);
ANALYZE other;
CREATE VIEW parts AS SELECT part, count(*) FROM big GROUP BY part;
CREATE FUNCTION is_three(int) RETURNS bool LANGUAGE plpgsql PARALLEL SAFE AS 'BEGIN RETURN $1 = 3; END';
CREATE FUNCTION how_many() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM big WHERE part = 3); END';
"""


def read(name=None, rows=1, kind="TABLE"):
    return ("READ", "SELECT", name and kind, name, rows)


BIG, OTHER = "public.big", "public.other"

QUERIES = {
    "rows": ("SELECT id FROM big WHERE part = 3", [read(BIG, 2857)]),
    "aggregate": ("SELECT count(*) FROM big", [read(BIG)]),
    "groups": ("SELECT part, count(*) FROM big GROUP BY part", [read(BIG, 7)]),
    "sorted": ("SELECT id FROM big WHERE part = 3 ORDER BY id DESC", [read(BIG, 2857)]),
    "join": ("SELECT count(*) FROM big JOIN other USING (id)", [read(BIG), read(OTHER)]),
    "view": ("SELECT count(*) FROM parts", [read("public.parts", 1, "VIEW"), read(BIG)]),
    "no rows": ("SELECT id FROM big WHERE part > 100", [read(BIG, 0)]),
    "limit": ("SELECT id FROM big WHERE part = 3 LIMIT 5", [read(BIG, 5)]),
    "union": ("SELECT count(*) FROM big UNION ALL SELECT count(*) FROM other", [read(BIG, 2), read(OTHER, 2)]),
    "function": (
        "SELECT count(*) FROM big WHERE is_three(part)",
        [read(BIG), ("FUNCTION", "EXECUTE", "FUNCTION", "public.is_three", None)],
    ),
    "explained": ("EXPLAIN ANALYZE SELECT count(*) FROM big", [read(BIG), ("MISC", "EXPLAIN", None, None, None)]),
}


@pytest.fixture(scope="module")
def cluster(installation, aws, alias):
    """A server that reads its tables in parallel whenever it can."""
    factory = Factory(installation, aws, alias)
    cluster = factory(
        conf={
            "max_worker_processes": "16",
            "max_parallel_workers": "8",
            "max_parallel_workers_per_gather": "2",
            "parallel_setup_cost": "0",
            "parallel_tuple_cost": "0",
            "min_parallel_table_scan_size": "0",
            "parallel_leader_participation": "off",
        }
    )
    cluster.execute(SETUP)
    yield cluster
    factory.close()


def brief(events):
    return [(e["class"], e["command"], e["objectType"], e["objectName"], e["rowCount"]) for e in events]


def test_queries_of_this_module_have_workers(cluster):
    for statement, _ in QUERIES.values():
        with cluster.connect() as session:
            plan = session.execute(f"EXPLAIN {statement}" if "EXPLAIN" not in statement else statement).fetchall()
        assert any("Workers Planned: 2" in line for (line,) in plan), plan


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("scenario", QUERIES)
def test_a_parallel_query_is_one_event_for_each_relation(cluster, scenario, protocol):
    statement, expected = QUERIES[scenario]
    # Workers have their leader's application: what they told would be among the events of the same text.
    statement = f"{statement} -- {protocol}"

    def send(session):
        assert not [m.fields for m in ask(session, statement, protocol).answer() if m.kind == "E"]

    events = record_raw(cluster, send)
    assert sorted(map(str, brief(events))) == sorted(map(str, expected))
    assert {number for number, _ in ids(events)} == {2}
    assert len([e for e in cluster.settle() if e["commandText"] == statement]) == len(expected)


def test_a_parallel_query_that_fails_in_a_worker_is_one_failure(cluster):
    statement = "SELECT count(*) FROM big WHERE 1 / (part - 3) > 10"
    events = record_raw(cluster, lambda session: session.run(statement))
    assert [(e["exitCode"], e["objectName"], e["errorMessage"]) for e in events] == [("22012", BIG, "division by zero")]
    assert len([e for e in cluster.settle() if e["commandText"] == statement]) == 1


def test_a_parallel_query_inside_a_function_is_one_event(cluster):
    events = record_raw(cluster, lambda session: session.run("SELECT how_many()"))
    assert [e["rowCount"] for e in events if e["objectName"] == BIG] == [1]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("CREATE TABLE made AS SELECT part, count(*) FROM big GROUP BY part", [BIG, "public.made"]),
        ("CREATE INDEX made_index ON big (part)", ["public.made_index"]),
        ("CREATE MATERIALIZED VIEW made_view AS SELECT count(*) FROM big", [BIG, "public.made_view"]),
        ("VACUUM (PARALLEL 2) big", [None]),
        ("INSERT INTO other SELECT id FROM big WHERE part = 3", [OTHER, BIG]),
    ],
)
def test_a_command_that_works_in_parallel_is_told_by_its_leader(cluster, statement, expected):
    events = record_raw(cluster, lambda session: session.run(statement))
    assert sorted(str(e["objectName"]) for e in events) == sorted(map(str, expected))
    assert len([e for e in cluster.settle() if e["commandText"] == statement]) == len(expected)


def test_a_function_that_only_workers_call_is_told_before_by_the_leader(cluster):
    statement = "SELECT count(*) FROM big WHERE pg_read_file('PG_VERSION') = part::text"
    with cluster.connect() as session:
        assert any("Workers Planned: 2" in line for (line,) in session.execute(f"EXPLAIN {statement}").fetchall())
    told_first(run(cluster, statement), "pg_catalog.pg_read_file", "FUNCTION")
    assert len([e for e in cluster.settle() if e["commandText"] == statement and e["command"] == "STREAM INTENT"]) == 1


def test_forced_parallelism_changes_nothing(cluster):
    setting = "force_parallel_mode" if cluster.installation.major < 16 else "debug_parallel_query"
    with cluster.connect() as session:
        session.execute(f"ALTER ROLE postgres SET {setting} = regress")
    try:
        events = record_raw(cluster, lambda session: session.run("SELECT is_three(3), count(*) FROM other WHERE id < 10"))
    finally:
        cluster.execute(f"ALTER ROLE postgres RESET {setting}")
    assert sorted(map(str, brief(events))) == sorted(
        map(str, [read(OTHER), ("FUNCTION", "EXECUTE", "FUNCTION", "public.is_three", None)])
    )


def test_every_event_of_the_module_is_complete_and_once(cluster):
    cluster.settle()
    cluster.reader.check_complete()
