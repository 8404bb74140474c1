"""Transactions per second with activity_stream in async mode, as a ratio to a server without it.

Runs are interleaved, and the order within a pair alternates, so that a slow minute of the machine hits both alike.
"""

import os
import re
import statistics

from servers import bare_and_streaming

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "11"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "2"))
SCALE = 10
SCRIPTS = {"select-only": ["-S"], "TPC-B": []}
CELLS = [(script, protocol, clients) for script in SCRIPTS for protocol in ("simple", "prepared") for clients in (1, 8)]
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """User and system time of a process."""
    fields = open(f"/proc/{pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def tps(cluster, script, protocol, clients):
    """One run of pgbench."""
    arguments = ["-n", "-M", protocol, "-c", clients, "-j", min(clients, 2), "-T", SECONDS, *SCRIPTS[script]]
    result = cluster.program("pgbench", *arguments, timeout=SECONDS + 60)
    assert result.returncode == 0, result.stderr
    return float(re.search(r"^tps = ([\d.]+)", result.stdout, re.M).group(1))


def cell(bare, streaming, aws_pid, worker, script, protocol, clients):
    """Pairs of runs; their ratios, and the CPU that the others took in the streaming runs."""
    ratios, worker_cpu, aws_cpu = [], 0.0, 0.0
    for number in range(ROUNDS):
        rates = {}
        for cluster in (bare, streaming) if number % 2 == 0 else (streaming, bare):
            before = cpu_seconds(worker), cpu_seconds(aws_pid)
            rates[cluster] = tps(cluster, script, protocol, clients)
            if cluster is streaming:
                # What is still in the ring is part of the price.
                assert cluster.value("SELECT activity_stream.flush('60 s')")
                worker_cpu += cpu_seconds(worker) - before[0]
                aws_cpu += cpu_seconds(aws_pid) - before[1]
        ratios.append(rates[streaming] / rates[bare])
    elapsed = ROUNDS * SECONDS
    return ratios, worker_cpu / elapsed, aws_cpu / elapsed


def main():
    print("| load | protocol | clients | async / bare | range | worker CPU | local AWS CPU |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with bare_and_streaming() as (bare, streaming, aws_pid):
        for cluster in (bare, streaming):
            result = cluster.program("pgbench", "-i", "-q", "-s", SCALE)
            assert result.returncode == 0, result.stderr
        streaming.execute("CREATE EXTENSION activity_stream")
        worker = streaming.value("SELECT worker_pid FROM activity_stream.status")
        for script, protocol, clients in CELLS:
            ratios, worker_cpu, aws_cpu = cell(bare, streaming, aws_pid, worker, script, protocol, clients)
            print(
                f"| {script} | {protocol} | {clients} | **{statistics.median(ratios):.2f}** "
                f"| {min(ratios):.2f}–{max(ratios):.2f} | {worker_cpu:.0%} | {aws_cpu:.0%} |",
                flush=True,
            )
        lost = streaming.value("SELECT dropped_events + lost_events FROM activity_stream.status")
        assert lost == 0, f"{lost} events were lost"


if __name__ == "__main__":
    main()
