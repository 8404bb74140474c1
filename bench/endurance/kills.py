"""kill -9 of sessions and of the worker, and AWS away in between, at random under load: the sequence is complete, or told.

The victims: a session of pgbench; a session that is busy with publishing statements of 200 kB, which is where half-written
events come from; the worker. Instead of a kill AWS may go away for a while, over which the next kills happen.
"""

import argparse
import random
import sys
import threading
import time

import ground
import kept
import psycopg
from judge import Judgement
from load import Load, Standing, make_tables
from outcome import Outcome, say

_BIG = "SELECT length('{}')".format("big " * 50_000)
_BIG_STATEMENTS = 200


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50, help="%(default)s")
    parser.add_argument("--seed", type=int, default=1, help="which victims, and when (%(default)s)")
    parser.add_argument("--rate", type=int, default=300, help="transactions a second, of five statements each (%(default)s)")
    return parser.parse_args()


class Killer:
    """Draws victims and kills them."""

    def __init__(self, here, seed):
        self._here = here
        self._cluster = here.cluster
        self._random = random.Random(seed)
        self.killed = {"session": 0, "busy session": 0, "worker": 0}
        self.outages = 0
        self._away = False

    def strike(self):
        """One kill, and the server serves again."""
        self._maybe_change_weather()
        kind = self._random.choice(list(self.killed))
        time.sleep(self._random.uniform(0.2, 1.5))  # Not to wait for something: the moment is what is random.
        while not {"session": self._session, "busy session": self._busy_session, "worker": self._worker}[kind]():
            self._cluster.wait_until_serving(60)
        self.killed[kind] += 1
        self._cluster.wait_until_serving(60)

    def _maybe_change_weather(self):
        if self._random.random() < 0.3:
            self._away = not self._away
            self.outages += self._away
            (self._here.injector.turn_off if self._away else self._here.injector.turn_on)()

    def calm(self):
        self._here.injector.turn_on()

    def _kill(self, pid):
        """Whether it was there to be killed, as a child of this server."""
        try:
            postmaster = int((self._cluster.data / "postmaster.pid").read_text().split()[0])
            with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
                parent = int(stat.read().rsplit(")", 1)[1].split()[1])
            if parent != postmaster:
                return False
            self._cluster.kill(pid)
        except (FileNotFoundError, ProcessLookupError):
            return False
        return True

    def _session(self):
        pids = "SELECT coalesce(array_agg(pid), '{}') FROM pg_stat_activity WHERE application_name = 'load'"
        try:
            found = self._cluster.value(pids)
        except psycopg.OperationalError:
            return False
        return bool(found) and self._kill(self._random.choice(sorted(found)))

    def _worker(self):
        try:
            pid = self._here.status()["worker_pid"]
        except psycopg.OperationalError:
            return False
        return bool(pid) and self._kill(pid)

    def _busy_session(self):
        try:
            session = self._cluster.connect(application_name="busy")
        except psycopg.OperationalError:
            return False
        # The first is waited for: what the killing is about must have begun.
        begun = threading.Event()

        def work():
            try:
                for _ in range(_BIG_STATEMENTS):
                    session.execute(_BIG)
                    begun.set()
            except psycopg.OperationalError:
                begun.set()

        working = threading.Thread(target=work)
        working.start()
        begun.wait()
        time.sleep(self._random.uniform(0, 0.02))
        struck = self._kill(session.info.backend_pid)
        working.join()
        session.close()
        return struck


def main():
    args = arguments()
    outcome = Outcome("kills", args)
    with ground.Ground(seed=args.seed) as here:
        here.start()
        make_tables(here.cluster)
        load = Load(here.cluster, per_second=args.rate)
        killer = Killer(here, args.seed)
        with Standing(here.cluster, load):
            for number in range(1, args.kills + 1):
                killer.strike()
                if number % 10 == 0:
                    say(f"{number} kills: {killer.killed}, {killer.outages} outages")
            killer.calm()
        here.wait_until_delivered()
        windows, told = here.wait_until_windows_are_told()
        row = here.status()
        rows = here.cluster.value("SELECT count(*) FROM pgbench_history")
        say("all is delivered; reading it")
        here.cluster.stop("fast")
        judged = Judgement(here.cluster)

    outcome.figure("kills", killer.killed)
    outcome.figure("outages of AWS meanwhile", killer.outages)
    outcome.figure("starts of the worker", row["worker_starts"])
    outcome.figure("half-written events", row["torn_events"])
    outcome.figure("loss windows, reason and count", [(w["reason"], w["lost_events"]) for w in windows])
    kept.tell(outcome, here, judged, [load], rows)
    outcome.claim("nothing was dropped or given up", row["dropped_events"] == row["lost_events"] == 0)
    outcome.claim("all is one epoch", len(judged.python["epochs"]) == 1)
    outcome.claim("the view says that each loss window is told", told)
    return outcome.tell()


if __name__ == "__main__":
    sys.exit(main())
