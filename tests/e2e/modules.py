"""A small library for the server, compiled here: what no package of PostgreSQL ships."""

import shutil
import subprocess
from pathlib import Path

import pytest

_SOURCE = Path(__file__).parent / "modules.c"


def build(installation, folder):
    """Compiles the library into a folder of the server's; its path."""
    compiler = shutil.which("cc")
    headers = subprocess.check_output([installation.bin / "pg_config", "--includedir-server"], text=True).strip()
    if not compiler or not (Path(headers) / "postgres.h").exists():
        pytest.skip("needs a C compiler and the server's headers")
    library = folder / "e2e_modules.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", f"-I{headers}", "-o", library, _SOURCE], check=True)
    return library
