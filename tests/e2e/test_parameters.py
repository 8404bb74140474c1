"""Bind parameters: the text that their type has for them, whatever the client sent, and never a reason to fail."""

import struct

import pytest

from conftest import Factory
from rawpg import errors
from told import outcomes, record_raw

SETUP = (
    "CREATE TYPE feeling AS ENUM ('sad', 'ok', 'very happy')",
    "CREATE DOMAIN small AS int CHECK (VALUE < 100)",
    "CREATE DOMAIN felt AS feeling",
    "CREATE TYPE pair AS (a int, b text)",
    "CREATE TYPE nested AS (p pair, l pair[], f feeling)",
    "CREATE TABLE stored (id int PRIMARY KEY, v text)",
)


@pytest.fixture(scope="module")
def cluster(installation, aws, alias):
    factory = Factory(installation, aws, alias)
    cluster = factory()
    cluster.execute(*SETUP)
    yield cluster
    factory.close()


def param_lists(cluster, statement, values, **options):
    """The parameters of each event of a statement that the client binds values to in text form."""
    events = record_raw(cluster, lambda session: session.statement(statement, values).sync().answer(), **options)
    assert all(e["exitCode"] is None for e in events), outcomes(events)
    return [e["paramList"] for e in events]


# Type, what the client sends, what the type's output makes of it (the same where it is left out).
TYPES = [
    ("int2", "-3"),
    ("int4", "+2147483647", "2147483647"),
    ("int8", "-9223372036854775808"),
    ("bool", "yes", "t"),
    ("bool", "0", "f"),
    ("oid", "4294967295"),
    ("numeric", "0001.500", "1.500"),
    ("numeric", "NaN"),
    ("numeric", "1" * 200),
    ("float4", "0.1"),
    ("float8", "-Infinity"),
    ("money", "1.5", "$1.50"),
    ("text", ' "quoted", \\ back\n'),
    ("text", ""),
    ("varchar", "word"),
    ("bpchar", "ab  "),
    ("name", "x" * 63),
    ('"char"', "c"),
    ("bytea", "\\xDEADBEEF", "\\xdeadbeef"),
    ("bytea", "a\\000b", "\\x610062"),
    ("uuid", "5B0E9D0C-3D3B-4F0A-9A5E-2F1C6C7A8B9D", "5b0e9d0c-3d3b-4f0a-9a5e-2f1c6c7a8b9d"),
    ("date", "2026-05-24"),
    ("timestamptz", "2026-05-24 00:36:54.5+00"),
    ("interval", "90 minutes", "01:30:00"),
    ("json", '{"a":  1}'),
    ("jsonb", '{"a":  1}', '{"a": 1}'),
    ("xml", "<a>b</a>"),
    ("inet", "192.168.0.1/24"),
    ("bit(3)", "101"),
    ("point", "(1,2)"),
    ("tsvector", "b a", "'a' 'b'"),
    ("regclass", "pg_class"),
    ("pg_lsn", "0/16B3740"),
    ("int[]", "{1,NULL, 3}", "{1,NULL,3}"),
    ("text[]", '{"a b",c,""}', '{"a b",c,""}'),
    ("int[][]", "{{1,2},{3,4}}"),
    ("int4range", "[1,3]", "[1,4)"),
    ("int4multirange", "{[1,3], [7,7]}", "{[1,4),[7,8)}"),
    ("feeling", "very happy"),
    ("felt", "ok"),
    ("small", "42"),
    ("feeling[]", "{sad,very happy}", '{sad,"very happy"}'),
    ("small[]", "{1,2}"),
    ("pair", '(1,"a b")'),
    ("pair", "(,)"),
    ("pair[]", '{"(1,a)","(2,b)"}'),
    ("nested", '("(1,a)","{""(2,b)""}",sad)'),
    ("record", None),
]


@pytest.mark.parametrize("case", TYPES, ids=lambda case: case[0])
def test_a_parameter_is_told_as_its_type_writes_it(cluster, case):
    kind, sent, *written = case
    expected = [] if sent is None else [*written, sent][:1]
    assert param_lists(cluster, f"SELECT $1::{kind} IS NULL", [sent]) == [expected]


def test_numbers_and_dates_follow_the_settings_of_the_session(cluster):
    options = {"options": "-c datestyle=German -c bytea_output=escape -c extra_float_digits=0"}
    lists = param_lists(
        cluster, "SELECT $1::date, $2::bytea, $3::float8", ["2026-05-24", "\\x6100", "0.30000000000000004"], **options
    )
    assert lists == [["24.05.2026", "a\\000", "0.3"]]


# Type's OID, its bytes, its text.
BINARY = [
    (21, struct.pack("!h", -3), "-3"),
    (23, struct.pack("!i", 7), "7"),
    (20, struct.pack("!q", 1 << 40), str(1 << 40)),
    (16, b"\1", "t"),
    (701, struct.pack("!d", 1.5), "1.5"),
    (25, "Grüße 🐘".encode(), "Grüße 🐘"),
    (1043, b"word", "word"),
    (17, b"\0\xff", "\\x00ff"),
    (1700, struct.pack("!hhHhhh", 2, 0, 0x4000, 2, 1, 5000), "-1.50"),
    (1082, struct.pack("!i", 1), "2000-01-02"),
    (1007, struct.pack("!iiiiiiiii", 1, 0, 23, 2, 1, 4, 5, 4, 6), "{5,6}"),
    (3802, b'\1{"a": 1}', '{"a": 1}'),
    (3904, struct.pack("!bi4si4s", 2, 4, b"\0\0\0\1", 4, b"\0\0\0\4"), "[1,4)"),
]


@pytest.mark.parametrize(("oid", "data", "expected"), BINARY)
def test_a_parameter_in_binary_form_is_told_as_text(cluster, oid, data, expected):
    def bind(session):
        value = struct.pack("!hhhi", 1, 1, 1, len(data)) + data
        session.parse("SELECT $1 IS NULL", types=[oid]).send("B", b"\0\0" + value + b"\0\0").execute().sync()
        assert not errors(session.answer())

    assert [e["paramList"] for e in record_raw(cluster, bind)] == [[expected]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([None, "1", None, "a", ""], ["1", "a", ""]),
        ([None] * 5, []),
        (["1", "2", "NULL", "null", "<NULL>"], ["1", "2", "NULL", "null", "<NULL>"]),
    ],
)
def test_nulls_are_left_out_and_nothing_else_is(cluster, values, expected):
    assert param_lists(cluster, "SELECT $1::int, $2::int, $3::text, $4::text, $5::text", values) == [expected]


def test_every_event_of_a_statement_has_its_parameters(cluster):
    statement = "INSERT INTO stored SELECT $1::int, relname FROM pg_class WHERE oid = $2::oid"
    assert param_lists(cluster, statement, ["1", "1259"]) == [["1", "1259"]] * 2


def test_a_failed_statement_has_its_parameters(cluster):
    cluster.execute("INSERT INTO stored VALUES (50, 'there')")
    events = record_raw(
        cluster,
        lambda session: session.statement("INSERT INTO stored VALUES ($1, $2)", ["50", "twice"]).sync().answer(),
    )
    assert [(e["exitCode"], e["paramList"]) for e in events] == [("23505", ["50", "twice"])]


def test_variables_of_procedural_languages_are_the_parameters_of_their_statements(cluster):
    body = "DECLARE a int := 60; b feeling := 'ok'; c text; BEGIN INSERT INTO stored SELECT a, b::text || c; END"
    events = cluster.record(lambda session: session.execute(f"DO $$ {body} $$"))
    assert [e["paramList"] for e in events if e["command"] == "INSERT"] == [["60", "ok"]]


@pytest.mark.parametrize("limit", [16, 17, 100])
def test_a_long_parameter_is_cut_at_a_character(make_cluster, limit):
    cluster = make_cluster(max_parameter_bytes=f"{limit}B")
    values = ["é" * 200, "a" + "🐘" * 200, "1" * 200, "{" + "日" * 200 + "}"]
    values += ["short", "x" * limit, "y" * limit + "z"]
    statement = "SELECT $1::text, $2::varchar, $3::numeric, $4::text[], $5::text, $6::text, $7::text"
    for told, value in zip(param_lists(cluster, statement, values)[0], values, strict=True):
        assert value.startswith(told)
        assert min(len(value.encode()), limit - 3) <= len(told.encode()) <= limit


@pytest.mark.parametrize("value", ["7", "x" * 100], ids=["short", "long"])
def test_as_many_parameters_as_the_protocol_has_are_handled(cluster, value):
    """All are told as far as there is room for them in an event, from the first on."""
    count = 65_535
    values = [value] * count
    places = ",".join(f"${number}::text" for number in range(1, count + 1))
    statement = f"SELECT cardinality(ARRAY[{places}])"

    def bind(session):
        encoded = b"".join(struct.pack("!i", len(v)) + v.encode() for v in values)
        session.parse(statement).send("B", b"\0\0" + struct.pack("!hH", 0, count) + encoded + b"\0\0").execute().sync()
        assert session.until("Z")[-3].row == [str(count)]

    event = record_raw(cluster, bind)[0]
    told = event["paramList"]
    assert statement.startswith(event["commandText"]) and event["commandTextLength"] == len(statement)
    assert all(v == value for v in told[:-1]) and value.startswith(told[-1])
    assert len(told) == count if value == "7" else len(told) > 500
    assert sum(map(len, told)) <= 128 * 1024
