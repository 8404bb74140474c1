"""Where figures are kept: a JSON file for each program, in .state/bench."""

import json
import os
import platform
import subprocess
from datetime import datetime, timezone
from pathlib import Path

from modules_path import ROOT

QUICK = bool(os.environ.get("BENCH_QUICK"))
FOLDER = Path(os.environ.get("ACTIVITY_STATE", ROOT / ".state")) / ("bench-quick" if QUICK else "bench")


def setting(name, default, quick):
    """A number from the environment."""
    return int(os.environ.get(name, quick if QUICK else default))


def save(name, figures):
    """Writes them; what is there of an earlier run is replaced."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    new = path.with_suffix(".new")
    new.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    new.rename(path)


def load(name):
    """What was saved, or nothing."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def environment():
    """On what, of what and when."""
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
    postgres = subprocess.check_output([os.environ["ACTIVITY_E2E_PG_CONFIG"], "--version"], text=True).strip()
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "postgres": postgres,
        "commit": commit.stdout.strip() or None,
        "profile": os.environ.get("BENCH_PROFILE", "release"),
        "processors": os.cpu_count(),
        "processor": model,
        "kernel": platform.release(),
        "quick": QUICK,
    }
