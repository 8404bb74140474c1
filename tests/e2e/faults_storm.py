"""Changing weather: one fault after another for a few hundred ms each, drawn by a seed.

The spells come as a shuffled deck, so that each has its turn before any comes again. Most meet only a share of the calls: a
client that pauses longer after each failure would otherwise make none in the next spells. Which calls happen to be made in a
spell is not in the seed.
"""

import random
import threading

from faults import Cut, Delay, Fail, Hang, Lose, Page
from faults_records import FailRecords, Throttle
from injector import ANY, GENERATE_DATA_KEY, PUT_RECORDS

SPELL_SECONDS = (0.1, 0.5)
_OFF = None

# A fault, the target that meets it, and the share that does.
_SPELLS = [
    (Fail(500), ANY, 0.6),
    (Fail(503, "ServiceUnavailable"), ANY, 0.6),
    (Fail(500, stored=True), PUT_RECORDS, 0.6),
    (Fail(400, "ProvisionedThroughputExceededException"), PUT_RECORDS, 0.6),
    (Fail(400, "ExpiredTokenException"), ANY, 0.6),
    (Fail(400, "AccessDeniedException"), GENERATE_DATA_KEY, 1.0),
    (Page(), ANY, 0.6),
    (Lose(), PUT_RECORDS, 0.6),
    (Cut(), PUT_RECORDS, 0.6),
    (Hang(), PUT_RECORDS, 0.3),
    (Hang(stored=True), PUT_RECORDS, 0.3),
    (Delay(0.3), ANY, 0.6),
    (FailRecords(0.5), PUT_RECORDS, 1.0),
    (Throttle(records_per_second=4, bytes_per_second=16 * 1024, shards=2), PUT_RECORDS, 1.0),
    (_OFF, None, None),
]
DECK_SECONDS = len(_SPELLS) * sum(SPELL_SECONDS) / 2
"""How long the whole deck lasts on average."""


class Storm:
    """Goes on while it is entered; the injector is clear and on afterwards."""

    def __init__(self, injector, seed):
        self._injector = injector
        self._random = random.Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._blow, daemon=True)

    def _blow(self):
        while not self._over.is_set():
            for spell in self._random.sample(_SPELLS, len(_SPELLS)):
                self._spell(*spell, self._random.uniform(*SPELL_SECONDS))
                if self._over.is_set():
                    return

    def _spell(self, fault, target, share, seconds):
        if fault is _OFF:
            with self._injector.off():
                self._over.wait(seconds)
        else:
            rule = self._injector.inject(fault, target, share)
            self._over.wait(seconds)
            rule.end()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        self._injector.clear()
