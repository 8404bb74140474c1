"""What runs inside a statement: its number and text, further substatements in order, calls of functions, the role in force."""

import pytest

from told import ids, record_raw

SETUP = """
CREATE TABLE item (id int PRIMARY KEY, n int);
INSERT INTO item SELECT g, g FROM generate_series(1, 4) g;
CREATE TABLE log (id int);
CREATE ROLE clerk LOGIN;
CREATE ROLE keeper;
GRANT INSERT, SELECT ON log TO keeper;
CREATE FUNCTION by_sql(int) RETURNS bigint LANGUAGE sql VOLATILE AS
  $$ INSERT INTO log VALUES ($1); UPDATE item SET n = $1 WHERE id = 1; SELECT count(*) FROM item $$;
CREATE FUNCTION by_pl(n int) RETURNS int LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO log VALUES (n); PERFORM by_sql(n); RETURN n; END $$;
CREATE FUNCTION countdown(n int) RETURNS int LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO log VALUES (n); IF n > 1 THEN PERFORM countdown(n - 1); END IF; RETURN n; END $$;
CREATE FUNCTION dynamic(statement text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE statement; END $$;
CREATE FUNCTION folded(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
CREATE FUNCTION atomic_body() RETURNS bigint BEGIN ATOMIC INSERT INTO log VALUES (1); SELECT count(*) FROM item; END;
CREATE FUNCTION many() RETURNS SETOF int LANGUAGE plpgsql AS
  $$ BEGIN RETURN QUERY SELECT id FROM item; RETURN NEXT 9; END $$;
CREATE FUNCTION as_keeper() RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS
  $$ BEGIN INSERT INTO log VALUES (5); RETURN 1; END $$;
ALTER FUNCTION as_keeper OWNER TO keeper;
CREATE FUNCTION cycle() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM as_keeper(); PERFORM 1 FROM log; RETURN 1; END $$;
GRANT SELECT ON log TO clerk;
CREATE PROCEDURE steps(n int) LANGUAGE plpgsql AS
  $$ BEGIN FOR i IN 1..n LOOP INSERT INTO log VALUES (i); IF i % 2 = 0 THEN COMMIT; ELSE ROLLBACK; END IF; END LOOP; END $$;
CREATE PROCEDURE outer_steps() LANGUAGE plpgsql AS $$ BEGIN CALL steps(1); DELETE FROM log; COMMIT; END $$;
CREATE AGGREGATE own_sum(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE FUNCTION is_big(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 > 2; END';
CREATE FUNCTION add_up(point, point) RETURNS point LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
CREATE OPERATOR ### (LEFTARG = point, RIGHTARG = point, FUNCTION = add_up);
CREATE SCHEMA "Odd";
CREATE FUNCTION "Odd"."F n"() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
"""


def call(name):
    return ("FUNCTION", "EXECUTE", "FUNCTION", name, None)


def insert(name="public.log", rows=1):
    return ("WRITE", "INSERT", "TABLE", name, rows)


def select(name=None, rows=1):
    return ("READ", "SELECT", name and "TABLE", name, rows)


UPDATE = ("WRITE", "UPDATE", "TABLE", "public.item", 1)
DO = ("FUNCTION", "DO", None, None, None)
CALLED = ("MISC", "CALL", None, None, None)
BODY_OF_SQL = [insert(), UPDATE, select("public.item")]

# In the order of substatementId.
SCENARIOS = {
    "function in SQL": ("SELECT by_sql(7)", [select(), call("public.by_sql"), *BODY_OF_SQL]),
    "function in PL": (
        "SELECT by_pl(7)",
        [select(), call("public.by_pl"), insert(), select(), call("public.by_sql"), *BODY_OF_SQL],
    ),
    "recursive function": (
        "SELECT countdown(3)",
        [select(), call("public.countdown"), insert()] + [select(), call("public.countdown"), insert()] * 2,
    ),
    "dynamic EXECUTE": ("SELECT dynamic('DELETE FROM log WHERE false')", [
        select(), call("public.dynamic"), ("WRITE", "DELETE", "TABLE", "public.log", 0),
    ]),
    "dynamic DDL": ("SELECT dynamic('CREATE TABLE made_inside (a int PRIMARY KEY)')", [
        select(),
        call("public.dynamic"),
        ("DDL", "CREATE TABLE", "TABLE", "public.made_inside", None),
        ("DDL", "CREATE INDEX", "INDEX", "public.made_inside_pkey", None),
    ]),
    "body of SQL statements": ("SELECT atomic_body()", [select(), call("public.atomic_body"), insert(), select("public.item")]),
    "function of rows": ("SELECT * FROM many()", [select(rows=5), call("public.many"), select("public.item", 4)]),
    "function in a WHERE": ("SELECT id FROM item WHERE is_big(id)", [select("public.item", 2), call("public.is_big")]),
    "function behind an operator": ("SELECT point(1, 1) ### point(2, 2)", [select(), call("public.add_up")]),
    "aggregate": ("SELECT own_sum(id) FROM item", [select("public.item"), call("public.own_sum")]),
    "window function": ("SELECT own_sum(id) OVER () FROM item", [select("public.item", 4), call("public.own_sum")]),
    "quoted names": ('SELECT "Odd"."F n"()', [select(), call('"Odd"."F n"')]),
    "function of the server's own": ("SELECT upper('x'), now(), pg_sleep(0)", [select()]),
    "listed function of the server's own": (
        "SELECT set_config('work_mem', '5MB', true)",
        [select(), call("pg_catalog.set_config")],
    ),
    "listed function in FROM": ("SELECT FROM pg_ls_dir('.') LIMIT 1", [select(), call("pg_catalog.pg_ls_dir")]),
    "DO": (
        "DO $$ BEGIN INSERT INTO log VALUES (1); PERFORM by_sql(3); END $$",
        [DO, insert(), select(), call("public.by_sql"), *BODY_OF_SQL],
    ),
    "DO of nothing": ("DO $$ BEGIN END $$", [DO]),
    "DO with a loop": ("DO $$ BEGIN FOR i IN 1..3 LOOP INSERT INTO log VALUES (i); END LOOP; END $$", [DO] + [insert()] * 3),
    "procedure that commits": ("CALL steps(4)", [call("public.steps"), *[insert()] * 4, CALLED]),
    "procedure that calls one": (
        "CALL outer_steps()",
        [call("public.outer_steps"), call("public.steps"), insert(), CALLED, ("WRITE", "DELETE", "TABLE", "public.log", 0), CALLED],
    ),
    "DO that calls and commits": (
        "DO $$ BEGIN CALL steps(1); COMMIT; INSERT INTO log VALUES (1); END $$",
        [DO, call("public.steps"), insert(), CALLED, insert()],
    ),
    "function in a VALUES list": ("INSERT INTO log VALUES (by_pl(1))", [
        insert(), call("public.by_pl"), insert(), select(), call("public.by_sql"), *BODY_OF_SQL,
    ]),
    "function in RETURNING": ("INSERT INTO log VALUES (1) RETURNING is_big(id)", [insert(), call("public.is_big")]),
}


@pytest.fixture(scope="module", autouse=True)
def functions(cluster):
    cluster.execute(SETUP)


@pytest.fixture(autouse=True)
def empty(cluster, functions):
    cluster.execute("TRUNCATE log", "DROP TABLE IF EXISTS made_inside")


def brief(events):
    return [(e["class"], e["command"], e["objectType"], e["objectName"], e["rowCount"]) for e in events]


def run(cluster, *statements, **startup):
    """The events of statements in a session of their own, in the order of their numbers."""

    def send(session):
        for statement in statements:
            assert not [m.fields for m in session.run(statement) if m.kind == "E"], statement

    return sorted(record_raw(cluster, send, **startup), key=lambda e: (e["statementId"], e["substatementId"]))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_runs_inside_has_the_next_numbers(cluster, scenario):
    statement, expected = SCENARIOS[scenario]
    events = run(cluster, statement, "SELECT 'next'")
    inside, following = events[:-1], events[-1]
    assert brief(inside) == expected
    numbers = [number for number, _ in ids(inside)]
    assert set(numbers) == {2}
    # Nothing is skipped, and only the objects of one command share a number.
    subs = sorted({e["substatementId"] for e in inside})
    assert subs == list(range(1, len(subs) + 1))
    assert len(subs) == len(inside) or scenario == "dynamic DDL"
    assert ids([following]) == [(3, 1)]


def test_each_inner_statement_has_its_own_text_and_parameters(cluster):
    events = run(cluster, "SELECT by_pl(7)")
    assert [(e["commandText"], e["paramList"]) for e in events if e["command"] != "EXECUTE"] == [
        ("SELECT by_pl(7)", []),
        ("INSERT INTO log VALUES (n)", ["7"]),
        ("SELECT by_sql(n)", ["7"]),
        ("INSERT INTO log VALUES ($1);", ["7"]),
        ("UPDATE item SET n = $1 WHERE id = 1;", ["7"]),
        ("SELECT count(*) FROM item", ["7"]),
    ]


def test_a_function_of_many_rows_is_called_once(cluster):
    events = run(cluster, "SELECT by_sql(g) FROM generate_series(1, 3) g")
    assert [e["objectName"] for e in events if e["command"] == "EXECUTE"] == ["public.by_sql"]
    assert [e["command"] for e in events].count("INSERT") == 3
    assert events[0]["rowCount"] == 3


def test_a_function_that_is_folded_while_planning_belongs_to_the_statement(cluster):
    events = run(cluster, "SELECT 'before'", "SELECT folded(4)", "SELECT 'after'")
    assert [e["commandText"] for e in events if e["commandText"] == "SELECT folded(4)" and e["command"] == "SELECT"]
    assert {e["statementId"] for e in events[1:-1]} == {3}
    assert call("public.folded") in brief(events)
    assert ids(events[-1:]) == [(4, 1)]


def test_the_role_in_force_is_told(cluster):
    events = run(cluster, "SELECT cycle()", user="clerk")
    assert {e["dbUserName"] for e in events} == {"clerk"}
    assert [(e["objectName"], e["effectiveUserName"]) for e in events if e["objectName"] == "public.log"] == [
        ("public.log", "keeper"),
        ("public.log", "clerk"),
    ]
    assert {e["effectiveUserName"] for e in events if e["objectName"] != "public.log"} == {"clerk"}


def test_the_role_that_was_set_is_told(cluster):
    events = run(cluster, "SET ROLE keeper", "TABLE log", "RESET ROLE", "SET SESSION AUTHORIZATION clerk", "TABLE log")
    tables = [e for e in events if e["objectName"] == "public.log"]
    assert [(e["dbUserName"], e["effectiveUserName"]) for e in tables] == [("postgres", "keeper"), ("postgres", "clerk")]


def test_a_local_role_of_a_function_ends_with_it(cluster):
    cluster.execute(
        "CREATE OR REPLACE FUNCTION local_role() RETURNS int LANGUAGE plpgsql SET role = keeper AS"
        " $$ BEGIN INSERT INTO log VALUES (6); RETURN 1; END $$"
    )
    events = run(cluster, "SELECT local_role()", "TABLE item")
    assert [e["effectiveUserName"] for e in events if e["command"] == "INSERT"] == ["keeper"]
    assert events[-1]["effectiveUserName"] == "postgres"


def test_every_event_of_the_module_is_complete_and_once(cluster):
    cluster.settle()
    cluster.reader.check_complete()
