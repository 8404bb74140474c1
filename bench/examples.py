"""What the crates' own measuring program says of events on their way from the ring to the sealed record."""

import os
import re
import subprocess
import sys

import figures

ROUNDS = 1 if figures.QUICK else 5
# Title, thousand events a second of one processor, bytes of JSON and of the sealed record for each, events a record.
_LINE = re.compile(
    r"^(?P<title>.+?) +(?P<rate>[\d.]+) k events/s of one core; JSON (?P<json>[\d.]+) B, wire (?P<wire>[\d.]+) B .*?"
    r"(?P<events>[\d.]+) events a record",
    re.M,
)


def main():
    program = ["cargo", "run", "-q", "--locked", "--profile", os.environ.get("BENCH_PROFILE", "release")]
    program += ["-p", "activity-deliver", "--example", "ring_to_record", "--", str(ROUNDS)]
    text = subprocess.run(program, cwd=figures.ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout
    found = [
        {name: value if name == "title" else float(value) for name, value in line.groupdict().items()}
        for line in _LINE.finditer(text)
    ]
    assert found, text
    figures.save("examples", {"environment": figures.environment(), "ring_to_record": found})
    print(text, end="", file=sys.stderr)


if __name__ == "__main__":
    main()
