"""A load of known statements, and that all of them are on the stream."""

import re
from collections import Counter

SCRIPT = """\
\\set aid random(1, 100000)
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 1, :aid, 1, now());
COMMIT;
"""
STATEMENTS = {
    "BEGIN": None,
    "UPDATE": "public.pgbench_accounts",
    "SELECT": "public.pgbench_accounts",
    "INSERT": "public.pgbench_history",
    "COMMIT": None,
}
"""Command and object of the statements of a transaction, each of which is in it once."""
# 3000 events a second: what waits for half a minute is far below a ring of 64 MB.
_TRANSACTIONS_PER_SECOND = 600
_CLIENTS = 4


class Load:
    """pgbench on a server."""

    def __init__(self, cluster):
        self._cluster = cluster
        self._script = cluster.folder / "load.sql"
        self._script.write_text(SCRIPT)
        self.transactions = 0
        made = cluster.program("pgbench", "-i", "-q", "-s", "1", "-I", "dtgp", "--unlogged-tables")
        assert made.returncode == 0, made.stderr

    def run(self, seconds):
        """Runs it; none of its transactions fails, whatever AWS does."""
        options = ["-n", "-M", "prepared", "-c", _CLIENTS, "-R", _TRANSACTIONS_PER_SECOND, "-T", seconds]
        ran = self._cluster.program("pgbench", *options, "-f", self._script, environment={"PGAPPNAME": "load"})
        assert ran.returncode == 0, ran.stderr
        assert "number of failed transactions: 0 " in ran.stdout, ran.stdout
        done = int(re.search(r"transactions actually processed: (\d+)", ran.stdout).group(1))
        assert done > 0, ran.stdout
        self.transactions += done

    def check_delivered(self, timeout=60):
        """Every statement is on the stream, and nothing is missing around it. Twice is fine: answers get lost."""
        self._cluster.settle(timeout)
        reader = self._cluster.reader
        reader.check_complete(twice_is_fine=True)
        distinct = {(e["epoch"], e["sequence"]): e for e in reader.events if e["clientApplication"] == "load"}
        counted = Counter((e["command"], e["objectName"]) for e in distinct.values())
        statements = STATEMENTS.items()
        assert {statement: counted[statement] for statement in statements} == dict.fromkeys(statements, self.transactions)
        assert not self._cluster.log_lines("AS002"), "events were lost"
