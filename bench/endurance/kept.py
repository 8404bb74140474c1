"""What must hold for a load under which the server went away again and again.

A transaction is captured before it is committed, and its COMMIT is before the client has the answer. So what the clients know
to be done, and what the table holds, is on the stream; and no more is there than was under way.
"""


def tell(outcome, here, judged, loads, rows):
    """`rows` is what pgbench_history holds at the end, which is all loads' work."""
    counts = judged.counts
    transactions = sum(load.done.transactions for load in loads)
    in_doubt = sum(load.done.in_doubt for load in loads)
    there = {}
    for load in loads:
        for command, count in counts.of_load(load).items():
            there[command] = there.get(command, 0) + count
    outcome.figure("runs of pgbench, and those that failed", [sum(getattr(ld.done, n) for ld in loads) for n in ("runs", "failed_runs")])
    outcome.figure("transactions that clients know to be committed", transactions)
    outcome.figure("transactions that may have been under way", in_doubt)
    outcome.figure("transactions that the table holds", rows)
    outcome.figure("statements on the stream", there)
    judged.tell(outcome)
    outcome.claim("the load did something", transactions > 0)
    outcome.claim("the table holds what the clients know", transactions <= rows <= transactions + in_doubt)
    outcome.claim("what the clients know is on the stream", min(there.values()) >= transactions)
    outcome.claim("what the table holds is on the stream", there["INSERT"] >= rows and there["UPDATE"] >= rows)
    told, unknown = judged.python["losses"]["events"], judged.python["losses"]["unknown"]
    missing = sum(max(transactions - count, 0) for count in there.values())
    outcome.figure("statements that clients know to be done, missing", missing)
    outcome.claim("what is missing is told to be lost, or may be", missing <= told or unknown > 0)
    outcome.claim("no more than that is there", max(there.values()) <= transactions + in_doubt)
    for load in loads:
        outcome.claim(f"load {load.name} made transactions", load.done.transactions > 0)
