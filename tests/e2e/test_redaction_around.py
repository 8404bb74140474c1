"""Secrets in what comes with a statement: parameters, error messages, and what a limit cuts."""

import json

import pytest

from redaction import SECRET, as_it_is, broken, leaks, make_server, redacted, run, secret
from redaction_cases import BOUND, CUT, INSIDE
from told import PROTOCOLS, failures, record_raw


@pytest.fixture(scope="module")
def cluster(installation, aws, alias):
    factory, cluster = make_server(installation, aws, alias)
    yield cluster
    factory.close()


@pytest.mark.parametrize("log_parameters", ["on", "off"])
def test_parameters_lose_their_secrets_and_nothing_else(cluster, log_parameters):
    cluster.reload(log_parameters=log_parameters)

    def send(session):
        for statement, values in BOUND:
            session.statement(secret(statement), [secret(value) for value in values]).sync().answer()

    events = record_raw(cluster, send)
    cluster.reload(log_parameters="on")
    assert not leaks(events)
    for statement, values in BOUND:
        mine = [e for e in events if e["commandText"] == redacted(statement) and e["paramList"]]
        if log_parameters == "on" and "dblink" not in statement and "::int" not in statement:
            assert [redacted(value) for value in values] in [e["paramList"] for e in mine], (statement, mine)


MESSAGES = [
    ("CREATE ROLE r8 PASSWORD § LOGIN", 'syntax error at or near "§"'),
    ("ALTER ROLE r1 PASSWORD '§", "unterminated quoted string at or near \"'§\""),
    ("ALTER ROLE r1 PASSWORD E'§", "unterminated quoted string at or near \"E'§\""),
    ("SELECT 'password=§ and more'::int", 'invalid input syntax for type integer: "password=§ and more"'),
    ("SELECT 'postgres://joe:§@h/d'::int", 'invalid input syntax for type integer: "postgres://joe:§@h/d"'),
    ("DO $$ BEGIN RAISE EXCEPTION 'with password=%', '§'; END $$", "with password=§"),
    ("DO $$ BEGIN RAISE EXCEPTION 'ALTER ROLE r1 PASSWORD ''§'' no'; END $$", "ALTER ROLE r1 PASSWORD '§' no"),
    ("SELECT run('ALTER ROLE r1 PASSWORD ''§'' oops')", 'unrecognized role option "oops"'),
    ("SELECT run('CREATE ROLE r9 PASSWORD § LOGIN')", 'syntax error at or near "§"'),
    ("SELECT dblink_connect('host=h password=§ nonsense=1')", "could not establish connection"),
    ("SET work_mem = 'password=§'", 'invalid value for parameter "work_mem": "password=§"'),
]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("statement", "message"), MESSAGES)
def test_error_messages_quote_no_secret(cluster, protocol, statement, message):
    events = run(cluster, [statement], protocol)
    assert not leaks(events)
    assert failures(events)[-1]["errorMessage"] == redacted(message)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT dblink_connect('host=127.0.0.1 port=1 password=' || $1)",
        "SELECT run(format('ALTER ROLE r1 PASSWORD %L', $1::text))",
        "SELECT set_config('my.password', $1, false)",
    ],
)
def test_a_parameter_that_fills_in_a_password_is_a_secret_as_a_literal_would_be(cluster, statement):
    events = run(cluster, [statement.replace("$1", "'§'")], "simple")
    assert events and not leaks(events)
    events = record_raw(cluster, lambda session: session.statement(statement, [SECRET]).sync().answer())
    assert events and not leaks(events)


@pytest.mark.parametrize(("statement", "values"), INSIDE)
def test_nor_do_those_of_statements_inside_others(cluster, statement, values):
    values = [secret(value) for value in values]
    events = record_raw(cluster, lambda session: session.statement(secret(statement), values).sync().answer())
    assert len(failures(events)) == 1
    assert not leaks(events)


# What of the secret may stand somewhere by chance.
PARTS = [SECRET[:length] for length in range(4, len(SECRET))]


def shows_a_part(events):
    shown = ("commandText", "paramList", "errorMessage")
    return [[str(e[name])[-60:] for name in shown] for e in events if any(part in json.dumps(e) for part in PARTS)]


@pytest.fixture
def cutting(cluster):
    cluster.reload(max_statement_bytes="1kB", max_parameter_bytes="40B")
    yield
    cluster.reload(max_statement_bytes="256kB", max_parameter_bytes="4kB")


@pytest.mark.parametrize("form", [as_it_is, broken], ids=lambda form: form.__name__)
@pytest.mark.parametrize("statement", CUT)
def test_a_secret_that_the_cut_goes_through_is_not_told_in_part(cluster, cutting, statement, form):
    """Wherever the limit falls: before the secret, in it, behind it."""
    before = len(form(statement).split("§")[0])
    blanks = range(1024 - before - 40, 1024 - before + 10)
    events = run(cluster, [f"/*{' ' * count}*/{form(statement)}" for count in blanks], "simple")
    assert not shows_a_part(events)
    assert all(len(e["commandText"] or "") <= 1024 for e in events)


@pytest.mark.parametrize(
    "value", ["postgres://joe:§@h/d", "host=h password=§ user=joe", "ALTER ROLE r1 PASSWORD '§'", "password='§'"]
)
@pytest.mark.parametrize("kind", ["text", "jsonb", "text[]"])
def test_nor_one_of_a_parameter(cluster, cutting, kind, value):
    around = {"text": "{}", "jsonb": '"{}"', "text[]": '{{"{}"}}'}[kind]
    values = [secret(around.format("x" * count + " " + value)) for count in range(40)]

    def send(session):
        for value in values:
            session.statement(f"SELECT $1::{kind}", [value]).sync().answer()

    events = record_raw(cluster, send)
    assert not failures(events)
    assert not shows_a_part(events)


def test_nor_one_in_the_message_of_a_text_that_was_cut_before_it(cluster, cutting):
    blanks = " " * 2000
    statements = [f"CREATE ROLE r1 {blanks} PASSWORD § LOGIN", f"ALTER ROLE r1 /*{blanks}*/ PASSWORD '§"]
    events = run(cluster, [*statements, f"SELECT run('{statements[0]}')"], "simple")
    assert not shows_a_part(events) and not leaks(events)
