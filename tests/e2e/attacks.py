"""Attempts to stop, blind or alter the stream, and what has to become of each.

Whatever an attempt is, it is either refused, or it can be read from the stream that it was made; and the stream goes on, under
the settings that it had.
"""

import contextlib
import re
import secrets
from dataclasses import dataclass

import psycopg

from waiting import wait_for


@dataclass(frozen=True)
class Attack:
    """Statements of one session. `{worker}`, `{folder}`, `{data}` and `{postmaster}` are filled in."""

    statements: tuple
    refused: str | None = None
    """The SQLSTATE with which the last one is refused."""
    intent: bool = False
    """The last one is told before it runs."""
    command: str | None = None
    """The stream tells of this as well."""
    text: str = ""
    """A part of its text or parameters."""
    logged: str = ""
    """The attempt is over when the server's log has another line of this form."""


def sql(*statements, **outcome):
    """An attempt by statements."""
    return Attack(statements, **outcome)


def program(shell, **outcome):
    """An attempt by a program that the server runs as its own user."""
    quoted = shell.replace("'", "''")
    # A program that does not read what it is given makes COPY fail.
    return Attack((f"COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; {quoted}'",), **({"intent": True} | outcome))


def marked(statement, marker):
    """With the marker behind the first word: what stands before a statement is not part of it in PostgreSQL 18, and a long one is cut."""
    word, _, rest = statement.partition(" ")
    return word + marker + rest


class Target:
    """The server that is attacked."""

    def __init__(self, cluster, **connection):
        self.cluster = cluster
        self.connection = connection
        self.goes_on()

    def worker(self):
        """The worker's process id."""
        return wait_for(lambda: self._status("worker_pid"), "a worker")

    def _status(self, column):
        return self.cluster.value(f"SELECT {column} FROM activity_stream.status")

    def goes_on(self):
        """The stream takes what comes, all of it, under the settings that it had; the last sequence number."""
        assert self._status("mode") == self.cluster.conf["activity_stream.mode"]
        self.cluster.settle()
        self.cluster.reader.check_complete(twice_is_fine=True)
        return max((e["sequence"] for e in self.cluster.reader.events), default=0)

    def places(self):
        """What stands for the braces in a statement."""
        cluster = self.cluster
        return {
            "worker": self.worker(),
            "folder": cluster.folder,
            "data": cluster.data,
            "postmaster": cluster.postmaster(),
            "spool": cluster.data / "activity_stream_spool",
        }

    def attack(self, attack):
        """Makes the attempt and sees what became of it. What an attempt breaks of its own session is its own affair."""
        before = self.goes_on()
        places, marker = self.places(), f" /* attempt {secrets.token_hex(8)} */ "
        code, logged = None, self._logged(attack)
        with contextlib.suppress(psycopg.OperationalError), self.cluster.connect(**self.connection) as session:
            for number, statement in enumerate(attack.statements):
                for name, value in places.items():
                    statement = statement.replace(f"{{{name}}}", str(value))
                last = number == len(attack.statements) - 1
                try:
                    session.execute(marked(statement, marker) if last else statement, prepare=False)
                except psycopg.Error as error:
                    assert last, f"{statement}: {error}"
                    code = error.sqlstate
        if attack.logged:
            wait_for(lambda: self._logged(attack) > logged, f"a line of the log: {attack.logged}")
        self.cluster.wait_until_serving()
        assert code == attack.refused, f"{attack.statements[-1]} ended with {code}"
        self.goes_on()
        self._check(attack, marker, before)

    def _logged(self, attack):
        return len(re.findall(attack.logged, self.cluster.log()))

    def _since(self, before):
        return [e for e in self.cluster.reader.events if e["sequence"] > before]

    def _check(self, attack, marker, before):
        events = self._since(before)
        marked = {(e["sessionId"], e["statementId"]) for e in events if marker in (e["commandText"] or "")}
        assert marked, "the attempt can be read"
        # With what ran inside of it.
        own = [e for e in events if (e["sessionId"], e["statementId"]) in marked]
        intents = [e["sequence"] for e in own if e["command"] == "STREAM INTENT"]
        others = [e["sequence"] for e in own if e["command"] != "STREAM INTENT"]
        assert bool(intents) == attack.intent, [(e["command"], e["objectName"]) for e in own]
        if intents and others:
            assert min(intents) < max(others), "told before it ran"
        if attack.refused:
            assert any(e["exitCode"] == attack.refused for e in own), "told as refused"
        if attack.command:
            self.cluster.reader.wait_for(
                lambda _: any(
                    e["command"] == attack.command and attack.text in f"{e['commandText']} {e['paramList']}"
                    for e in self._since(before)
                ),
                f"{attack.command} of {attack.text}",
            )
