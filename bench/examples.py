"""What the crates' own measuring programs say: of events from the ring to the sealed record, and of sealing alone."""

import os
import re
import subprocess
import sys

import figures

# Title, thousand events a second of one processor, bytes of JSON and of the sealed record for each, events a record.
_RING = re.compile(
    r"^(?P<title>.+?) +(?P<rate>[\d.]+) k events/s of one core; JSON (?P<json>[\d.]+) B, wire (?P<wire>[\d.]+) B .*?"
    r"(?P<events>[\d.]+) events a record",
    re.M,
)
_SEALING = re.compile(r"^(?P<title>batches of .+?): (?P<events>\d+) events a record, (?P<json>\d+) B of JSON an event$", re.M)
_SEAL = re.compile(r"^seal, 0x0178 .*? (?P<rate>\d+) k events/s +(?P<wire>\d+) B an event", re.M)
_PROFILE = os.environ.get("BENCH_PROFILE", "release")


def run(package, example):
    """What an example prints; nothing where there is none of that name."""
    folder = figures.ROOT / "crates" / package / "examples"
    if not any(folder.glob(f"{example}*")):
        return None
    command = ["cargo", "run", "-q", "--locked", "--profile", _PROFILE, "-p", package, "--example", example]
    return subprocess.run(command, cwd=figures.ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout


def numbers(found):
    """The groups of a match as numbers, but for the title."""
    return {name: text if name == "title" else float(text) for name, text in found.items()}


def main():
    saved = {"environment": figures.environment(), "ring_to_record": [], "sealing": []}
    if text := run("activity-deliver", "ring_to_record"):
        saved["ring_to_record"] = [numbers(found.groupdict()) for found in _RING.finditer(text)]
        assert saved["ring_to_record"], text
    text = run("activity-seal", "sealing_speed")
    for found in _SEALING.finditer(text):
        seal = _SEAL.search(text, found.end())
        saved["sealing"].append(numbers(found.groupdict() | seal.groupdict()))
    assert saved["sealing"], text
    figures.save("examples", saved)
    print(saved["ring_to_record"] or saved["sealing"], file=sys.stderr)


if __name__ == "__main__":
    main()
