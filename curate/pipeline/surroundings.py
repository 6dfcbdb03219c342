"""What results depend on beside rows and settings: the code, what is installed, the models and devices there are."""

from __future__ import annotations

import os
import platform
import sys
from functools import cache
from pathlib import Path

import xxhash

import curate

NAMED = ("HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_CACHE", "CUDA_VISIBLE_DEVICES")


@cache
def surroundings() -> str:
    """Hash of the code's files and of the folders of packages, by size and time: nothing is read or imported."""
    lines = [platform.python_version(), platform.machine(), curate.__version__]
    lines += [f"{name}={os.environ.get(name, '')}" for name in NAMED]
    home = Path(curate.__file__).parent
    for folder, _, names in os.walk(home):
        lines += [_stamp(os.path.join(folder, name)) for name in names if name.endswith((".py", ".yaml", ".json"))]  # noqa: PTH118 (a Path per file is slow)
    # Whatever is installed or removed changes the folder that it stands in.
    lines += [_stamp(entry) for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    lines += sorted(_stamp(str(path)) for path in _models().glob("models--*"))
    lines += sorted(path.name for path in Path("/dev").glob("nvidia[0-9]*"))
    return xxhash.xxh3_128_hexdigest("\n".join(sorted(lines)).encode("utf-8", "surrogateescape"))


def _models() -> Path:
    """Where the hub's client keeps models."""
    if named := os.environ.get("HF_HUB_CACHE"):
        return Path(named)
    base = os.environ.get("HF_HOME")
    return (Path(base) if base else Path.home() / ".cache" / "huggingface") / "hub"


def _stamp(path: str) -> str:
    try:
        about = os.stat(path)  # noqa: PTH116 (a Path per file is slow)
    except OSError:
        return path
    return f"{path}:{about.st_size if not os.path.isdir(path) else 0}:{about.st_mtime_ns}"  # noqa: PTH112 (as above)
