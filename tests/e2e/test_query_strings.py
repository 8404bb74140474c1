"""Simple queries: each statement of a string is told with its own slice of the text, up to the one that fails."""

import pytest

from told import counts, ids, outcomes, record_raw, texts


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    cluster.execute("CREATE TABLE thing (id int PRIMARY KEY)", "INSERT INTO thing VALUES (1), (2), (3)")


def run(cluster, *strings):
    """The events of query strings in a session of their own."""

    def send(session):
        for string in strings:
            session.run(string)

    return record_raw(cluster, send)


@pytest.mark.parametrize(
    ("string", "slices"),
    [
        ("SELECT 1", ["SELECT 1"]),
        ("  SELECT 1 ;  ", ["SELECT 1 ;"]),
        ("SELECT 1;SELECT 2", ["SELECT 1;", "SELECT 2"]),
        ("\n\tSELECT 1;\n\n  SELECT 2\n;\n", ["SELECT 1;", "SELECT 2\n;"]),
        (";; SELECT 1;; ;SELECT 2;;", ["SELECT 1;", "SELECT 2;"]),
        ("SELECT ';', 'é 🐘';SELECT $$;$$;", ["SELECT ';', 'é 🐘';", "SELECT $$;$$;"]),
        (
            "SET work_mem = '4MB'; SHOW work_mem; TABLE thing",
            ["SET work_mem = '4MB';", "SHOW work_mem;", "TABLE thing"],
        ),
        ("BEGIN; TABLE thing; COMMIT; SELECT 4", ["BEGIN;", "TABLE thing;", "COMMIT;", "SELECT 4"]),
        (
            "CREATE TABLE made (a int); INSERT INTO made VALUES (1); DROP TABLE made",
            ["CREATE TABLE made (a int);", "INSERT INTO made VALUES (1);", "DROP TABLE made"],
        ),
    ],
)
def test_each_statement_has_its_slice_and_its_number(cluster, string, slices):
    events = run(cluster, string, "SELECT 'next'")
    assert texts(events) == [*slices, "SELECT 'next'"]
    assert ids(events) == [(2 + place, 1) for place in range(len(events))]
    assert all(e["exitCode"] is None for e in events)


@pytest.mark.parametrize("string", ["", " \n", ";", "-- nothing", "/* nothing */ ;; "])
def test_an_empty_string_is_no_statement(cluster, string):
    events = run(cluster, string, "SELECT 'next'")
    assert (texts(events), ids(events)) == (["SELECT 'next'"], [(2, 1)])


@pytest.mark.parametrize(
    ("failing", "sqlstate"),
    [
        ("SELECT 1 / 0;", "22012"),
        ("SELECT * FROM no_such_table;", "42P01"),
        ("SELECT no_such_function();", "42883"),
        ("SELECT no_such_column FROM thing;", "42703"),
        ("INSERT INTO thing VALUES (1);", "23505"),
        ("INSERT INTO thing VALUES ('one');", "22P02"),
        ("DROP TABLE no_such_table;", "42P01"),
        ("SET no_such_setting = 1;", "42704"),
        ("VACUUM;", "25001"),
    ],
)
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_the_statement_that_fails_has_its_slice_and_ends_the_string(cluster, failing, sqlstate, place):
    before = [] if place == "first" else ["SELECT 'before';", "DELETE FROM thing WHERE id = 77;"]
    after = "" if place == "last" else "  SELECT 'never'; SELECT 'nor this'"
    events = run(cluster, "  ".join([*before, failing]) + after, "SELECT 'next'")
    assert outcomes(events) == [(None, text) for text in before] + [(sqlstate, failing), (None, "SELECT 'next'")]
    assert ids(events) == [(2 + number, 1) for number in range(len(events))]


@pytest.mark.parametrize(
    "string", ["SELEC 1; SELECT 2", "SELECT 1; SELEC 2; SELECT 3", "SELECT 1; SELECT 2; SELEC 3"]
)
def test_a_syntax_error_anywhere_refuses_the_whole_string(cluster, string):
    events = run(cluster, string, "SELECT 'next'")
    assert outcomes(events) == [("42601", string), (None, "SELECT 'next'")]
    assert ids(events) == [(2, 1), (3, 1)]
    assert events[0]["errorMessage"].startswith("syntax error at or near")


def test_what_is_rolled_back_with_the_string_was_executed_all_the_same(cluster):
    events = run(cluster, "INSERT INTO thing VALUES (10), (11); SELECT 1 / 0")
    assert outcomes(events) == [(None, "INSERT INTO thing VALUES (10), (11);"), ("22012", "SELECT 1 / 0")]
    assert counts(events)[0] == ("INSERT", 2)
    assert cluster.value("SELECT count(*) FROM thing WHERE id >= 10") == 0


def test_in_an_aborted_transaction_the_first_statement_of_a_string_is_refused(cluster):
    events = run(cluster, "BEGIN; SELECT 1 / 0", "SELECT 'refused'; SELECT 'never'", "ROLLBACK; SELECT 'fine'")
    assert outcomes(events) == [
        (None, "BEGIN;"),
        ("22012", "SELECT 1 / 0"),
        ("25P02", "SELECT 'refused';"),
        (None, "ROLLBACK;"),
        (None, "SELECT 'fine'"),
    ]
    assert ids(events) == [(number, 1) for number in (2, 3, 4, 5, 6)]


def test_a_copy_in_the_middle_of_a_string_has_its_slice(cluster):
    def copy(session):
        session.query("SELECT 'first'; COPY thing FROM STDIN; SELECT 'last'").until("G")
        session.copy_data(b"20\n21\n").copy_done().answer()

    events = record_raw(cluster, copy)
    assert list(dict.fromkeys((e["statementId"], e["commandText"]) for e in events)) == [
        (2, "SELECT 'first';"),
        (3, "COPY thing FROM STDIN;"),
        (4, "SELECT 'last'"),
    ]
    assert [e["rowCount"] for e in events if e["command"] == "COPY"] == [2]
