"""Sessions that publish as much as they can, to make the ring too full for what others do."""

import secrets
import threading

import psycopg

FLOODER = "flooder"
SESSIONS = 8
FILLER_BYTES = 100_000

_FILLER = "x" * FILLER_BYTES


def _distinct(n):
    return f"SELECT {n} /* {secrets.token_hex(FILLER_BYTES // 2)} */"


KINDS = {
    "one text": lambda _: f"SELECT 1 /* {_FILLER} */",
    "distinct texts": _distinct,
    "failures": lambda n: f"SELECT {n} / 0 /* {_FILLER} */",
    "definitions": lambda n: f"CREATE OR REPLACE TEMP VIEW flood AS SELECT {n} AS n /* {_FILLER} */",
}
"""What they can flood with: `kind(n)` is the n-th statement of a session."""


class Flood:
    """Sessions of an unprivileged role that send the statements of one kind, one after the other, until the block ends."""

    def __init__(self, cluster, kind):
        self._statement = KINDS[kind]
        self._over = threading.Event()
        self._sessions = [cluster.connect(user=FLOODER) for _ in range(SESSIONS)]
        self._threads = [threading.Thread(target=self._run, args=(session,)) for session in self._sessions]
        self._broken = []

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()
        for session in self._sessions:
            session.close()
        assert not self._broken

    def _run(self, session):
        n = 0
        try:
            while not self._over.is_set():
                n += 1
                try:
                    session.execute(self._statement(n), prepare=False)
                except psycopg.errors.DivisionByZero:
                    pass
        except psycopg.Error as error:
            self._broken.append(error)
