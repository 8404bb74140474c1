"""The tables of README.md and of docs/performance.md."""

import reading


def table(head, rows):
    """In Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _variants(cells):
    """In the order in which they ran first."""
    return list(next(iter(cells.values())))


def throughput(saved):
    """A row for each cell: the bare server's rate, and the ratios to it."""
    cells = reading.cells(saved)
    others = [name for name in _variants(cells) if name != reading.BARE]
    rows = []
    for (load, protocol, clients), variants in cells.items():
        bare = reading.median([run["tps"] for run, _ in variants[reading.BARE]])
        ratios = [reading.spread(reading.ratios(variants[name])) for name in others]
        rows.append([load, protocol, str(clients), f"{bare:.0f}", *ratios])
    return table(["load", "protocol", "clients", "bare, tps", *others], rows)


def instructions(saved):
    """A row for each statement."""
    rows = []
    for name, counts in saved["per_statement"].items():
        bare = counts[reading.BARE]
        others = [f"{count / 1000:.1f} k (+{count / bare - 1:.0%})" for kind, count in counts.items() if kind != reading.BARE]
        rows.append([name, f"{bare / 1000:.1f} k", *others])
    kinds = [kind for kind in next(iter(saved["per_statement"].values())) if kind != reading.BARE]
    return table(["instructions of a backend, less malloc's", reading.BARE, *kinds], rows)


def processor_time(saved):
    """What a transaction costs in processor time, told apart by who had it."""
    rows = []
    for (load, protocol, clients), variants in reading.cells(saved).items():
        for name, pairs in variants.items():
            runs = [run for run, _ in pairs]
            who = [reading.median([reading.cpu_us(run, part) for run in runs]) for part in ("server", "helper", "endpoint", "pgbench")]
            rows.append([load, protocol, str(clients), name, *(f"{us:.0f}" for us in who)])
    return table(["load", "protocol", "clients", "variant", "server", "worker or logger", "endpoint", "pgbench"], rows)


def latencies(saved):
    """The closed loops: what a transaction took, median and 99th percentile."""
    rows = []
    for (load, protocol, clients), variants in reading.cells(saved).items():
        row = [load, protocol, str(clients)]
        for pairs in variants.values():
            timed = [run["latency_ms"] for run, _ in pairs if run["latency_ms"]]
            row.append(" / ".join(f"{reading.median([t[p] for t in timed]):.2f}" for p in ("p50", "p99")) if timed else "")
        rows.append(row)
    return table(["load", "protocol", "clients", *_variants(reading.cells(saved))], rows)


def paced(saved):
    """What sync mode adds at the same rate."""
    rows = []
    for (load, clients, delay), pairs in reading.paced(saved).items():
        waits = saved["waits_per_transaction"][load]
        bare = reading.median([bare["latency_ms"]["p50"] for _, bare in pairs if bare["latency_ms"]])
        added = reading.spread(reading.added_ms(pairs, waits))
        held = sum(run["held_us"] for run, _ in pairs) / max(sum(run["held_answers"] for run, _ in pairs), 1) / 1000
        rows.append([load, str(clients), f"{delay} ms", f"{held:.2f} ms", str(pairs[0][0]["rate"]), f"{waits:.0f}", f"{bare:.2f} ms", added])
    head = ["load", "clients", "delay", "delay in truth", "transactions/s", "waits each", "bare, median", "added for each wait, ms"]
    return table(head, rows)


def stream(readable, examples, throughput_saved):
    """Sentences about events: how many a second, how large, how soon."""
    lines = []
    for each in examples["ring_to_record"]:
        lines.append(
            f"* {each['title']}, from the ring to the sealed record: {each['rate']:.0f} 000 events a second of one processor, "
            f"{each['json']:.0f} bytes of JSON each, {each['wire']:.0f} sealed."
        )
    for name in ("async", "sync"):
        told = readable[name]
        since = "its end" if name == "async" else "its beginning, and before its end"
        of_one, under_load = told["alone"]["ms"], told["under_load"]["ms"]
        lines.append(
            f"* A statement in {name} mode can be read {of_one['p50']:.1f} ms after {since} (median; p99 {of_one['p99']:.1f} ms); "
            f"under TPC-B with 8 clients {under_load['p50']:.0f} ms (p99 {under_load['p99']:.0f} ms) after it was published."
        )
    rows = loaded(throughput_saved)
    lines.append("* Under load, async: " + "; ".join(rows) + ".")
    return "\n".join(lines)


def loaded(saved):
    """Events a record and bytes an event of the busiest cells in async mode."""
    busiest = {}
    for (load, _, clients), variants in reading.cells(saved).items():
        for run, _ in variants.get("async", []):
            key = (load, clients)
            if key not in busiest or run["published_events"] > busiest[key]["published_events"]:
                busiest[key] = run
    most = {load: max(c for name, c in busiest if name == load) for load, _ in busiest}
    for load, clients in most.items():
        run = busiest[load, clients]
        events = run["published_events"]
        yield (
            f"{load} with {clients} clients {events / run['records']:.0f} events a record, "
            f"{run['record_bytes'] / events:.0f} bytes an event sealed, {run['body_bytes'] / events:.0f} in the requests"
        )
