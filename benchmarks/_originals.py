"""Pictures of a folder that benchmarks cut or copy what they measure from.

A text file `alike.txt` in the folder may say which of them show the same picture or scene: their names on one line,
with spaces between. The first of a line stays. Whoever chose the pictures writes it by eye.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image

ALIKE = "alike.txt"


def pictures(folder: Path, largest_px: int) -> list[Image.Image]:
    """Pictures in RGB, shrunk to `largest_px` a side; how many files are left out, and why, is printed."""
    alike, unread = _alike(folder), 0
    found = []
    for file in sorted(folder.iterdir()):
        if file.name in alike or file.name == ALIKE:
            continue
        try:
            with warnings.catch_warnings(action="ignore"), Image.open(file) as opened:
                picture = opened.convert("RGB")
        except (OSError, SyntaxError, ValueError):
            unread += 1
            continue
        picture.info.clear()  # a colour that counts as transparent would be written into every copy
        picture.thumbnail((largest_px, largest_px), Image.Resampling.LANCZOS)
        found.append(picture)
    print(f"  {folder.name}: {len(found)} pictures; left out: {unread} that can't be read, {len(alike)} as of {ALIKE}")
    return found


def arrays(folder: Path, sides_px: tuple[int, int]) -> list[np.ndarray]:
    """(h, w, 3) uint8 each: pictures brought to sizes that parts can be cut from.

    Args:
        folder: of pictures.
        sides_px: least pixels of the shorter side, most of the longer one; what is longer is cut off.
    """
    least, most = sides_px
    found = []
    for picture in pictures(folder, most):
        scale = max(1.0, least / min(picture.size))
        picture = picture.resize((round(picture.width * scale), round(picture.height * scale)))
        found.append(np.asarray(picture.crop((0, 0, min(picture.width, most), min(picture.height, most)))))
    return found


def _alike(folder: Path) -> set[str]:
    """Names of files that show the same as the first of their line."""
    file = folder / ALIKE
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return {name for line in lines for name in line.split()[1:]}
