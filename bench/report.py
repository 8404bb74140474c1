"""Puts the figures into README.md and docs/performance.md, between the marks, and draws docs/bench.png.

After a quick pass, whose figures mean nothing, all goes into a folder of its own.
"""

import re
import sys

import figures
import plot
import reading
import tables
import targets

_PLOT = "![Transactions per second as a ratio to the server with nothing loaded](docs/bench.png)"


def sections():
    """What README.md gets, and what docs/performance.md gets."""
    throughput, readable, examples = (figures.load(name) for name in ("throughput", "readable", "examples"))
    where = throughput["environment"]
    had, disturbed = reading.others(throughput)
    on = (
        f"{where['postgres']} on {where['processors']} processors ({where['processor']}), {where['at'][:10]}; pgbench, scale "
        f"{throughput['scale']}, runs of {throughput['seconds']} s. Medians of ratios to the bare server of the same round, and their range. Others had "
        f"{had:.2f} processors meanwhile, and more than a tenth of one in {disturbed:.0%} of the runs."
    )
    instructions = tables.instructions(figures.load("instructions"))
    stream = tables.stream(readable, examples, throughput)
    readme = "\n\n".join([on, tables.throughput(throughput), _PLOT, instructions, stream])
    details = "\n\n".join([
        "### What sync mode adds, at equal rates", tables.paced(figures.load("latency")),
        "### Time of a transaction in a closed loop: median / p99, ms", tables.latencies(throughput),
        "### Processor time of a transaction, µs", tables.processor_time(throughput),
        "### Targets", targets.as_table(),
    ])  # fmt: skip
    return readme, details


def between_marks(text, section, name):
    """The text with the section in its place."""
    marked = r"(<!-- bench: begin -->\n).*?(<!-- bench: end -->)"
    replaced, count = re.subn(marked, lambda m: m.group(1) + section + "\n" + m.group(2), text, flags=re.S)
    assert count == 1, f"{name} has no place for the figures"
    return replaced


def main():
    readme, details = sections()
    into = figures.FOLDER if figures.QUICK else figures.ROOT
    (into / "docs").mkdir(exist_ok=True)
    for name, section in (("README.md", readme), ("docs/performance.md", details)):
        text = (figures.ROOT / name).read_text(encoding="utf-8")
        (into / name).write_text(between_marks(text, section, name), encoding="utf-8")
    plot.draw(figures.load("throughput"), into / "docs" / "bench.png")
    print(f"==> the figures are in README.md and docs/performance.md of {into}", file=sys.stderr)


if __name__ == "__main__":
    main()
