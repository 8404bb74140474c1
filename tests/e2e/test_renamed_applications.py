"""application_name that changes in the middle: what is told follows it, and nothing is left open or counted wrong."""

import pytest

from filtered import all_of, each, told, told_raw
from told import commands, ids, texts


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    cluster.execute("CREATE TABLE thing (id int PRIMARY KEY)", "INSERT INTO thing VALUES (1), (2), (3)")
    cluster.reload(exclude_applications="quiet")


def brief_of(events):
    return [(e["statementId"], e["substatementId"], e["command"], e["commandText"]) for e in events]


def test_a_session_is_left_out_while_it_calls_itself_so(cluster):
    statements = [
        "SELECT 'a'",
        "SET application_name = 'quiet'",
        "SELECT 'b'",
        "CREATE TEMP TABLE quietly (a int)",
        "SET application_name = 'loud'",
        "SELECT 'c'",
        "SELECT 'd'",
    ]
    events = all_of(cluster, each(*statements))
    assert [text for text in texts(events) if "SELECT" in (text or "") or "CREATE" in (text or "")] == [
        "SELECT 'a'",
        "SELECT 'c'",
        "SELECT 'd'",
    ]
    assert [e["clientApplication"] for e in events if e["commandText"] == "SELECT 'd'"] == ["loud"]
    numbers = [number for number, _ in ids(events)]
    assert numbers == sorted(set(numbers)), brief_of(events)
    assert {place for _, place in ids(events)} == {1}, brief_of(events)
    assert commands(events)[0] == ("MISC", "CONNECT") and commands(events)[-1] == ("MISC", "DISCONNECT")


# What changes the name in the middle of something that is told at its end, or the other way round.
CROSSINGS = [
    ["SELECT set_config('application_name', '{}', false)"],
    ["DO $$ BEGIN PERFORM set_config('application_name', '{}', false); END $$"],
    [
        "BEGIN",
        "DECLARE c CURSOR FOR TABLE thing",
        "FETCH 1 FROM c",
        "SET application_name = '{}'",
        "FETCH 1 FROM c",
        "COMMIT",
    ],
    ["BEGIN", "SET LOCAL application_name = '{}'", "TABLE thing", "COMMIT"],
    ["BEGIN", "SET LOCAL application_name = '{}'", "TABLE thing", "ROLLBACK"],
    ["DO $$ BEGIN SET application_name = '{}'; RAISE EXCEPTION 'no'; END $$"],
    ["SELECT set_config('application_name', '{}', false), 1 / 0"],
    ["SELECT count(set_config('application_name', '{}', true)), 1 / (count(*) - 1) FROM generate_series(1, 1)"],
    ["SET application_name = '{}'; SELECT 'in one string'; SET work_mem = '4MB'"],
]


@pytest.mark.parametrize("crossing", CROSSINGS, ids=lambda c: " ".join(c)[:60])
@pytest.mark.parametrize("first", ["loud", "quiet"])
def test_the_numbers_are_right_after_the_name_changed_in_the_middle(cluster, crossing, first):
    """Nothing stays open that would have later statements taken for parts of an earlier one."""
    other = {"loud": "quiet", "quiet": "loud"}[first]
    statements = [statement.format(other) for statement in crossing]
    after = ["SELECT 'e'", "SELECT 'f'", "DO $$ BEGIN PERFORM 'inside'; END $$", "SELECT 'g'"]

    def run(session):
        each(*statements, "SET application_name = 'loud'", *after)(session)

    events = told(cluster, run, application_name=first)
    tail = [e for e in events if e["commandText"] in (*after, "SELECT 'inside'")]
    assert texts(tail) == ["SELECT 'e'", "SELECT 'f'", after[2], "SELECT 'inside'", "SELECT 'g'"], brief_of(events)
    numbers = ids(tail)
    begun = numbers[0][0]
    assert numbers == [(begun, 1), (begun + 1, 1), (begun + 2, 1), (begun + 2, 2), (begun + 3, 1)]
    assert all(e["exitCode"] is None for e in tail)


def test_a_portal_that_crosses_the_change_is_counted_right(cluster):

    def run(session):
        session.run("BEGIN")
        session.parse("TABLE thing").bind(portal="p").execute(1, portal="p").sync().answer()
        session.run("SET application_name = 'quiet'")
        session.execute(1, portal="p").sync().answer()
        session.run("SET application_name = 'loud'")
        session.execute(0, portal="p").sync().answer()
        session.run("COMMIT")
        session.run("SELECT 'last'")

    events = told_raw(cluster, run)
    assert texts(events)[-2:] == ["COMMIT", "SELECT 'last'"]
    assert {place for _, place in ids(events)} == {1}, brief_of(events)
    assert {e["exitCode"] for e in events} == {None}
