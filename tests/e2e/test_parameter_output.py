"""Output functions that fail: a parameter that cannot be written fails nothing, and is told as three dots."""

import psycopg
import pytest

from conftest import Factory
from rawpg import errors
from told import failures, record_raw, texts

TYPES = (
    "CREATE TYPE feeling AS ENUM ('sad', 'ok')",
    "CREATE DOMAIN felt AS feeling",
    "CREATE TYPE nested AS (n int, l text[], f feeling)",
    "CREATE TABLE stored (id int PRIMARY KEY, v text)",
    "CREATE TYPE broken",
    "CREATE FUNCTION broken_in(cstring) RETURNS broken LANGUAGE internal IMMUTABLE STRICT AS 'oidin'",
    # It looks for the label of an enum value, and there is none.
    "CREATE FUNCTION broken_out(broken) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'enum_out'",
    "CREATE TYPE broken (INPUT = broken_in, OUTPUT = broken_out, LIKE = oid)",
    "CREATE DOMAIN broken_domain AS broken",
    "CREATE TYPE broken_pair AS (a int, b broken)",
    "CREATE TABLE kept (feeling feeling, felt felt, list feeling[], pair nested)",
    "INSERT INTO kept VALUES ('ok', 'ok', '{sad,ok}', ROW (1, '{}', 'ok'))",
    "CREATE FUNCTION take(given anyelement) RETURNS text LANGUAGE plpgsql AS $$ BEGIN "
    "INSERT INTO stored SELECT count(*) + 1000, 'taken' FROM stored WHERE given IS NOT NULL OR true; "
    "RETURN 'fine'; END $$",
)


@pytest.fixture(scope="module")
def broken(installation, aws, alias):
    """A server where labels of an enum are gone that stored values have."""
    factory = Factory(installation, aws, alias)
    cluster = factory()
    cluster.execute(*TYPES, "DELETE FROM pg_enum WHERE enumlabel = 'ok'")
    with pytest.raises(psycopg.errors.InvalidBinaryRepresentation), cluster.connect() as session:
        session.execute("SELECT feeling FROM kept")
    yield cluster
    factory.close()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("broken", "77"),
        ("broken_domain", "77"),
        ("broken[]", "{77,78}"),
        ("broken_pair", "(1,77)"),
        ("broken_pair[]", '{"(1,77)"}'),
    ],
)
@pytest.mark.parametrize("before", ["SELECT 0", "BEGIN", "BEGIN READ ONLY"])
def test_an_output_function_that_fails_fails_no_statement(broken, kind, value, before):
    def bind(session):
        session.run(before)
        answer = session.statement(f"SELECT $1::{kind} IS NULL, $2::text", [value, "told"]).sync().answer()
        assert not errors(answer) and answer[-3].row == ["f", "told"]
        answer = session.run("SELECT pg_current_xact_id_if_assigned() IS NULL")
        assert not errors(answer) and answer[1].row == ["t"]
        session.run("COMMIT")

    events = record_raw(broken, bind)
    told = [e["paramList"] for e in events if "$1" in e["commandText"]]
    assert told == [["...", "told"]]
    assert not failures(events)


@pytest.mark.parametrize("column", ["feeling", "felt", "list", "pair"])
def test_a_value_without_a_label_fails_nothing_that_uses_it(broken, column):
    def call(session):
        with session.transaction():
            assert session.execute(f"SELECT take({column}) FROM kept").fetchone() == ("fine",)
            assert session.execute("SELECT v FROM stored WHERE id >= 1000").fetchone() == ("taken",)
        session.execute("DELETE FROM stored WHERE id >= 1000")

    events = broken.record(call)
    assert not failures(events)
    assert [e["paramList"] for e in events if e["command"] == "INSERT"] == [["..."]], texts(events)


def test_it_fails_nothing_in_sync_mode_and_in_an_error_either(broken):
    broken.reload(mode="sync")

    def bind(session):
        answer = session.statement("SELECT $1::broken IS NULL", ["77"]).sync().answer()
        assert not errors(answer)
        answer = session.statement("SELECT 1 / $2::int WHERE $1::broken IS NOT NULL", ["77", "0"]).sync().answer()
        assert errors(answer) == ["22012"]
        assert session.run("SELECT 'goes on'")[1].row == ["goes on"]

    events = record_raw(broken, bind)
    assert [e["exitCode"] for e in events] == [None, "22012", None]
    assert events[1]["paramList"] in ([], ["...", "0"])
    broken.reload(mode="async")


def test_every_event_of_these_sessions_is_complete_and_once(broken):
    broken.settle()
    broken.reader.check_complete()
