"""Sync mode: cancels and timeouts end a wait, and what that does to the statement."""

import pytest

from frozen import NOT_DURABLE, REFUSED, gone
from sync_waiting import COUNT, INSERT, make_server, outcome, server, strict, waiting


def test_a_cancel_ends_the_wait_with_a_warning_and_the_statement_succeeds(server):
    session = waiting(server)
    server.cancel(session)
    assert outcome(session) == ([], [NOT_DURABLE])
    assert server.sees(COUNT) == 1


def test_a_cancel_by_the_client_does_the_same(server):
    session = waiting(server)
    session.cancel()
    assert outcome(session) == ([], [NOT_DURABLE])
    assert server.sees(COUNT) == 1


def test_a_cancel_fails_the_operation_where_it_has_to_be_durable(strict):
    session = waiting(strict)
    strict.cancel(session)
    assert outcome(session) == ([REFUSED], [])
    assert strict.sees(COUNT) == 0


def test_a_cancel_ends_one_wait_and_not_the_sessions_next_one(server):
    session = waiting(server)
    server.cancel(session)
    assert outcome(session) == ([], [NOT_DURABLE])
    server.thaw()
    server.healthy()
    server.freeze()
    session.query(INSERT)
    server.waits(session.pid)
    server.thaw()
    assert outcome(session) == ([], [])


@pytest.mark.parametrize("before", [(), ("BEGIN",)], ids=["alone", "in a block"])
@pytest.mark.parametrize("statement", [INSERT, "SELECT 1"])
def test_statement_timeout_ends_the_wait_with_a_warning_and_the_statement_succeeds(server, before, statement):
    session = waiting(server, statement, ("SET statement_timeout = '500ms'", *before))
    assert outcome(session) == ([], [NOT_DURABLE])
    if before:
        outcome(session.query("COMMIT"))
    assert server.sees(COUNT) == (statement == INSERT)


@pytest.mark.parametrize("before", [(), ("BEGIN",)], ids=["alone", "in a block"])
def test_statement_timeout_fails_the_operation_where_it_has_to_be_durable(strict, before):
    session = waiting(strict, before=("SET statement_timeout = '500ms'", *before))
    assert outcome(session) == ([REFUSED], [])
    assert strict.sees(COUNT) == 0


def test_statement_timeout_of_a_commit_fails_the_block_where_it_has_to_be_durable(strict):
    session = waiting(strict, "COMMIT", ("SET statement_timeout = '500ms'", "BEGIN", INSERT))
    assert outcome(session) == ([REFUSED], [])
    assert strict.sees(COUNT) == 0


def test_no_transaction_timeout_of_the_server_is_late(server):
    if server.cluster.installation.major < 17:
        pytest.skip("transaction_timeout came with 17")
    session = waiting(server, before=("SET transaction_timeout = '500ms'",))
    assert [m.fields["C"] for m in session.until_closed() if m.kind == "E"] == ["25P04"]
    gone(session.pid)
    assert server.sees(COUNT) == 0
