"""Processes that run `curate` as an installation does: compiled beforehand, whatever the checkout's shell says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def environment() -> dict[str, str]:
    """Of such a process: one thread per library, and Python may read and write what it compiles."""
    own = os.environ | {"OMP_NUM_THREADS": "1"}
    own.pop("PYTHONDONTWRITEBYTECODE", None)
    return own


def compiled() -> None:
    """Compile the package, which else every process would do anew where nothing may be written."""
    import curate

    home = Path(str(curate.__file__)).parent
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(home)], check=True, env=environment())
