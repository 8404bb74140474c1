"""Secrets: none leaves the server in any field of any event, and nothing else is taken out of the text.

Every statement of a long table runs as it is, broken so that nothing parses it, in an aborted transaction, inside DO
and among others in one string; by both query protocols.
"""

import json
import re

import pytest

from redaction import REDACTED, as_it_is, broken, leaks, make_server, redacted, run
from redaction_cases import HARMLESS, TABLES
from told import PROTOCOLS, failures, texts

STATEMENTS = [statement for table in TABLES.values() for statement in table]
PARSED = [statement for name, table in TABLES.items() if name != "unparsed" for statement in table]


def broken_at_its_end(statement):
    return f"{statement} ~ 'kept'"


def in_do(statement):
    return f"DO $do$ BEGIN {statement}\n; PERFORM 'kept'; END $do$"


def in_dynamic_sql(statement):
    doubled = statement.replace("'", "''")
    return f"DO $do$ BEGIN EXECUTE '{doubled}'; PERFORM 'kept'; END $do$"


FORMS = [as_it_is, broken, broken_at_its_end, in_do, in_dynamic_sql]


def bare(text):
    """Without the quotes around what was taken out."""
    return re.sub(rf"'*{REDACTED}'*", REDACTED, text)


@pytest.fixture(scope="module")
def cluster(installation, aws, alias):
    factory, cluster = make_server(installation, aws, alias)
    yield cluster
    factory.close()


def client_texts(events):
    """The text of each statement of the client's, in order."""
    own = {e["statementId"]: e["commandText"] for e in events if e["substatementId"] == 1}
    return [own[number] for number in sorted(own)]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_secret_is_told_and_the_rest_of_the_text_is_as_it_was(cluster, protocol, form):
    statements = [form(statement) for statement in STATEMENTS]
    assert len(statements) >= 60
    events = run(cluster, statements, protocol)
    assert not leaks(events)
    # What is not closed takes with it what the form has behind it.
    whole = STATEMENTS if form in (as_it_is, broken) else PARSED
    # In a literal `password = 'x'` may be from a connection string, whose quotes are part of the value.
    alike = bare if form in (in_do, in_dynamic_sql) else as_it_is
    told = set(map(alike, texts(events)))
    missing = [text for text in (alike(redacted(form(s))) for s in whole) if text not in told]
    assert not missing, missing


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nor_in_an_aborted_transaction(cluster, protocol):
    events = run(cluster, ["BEGIN", "SELECT 1 / 0", *STATEMENTS, "ROLLBACK"], protocol)
    assert not leaks(events)
    assert {e["exitCode"] for e in failures(events)[1:]} <= {"25P02", "42601"}
    missing = [text for text in map(redacted, STATEMENTS) if text not in set(texts(events))]
    assert not missing, missing


def test_nor_in_a_string_of_several_statements(cluster):
    strings = [f"SELECT 'before'; {statement}\n; SELECT 'after'" for statement in PARSED]
    events = run(cluster, strings, "simple")
    assert not leaks(events)
    told = texts(events)
    missing = [text for text in map(redacted, PARSED) if not any(t.startswith(text) for t in told)]
    assert not missing, missing
    # All of them in one string: what fails to parse is told as a whole.
    whole = "; ".join(statement for statement in PARSED if "--" not in statement) + "; SELEC 'last'"
    events = run(cluster, [whole], "simple")
    assert not leaks(events)
    assert texts(events) == [redacted(whole)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nor_in_the_texts_of_cursors_and_prepared_statements(cluster, protocol):
    """These are told again with what uses them."""
    inside = "SELECT 'user=joe password=§' AS a, 'kept' AS b"
    statements = [
        "BEGIN",
        f"DECLARE c CURSOR FOR {inside}",
        "FETCH ALL FROM c",
        "COMMIT",
        f"PREPARE p AS {inside}",
        "EXECUTE p",
        "PREPARE q (text, text) AS SELECT $1, $2",
        "EXECUTE q ('host=h password=§', 'kept')",
        "DEALLOCATE ALL",
    ]
    events = run(cluster, statements, protocol)
    assert not leaks(events)
    assert all(e["exitCode"] is None for e in events), failures(events)
    assert set(texts(events)) >= {redacted(statement) for statement in statements if "§" in statement}
    assert [redacted("host=h password=§"), "kept"] in [e["paramList"] for e in events]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_text_without_a_secret_stays_as_it_is(cluster, protocol):
    events = run(cluster, HARMLESS, protocol)
    assert client_texts(events) == HARMLESS
    assert not any(REDACTED in json.dumps(e) for e in events)


def test_no_secret_was_told_by_any_session_of_the_module(cluster):
    cluster.settle()
    assert not leaks(cluster.reader.events)
    cluster.reader.check_complete()
