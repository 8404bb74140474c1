"""Restarts of the server under load, smart, fast and immediate, with AWS there and away: the sequence is complete."""

import argparse
import random
import sys
import time
from collections import Counter

import ground
import kept
from judge import Judgement
from load import Load, Standing, make_tables
from outcome import Outcome, say

_MODES = ("smart", "fast", "immediate")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--restarts", type=int, default=100, help="%(default)s")
    parser.add_argument("--seed", type=int, default=1, help="which mode, and when (%(default)s)")
    parser.add_argument("--rate", type=int, default=100, help="transactions a second of each of two loads (%(default)s)")
    parser.add_argument("--away", type=float, default=0.0, help="share of the restarts with AWS away (%(default)s)")
    return parser.parse_args()


def restart(here, draw, away_share, took):
    """One restart; what it was."""
    mode, away = draw.choice(_MODES), draw.random() < away_share
    time.sleep(draw.uniform(0.2, 2))  # Not to wait for something: the moment is what is random.
    if away:
        here.injector.turn_off()
        time.sleep(draw.uniform(0, 3))
    began = time.monotonic()
    here.cluster.stop(mode)
    took.setdefault(mode, []).append(time.monotonic() - began)
    here.cluster.start()
    if away and draw.random() < 0.5:
        time.sleep(draw.uniform(0, 3))
    here.injector.turn_on()
    return f"{mode}{', AWS away' if away else ''}"


def main():
    args = arguments()
    outcome = Outcome("restarts", args)
    draw = random.Random(args.seed)
    done, took = Counter(), {}
    with ground.Ground(seed=args.seed) as here:
        here.start()
        make_tables(here.cluster)
        # One keeps its sessions as long as it can, one makes a session for each transaction.
        loads = [
            Load(here.cluster, "lasting", clients=2, per_second=args.rate),
            Load(here.cluster, "short", clients=2, per_second=args.rate, options=["-C"]),
        ]
        with Standing(here.cluster, loads[0]), Standing(here.cluster, loads[1]):
            for number in range(1, args.restarts + 1):
                done[restart(here, draw, args.away, took)] += 1
                if number % 10 == 0:
                    say(f"{number} restarts: {dict(done)}")
        here.wait_until_delivered()
        windows, told = here.wait_until_windows_are_told()
        rows = here.cluster.value("SELECT count(*) FROM pgbench_history")
        say("all is delivered; reading it")
        here.cluster.stop("fast")
        judged = Judgement(here.cluster)

    outcome.figure("restarts", dict(done))
    outcome.figure("longest stop by mode, seconds", {mode: round(max(times), 1) for mode, times in took.items()})
    outcome.figure("loss windows", [(window["reason"], window["lost_events"]) for window in windows])
    outcome.figure("ends of epochs", dict(Counter(epoch["end"] for epoch in judged.python["epochs"])))
    kept.tell(outcome, here, judged, loads, rows)
    outcome.claim("each start has its epoch", len(judged.python["epochs"]) == args.restarts + 1)
    outcome.claim("no gap is in any sequence", not any(epoch["gaps"] for epoch in judged.python["epochs"]))
    outcome.claim("the view says that each loss window is told", told)
    return outcome.tell()


if __name__ == "__main__":
    sys.exit(main())
