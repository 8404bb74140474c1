"""Each target, its figure, and whether it holds. A report: it never fails."""

import figures
import reading
import tables

FEW_CLIENTS = 8
LATENCY_CLIENTS = (1, 8, 64)
MANY_CLIENTS = 64
HOLDS, MISSED, NOT_MEASURED = "holds", "missed", "not measured"
# Both processors are as good as taken.
_SATURATED = 0.9


class Report:
    """Lines of target, figure, verdict."""

    def __init__(self):
        self.lines = []

    def add(self, target, figure, holds):
        self.lines.append((target, figure, NOT_MEASURED if holds is None else HOLDS if holds else MISSED))


def ratio_targets(report, cells):
    """Async mode beside the bare server and pgAudit."""
    for load, least in (("TPC-B", 0.95), ("select-only", 0.88)):
        for (name, protocol, clients), variants in cells.items():
            if name == load and clients <= FEW_CLIENTS:
                ratio = reading.median(reading.ratios(variants["async"]))
                report.add(f"async / bare ≥ {least}: {load}, {protocol}, {clients}", f"{ratio:.3f}", ratio >= least)
    behind, margins = [], []
    for cell, variants in cells.items():
        if "pgAudit" in variants:
            ours, theirs = (reading.median(reading.ratios(variants[name])) for name in ("async", "pgAudit"))
            margins.append(ours / theirs)
            behind += [f"{cell}: {ours / theirs:.2f}"] if ours <= theirs else []
    told = f"{min(margins):.2f} to {max(margins):.2f} times its rate; behind in {len(behind)} of {len(margins)} {behind or ''}" if margins else ""
    report.add("async ahead of pgAudit in every cell", told or "pgAudit is not installed", not behind if margins else None)


def closed_loop(report, saved, cells):
    """Sync mode as a client sees it, who asks again as soon as it has its answer."""
    limit = _SATURATED * saved["environment"]["processors"]
    for (load, protocol, clients), variants in cells.items():
        waits = saved["waits_per_transaction"][load][protocol]
        for name, pairs in variants.items():
            if not name.startswith("sync"):
                continue
            delay = float(name.split()[1])
            where = f"{load}, {protocol}, {clients} clients, {name}"
            if clients in LATENCY_CLIENTS and (added := reading.added_ms(pairs, waits)):
                used = reading.median([reading.processors_used(bare, saved["seconds"]) for _, bare in pairs])
                note = " (bare has no processor left)" if used >= limit else ""
                latency_target(report, f"closed loop: {where}", reading.median(added), delay, note)
            if clients == MANY_CLIENTS:
                share = reading.median(reading.share_of_possible(pairs, clients, waits, delay))
                report.add(f"tps ≥ 0.85 × clients / (bare latency + waits × delay): {where}", f"{share:.2f}", share >= 0.85)


def latency_target(report, where, added, delay, note=""):
    most = 1.15 * delay + 0.5
    report.add(f"added for each wait ≤ 1.15 × delay + 0.5 ms = {most:.2f} ms: {where}", f"{added:.2f} ms{note}", added <= most)


def equal_rates(report, saved):
    """Sync mode where the processors are not the limit."""
    for (load, clients, delay), pairs in reading.paced(saved).items():
        added = reading.added_ms(pairs, saved["waits_per_transaction"][load])
        latency_target(report, f"equal rates: {load}, {clients} clients", reading.median(added), delay)


def instruction_targets(report, saved):
    counts, in_malloc = (saved[part].get("select-only, prepared", {}) for part in ("per_statement", "in_malloc"))
    more = counts["async"] / counts["bare"] - 1
    with_malloc = (counts["async"] + in_malloc["async"]) / (counts["bare"] + in_malloc["bare"]) - 1
    told = f"{more:.1%}; with malloc's {with_malloc:.1%}"
    report.add("backend's instructions of select-only prepared ≤ 6 % over bare", told, more <= 0.06)


def stream_targets(report, examples, cells):
    for each in examples["ring_to_record"]:
        report.add(f"≥ 200 000 events/s per core, ring to record: {each['title']}", f"{each['rate']:.0f} 000", each["rate"] >= 200)
        share = each["json"] / each["wire"]
        report.add(f"≤ 1/8 of the JSON on the wire: {each['title']}", f"1/{share:.1f}", share >= 8)
    json_bytes = {each["title"]: each["json"] for each in examples["ring_to_record"]}
    for (load, protocol, clients), variants in cells.items():
        if clients >= FEW_CLIENTS:
            each = reading.median([run["published_events"] / run["records"] for run, _ in variants["async"]])
            report.add(f"≥ 500 events a record under load: {load}, {protocol}, {clients}", f"{each:.0f}", each >= 500)
            bytes_each = reading.median([run["body_bytes"] / run["published_events"] for run, _ in variants["async"]])
            share = json_bytes[f"{load}, {protocol}"] / bytes_each
            told = f"1/{share:.1f} ({bytes_each:.0f} bytes an event, base64 and all)"
            report.add(f"≤ 1/8 of the JSON on the wire under load: {load}, {protocol}, {clients}", told, share >= 8)
    report.add("≥ 5 million events/s published on one core", "criterion measures it, in crates/activity-ring", None)


def wakeup_target(report, saved):
    # The other sleep of a statement is for its client. A few hundredths are noise: locks, page faults.
    woken = saved["per_statement"]["sync"] - 1
    report.add("no more than one wake-up a wait", f"{woken:.2f} with {saved['sessions']} sessions", woken <= 1.05)


def collect():
    """All lines."""
    report, throughput = Report(), figures.load("throughput")
    cells = reading.cells(throughput)
    ratio_targets(report, cells)
    instruction_targets(report, figures.load("instructions"))
    equal_rates(report, figures.load("latency"))
    closed_loop(report, throughput, cells)
    wakeup_target(report, figures.load("wakeups"))
    stream_targets(report, figures.load("examples"), cells)
    return report.lines


def as_table():
    """In Markdown: a row for each target, with where it is missed. The program itself prints every line."""
    groups = {}
    for target, figure, verdict in collect():
        name, _, where = target.partition(": ")
        groups.setdefault(name, []).append((where, figure, verdict))
    rows = []
    for name, lines in groups.items():
        holds = sum(verdict == HOLDS for *_, verdict in lines)
        missed = "; ".join(f"{where} ({figure})" if where else figure for where, figure, verdict in lines if verdict != HOLDS)
        unknown = all(verdict == NOT_MEASURED for *_, verdict in lines)
        rows.append([name, NOT_MEASURED if unknown else f"{holds} of {len(lines)}", missed])
    return tables.table(["target", "holds", "not here"], rows)


def main():
    lines = collect()
    for target, figure, verdict in lines:
        print(f"{verdict:<12} {target}: {figure}")
    print(f"{sum(verdict == HOLDS for *_, verdict in lines)} of {len(lines)} hold")


if __name__ == "__main__":
    main()
