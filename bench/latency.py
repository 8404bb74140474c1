"""What sync mode adds to a transaction where the processors are not the limit: both sides at the same rate, far below what they can.

A closed loop of 64 clients on two processors measures how long they queue for these: without the extension because all of them are
always under way, with it because they wait elsewhere and do not. So here transactions begin at random moments, as many a
second as `rate_for` allows, and only the time from their own beginning to their end counts. What is added is the difference of
medians of runs of the same round, divided by the waits of a transaction.
"""

import contextlib
import sys

import figures
import modules_path  # noqa: F401
import pgbench
from accounting import Accounts
from cpu import Awake
from throughput import SCALE, waits_per_transaction
from variants import SYNC_DELAYS_MS, VARIANTS, Servers

ROUNDS = figures.setting("BENCH_ROUNDS", 5, 1)
SECONDS = figures.setting("BENCH_SECONDS", 2, 1)
CLIENTS = (8,) if figures.QUICK else (1, 8, 64)
DELAYS_MS = (5,) if figures.QUICK else SYNC_DELAYS_MS
LOADS = ("select-only",) if figures.QUICK else tuple(pgbench.LOADS)
PROTOCOL = "prepared"
# Of what the bare server does with that many clients.
_SHARE_OF_BARE = 0.1
# Of the rate at which each client would be under way all the time.
_SHARE_OF_CLIENTS = 0.5


def rate_for(clients, capacity_tps, bare_ms, waits, delay_ms):
    """Transactions a second that leave processors and clients idle most of the time."""
    busy = clients / ((bare_ms + waits * delay_ms) / 1000)
    return max(1, round(min(_SHARE_OF_BARE * capacity_tps, _SHARE_OF_CLIENTS * busy)))


def rates(bare, waits):
    """For each load, clients and delay."""
    found = {}
    for load in LOADS:
        alone = pgbench.run(bare, load, PROTOCOL, 1, seconds=1)["latency_ms"]["p50"]
        for clients in CLIENTS:
            capacity = pgbench.run(bare, load, PROTOCOL, clients, seconds=1)["tps"]
            for delay in DELAYS_MS:
                found[load, clients, delay] = rate_for(clients, capacity, alone, waits[load], delay)
    return found


def measure(servers, accounts, saved):
    """All rounds; what is known so far is saved after each."""
    bare = servers.clusters["bare"]
    waits = {load: waits_per_transaction(servers, accounts, load, PROTOCOL) for load in LOADS}
    saved["waits_per_transaction"] = waits
    sync = {variant.delay_ms: variant for variant in VARIANTS if variant.server == "sync"}
    found = rates(bare, waits)
    for number in range(ROUNDS):
        for (load, clients, delay), rate in found.items():
            sides = [("bare", "bare", bare), (sync[delay].name, "sync", servers.prepare(sync[delay]))]
            for name, server, cluster in sides if number % 2 == 0 else reversed(sides):
                run = accounts[server].of(
                    lambda c=cluster: pgbench.run(c, load, PROTOCOL, clients, seconds=SECONDS, rate=rate)
                )
                cell = {"round": number, "load": load, "clients": clients, "delay_ms": delay, "rate": rate, "variant": name}
                saved["runs"].append(cell | run)
            median = {run["variant"]: run["latency_ms"]["p50"] for run in saved["runs"][-2:]}
            print(f"round {number + 1}/{ROUNDS} {load} {clients} clients, {delay} ms, {rate}/s: {median}", file=sys.stderr)
        figures.save("latency", saved)


def main():
    saved = {"environment": figures.environment(), "seconds": SECONDS, "protocol": PROTOCOL, "runs": []}
    with Servers(("bare", "sync"), scale=SCALE) as servers, Awake() as awake, contextlib.ExitStack() as exits:
        accounts = {name: Accounts(servers, name, awake) for name in servers.clusters}
        for account in accounts.values():
            exits.callback(account.close)
        measure(servers, accounts, saved)


if __name__ == "__main__":
    main()
