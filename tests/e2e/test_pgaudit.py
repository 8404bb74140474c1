"""pgaudit is the yardstick: both libraries in one server see the same statements and have to say the same of them.

Each script runs in a database of its own, with pgaudit's log_rows off and on, with either library loaded first. What differs on
purpose has a rule with a reason in pgaudit_differences.py.
"""

import re
import secrets
import subprocess
from functools import cache
from pathlib import Path

import pytest
from pgaudit import events, lines
from pgaudit_comparison import compare
from pgaudit_differences import OURS, THEIRS
from server import Cluster
from waiting import wait_for

HERE = Path(__file__).parent
SCRIPTS = sorted(path.stem for path in (HERE / "pgaudit_scripts").glob("*.sql"))
# As it is, and without taking its extension away in the middle, which has it name no objects from there on.
THEIR_OWN = "their own"
KEPT = "their own, extension kept"
BOUND = "bound parameters"
ALL = [*SCRIPTS, BOUND, KEPT, THEIR_OWN]
FIRST = ["pgaudit", "activity_stream"]
CONF = {
    "logging_collector": "on",
    "log_destination": "csvlog",
    "log_directory": "audit",
    "log_filename": "server.log",
    "log_rotation_age": "0",
    "log_rotation_size": "0",
    "pgaudit.log": "all",
    "pgaudit.log_level": "log",
    "pgaudit.log_catalog": "on",
    "pgaudit.log_relation": "on",
    "pgaudit.log_parameter": "on",
}


@cache
def text_of(script):
    if script not in (THEIR_OWN, KEPT):
        return (HERE / "pgaudit_scripts" / f"{script}.sql").read_text(encoding="utf-8")
    # It comes with the package that has the library.
    command = [HERE.parents[1] / "scripts" / "pgaudit-source.sh"]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert found.returncode == 0, found.stderr
    text = Path(found.stdout.strip()).read_text(encoding="utf-8")
    # It changes what is logged as it goes along; here everything always is. The commands themselves stay.
    text = re.sub(r"\bpgaudit\.(?=log|role)", "unheeded.", text)
    return text.replace("DROP EXTENSION pgaudit", "DROP EXTENSION IF EXISTS unheeded") if script == KEPT else text


def bind(session):
    """Statements with parameters, which no script for psql can have: extended protocol, text and binary, prepared and not."""
    session.execute("CREATE TABLE item (id int PRIMARY KEY, name text, tags text[])")
    for id, name, tags in ((1, "one", ["a", "b, c"]), (2, 'a "quoted", word', []), (3, None, None), (4, "", ["", "x"])):
        session.execute("INSERT INTO item VALUES (%s, %s, %s)", (id, name, tags))
    for prepare in (False, True, True, True):
        session.execute("SELECT * FROM item WHERE id = %s AND name <> %s", (1, "line\nbreak"), prepare=prepare)
    session.execute("SELECT %s::int + 1, %s::text, %s::timestamptz", (None, None, "2026-05-24 00:36:54+00"))
    session.execute("SELECT name FROM item WHERE id = %b OR id = %t", (2, 3))
    session.execute("SELECT %b::bytea, %b::numeric, %b::uuid", (b"\x00\xff", 1.5, "5b0e9d0c-3d3b-4f0a-9a5e-2f1c6c7a8b9d"))
    session.execute("UPDATE item SET tags = %s WHERE id = ANY (%s) RETURNING id", (["new"], [1, 2, 99]))
    session.cursor().executemany("UPDATE item SET name = %s WHERE id = %s", [("x", 1), ("y", 2), (None, 3)])
    with session.transaction(), session.cursor("parts") as cursor:
        cursor.execute("SELECT * FROM item WHERE id < %s", (3,))
        assert len(cursor.fetchall()) == 2
    with session.pipeline():
        for id in range(3):
            session.execute("SELECT name FROM item WHERE id = %s", (id,))
    with session.cursor().copy("COPY (SELECT * FROM item WHERE id > %s) TO STDOUT", (1,)) as copy:
        assert sum(1 for _ in copy.rows()) == 3
    session.execute("DELETE FROM item WHERE id > %s", (2,))


class Yardstick:
    """A server with both libraries, and what comparisons on it found."""

    def __init__(self, cluster):
        self.cluster = cluster
        self._found = {}
        cluster.execute("CREATE DATABASE yardstick")
        cluster.execute("CREATE EXTENSION pgaudit", dbname="yardstick")

    def compared(self, script, with_rows):
        if (script, with_rows) not in self._found:
            self._found[script, with_rows] = self._compare(script, with_rows)
        return self._found[script, with_rows]

    def _compare(self, script, with_rows):
        cluster = self.cluster
        database = f"yardstick_{secrets.token_hex(4)}"
        cluster.execute(f"CREATE DATABASE {database} TEMPLATE yardstick")
        cluster.execute(f"ALTER DATABASE {database} SET pgaudit.log_rows = {'on' if with_rows else 'off'}")
        if script == BOUND:
            with cluster.connect(dbname=database) as session:
                bind(session)
        else:
            file = cluster.folder / f"{database}.sql"
            file.write_text(text_of(script), encoding="utf-8")
            ran = cluster.program("psql", "-X", "-q", "-d", database, "-f", file)
            # Statements that fail are part of the scripts; psql itself must not.
            assert ran.returncode == 0, ran.stderr
        log = cluster.data / "audit" / "server.csv"
        marker = f"done {secrets.token_hex(8)}"
        cluster.execute(f"SELECT '{marker}'")
        cluster.settle()
        wait_for(lambda: marker in log.read_text(encoding="utf-8", errors="replace"), "the server log is written")
        return compare(lines(log, database, with_rows), *events(cluster.reader.events, database, with_rows), with_rows)


@pytest.fixture(scope="module")
def yardsticks(installation, aws, alias):
    """Servers by the library that is loaded first, made when they are asked for."""
    libraries = subprocess.check_output([installation.bin / "pg_config", "--pkglibdir"], text=True).strip()
    if not (Path(libraries) / "pgaudit.so").exists():
        pytest.skip(f"pgaudit is not installed in {libraries}")
    made, clusters = {}, []

    def get(first):
        if first not in made:
            preload = ",".join(sorted(FIRST, key=lambda library: library != first))
            cluster = Cluster(installation, aws, alias, CONF | {"shared_preload_libraries": preload})
            clusters.append(cluster)
            made[first] = Yardstick(cluster.start())
        return made[first]

    yield get
    for cluster in clusters:
        cluster.close()


def everything():
    return [(first, script, rows) for first in FIRST for script in ALL for rows in (False, True)]


@pytest.mark.parametrize(
    ("first", "script", "with_rows"),
    [pytest.param(*case, id=f"{case[1]}-{'rows' if case[2] else 'no_rows'}-{case[0]}_first") for case in everything()],
)
def test_our_events_are_pgaudits_lines(yardsticks, first, script, with_rows):
    found = yardsticks(first).compared(script, with_rows)
    assert found.lines > 20
    assert found.agreement >= 0.99, str(found)
    assert found.surplus <= 0.01, str(found)


def test_every_difference_that_has_a_rule_exists(yardsticks):
    used = {name for case in everything() for name in yardsticks(case[0]).compared(*case[1:]).used}
    assert [rule.name for rule in THEIRS + OURS if rule.name not in used] == []
