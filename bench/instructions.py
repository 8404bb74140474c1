"""Instructions that a backend executes per statement, with each of the variants, by callgrind.

The difference between a long and a short session takes the session's own cost out. Callgrind counts the same for the same
binary and input whatever else the machine does; differences of 100 instructions mean nothing. In sync mode the endpoint answers at
once; how often a wait looks again differs from run to run, so there the last percent means nothing.

What malloc and free execute is told apart. The server itself asks for two blocks a statement, and what it takes to find them depends on
what happens to lie beside them on the heap: some hundred instructions more or less, whatever is loaded.
"""

import os
import re
import signal
import subprocess
import sys

import figures
import modules_path  # noqa: F401
from server import _as_server  # the servers' own way to become their user
from variants import Servers

SHORT, LONG = (100, 600) if figures.QUICK else (500, 2500)
JOIN = """\\set id random(1, 1000)
SELECT t1.id FROM t1 JOIN t2 USING (id) JOIN t3 USING (id) JOIN t4 USING (id) JOIN t5 USING (id) WHERE t1.id = :id;
"""
TABLES = "".join(f"CREATE TABLE t{n} AS SELECT generate_series(1, 1000) AS id; ALTER TABLE t{n} ADD PRIMARY KEY (id);" for n in range(1, 6))
# Name, protocol, script; no script is pgbench's own of reading one row.
LOADS = [
    ("SELECT 1, prepared", "prepared", "SELECT 1;\n"),
    ("select-only, prepared", "prepared", None),
    ("select-only, simple", "simple", None),
    ("join of five tables, prepared", "prepared", JOIN),
]
QUICK_LOADS = [LOADS[1]]
# Of the C library, by the names of its debug symbols.
ALLOCATOR = re.compile(
    r"^\s*([\d,]+) .*[:/](?:malloc|calloc|realloc|free|_int_(?:malloc|free|realloc)|malloc_consolidate|unlink_chunk|sysmalloc|systrim)(?:\.\S+)? \[",
    re.M,
)


def run(cluster, arguments, statements):
    """Instructions of the one backend that ran so many statements: all but malloc's, and malloc's."""
    out = cluster.installation.new_folder()
    postgres = cluster.installation.bin / "postgres"
    command = [
        *_as_server(), "env", "-u", "RUST_BACKTRACE", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
        "valgrind", "-q", "--tool=callgrind", "--trace-children=yes", f"--callgrind-out-file={out}/cg.%p",
        str(postgres), "-D", str(cluster.data), "-c", "jit=off",
    ]  # fmt: skip
    with subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            cluster.wait_until_serving(timeout=60)
            before = cluster.value("SELECT pg_backend_pid()")
            result = cluster.program("pgbench", "-n", "-c", 1, "-t", statements, *arguments, timeout=300)
            assert result.returncode == 0, result.stderr
        finally:
            if cluster.running():
                os.kill(int((cluster.data / "postmaster.pid").read_text().splitlines()[0]), signal.SIGINT)
            server.wait(timeout=120)
    # Of the processes that were started after that, pgbench's backend is the one that worked.
    later = [path for path in out.glob("cg.*") if int(path.suffix[1:]) > before]
    totals = {path: re.search(r"^(?:summary|totals): (\d+)", path.read_text(errors="replace"), re.M) for path in later}
    total, path = max((int(found.group(1)), path) for path, found in totals.items() if found)
    allocator = in_allocator(path)
    subprocess.run(["rm", "-rf", str(out)], check=True)
    return total - allocator, allocator


def in_allocator(path):
    """Instructions of malloc and free among those of a process."""
    listed = subprocess.run(
        ["callgrind_annotate", "--threshold=100", "--show-percs=no", "--inclusive=no", str(path)],
        capture_output=True, text=True, errors="replace", check=True,
    )  # fmt: skip
    return sum(int(found.replace(",", "")) for found in ALLOCATOR.findall(listed.stdout))


def per_statement(cluster, protocol, script):
    """The cost of one statement: all but malloc's, and malloc's."""
    arguments = ["-M", protocol, "-S"]
    if script is not None:
        path = cluster.folder / "script.sql"
        path.write_text(script, encoding="ascii")
        arguments = ["-M", protocol, "-f", path]
    long, short = run(cluster, arguments, LONG), run(cluster, arguments, SHORT)
    return tuple((more - less) / (LONG - SHORT) for more, less in zip(long, short, strict=True))


def main():
    saved = {"environment": figures.environment(), "per_statement": {}, "in_malloc": {}}
    with Servers(scale=1, start=False) as servers:
        for cluster in servers.clusters.values():
            # Small enough for callgrind to map, and without work of its own between statements.
            cluster.configure({"shared_buffers": "128MB"})
            cluster.start()
            assert cluster.program("psql", "-X", "-q", "-c", TABLES + "ANALYZE").returncode == 0
            cluster.stop()
        for name, protocol, script in QUICK_LOADS if figures.QUICK else LOADS:
            counts = {kind: per_statement(cluster, protocol, script) for kind, cluster in servers.clusters.items()}
            saved["per_statement"][name] = {kind: own for kind, (own, _) in counts.items()}
            saved["in_malloc"][name] = {kind: allocator for kind, (_, allocator) in counts.items()}
            figures.save("instructions", saved)
            told = (f"{kind} {own / 1000:.1f} k and {allocator / 1000:.1f} k in malloc" for kind, (own, allocator) in counts.items())
            print(f"{name}: {', '.join(told)}", file=sys.stderr)


if __name__ == "__main__":
    main()
