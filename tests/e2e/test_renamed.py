"""Names are cached in sessions: one that is changed by another session is told as it is now."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def things(cluster):
    cluster.execute(
        "CREATE TABLE first (id int)",
        "CREATE SCHEMA inner_one",
        "CREATE TABLE inner_one.deep (id int)",
        "CREATE FUNCTION works() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$",
        "CREATE ROLE worker",
    )


def after(cluster, statement, *changes, role=None):
    """What the same statement of the same session tells before and after changes of another session."""

    def run(session):
        if role:
            session.execute(f"SET ROLE {role}")
        session.execute(statement)
        cluster.execute(*changes)
        session.execute(statement.replace("first", "second").replace("inner_one", "inner_two").replace("works", "worked"))

    return [e for e in cluster.record(run) if e["command"] in ("SELECT", "EXECUTE")]


def test_a_relation_has_its_new_name(cluster):
    events = after(cluster, "SELECT * FROM first", "ALTER TABLE first RENAME TO second")
    assert [e["objectName"] for e in events] == ["public.first", "public.second"]


def test_a_relation_has_the_new_name_of_its_schema(cluster):
    events = after(cluster, "SELECT * FROM inner_one.deep", "ALTER SCHEMA inner_one RENAME TO inner_two")
    assert [e["objectName"] for e in events] == ["inner_one.deep", "inner_two.deep"]


def test_a_function_has_its_new_name(cluster):
    events = after(cluster, "SELECT works()", "ALTER FUNCTION works() RENAME TO worked")
    assert [e["objectName"] for e in events if e["command"] == "EXECUTE"] == ["public.works", "public.worked"]


def test_the_role_in_force_has_its_new_name(cluster):
    events = after(cluster, "SELECT 1", "ALTER ROLE worker RENAME TO retired", role="worker")
    assert [e["effectiveUserName"] for e in events] == ["worker", "retired"]
