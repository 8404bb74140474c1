"""pgbench, with each variant in turn: A B C …, the next round … C B A, so that a slow minute of the machine hits all alike.

A ratio is always of two runs of the same round. Processors are kept from sleeping by processes that run only where nobody else
wants to: a virtual processor that sleeps takes so long to wake up that it would be all that a comparison sees.
"""

import contextlib
import sys

import figures
import modules_path  # noqa: F401
import pgbench
from accounting import Accounts
from cpu import Awake
from variants import Servers

ROUNDS = figures.setting("BENCH_ROUNDS", 5, 1)
SECONDS = figures.setting("BENCH_SECONDS", 2, 1)
# As many branches as clients, or they would all wait for one another's locks.
SCALE = figures.setting("BENCH_SCALE", 64, 4)
CLIENTS = (1, 8, 32, 64)
QUICK_CELLS = [("select-only", "prepared", 1), ("select-only", "prepared", 8), ("TPC-B", "simple", 8)]
# Of fast transactions one in so many is logged: pgbench has only these processors, too.
SAMPLING = 0.1


def cells():
    """Load, protocol, clients."""
    if figures.QUICK:
        return QUICK_CELLS
    return [(load, protocol, clients) for load in pgbench.LOADS for protocol in pgbench.PROTOCOLS for clients in CLIENTS]


def one_run(servers, accounts, variant, load, protocol, clients):
    """Its figures."""
    cluster = servers.prepare(variant)
    sampling = 1.0 if variant.delay_ms else SAMPLING
    return accounts[variant.server].of(
        lambda: pgbench.run(cluster, load, protocol, clients, seconds=SECONDS, sampling=sampling)
    )


def waits_per_transaction(servers, accounts, load, protocol):
    """How often a session in sync mode waits in one transaction; what logins wait for cancels out."""
    few, many = (
        accounts["sync"].of(lambda n=n: pgbench.run(servers.clusters["sync"], load, protocol, 1, transactions=n))
        for n in (20, 120)
    )
    # A whole number, but for the one or other event that was acknowledged before its session could wait.
    waits = round((many["sync_waits"] - few["sync_waits"]) / 100)
    assert waits >= 1, "sessions in sync mode do not wait"
    return waits


def measure(servers, accounts, saved):
    """All rounds; what is known so far is saved after each cell."""
    saved["waits_per_transaction"] = {
        load: {protocol: waits_per_transaction(servers, accounts, load, protocol) for protocol in pgbench.PROTOCOLS}
        for load in pgbench.LOADS
    }
    for number in range(ROUNDS):
        for load, protocol, clients in cells():
            variants = servers.variants()
            tps = {}
            for variant in variants if number % 2 == 0 else reversed(variants):
                run = one_run(servers, accounts, variant, load, protocol, clients)
                cell = {"round": number, "load": load, "protocol": protocol, "clients": clients, "variant": variant.name}
                saved["runs"].append(cell | run)
                tps[variant.name] = run["tps"]
            figures.save("throughput", saved)
            told = ", ".join(f"{v.name} {tps[v.name] / tps['bare']:.2f}" for v in variants)
            print(f"round {number + 1}/{ROUNDS} {load} {protocol} {clients}: {tps['bare']:.0f} tps; {told}", file=sys.stderr)


def main():
    saved = {"environment": figures.environment(), "seconds": SECONDS, "scale": SCALE, "runs": []}
    with Servers(scale=SCALE) as servers, Awake() as awake, contextlib.ExitStack() as exits:
        accounts = {name: Accounts(servers, name, awake) for name in servers.clusters}
        for account in accounts.values():
            exits.callback(account.close)
        measure(servers, accounts, saved)
        for name, account in accounts.items():
            assert account.lost() == 0, f"{name} lost {account.lost()} events"


if __name__ == "__main__":
    main()
