"""The ways in which a session changes what others see, each with what shows that they see it.

A shape is done for a *mark*, a name of its own: what it needs `before`, the `act` that ends in the commit that is looked at, and
a `probe` that the watcher asks. The answer is 0 as long as nothing is visible, and `seen` then. `act` sends and reads nothing.
"""

import zlib
from collections.abc import Callable
from typing import NamedTuple

from rawpg import RawSession, errors

CONF = {"max_prepared_transactions": "50"}

SETUP = (
    "CREATE TABLE fact (mark text)",
    "CREATE TABLE altered (id int)",
    "CREATE FUNCTION writes(mark text) RETURNS text LANGUAGE plpgsql AS"
    " $$ BEGIN INSERT INTO fact VALUES (mark); RETURN mark; END $$",
    "CREATE PROCEDURE commits(mark text) LANGUAGE plpgsql AS"
    " $$ BEGIN INSERT INTO fact VALUES (mark); COMMIT; INSERT INTO fact VALUES (mark); END $$",
    "CREATE TABLE deferring (mark text)",
    "CREATE FUNCTION on_deferring() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN INSERT INTO fact VALUES (NEW.mark); RETURN NULL; END $$",
    "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON deferring DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW EXECUTE FUNCTION on_deferring()",
)

_FACTS = "SELECT count(*) FROM fact WHERE mark = '{mark}'"
_PREPARED = "SELECT count(*) FROM pg_prepared_xacts WHERE gid = '{mark}'"
_TABLE = "SELECT count(*) FROM pg_class WHERE relname = '{mark}'"
_COLUMN = "SELECT count(*) FROM pg_attribute WHERE attname = '{mark}'"
_LARGE_OBJECT = "SELECT count(*) FROM pg_largeobject_metadata WHERE oid = {number}"
_NOT_ANY_MORE = "SELECT 1 - ({})"
_INSERT = "INSERT INTO fact VALUES ('{mark}')"
_LO_CREATE_OID = 715
_PIPELINE_STATEMENTS = 100


def number(mark):
    """A number of the mark's own."""
    return zlib.crc32(mark.encode()) >> 1


class Shape(NamedTuple):
    act: Callable[[RawSession, str], object]
    before: tuple[str, ...] = ()
    prepare: Callable[[RawSession, str], object] | None = None
    probe: str = _FACTS
    seen: int = 1

    def get_ready(self, session, mark):
        """Everything before the act; it succeeds."""
        for statement in self.before:
            assert not errors(session.run(statement.format(mark=mark)))
        if self.prepare:
            self.prepare(session, mark)
            assert not errors(session.answer())

    def probe_for(self, mark):
        return self.probe.format(mark=mark, number=number(mark))


def _query(text):
    return lambda session, mark: session.query(text.format(mark=mark))


def _extended(text):
    return lambda session, mark: session.statement(text.format(mark=mark)).sync()


def _pipeline(session, mark):
    with session.batch():
        for _ in range(_PIPELINE_STATEMENTS):
            session.statement("INSERT INTO fact VALUES ($1)", [mark])
        session.sync()


def _block_in_a_pipeline(session, mark):
    with session.batch():
        for statement in ("BEGIN", _INSERT.format(mark=mark), "COMMIT"):
            session.statement(statement)
        session.sync()


def _copy(session, mark):
    # What the server does not get to because it refused the COPY it ignores.
    with session.batch():
        session.query("COPY fact FROM STDIN").copy_data(f"{mark}\n{mark}\n".encode()).copy_done()


def _suspended(session, mark):
    session.parse("SELECT writes($1) FROM generate_series(1, 3)").bind([mark], "p").execute(1, "p").sync()


_BLOCK = ("BEGIN", _INSERT)

SHAPES = {
    "simple": Shape(_query(_INSERT)),
    "extended": Shape(_extended(_INSERT)),
    "pipeline": Shape(_pipeline, seen=_PIPELINE_STATEMENTS),
    "several statements in a query": Shape(_query(f"{_INSERT}; SELECT 1; {_INSERT}"), seen=2),
    "query with a block in it": Shape(_query(f"BEGIN; {_INSERT}; COMMIT")),
    "block in a pipeline": Shape(_block_in_a_pipeline),
    "COMMIT": Shape(_query("COMMIT"), _BLOCK),
    "COMMIT, extended": Shape(_extended("COMMIT"), _BLOCK),
    "COMMIT AND CHAIN": Shape(_query("COMMIT AND CHAIN"), _BLOCK),
    "COMMIT after savepoints": Shape(
        _query("COMMIT"),
        ("BEGIN", _INSERT, "SAVEPOINT a", _INSERT, "ROLLBACK TO a", _INSERT, "SAVEPOINT b", _INSERT, "RELEASE a"),
        seen=3,
    ),
    "PREPARE TRANSACTION": Shape(_query("PREPARE TRANSACTION '{mark}'"), _BLOCK, probe=_PREPARED),
    "COMMIT PREPARED": Shape(_query("COMMIT PREPARED '{mark}'"), (*_BLOCK, "PREPARE TRANSACTION '{mark}'")),
    "ROLLBACK PREPARED": Shape(
        _query("ROLLBACK PREPARED '{mark}'"),
        (*_BLOCK, "PREPARE TRANSACTION '{mark}'"),
        probe=_NOT_ANY_MORE.format(_PREPARED),
    ),
    "CALL of a procedure that commits": Shape(_query("CALL commits('{mark}')"), seen=2),
    "DO": Shape(_query("DO $$ BEGIN INSERT INTO fact VALUES ('{mark}'); END $$")),
    "DO that commits": Shape(_query("DO $$ BEGIN CALL commits('{mark}'); COMMIT; END $$"), seen=2),
    "COPY": Shape(_copy, seen=2),
    "portal closed by Sync": Shape(_suspended),
    "portal closed by COMMIT": Shape(_query("COMMIT"), ("BEGIN",), prepare=_suspended),
    "deferred trigger": Shape(_query("INSERT INTO deferring VALUES ('{mark}')")),
    "deferred trigger at COMMIT": Shape(_query("COMMIT"), ("BEGIN", "INSERT INTO deferring VALUES ('{mark}')")),
    "function that writes": Shape(_query("SELECT writes('{mark}')")),
    "WITH": Shape(_query("WITH w AS (INSERT INTO fact VALUES ('{mark}') RETURNING 1) SELECT * FROM w")),
    "EXECUTE": Shape(_query('EXECUTE "{mark}"'), ('PREPARE "{mark}" AS ' + _INSERT,)),
    "fast path": Shape(
        lambda session, mark: session.call_function(_LO_CREATE_OID, number(mark)), probe=_LARGE_OBJECT
    ),
    "CREATE TABLE AS": Shape(_query('CREATE TABLE "{mark}" AS SELECT 1 AS n'), probe=_TABLE),
    "CREATE TABLE": Shape(_query('CREATE TABLE "{mark}" (n int)'), probe=_TABLE),
    "DROP TABLE": Shape(
        _query('DROP TABLE "{mark}"'), ('CREATE TABLE "{mark}" (n int)',), probe=_NOT_ANY_MORE.format(_TABLE)
    ),
    "ALTER TABLE": Shape(_query('ALTER TABLE altered ADD COLUMN "{mark}" int'), probe=_COLUMN),
}
