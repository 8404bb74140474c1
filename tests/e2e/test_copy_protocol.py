"""COPY by the protocol: done, failed by the client, failed by the server, cancelled; in both query protocols."""

import pytest

from rawpg import errors
from told import PROTOCOLS, ask, ids, kind_of, outcomes, record_raw, texts

COPY = "COPY thing FROM STDIN"


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    cluster.execute("CREATE TABLE thing (id int PRIMARY KEY)", "INSERT INTO thing VALUES (1)")


def begin(session, protocol, statement=COPY):
    ask(session, statement, protocol).until("GHE")


def end(session, protocol):
    # With the extended protocol the server drops a Sync that came while it was copying.
    return (session if protocol == "simple" else session.sync()).answer()


def fail_by_client(session):
    session.copy_data(b"100\n").copy_fail("no more of this")


def fail_by_wrong_data(session):
    session.copy_data(b"101\nword\n").copy_done()


def fail_by_a_double(session):
    session.copy_data(b"102\n1\n").copy_done()


def fail_by_too_many_columns(session):
    session.copy_data(b"103\t103\n").copy_done()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("fail", "sqlstate", "message"),
    [
        (fail_by_client, "57014", "COPY from stdin failed: no more of this"),
        (fail_by_wrong_data, "22P02", 'invalid input syntax for type integer: "word"'),
        (fail_by_a_double, "23505", "duplicate key value violates unique constraint"),
        (fail_by_too_many_columns, "22P04", "extra data after last expected column"),
    ],
)
def test_a_copy_that_fails_is_one_failure_that_names_what_a_success_would(cluster, fail, sqlstate, message, protocol):
    def copy(session):
        begin(session, protocol)
        session.copy_data(b"50\n51\n").copy_done()
        assert errors(end(session, protocol)) == []
        begin(session, protocol)
        fail(session)
        assert errors(end(session, protocol)) == [sqlstate]
        session.run("DELETE FROM thing WHERE id > 1")

    *success, failure, last = record_raw(cluster, copy)
    assert outcomes([*success, failure]) == [*((None, COPY) for _ in success), (sqlstate, COPY)]
    assert message in failure["errorMessage"]
    assert (failure["class"], failure["command"]) == ("WRITE", "COPY")
    assert kind_of(failure) in [kind_of(e) for e in success]
    assert {e["objectName"] for e in (*success, failure)} <= {None, "public.thing"}
    assert [e["rowCount"] for e in success if e["command"] == "COPY"] == [2]
    assert [failure["statementId"], last["statementId"]] == [3, 4]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_copy_out_is_told_with_its_rows(cluster, protocol):
    def copy(session):
        begin(session, protocol, "COPY (SELECT generate_series(1, 7)) TO STDOUT")
        assert sum(m.kind == "d" for m in session.until("C")) == 7
        session.answer()

    events = record_raw(cluster, copy)
    assert [e["rowCount"] for e in events if e["command"] == "COPY"] == [7]
    assert {e["class"] for e in events} == {"READ"}
    assert {e["statementId"] for e in events} == {2}


def test_a_copy_out_that_fails_on_its_way_is_one_failure(cluster):
    statement = "COPY (SELECT 1 / (3 - g) FROM generate_series(1, 5) g) TO STDOUT"

    def copy(session):
        assert errors(session.run(statement)) == ["22012"]

    events = record_raw(cluster, copy)
    assert outcomes(events) == [("22012", statement)]
    assert (events[0]["class"], events[0]["command"]) == ("READ", "COPY")


def test_a_copy_that_is_cancelled_is_one_failure(cluster):
    def copy(session):
        begin(session, "simple")
        session.cancel()
        # The server looks after the next row.
        session.copy_data(b"60\n").copy_done()
        assert errors(session.answer()) == ["57014"]

    events = record_raw(cluster, copy)
    assert outcomes(events) == [("57014", COPY)]
    assert events[0]["errorMessage"] == "canceling statement due to user request"


def test_a_copy_whose_client_vanishes_is_one_failure(cluster):
    def copy(session):
        begin(session, "simple")
        session.copy_data(b"70\n")
        session.close_socket()

    events = record_raw(cluster, copy)
    assert texts(events) == [COPY]
    assert events[0]["exitCode"] in ("08006", "08P01")


def test_a_copy_after_a_copy_that_failed_in_the_same_pipeline_is_skipped(cluster):
    def copy(session):
        session.statement(COPY).flush().until("G")
        session.copy_fail("broken").statement(COPY).statement("SELECT 'skipped'").sync()
        assert errors(session.answer()) == ["57014"]
        session.run("SELECT 'after'")

    events = record_raw(cluster, copy)
    assert outcomes(events) == [("57014", COPY), (None, "SELECT 'after'")]
    assert ids(events) == [(2, 1), (3, 1)]
