"""What is told where much is left out: the settings may leave out what tests otherwise wait for."""

import secrets

import psycopg
import pytest

from rawpg import RawSession
from waiting import wait_for

ENDS = ("CONNECT", "DISCONNECT")


def settle(cluster):
    """Reads until all that was published before this call is there: a failure marks it, which is never left out."""
    marker = f"settled {secrets.token_hex(8)}"
    with pytest.raises(psycopg.errors.SyntaxError):
        cluster.execute(f"SELEC '{marker}'")
    last = cluster.reader.wait_for_text(marker)[0]
    cluster.wait_for_all_up_to(last)


def gone(cluster, pid):
    """Waits until a session has told all that it tells."""
    statement = f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}"
    wait_for(lambda: cluster.value(statement) == 0, f"session {pid} is over")


def all_of(cluster, run, **options):
    """Every event of a session, those of its beginning and its end too."""
    with cluster.connect(**options) as session:
        pid = session.info.backend_pid
        run(session)
    gone(cluster, pid)
    settle(cluster)
    return cluster.session_events(pid)


def told(cluster, run, **options):
    """The same without its beginning and its end."""
    return [e for e in all_of(cluster, run, **options) if e["command"] not in ENDS]


def told_raw(cluster, run, **startup):
    """The same of the raw client."""
    with RawSession(cluster.port, **startup) as session:
        run(session)
    gone(cluster, session.pid)
    settle(cluster)
    return [e for e in cluster.session_events(session.pid) if e["command"] not in ENDS]


def each(*statements):
    """A run of statements, those that fail among them."""

    def run(session):
        for statement in statements:
            try:
                session.execute(statement)
            except psycopg.Error as error:
                assert error.sqlstate[:2] != "XX", error

    return run
