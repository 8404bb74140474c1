"""AWS is away for minutes under load, with room in the spool: nothing is lost, and all of it is delivered afterwards."""

import argparse
import sys
import threading

import ground
from judge import Judgement
from load import Load, make_tables
from outcome import Outcome, say
from waiting import wait_for

# The load begins before the outage, and goes on behind it.
_BEFORE_SECONDS, _AFTER_SECONDS = 5, 5


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long AWS is away (%(default)s)")
    parser.add_argument("--rate", type=int, default=300, help="transactions a second, of five statements each (%(default)s)")
    return parser.parse_args()


def main():
    args = arguments()
    outcome = Outcome("outage", args)
    away = args.minutes * 60
    with ground.Ground() as here:
        here.start()
        make_tables(here.cluster)
        load = Load(here.cluster, per_second=args.rate)
        whole = _BEFORE_SECONDS + away + _AFTER_SECONDS
        running = threading.Thread(target=load.run, args=("-T", round(whole)), kwargs={"timeout": whole + 120})
        running.start()
        # By the load itself, not by the clock: it runs, then AWS goes.
        wait_for(lambda: here.status()["sessions"] > 4, "the load runs")
        running.join(_BEFORE_SECONDS)
        say(f"AWS goes away for {args.minutes} minutes")
        with here.injector.off():
            running.join(away)
            held = here.status()
        say(f"AWS is back; in the spool: {held['spool_records']} records, {held['spool_used']} bytes")
        running.join()
        delivered = here.wait_until_delivered()
        say("all is delivered; reading it")
        windows = here.windows()
        here.cluster.stop("fast")
        judged = Judgement(here.cluster)

    outcome.figure("transactions that pgbench did", load.done.transactions)
    outcome.figure("records in the spool when AWS came back", held["spool_records"])
    outcome.figure("MB in the spool then", held["spool_used"] / 1e6)
    outcome.figure("MB in the ring then", held["ring_used"] / 1e6)
    outcome.figure("its statements on the stream", judged.counts.of_load(load))
    judged.tell(outcome)
    outcome.claim("the load ran and the spool was used", load.done.transactions > 0 and held["spool_records"] > 0)
    outcome.claim("nothing was dropped or lost", delivered["dropped_events"] == delivered["lost_events"] == 0 and not windows)
    outcome.claim(
        "every statement is on the stream",
        set(judged.counts.of_load(load).values()) == {load.done.transactions},
    )
    outcome.claim("no gap is in the sequence", not any(epoch["gaps"] for epoch in judged.python["epochs"]))
    return outcome.tell()


if __name__ == "__main__":
    sys.exit(main())
