"""Imported before them: where the modules of the end-to-end tests and of the endurance runs are."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "bench" / "endurance")]
