"""A spool of hundreds of MB drains into an endpoint that takes it, while sessions work on: how fast, and at what cost to them.

The spool is filled by statements with random hex digits and base64 in them, which hardly become smaller. The same pgbench load runs
all the time; its rate second by second tells what the drain costs the sessions. All of it shares the machine with the sink,
which is Python.
"""

import argparse
import base64
import os
import re
import statistics
import sys
import threading
import time

import ground
from cpu import of_process
from judge import Judgement
from load import make_tables
from outcome import Outcome, say
from sink import Sink
from waiting import wait_for

_STATEMENT_BYTES = 180_000
_FILLERS = 2
_CALM_SECONDS = 15
_RING_BYTES = 64 << 20
_LOAD_NAME = "beside"
_PROGRESS = re.compile(r"^progress: ([\d.]+) s, ([\d.]+) tps", re.M)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=500, help="in the spool before it drains (%(default)s)")
    parser.add_argument("--rate", type=int, default=20, help="MB of sealed bytes a second that are claimed (%(default)s)")
    parser.add_argument("--tps", type=int, default=200, help="transactions a second that pgbench is held to; 0: none (%(default)s)")
    parser.add_argument("--tps-share", type=float, default=0.5, help="share of the tps before that is claimed (%(default)s)")
    parser.add_argument("--rss", type=int, default=200, help="MB of the worker's own memory that are claimed (%(default)s)")
    return parser.parse_args()


class Beside:
    """pgbench, TPC-B-like, with its rate by the second, until it is over."""

    def __init__(self, cluster, tps):
        self._path = cluster.folder / "beside.progress"
        options = ["-n", "-M", "prepared", "-c", 2, "-P", 1, "--progress-timestamp", "-T", 3600]
        options += ["-R", tps] if tps else []
        self._error = self._path.open("w+", encoding="utf-8")
        self._thread = threading.Thread(target=self._run, args=(cluster, options))
        self._thread.start()

    def _run(self, cluster, options):
        environment = {"PGAPPNAME": _LOAD_NAME, "PGHOST": "127.0.0.1", "PGPORT": str(cluster.port), "PGUSER": "postgres"}
        environment |= {"PGDATABASE": "postgres"}
        cluster.installation.run("pgbench", *options, environment=environment, timeout=3700, stderr=self._error)

    def rates(self, begin, end):
        """The rate of each second that is at least half between two times."""
        if not self._error.closed:
            self._told = self._path.read_text(encoding="utf-8")
        told = [(float(at), float(tps)) for at, tps in _PROGRESS.findall(self._told)]
        return [tps for at, tps in told if begin + 0.5 <= at <= end + 0.5]

    def stop(self, here):
        end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{_LOAD_NAME}'"
        here.cluster.execute(end)
        self._thread.join()
        self._told = self._path.read_text(encoding="utf-8")
        self._error.close()


class Memory:
    """The most that a process had of its own, looked at while it is entered."""

    def __init__(self, pid):
        self._path = f"/proc/{pid}/status"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.most_bytes = 0

    def _look(self):
        while not self._over.wait(0.05):
            with open(self._path, encoding="ascii") as status:
                own = int(re.search(r"^RssAnon:\s+(\d+) kB", status.read(), re.M).group(1)) * 1024
            self.most_bytes = max(self.most_bytes, own)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


def fill(here, wanted_bytes):
    """Runs big statements until the spool holds so many bytes; how many statements."""
    count = [0] * _FILLERS
    ring_used = [0]
    over = threading.Event()

    def work(number):
        with here.cluster.connect(application_name="filler") as session:
            while not over.is_set():
                if ring_used[0] > _RING_BYTES // 4:
                    time.sleep(0.01)  # The disk is slower than the statements. Nothing is to be dropped here.
                    continue
                text = base64.b64encode(os.urandom(_STATEMENT_BYTES * 3 // 4)).decode()
                session.execute(f"SELECT length('{text}')")
                count[number] += 1

    workers = [threading.Thread(target=work, args=(number,)) for number in range(_FILLERS)]
    for worker in workers:
        worker.start()

    def full():
        row = here.status()
        ring_used[0] = row["ring_used"]
        return row["spool_used"] >= wanted_bytes

    try:
        wait_for(full, f"{wanted_bytes} bytes in the spool", 600, 0.1)
    finally:
        over.set()
        for worker in workers:
            worker.join()
    return sum(count)


def drain(here, sink, worker):
    """Lets AWS come back; when that was, when the first record came, when the spool was empty, and how much came meanwhile."""
    before = sink.bytes
    cpu = of_process(worker)
    began = time.time()
    here.injector.turn_on()
    wait_for(lambda: sink.bytes > before, "the first record comes", 60, 0.01)
    first = time.time()
    wait_for(lambda: here.status()["spool_records"] == 0, "the spool is empty", 600, 0.1)
    end = time.time()
    return began, first, end, sink.bytes - before, of_process(worker) - cpu


def main():
    args = arguments()
    outcome = Outcome("drain", args)
    with ground.Ground(spool_max_size="4GB", ring_size=f"{_RING_BYTES >> 20}MB") as here:
        path = here.cluster.folder / "taken"
        sink = Sink(path)
        sink.take_the_place(here.injector)
        here.start()
        make_tables(here.cluster)
        beside = Beside(here.cluster, args.tps)
        worker = here.status()["worker_pid"]
        calm_from = time.time()
        wait_for(lambda: len(beside.rates(calm_from, time.time())) >= _CALM_SECONDS, "the calm is over", 60, 0.5)
        calm_to = time.time()
        with Memory(worker) as filling:
            here.injector.turn_off()
            say("AWS is away; filling the spool")
            fill_from = time.time()
            statements = fill(here, args.megabytes * 1_000_000)
            fill_to = time.time()
        held = here.wait_for_status("the ring is nearly empty", lambda row: row["ring_used"] < _RING_BYTES // 32, 60)
        away_from = time.time()
        wait_for(lambda: len(beside.rates(away_from, time.time())) >= 5, "AWS is still away", 60, 0.5)
        away_to = time.time()
        say(f"{held['spool_used'] / 1e6:.0f} MB are in the spool; AWS is back")
        with Memory(worker) as draining:
            began, first, end, drained, cpu = drain(here, sink, worker)
        say(f"the spool is empty after {end - began:.1f} s")
        beside.stop(here)
        row = here.wait_until_delivered()
        windows = here.windows()
        here.cluster.stop("fast")
        sink.close()
        judged = Judgement(here.cluster, path)

    held_mb = held["spool_used"] / 1e6
    calm, filled, away, during = (
        statistics.mean(beside.rates(*times))
        for times in ((calm_from, calm_to), (fill_from, fill_to), (away_from, away_to), (first, end))
    )
    outcome.figure("big statements", statements)
    outcome.figure("MB in the spool when AWS came back", held_mb)
    outcome.figure("MB/s at which it was filled", held_mb / (fill_to - fill_from))
    outcome.figure("seconds until the first record came", first - began)
    outcome.figure("seconds from that until the spool was empty", end - first)
    outcome.figure("MB that came meanwhile", drained / 1e6)
    outcome.figure("MB/s of sealed bytes, from the first record on", drained / 1e6 / (end - first))
    outcome.figure("MB/s of sealed bytes, waiting included", drained / 1e6 / (end - began))
    outcome.figure("CPU seconds of the worker meanwhile", cpu)
    outcome.figure("tps before, with AWS there", calm)
    outcome.figure("tps while the spool was filled", filled)
    outcome.figure("tps with AWS away", away)
    outcome.figure("tps during the drain", during)
    outcome.figure("slowest second of the drain, tps", min(beside.rates(first, end)))
    outcome.figure("MB of the worker's own memory while filling, at most", filling.most_bytes / 1e6)
    outcome.figure("MB of the worker's own memory while draining, at most", draining.most_bytes / 1e6)
    judged.tell(outcome)
    outcome.claim("the spool held enough", held_mb >= args.megabytes)
    outcome.claim(f"it drains at {args.rate} MB/s at least", drained / 1e6 / (end - first) >= args.rate)
    outcome.claim(f"sessions keep {args.tps_share:.0%} of their rate", during >= calm * args.tps_share)
    most = max(filling.most_bytes, draining.most_bytes) / 1e6
    outcome.claim(f"the worker's own memory stays below {args.rss} MB", most < args.rss)
    outcome.claim("nothing was dropped or lost", row["dropped_events"] == row["lost_events"] == 0 and not windows)
    big = judged.counts.statements["filler", "SELECT", None]
    outcome.claim("every big statement is there", big == statements)
    outcome.claim("no gap is in the sequence", not any(epoch["gaps"] for epoch in judged.python["epochs"]))
    return outcome.tell()


if __name__ == "__main__":
    sys.exit(main())
