"""Reads the raw figures: runs of a cell beside those of the bare server in the same round."""

import statistics
from collections import defaultdict

BARE = "bare"
# A pair in which others had more does not count, where so many pairs are left.
_OTHERS_PROCESSORS = 0.1
_ENOUGH_PAIRS = 3


def cells(saved):
    """Of the throughput: for each load, protocol and clients, and each variant, pairs of a run and the bare one of its round."""
    rounds = defaultdict(dict)
    for run in saved["runs"]:
        rounds[run["load"], run["protocol"], run["clients"], run["round"]][run["variant"]] = run
    found = defaultdict(lambda: defaultdict(list))
    for (*cell, _), by_variant in rounds.items():
        if BARE in by_variant:
            for variant, run in by_variant.items():
                found[tuple(cell)][variant].append((run, by_variant[BARE]))
    return {cell: {name: quiet(pairs) for name, pairs in variants.items()} for cell, variants in found.items()}


def quiet(pairs):
    """Those pairs that had the machine for themselves, if these are enough; else all."""
    alone = [pair for pair in pairs if all(run["others_processors"] <= _OTHERS_PROCESSORS for run in pair)]
    return alone if len(alone) >= _ENOUGH_PAIRS else pairs


def others(saved):
    """Processors that others had during the runs, and the share of runs in which these were too many."""
    had = [run["others_processors"] for run in saved["runs"]]
    return statistics.mean(had), sum(value > _OTHERS_PROCESSORS for value in had) / len(had)


def paced(saved):
    """Of the latency: for each load, clients and delay, pairs of a synchronous run and the bare one of its round."""
    rounds = defaultdict(dict)
    for run in saved["runs"]:
        side = BARE if run["variant"] == BARE else "sync"
        rounds[run["load"], run["clients"], run["delay_ms"], run["round"]][side] = run
    found = defaultdict(list)
    for (*cell, _), sides in rounds.items():
        if len(sides) == 2:
            found[tuple(cell)].append((sides["sync"], sides[BARE]))
    return {cell: quiet(pairs) for cell, pairs in found.items()}


def ratios(pairs):
    """Transactions per second, as a ratio to bare."""
    return [run["tps"] / bare["tps"] for run, bare in pairs]


def median(values):
    return statistics.median(values)


# Ratios below this are told with two figures that mean something.
_SMALL = 0.1


def spread(values):
    """The median and the range."""

    def told(value):
        return f"{value:.2g}" if abs(value) < _SMALL else f"{value:.2f}"

    return f"**{told(median(values))}** {told(min(values))}–{told(max(values))}"


def processors_used(run, seconds):
    """By the server and pgbench, as a number of processors."""
    return (run["server_cpu_s"] + run["pgbench_cpu_s"]) / seconds


def cpu_us(run, who):
    """Microseconds of processor time for a transaction."""
    return run[f"{who}_cpu_s"] / run["transactions"] * 1e6


def added_ms(pairs, waits):
    """What sync mode adds for each wait of a transaction: differences of medians of the same round."""
    timed = [(run["latency_ms"], bare["latency_ms"]) for run, bare in pairs]
    return [(run["p50"] - bare["p50"]) / waits for run, bare in timed if run and bare]


def share_of_possible(pairs, clients, waits, delay_ms):
    """Transactions per second of sync mode, as shares of what clients could do that wait for the delay and nothing else."""
    return [run["tps"] / (clients / ((bare["latency_average_ms"] + waits * delay_ms) / 1000)) for run, bare in pairs]
