"""How often a session in sync mode is woken for one wait: the voluntary context switches of its backend.

A backend goes to sleep at most once for each statement to wait for its client, and in sync mode, whose clients have gone to sleep
themselves by then, nearly always. What it sleeps more often it was woken for: once, if nobody wakes it but for its own
acknowledgement. Sessions run at the same time, so each could be woken for the others'.
"""

import re
import sys
import threading
from pathlib import Path

import figures
import modules_path  # noqa: F401
from variants import Servers

STATEMENTS = 50 if figures.QUICK else 500
SESSIONS = 8
DELAY_MS = 5
_UNDER_WAY = "SELECT 1"


def switches(pid):
    """Voluntary context switches of a process since it was started."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.M).group(1))


def per_statement(cluster):
    """Of sessions that all run the same."""
    counts, start = [], threading.Barrier(SESSIONS)

    def work():
        with cluster.connect() as session:
            pid = session.info.backend_pid
            session.execute(_UNDER_WAY)
            start.wait()
            before = switches(pid)
            for _ in range(STATEMENTS):
                session.execute(_UNDER_WAY)
            counts.append((switches(pid) - before) / STATEMENTS)

    threads = [threading.Thread(target=work) for _ in range(SESSIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counts) == SESSIONS, "a session failed"
    return sum(counts) / SESSIONS


def main():
    with Servers(("bare", "sync"), scale=1) as servers:
        servers.endpoints["sync"].delay(DELAY_MS)
        found = {name: per_statement(cluster) for name, cluster in servers.clusters.items()}
    figures.save("wakeups", {"environment": figures.environment(), "sessions": SESSIONS, "per_statement": found})
    print(f"sleeps of a backend per statement: {found}", file=sys.stderr)


if __name__ == "__main__":
    main()
