"""Databases of any encoding: all that events say of them is UTF-8, and says the same."""

import pytest

from coded import Coded, record_coded
from rawpg import RawSession
from told import PROTOCOLS, ended, failures, outcomes, texts

# Encoding, Python's codec for it, a word that only it and its kin can write.
ENCODINGS = [
    ("LATIN1", "iso8859-1", "Zoë½§ÿ"),
    ("LATIN2", "iso8859-2", "Łódźžluť"),
    ("WIN1251", "cp1251", "МоскваЂ"),
    ("KOI8R", "koi8-r", "Привет"),
    ("EUC_JP", "euc_jp", "日本語ｶﾅ"),
    ("EUC_KR", "euc_kr", "한국어"),
    ("EUC_CN", "gb2312", "中文测试"),
    ("UTF8", "utf-8", "Zoë日本🐘"),
]
NAMES = [name for name, _, _ in ENCODINGS]
each_encoding = pytest.mark.parametrize(("encoding", "codec", "word"), ENCODINGS, ids=NAMES)


@pytest.fixture(scope="module", autouse=True)
def databases(cluster):
    for name in [*NAMES, "SQL_ASCII"]:
        cluster.execute(f"CREATE DATABASE {name.lower()} ENCODING '{name}' LOCALE 'C' TEMPLATE template0")


def startup(encoding, client="the server's"):
    """How a client of that encoding, or one of UTF-8, introduces itself."""
    given = {"database": encoding.lower(), "client_encoding": encoding}
    return given | {"client_encoding": "UTF8"} if client == "UTF8" else given


@each_encoding
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("client", ["the server's", "UTF8"])
def test_texts_and_names_arrive_as_they_were_written(cluster, encoding, codec, word, client, protocol):
    statements = [
        f'CREATE TABLE "{word}" ("{word}" text)',
        f"INSERT INTO \"{word}\" VALUES ('{word}')",
        f'SELECT "{word}" /* {word} */ FROM "{word}"',
        f'DROP TABLE "{word}"',
    ]
    codec = "utf-8" if client == "UTF8" else codec
    events = record_coded(cluster, codec, statements, protocol=protocol, **startup(encoding, client))
    assert outcomes(events) == [(None, statement) for statement in statements]
    assert {e["objectName"] for e in events} == {f'public."{word}"'}


@each_encoding
def test_parameters_of_any_type_arrive_as_they_were_bound(cluster, encoding, codec, word):
    cluster.execute(f"CREATE TYPE feeling AS ENUM ('{word}')", dbname=encoding.lower(), client_encoding="UTF8")
    types = ["text", "varchar", "name", "bpchar", "text[]", "jsonb", "feeling", "xml"]
    given = [word, word, word, word, f"{{{word}}}", f'"{word}"', word, f"<a>{word}</a>"]
    statement = "SELECT " + ", ".join(f"${place}::{kind}" for place, kind in enumerate(types, start=1))
    events = record_coded(cluster, codec, [statement], given, **startup(encoding))
    assert [e["paramList"] for e in events] == [given], outcomes(events)


@each_encoding
def test_failures_are_told_in_the_same_letters_once_the_conversion_is_known(cluster, encoding, codec, word):
    statements = [
        f"SELECT '{word}'",
        f"SELEC '{word}'",
        f'SELECT * FROM "{word}"',
        f"SELECT '{word}'::int",
        f"DO $$ BEGIN RAISE EXCEPTION '{word}!'; END $$",
    ]
    events = record_coded(cluster, codec, statements, **startup(encoding))
    assert [text for code, text in outcomes(events) if code] == statements[1:]
    messages = [e["errorMessage"] for e in failures(events)]
    assert messages == [
        'syntax error at or near "SELEC"',
        f'relation "{word}" does not exist',
        f'invalid input syntax for type integer: "{word}"',
        f"{word}!",
    ]


@each_encoding
def test_statements_in_an_aborted_transaction_are_told_in_the_same_letters(cluster, encoding, codec, word):
    statements = ["BEGIN", f"SELECT '{word}'", "SELECT 1 / 0", f"SELECT '{word}' AS refused", f"SELEC '{word}'"]
    for protocol in PROTOCOLS:
        events = record_coded(cluster, codec, statements, protocol=protocol, **startup(encoding))
        assert texts(events) == statements, protocol
        assert [e["exitCode"] for e in events] == [None, None, "22012", "25P02", "42601"]


@each_encoding
def test_a_failure_is_told_in_the_same_letters_after_any_statement_that_succeeded(cluster, encoding, codec, word):
    """One that has nothing to convert is enough: most statements of most sessions have nothing."""
    statements = ["SELECT 1", f"SELEC '{word}'", "BEGIN", "SELECT 1 / 0", f"SELECT '{word}'"]
    events = record_coded(cluster, codec, statements, **startup(encoding))
    assert texts(events) == statements


@each_encoding
def test_the_first_statement_of_a_session_may_fail(cluster, encoding, codec, word):
    """What is not known yet is lost, and nothing else: every letter that all encodings have in common stays."""
    events = record_coded(cluster, codec, [f"SELEC '{word}' AS \"kept\"", "SELECT 1"], **startup(encoding))
    assert [e["exitCode"] for e in events] == ["42601", None]
    first = events[0]["commandText"]
    assert first.startswith("SELEC '") and first.endswith("' AS \"kept\"")
    assert set(first) <= set(f"SELEC '{word}' AS \"kept\"\N{REPLACEMENT CHARACTER}")


@each_encoding
def test_roles_databases_and_applications_are_named_in_the_same_letters(cluster, encoding, codec, word):
    name = f"{encoding} {word}"
    options = {"dbname": encoding.lower(), "client_encoding": "UTF8"}
    cluster.execute(
        f'CREATE ROLE "{name}" LOGIN',
        f"CREATE DATABASE \"{name}\" ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0",
        **options,
    )
    sent = Coded(name, codec)
    with RawSession(cluster.port, user=sent, database=sent, application_name=sent, client_encoding="UTF8") as session:
        session.run("SELECT 'as the role that logged in'")
        # The server lets only ASCII into an application's name.
        shown = session.run("SHOW application_name")[1].row[0]
    event = ended(cluster, session.pid)[0]
    assert (event["dbUserName"], event["effectiveUserName"]) == (name, name)
    assert event["databaseName"] == name
    assert event["clientApplication"] == shown

    def become(session):
        session.execute(f'SET ROLE "{name}"')
        session.execute("SELECT 'as another role'")

    event = cluster.record(become, **options)[-1]
    assert (event["dbUserName"], event["effectiveUserName"]) == ("postgres", name)


# Statement as bytes, and what is told: a run of bytes that mean nothing is one or more U+FFFD, written ? here.
STRAY = [
    ("SQL_ASCII", b"SELECT 'a\xe9b'", "SELECT 'a?b'"),
    ("SQL_ASCII", b"SELECT '\xff\xfe' AS \"\xc3\xa9\"", "SELECT '?' AS \"é\""),
    ("SQL_ASCII", b"SELEC '\x80'", "SELEC '?'"),
    ("WIN1251", b"SELECT '\xcc\x98\xee'", "SELECT 'М?о'"),
    ("EUC_JP", b"SELECT '\xc6\xfc\xa9\xa1'", "SELECT '日?'"),
    ("EUC_JP", b"SELECT '\xc6\xfc\xa9\xa1\xcb\xdc\xb8\xec'", "SELECT '日?本語'"),
    ("EUC_JP", b"SELECT '\xc6\xfc\xa9\xa1\xa9\xa2\xcb\xdc'", "SELECT '日?本'"),
    ("EUC_KR", b"SELECT '\xc7\xd1\xc9\xa1\xb1\xb9'", "SELECT '한?국'"),
    ("EUC_CN", b"SELECT '\xd6\xd0\xaa\xa1\xce\xc4'", "SELECT '中?文'"),
]


@pytest.mark.parametrize(("encoding", "sent", "expected"), STRAY)
def test_bytes_that_mean_nothing_are_replaced_and_the_rest_stays(cluster, encoding, sent, expected):
    events = record_coded(cluster, "latin-1", ["SELECT 1", sent], **startup(encoding))
    told = events[-1]["commandText"]
    while "\N{REPLACEMENT CHARACTER}" * 2 in told:
        told = told.replace("\N{REPLACEMENT CHARACTER}" * 2, "\N{REPLACEMENT CHARACTER}")
    assert told.replace("\N{REPLACEMENT CHARACTER}", "?") == expected


def test_names_parameters_and_messages_of_stray_bytes_are_utf8(cluster):
    statements = [b'CREATE TABLE "t\xe9" (a text)', b'INSERT INTO "t\xe9" SELECT $1::text', b"SELECT $1::int"]
    events = record_coded(cluster, "latin-1", statements[:1], **startup("SQL_ASCII"))
    events += record_coded(cluster, "latin-1", statements[1:], [b"p\xff"], **startup("SQL_ASCII"))
    assert [e["objectName"] for e in events[:2]] == ['public."t\N{REPLACEMENT CHARACTER}"'] * 2
    assert events[1]["paramList"] == ["p\N{REPLACEMENT CHARACTER}"]
    assert events[2]["errorMessage"] == 'invalid input syntax for type integer: "p\N{REPLACEMENT CHARACTER}"'


@pytest.mark.parametrize("encoding", ["UTF8", "EUC_JP"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_text_that_the_server_refuses_for_its_bytes_is_a_failure(cluster, encoding, protocol):
    events = record_coded(cluster, "latin-1", [b"SELECT '\xff'", "SELECT 1"], protocol=protocol, **startup(encoding))
    assert [e["exitCode"] for e in events] == ["22021", None]
    assert events[0]["errorMessage"].startswith("invalid byte sequence for encoding")


# Encoding, codec, a character of two to four bytes there or in UTF-8, not always as many here as there.
CUTS = [
    ("LATIN1", "iso8859-1", "é"),
    ("EUC_JP", "euc_jp", "日"),
    ("EUC_JP", "euc_jp", "ｶ"),
    ("EUC_JP", "euc_jp", "Ā"),
    ("UTF8", "utf-8", "é"),
    ("UTF8", "utf-8", "日"),
    ("UTF8", "utf-8", "🐘"),
]


@pytest.mark.parametrize(("encoding", "codec", "character"), CUTS)
def test_a_cut_leaves_whole_characters_in_any_encoding(make_cluster, encoding, codec, character):
    """Wherever the limits fall, of text and of parameters; the length that is told is that of the whole."""
    cluster = make_cluster(max_statement_bytes="1kB", max_parameter_bytes="16B")
    cluster.execute(f"CREATE DATABASE {encoding.lower()}_ ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    where = startup(encoding) | {"database": f"{encoding.lower()}_"}
    values = [" " * shift + character * 40 for shift in range(5)]
    places = ", ".join(f"${number}::text" for number in range(1, 6))
    statements = [f"SELECT {' ' * shift}'{character * 2000}', {places}" for shift in range(5)]
    events = record_coded(cluster, codec, statements, values, **where)
    for event, statement in zip(events, statements, strict=True):
        kept = event["commandText"]
        assert statement.startswith(kept), kept[-8:]
        assert 500 < len(kept.encode()) <= 1024
        assert event["commandTextLength"] in (len(statement.encode()), len(statement.encode(codec)))
        for told, value in zip(event["paramList"], values, strict=True):
            assert value.startswith(told) and 8 < len(told.encode()) <= 16, (told, value)
