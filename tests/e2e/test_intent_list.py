"""The list of what is told before it runs, and what the documentation says of it, are the same."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIST = (ROOT / "src/capture/intent/list.rs").read_text(encoding="utf-8")
CHAPTER = (ROOT / "docs/format.md").read_text(encoding="utf-8").split("### Before it runs: STREAM INTENT")[1].split("\n### ")[0]
TABLES = [line for line in CHAPTER.splitlines() if line.startswith("| ")]

# Its constants, and the row of the documentation.
ROWS = {
    "SETTINGS": "settings",
    "FUNCTIONS": "functions of the server's",
    "LIBRARIES": "other functions",
    "WRAPPERS": "queries",
    "PLAIN_CATALOGS": "catalogs changed by hand",
}


def entries(constant):
    """What a constant of the list names."""
    body = re.sub("//.*", "", LIST).split(f" {constant}: ")[1].split(" = &[")[1].split("];")[0]
    return set(re.findall(r'"([\w ]+)(?:\(.*?\))?"', body))


def words(text):
    return set(re.findall(r"`([^`]+)`", text))


def row(begin):
    (found,) = (line for line in TABLES if line.startswith(f"| {begin}"))
    return found


def test_every_entry_has_a_reason():
    for constant in ("COMMANDS", "SETTINGS", "FUNCTIONS", "PLAIN_CATALOGS"):
        body = LIST.split(f" {constant}: ")[1].split(" = &[\n")[1]
        assert body.lstrip().startswith("//"), constant


def test_the_documentation_names_the_commands():
    commands = CHAPTER.split("| commands |")[1].split("\n\n")[0].splitlines()[2:]
    assert entries("COMMANDS") == set().union(*(words(line.split(" | ")[0]) for line in commands))


@pytest.mark.parametrize("constant", ROWS)
def test_the_documentation_names_the_entries(constant):
    documented = words(row(ROWS[constant])) - {"internal", "set_config", "objectType", "pg_settings", "pg_catalog"}
    assert entries(constant) == documented
