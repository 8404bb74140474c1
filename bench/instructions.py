"""Instructions that a backend executes per statement, with and without activity_stream, by callgrind.

The difference between a long and a short session takes the session's own cost out. Callgrind counts the same for the same
binary and input whatever else the machine does; differences of 200 instructions mean nothing.
"""

import os
import re
import signal
import subprocess
from pathlib import Path

from servers import bare_and_streaming
from server import _as_server  # the servers' own way to become their user
from waiting import wait_for

SHORT, LONG = 500, 5500
LOADS = {"SELECT 1, prepared": ["-M", "prepared"], "select-only, prepared": ["-M", "prepared", "-S"], "select-only, simple": ["-S"]}


def run(cluster, arguments, statements):
    """Instructions of the one backend that ran so many statements."""
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
            result = cluster.program("pgbench", "-n", "-c", 1, "-t", statements, *arguments, timeout=300)
            assert result.returncode == 0, result.stderr
        finally:
            if (cluster.data / "postmaster.pid").exists():
                os.kill(int((cluster.data / "postmaster.pid").read_text().splitlines()[0]), signal.SIGINT)
            server.wait(timeout=120)
    # The process that was started last is pgbench's backend: the worker was there before, and nothing else comes and goes.
    latest = max(out.glob("cg.*"), key=lambda path: int(path.suffix[1:]))
    total = re.search(r"^(?:summary|totals): (\d+)", latest.read_text(errors="replace"), re.M)
    subprocess.run(["rm", "-rf", str(out)], check=True)
    return int(total.group(1))


def per_statement(cluster, arguments):
    """The cost of one statement."""
    return (run(cluster, arguments, LONG) - run(cluster, arguments, SHORT)) / (LONG - SHORT)


def main():
    script = Path("/tmp") / f"activity-select-1-{os.getpid()}.sql"
    script.write_text("SELECT 1;\n", encoding="ascii")
    print("| statement | bare | async | more |")
    print("|---|---|---|---|", flush=True)
    with bare_and_streaming() as (bare, streaming, _):
        for cluster in (bare, streaming):
            assert cluster.program("pgbench", "-i", "-q", "-s", 1).returncode == 0
            cluster.stop()
        for name, arguments in LOADS.items():
            arguments = arguments if "-S" in arguments else [*arguments, "-f", script]
            counts = [per_statement(cluster, arguments) for cluster in (bare, streaming)]
            more = counts[1] / counts[0] - 1
            print(f"| {name} | {counts[0] / 1000:.1f} k | {counts[1] / 1000:.1f} k | {more:.0%} |", flush=True)
    script.unlink()


if __name__ == "__main__":
    main()
