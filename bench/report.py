"""Puts figures into the README, between the marks."""

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"


def main():
    section = sys.stdin.read().strip()
    text = README.read_text(encoding="utf-8")
    marked = r"(<!-- bench: begin -->\n).*?(<!-- bench: end -->)"
    replaced, count = re.subn(marked, lambda m: m.group(1) + section + "\n" + m.group(2), text, flags=re.S)
    assert count == 1, "README.md has no place for the figures"
    README.write_text(replaced, encoding="utf-8")


if __name__ == "__main__":
    main()
