"""One run of pgbench, with the time of its transactions."""

import math
import re
import statistics

LOADS = {"select-only": ["-S"], "TPC-B": []}
PROTOCOLS = ("simple", "prepared")
# A line of pgbench's log: client, number, microseconds, script, epoch, microseconds of it, and with a rate the lag.
_LATENCY_COLUMN, _LAG_COLUMN = 2, 6


def run(cluster, load, protocol, clients, seconds=None, transactions=None, rate=None, sampling=1.0):
    """Runs it for so long, or for so many transactions of each client; rate and latencies.

    With `rate` transactions begin at random moments, so many a second in all; what one waits for its turn is taken out.
    """
    prefix = cluster.folder / "pgbench_log"
    how_long = ["-T", seconds] if seconds else ["-t", transactions]
    options = ["-l", f"--log-prefix={prefix}", "-n", "-M", protocol, "-c", clients, "-j", min(clients, 2)]
    options += ["-R", rate] if rate else []
    options += [f"--sampling-rate={sampling}"] if sampling < 1 else []
    result = cluster.program("pgbench", *options, *how_long, *LOADS[load], timeout=(seconds or 60) + 120)
    logs = list(cluster.folder.glob("pgbench_log.*"))
    latencies = sorted(latency for log in logs for latency in _latencies(log))
    for log in logs:
        log.unlink()
    assert result.returncode == 0, result.stderr
    assert "number of failed transactions: 0 " in result.stdout, result.stdout
    return {
        "tps": _figure(r"^tps = ([\d.]+)", result.stdout),
        "transactions": int(_figure(r"^number of transactions actually processed: (\d+)", result.stdout)),
        "latency_average_ms": _figure(r"^latency average = ([\d.]+)", result.stdout),
        "latency_ms": percentiles(latencies),
    }


def _latencies(log):
    for line in log.read_text(encoding="ascii").splitlines():
        columns = line.split()
        lag = int(columns[_LAG_COLUMN]) if len(columns) > _LAG_COLUMN else 0
        yield (int(columns[_LATENCY_COLUMN]) - lag) / 1000


def _figure(pattern, text):
    return float(re.search(pattern, text, re.M).group(1))


def percentiles(values):
    """Of sorted values; nothing where there are none."""
    if not values:
        return None
    return {
        "count": len(values),
        "p50": statistics.median(values),
        "p99": values[math.ceil(len(values) * 0.99) - 1],
        "max": values[-1],
    }
