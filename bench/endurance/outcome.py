"""How a run ends: a table of figures, the claims and whether they hold, one JSON line, the exit code."""

import json
import time


class Outcome:
    """Figures and claims of one run."""

    def __init__(self, name, arguments):
        self._name = name
        self._arguments = vars(arguments)
        self._began = time.monotonic()
        self._figures = {}
        self._claims = {}

    def figure(self, name, value):
        """Something that was measured or counted."""
        self._figures[name] = round(value, 3) if isinstance(value, float) else value

    def claim(self, sentence, holds):
        """Something that has to be true."""
        self._claims[sentence] = bool(holds)

    def tell(self):
        """Prints all; the exit code."""
        self.figure("seconds that the run took", round(time.monotonic() - self._began, 1))
        holds = bool(self._claims) and all(self._claims.values())
        print(f"\n{self._name}")
        for name, value in self._figures.items():
            print(f"  {name:<58} {value}")
        for sentence, true in self._claims.items():
            print(f"  {sentence:<58} {'holds' if true else 'DOES NOT HOLD'}")
        whole = {"run": self._name, "arguments": self._arguments, "holds": holds}
        print(json.dumps(whole | {"figures": self._figures, "claims": self._claims}, default=str), flush=True)
        return 0 if holds else 1


def say(text):
    """What is going on, for people who wait."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)
