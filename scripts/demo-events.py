"""Passes activity-consumer's readable lines on as they come; of the load, the first ones and then a count."""

import sys

SHOWN = 40
COUNTED_EVERY = 5000

load = 0
try:
    for line in sys.stdin:
        if " bench@" not in line:
            print(f"  {line.rstrip()[:200]}", flush=True)
            continue
        load += 1
        if load <= SHOWN:
            print(f"  {line.rstrip()[:200]}", flush=True)
        elif load == SHOWN + 1:
            print("  … and so on; from here the load is only counted", flush=True)
        elif load % COUNTED_EVERY == 0:
            print(f"  … {load} events of the load", flush=True)
except KeyboardInterrupt:
    pass
