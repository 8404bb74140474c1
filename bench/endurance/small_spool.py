"""The spool is too small for an outage: where the loss begins, where it ends, and how many events it cost is told, exactly.

How many events a session of pgbench makes beside its statements (login, what it asks first, logout) is measured by the
same load with AWS there. No other session exists while events can be dropped: what is asked then would be dropped, too.
"""

import argparse
import re
import sys

import ground
from judge import Judgement
from load import STATEMENTS, Load, make_tables
from outcome import Outcome, say
from waiting import wait_for

_CLIENTS = 4
_LOST = re.compile(r"activity_stream: (\d+) events were lost")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--outages", type=int, default=2, help="outages, one after another (%(default)s)")
    parser.add_argument("--transactions", type=int, default=8000, help="of each of four clients, in each outage (%(default)s)")
    return parser.parse_args()


def outage(here, load, args, number):
    """One outage with more than fits; ends when its loss is told in the log."""
    with here.injector.off():
        load.run("-t", args.transactions, timeout=600)
    say("AWS is back")
    wait_for(lambda: len(here.cluster.log_lines("events were lost")) >= number, "the loss is told in the log", 60, 0.2)


def main():
    args = arguments()
    outcome = Outcome("small_spool", args)
    with ground.Ground(spool_max_size="1MB", ring_size="4MB") as here:
        here.start()
        make_tables(here.cluster)
        calm = Load(here.cluster, "calm", _CLIENTS, per_second=200)
        calm.run("-t", 50)
        here.wait_until_delivered()
        load = Load(here.cluster, "load", _CLIENTS)
        for number in range(1, args.outages + 1):
            say(f"outage {number}")
            outage(here, load, args, number)
            here.wait_until_delivered()
        windows, told = here.wait_until_windows_are_told()
        row = here.status()
        log = [int(_LOST.search(line).group(1)) for line in here.cluster.log_lines("events were lost")]
        here.cluster.stop("fast")
        judged = Judgement(here.cluster)

    counts = judged.counts
    own = counts.of_application["calm"] - calm.done.transactions * len(STATEMENTS)
    executed = load.done.transactions * len(STATEMENTS) + own * args.outages
    missing = executed - counts.of_application["load"]
    stated = [window["lost_events"] for window in windows]
    outcome.figure("transactions in the outages", load.done.transactions)
    outcome.figure("events that they and their sessions are", executed)
    outcome.figure("of these on the stream", counts.of_application["load"])
    outcome.figure("missing", missing)
    outcome.figure("lost events by the view's windows", stated)
    outcome.figure("lost events by the server's log", log)
    outcome.figure("their reasons", sorted({window["reason"] for window in windows}))
    judged.tell(outcome)
    outcome.claim("events were lost at all", missing > 0)
    outcome.claim("each outage has one window with an end", len(windows) == args.outages)
    outcome.claim("the windows of the view tell exactly what is missing", None not in stated and sum(stated) == missing)
    outcome.claim("so does the log", sum(log) == missing)
    outcome.claim("so do the events of the stream", judged.python["losses"]["events"] == missing)
    outcome.claim("so does the count of dropped events", row["dropped_events"] == missing)
    outcome.claim("the sequence has no hole", not any(epoch["gaps"] for epoch in judged.python["epochs"]))
    outcome.claim("the view says that each loss window is told", told)
    return outcome.tell()


if __name__ == "__main__":
    sys.exit(main())
