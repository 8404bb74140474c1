"""Loops over queries in PL: one event for the query, with all its rows, whatever becomes of the loop."""

import pytest

from told import failures, record_raw

SETUP = """
CREATE TABLE item (id int PRIMARY KEY, n int);
INSERT INTO item SELECT g, g FROM generate_series(1, 175) g;
CREATE TABLE one (a int PRIMARY KEY);
INSERT INTO one VALUES (1);
"""

LOOP = "FOR r IN SELECT id FROM item ORDER BY id LOOP {body} END LOOP;"
CATCHING = "BEGIN {body} EXCEPTION WHEN division_by_zero OR unique_violation THEN caught := caught + 1; END;"
FAIL_AT = "IF r.id = {at} THEN PERFORM 1 / (a - 1) FROM one; END IF;"

# A body of PL/pgSQL, the rows that its query on `item` gave, how many errors were caught.
LOOPS = {
    "to its end": (LOOP.format(body="NULL;"), 175, 0),
    "of no rows": ("FOR r IN SELECT id FROM item WHERE false LOOP NULL; END LOOP;", 0, 0),
    "of as many as one fetch": ("FOR r IN SELECT id FROM item LIMIT 10 LOOP NULL; END LOOP;", 10, 0),
    "over EXECUTE": ("FOR r IN EXECUTE 'SELECT id FROM item' LOOP NULL; END LOOP;", 175, 0),
    "over a bound cursor": ("FOR r IN bound LOOP NULL; END LOOP;", 175, 0),
    "by FETCH": ("OPEN bound; LOOP FETCH bound INTO r; EXIT WHEN NOT FOUND; END LOOP; CLOSE bound;", 175, 0),
    "by FETCH of some": ("OPEN bound; FETCH bound INTO r; FETCH bound INTO r; CLOSE bound;", 2, 0),
    "by FETCH and never closed": ("OPEN bound; FETCH bound INTO r; FETCH bound INTO r; FETCH bound INTO r;", 3, 0),
    "by an unbound cursor": ("OPEN free FOR SELECT id FROM item; FETCH free INTO r; CLOSE free;", 1, 0),
    "by MOVE": ("OPEN bound; MOVE FORWARD 20 FROM bound; FETCH bound INTO r; CLOSE bound;", 21, 0),
    "into an array": ("PERFORM array(SELECT id FROM item);", 1, 0),
    "with errors caught in the body": (LOOP.format(body=CATCHING.format(body=FAIL_AT.format(at=60))), 175, 1),
    "with an error caught in the first body": (LOOP.format(body=CATCHING.format(body=FAIL_AT.format(at=1))), 175, 1),
    "with an error caught in the last body": (LOOP.format(body=CATCHING.format(body=FAIL_AT.format(at=175))), 175, 1),
    "with many errors caught": (
        LOOP.format(body=CATCHING.format(body="IF r.id % 50 = 0 THEN INSERT INTO one VALUES (1); END IF;")),
        175,
        3,
    ),
    "over EXECUTE with errors caught": (
        "FOR r IN EXECUTE 'SELECT id FROM item' LOOP "
        + CATCHING.format(body=FAIL_AT.format(at=100))
        + " END LOOP;",
        175,
        1,
    ),
    "over a bound cursor with errors caught": (
        "FOR r IN bound LOOP " + CATCHING.format(body=FAIL_AT.format(at=30)) + " END LOOP;",
        175,
        1,
    ),
    "by FETCH with errors caught": (
        "OPEN bound; LOOP FETCH bound INTO r; EXIT WHEN NOT FOUND; "
        + CATCHING.format(body=FAIL_AT.format(at=90))
        + " END LOOP; CLOSE bound;",
        175,
        1,
    ),
}


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    cluster.execute(SETUP)


def run(cluster, body, kind="DO"):
    """The events of a body, in the order of their numbers; it says how many errors it caught."""
    declared = "DECLARE r record; caught int := 0; bound CURSOR FOR SELECT id FROM item; free refcursor;"
    block = f"$body$ {declared} BEGIN {body} PERFORM set_config('my.caught', caught::text, false); RETURN; END $body$"
    make = f"CREATE OR REPLACE FUNCTION looping() RETURNS void LANGUAGE plpgsql AS {block}"
    statements = [f"DO {block}"] if kind == "DO" else [make, "SELECT looping()"]

    def send(session):
        for statement in statements:
            assert not [m.fields for m in session.run(statement) if m.kind == "E"], statement
        caught.append([m.row[0] for m in session.run("SHOW my.caught") if m.kind == "D"][0])

    caught = []
    events = record_raw(cluster, send)[len(statements) - 1 : -1]
    return sorted(events, key=lambda e: (e["statementId"], e["substatementId"])), int(caught[0])


def of_item(events):
    return [e for e in events if e["objectName"] == "public.item"]


@pytest.mark.parametrize("kind", ["DO", "function"])
@pytest.mark.parametrize("scenario", LOOPS)
def test_the_query_of_a_loop_is_one_event_with_all_its_rows(cluster, scenario, kind):
    body, rows, errors = LOOPS[scenario]
    events, caught = run(cluster, body, kind)
    assert caught == errors
    assert [(e["class"], e["command"], e["rowCount"], e["exitCode"]) for e in of_item(events)] == [("READ", "SELECT", rows, None)]
    assert len(failures(events)) == errors
    assert len({e["statementId"] for e in events}) == 1


# In a function PL reads ahead, ten rows first and then fifty; in a DO block, which may commit, it does not.
@pytest.mark.parametrize(("kind", "rows"), [("DO", 3), ("function", 10)])
@pytest.mark.parametrize("leaving", ["EXIT WHEN r.id = 3;", "IF r.id = 3 THEN RETURN; END IF;"], ids=["EXIT", "RETURN"])
def test_a_loop_that_is_left_is_one_event_with_the_rows_that_were_read(cluster, leaving, kind, rows):
    body = "PERFORM set_config('my.caught', '0', false);" + LOOP.format(body=leaving)
    events, _ = run(cluster, body, kind)
    assert [(e["rowCount"], e["exitCode"]) for e in of_item(events)] == [(rows, None)]


@pytest.mark.parametrize(("kind", "rows"), [("DO", 20), ("function", 60)])
def test_a_loop_that_an_error_leaves_is_one_event_when_the_error_is_caught(cluster, kind, rows):
    events, caught = run(cluster, CATCHING.format(body=LOOP.format(body=FAIL_AT.format(at=20))), kind)
    assert caught == 1
    assert [(e["rowCount"], e["exitCode"]) for e in of_item(events)] == [(rows, None)]
    assert [(e["exitCode"], e["objectName"]) for e in failures(events)] == [("22012", "public.one")]


def test_a_loop_whose_query_fails_later_is_one_failure(cluster):
    query = "FOR r IN SELECT 1 / (id - 100) FROM item ORDER BY id LOOP NULL; END LOOP;"
    events, caught = run(cluster, CATCHING.format(body=query))
    assert caught == 1
    assert [(e["command"], e["exitCode"]) for e in of_item(events)] == [("SELECT", "22012")]


def test_loops_inside_loops_are_one_event_each_time(cluster):
    inner = "FOR s IN SELECT a FROM one LOOP NULL; END LOOP;"
    body = f"DECLARE s record; BEGIN FOR r IN SELECT id FROM item WHERE id <= 3 LOOP {inner} END LOOP; END;"
    events, _ = run(cluster, body)
    assert [e["rowCount"] for e in of_item(events)] == [3]
    assert [e["rowCount"] for e in events if e["objectName"] == "public.one"] == [1, 1, 1]


def test_what_a_loop_changes_is_told_row_by_row(cluster):
    update = "UPDATE item SET n = 0 WHERE CURRENT OF changing;"
    changing = "DECLARE changing CURSOR FOR SELECT id FROM item WHERE id <= 3 FOR UPDATE;"
    events, _ = run(cluster, f"{changing} BEGIN FOR s IN changing LOOP {update} END LOOP; END;")
    assert [(e["command"], e["rowCount"]) for e in of_item(events)] == [("SELECT", 3)] + [("UPDATE", 1)] * 3


def test_a_commit_inside_a_loop_ends_no_event_early(cluster):
    events, _ = run(cluster, LOOP.format(body="UPDATE item SET n = 1 WHERE id = r.id; IF r.id % 50 = 0 THEN COMMIT; END IF;"))
    selects = [e["rowCount"] for e in of_item(events) if e["command"] == "SELECT"]
    assert selects == [175]
    assert [e["command"] for e in of_item(events)].count("UPDATE") == 175


def test_a_rollback_inside_a_loop_ends_no_event_early(cluster):
    events, _ = run(cluster, LOOP.format(body="IF r.id = 20 THEN ROLLBACK; END IF;"))
    assert [(e["command"], e["rowCount"]) for e in of_item(events)] == [("SELECT", 175)]


def test_every_event_of_the_module_is_complete_and_once(cluster):
    cluster.settle()
    cluster.reader.check_complete()
