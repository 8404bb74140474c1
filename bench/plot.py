"""The picture of README.md.

Above: transactions per second as a ratio to the bare server, of all that does not wait. Below: sync mode, as a share of what clients could
do that wait for the endpoint's delay and for nothing else; a ratio to bare would show the delay and not us.
"""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import reading  # noqa: E402

# By variant: color, line, marker. Told apart without colors, too.
_ABOVE = {
    "pg_stat_statements": ("#7f7f7f", "--", "s"),
    "pgAudit": ("#d62728", "-.", "D"),
    "async": ("#1f77b4", "-", "o"),
}
_BELOW = {
    "sync 0 ms": ("#98df8a", "-", "^"),
    "sync 5 ms": ("#2ca02c", "--", "v"),
    "sync 20 ms": ("#145214", ":", "x"),
}
_SIZE_INCHES, _DOTS_PER_INCH = (13, 7.2), 100


def draw(saved, path):
    """A column for each load and protocol; points are medians, bars the range."""
    cells = reading.cells(saved)
    columns = list(dict.fromkeys((load, protocol) for load, protocol, _ in cells))
    figure, axes = plt.subplots(2, len(columns), figsize=_SIZE_INCHES, sharey="row", squeeze=False, facecolor="white")
    for number, (load, protocol) in enumerate(columns):
        variants = {clients: v for (*where, clients), v in cells.items() if where == [load, protocol]}
        waits = saved["waits_per_transaction"][load][protocol]
        _panel(axes[0][number], variants, _ABOVE, lambda pairs, *_: reading.ratios(pairs))
        _panel(axes[1][number], variants, _BELOW, lambda *of, w=waits: _share(*of, w))
        axes[0][number].set_title(f"{load}, {protocol}")
        axes[1][number].set_xlabel("clients")
    axes[0][0].set_ylabel("tps, as a ratio to nothing loaded")
    axes[1][0].set_ylabel("tps, as a share of\nclients / (bare latency + waits × delay)")
    for row in axes:
        row[0].set_ylim(bottom=0)
        row[-1].legend(loc="best", fontsize="small")
    where = saved["environment"]
    figure.suptitle(f"pgbench on {where['postgres']} with {where['processors']} processors: medians and range of runs side by side")
    figure.tight_layout()
    figure.savefig(path, dpi=_DOTS_PER_INCH, metadata={"Software": None})
    plt.close(figure)


def _share(pairs, name, clients, waits):
    return reading.share_of_possible(pairs, clients, waits, float(name.split()[1]))


def _panel(axis, by_clients, styles, values_of):
    for name, (color, line, marker) in styles.items():
        points = [
            (place, values_of(variants[name], name, clients))
            for place, (clients, variants) in enumerate(by_clients.items())
            if name in variants
        ]
        if not points:
            continue
        middle = [reading.median(values) for _, values in points]
        bars = [[m - min(v) for m, (_, v) in zip(middle, points)], [max(v) - m for m, (_, v) in zip(middle, points)]]
        places = [place for place, _ in points]
        axis.errorbar(places, middle, bars, color=color, linestyle=line, marker=marker, capsize=3, label=name)
    axis.axhline(1, color="black", linewidth=0.8)
    axis.set_xticks(range(len(by_clients)), [str(clients) for clients in by_clients])
    axis.grid(axis="y", alpha=0.3)
