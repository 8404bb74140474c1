"""What an outage of AWS costs the sessions: transactions a second with AWS away, as a ratio to those with AWS there.

Interleaved: A B, B A, A B, … with a ratio of each pair, so that a slow minute of the machine hits both alike. AWS is a sink
that takes records at next to no cost: a local AWS would take CPU from the sessions, and make AWS away look better than it is.
Before a run with AWS there all that the outage left is delivered, which is no part of the run.

A busy machine says nothing about three percent: only pairs count in both of whose runs others had next to nothing of the processors.
All pairs are told, with the CPU time that the worker takes for a transaction, which depends much less on others.
"""

import argparse
import re
import statistics
import sys
from dataclasses import dataclass

import ground
from cpu import Awake, Shares
from outcome import Outcome, say
from sink import Sink

_SCALE = 10
# So many times the pairs that are wanted are tried for enough quiet ones.
_TRIES = 3
_LOADS = {
    "TPC-B prepared, 1 client": ["-M", "prepared", "-c", 1],
    "TPC-B prepared, 2 clients": ["-M", "prepared", "-c", 2, "-j", 2],
    "select-only prepared, 1 client": ["-M", "prepared", "-S", "-c", 1],
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=7, help="pairs of runs that count, for each load (%(default)s)")
    parser.add_argument("--quiet", type=float, default=0.1, help="processors that others may have in them (%(default)s)")
    parser.add_argument("--seconds", type=int, default=5, help="length of a run (%(default)s)")
    parser.add_argument("--within", type=float, default=0.03, help="how much slower it may be, median of the ratios (%(default)s)")
    parser.add_argument("--fsync", choices=("on", "off"), default="off", help="of the server (%(default)s)")
    parser.add_argument("--spool-directory", help="where the spool is, such as a folder in memory; it must not exist")
    parser.add_argument("--load", choices=_LOADS, action="append", help="only this one; may be given again")
    return parser.parse_args()


@dataclass
class Run:
    """One run of pgbench."""

    tps: float
    worker_micros: float
    """CPU time of the worker for a transaction."""
    others: float
    """Processors that others had."""


def run(here, awake, options, seconds, away):
    """One run with AWS there or away; both begin with nothing waiting."""
    here.injector.turn_on()
    row = here.wait_for_status("AWS is there", lambda row: row["state"] == "streaming" and row["spool_records"] == 0)
    if away:
        here.injector.turn_off()
        here.wait_for_status("AWS is away", lambda row: row["state"] == "stream unavailable" and row["spool_records"] > 0)
    with Shares(here.cluster, row["worker_pid"], awake) as shares:
        ran = here.cluster.program("pgbench", "-n", *options, "-T", seconds, timeout=seconds + 60)
    assert ran.returncode == 0, ran.stderr
    tps = float(re.search(r"^tps = ([\d.]+)", ran.stdout, re.M).group(1))
    done = int(re.search(r"transactions actually processed: (\d+)", ran.stdout).group(1))
    return Run(tps, shares.worker_seconds * 1e6 / done, shares.others)


def pair(here, awake, options, seconds, away_first):
    """Two runs, with AWS away and with AWS there."""
    first, second = (run(here, awake, options, seconds, away) for away in (away_first, not away_first))
    return (first, second) if away_first else (second, first)


def measure(here, awake, args, name, outcome):
    """All pairs of one load; those that count."""
    counting, tried = [], 0
    while len(counting) < args.pairs and tried < args.pairs * _TRIES:
        away, there = pair(here, awake, _LOADS[name], args.seconds, tried % 2 == 1)
        tried += 1
        is_quiet = max(away.others, there.others) <= args.quiet
        if is_quiet:
            counting.append((away, there))
        say(
            f"{name}: {away.tps:.0f} / {there.tps:.0f} = {away.tps / there.tps:.3f}; others had {away.others:.2f} and "
            f"{there.others:.2f} processors, the worker {away.worker_micros:.1f} and {there.worker_micros:.1f} us a transaction"
            f"{'' if is_quiet else '; does not count'}"
        )
    outcome.claim(f"{name}: enough quiet pairs", len(counting) >= args.pairs)
    if not counting:
        return
    ratios = [away.tps / there.tps for away, there in counting]
    runs = {"away": [away for away, _ in counting], "there": [there for _, there in counting]}
    outcome.figure(f"{name}: pairs that count, of", [len(counting), tried])
    outcome.figure(f"{name}: tps there, median", statistics.median(of.tps for of in runs["there"]))
    outcome.figure(f"{name}: away / there, median", statistics.median(ratios))
    outcome.figure(f"{name}: range", f"{min(ratios):.3f}–{max(ratios):.3f}")
    for word, some in runs.items():
        outcome.figure(f"{name}: worker, us a transaction, {word}", statistics.median(of.worker_micros for of in some))
    outcome.claim(f"{name}: away is within {args.within:.0%}", statistics.median(ratios) >= 1 - args.within)


def main():
    args = arguments()
    outcome = Outcome("away", args)
    where = {"spool_directory": args.spool_directory} if args.spool_directory else {}
    with ground.Ground({"fsync": args.fsync}, **where) as here:
        sink = Sink(here.cluster.folder / "taken")
        sink.take_the_place(here.injector)
        here.start()
        made = here.cluster.program("pgbench", "-i", "-q", "-s", _SCALE)
        assert made.returncode == 0, made.stderr
        with Awake() as awake:
            for name in args.load or _LOADS:
                measure(here, awake, args, name, outcome)
        here.injector.turn_on()
        row = here.wait_until_delivered()
        windows = here.windows()
        here.cluster.stop("fast")
        sink.close()

    outcome.claim("nothing was dropped or lost", row["dropped_events"] == row["lost_events"] == 0 and not windows)
    return outcome.tell()


if __name__ == "__main__":
    sys.exit(main())
