"""How long after its end a statement can be read on the stream, and what an event costs on the wire.

Alone: one session inserts a row, and the endpoint tells when it stored the record; nothing else is published meanwhile. In sync mode a
statement's event is stored before the statement ends, so there the time counts from the statement's beginning.

Under load: a session asks the view again and again for the events published and acknowledged so far. When a number that was published is
acknowledged, all before it can be read.
"""

import sys
import threading
import time

import figures
import modules_path  # noqa: F401
import pgbench
from accounting import Accounts
from cpu import Awake
from variants import Servers
from waiting import wait_for

STATEMENTS = 10 if figures.QUICK else 100
SECONDS = 2 if figures.QUICK else 10
CLIENTS = 8
_PAUSE_S = 0.01
# No heartbeat comes in between, and no event but the statement's own; the default of batch_linger is the variant's.
_ALONE = {"heartbeat_interval": "0"}


def alone(servers, name):
    """Milliseconds from a statement to its record, sorted; negative ones would have been readable before."""
    cluster, endpoint = servers.clusters[name], servers.endpoints[name]
    times, spent = [], []
    with cluster.connect() as session:
        session.execute("CREATE TABLE readable (n int)")
        for number in range(STATEMENTS):
            session.execute("SELECT activity_stream.flush('10 s')")
            # The question for the flush is an event, too.
            settled(endpoint)
            before = endpoint.counters()["records"]
            begin = time.time()
            session.execute("INSERT INTO readable VALUES (%s)", [number])
            end = time.time()
            wait_for(lambda b=before: endpoint.counters()["records"] > b, "the record is stored", pause=_PAUSE_S)
            times.append((endpoint.counters()["last_stored_us"] / 1e6 - (begin if name == "sync" else end)) * 1000)
            spent.append((end - begin) * 1000)
    return {"ms": pgbench.percentiles(sorted(times)), "statement_ms": pgbench.percentiles(sorted(spent))}


def settled(endpoint, quiet_s=0.25):
    """Nothing has come for so long: longer than batch_linger."""
    last, since = endpoint.counters()["records"], time.monotonic()

    def quiet():
        nonlocal last, since
        records = endpoint.counters()["records"]
        if records != last:
            last, since = records, time.monotonic()
        return time.monotonic() - since >= quiet_s

    wait_for(quiet, "nothing is under way", pause=_PAUSE_S)


def under_load(cluster, account):
    """The same while pgbench runs, and what the events of that time were on the stream."""
    samples, over = [], threading.Event()

    def ask():
        with cluster.connect() as session:
            query = "SELECT published_events, acked_events FROM activity_stream.status"
            while not over.wait(_PAUSE_S):
                row = session.execute(query).fetchone()
                samples.append((time.monotonic(), *row))

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        wait_for(lambda: samples, "the first sample")
        run = account.of(lambda: pgbench.run(cluster, "TPC-B", "prepared", CLIENTS, seconds=SECONDS, sampling=0.1))
    finally:
        over.set()
        asker.join()
    return {"ms": pgbench.percentiles(sorted(ages(samples))), "run": run}


def ages(samples):
    """Milliseconds until what was published at a moment was acknowledged."""
    later = iter(samples)
    found = next(later, None)
    for at, published, _ in samples:
        while found and found[2] < published:
            found = next(later, None)
        if found is None:
            return
        yield (found[0] - at) * 1000


def main():
    saved = {"environment": figures.environment()}
    with Servers(("async", "sync"), scale=8) as servers, Awake() as awake:
        for name in servers.clusters:
            account = Accounts(servers, name, awake)
            saved[name] = {"under_load": under_load(servers.clusters[name], account)}
            account.close()
            servers.clusters[name].reload(**_ALONE)
            saved[name]["alone"] = alone(servers, name)
            print(f"{name}: {saved[name]['alone']['ms']}, under load {saved[name]['under_load']['ms']}", file=sys.stderr)
    figures.save("readable", saved)


if __name__ == "__main__":
    main()
