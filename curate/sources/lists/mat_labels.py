"""Labels of pictures in files of Matlab, as Oxford Flowers 102 and Stanford Cars have them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from curate.sources.lists.label_lists import LabelLists
from curate.sources.lists.split_lists import places_of
from curate.sources.splits import CANONICAL

LARGEST_FILE = 64 << 20
"""Bytes."""
FLOWERS = {"trnid": "train", "valid": "validation", "tstid": "test"}
_NUMBER = re.compile(r"(\d+)$")
_CARS = re.compile(r"^cars_(?P<split>train|test)_annos(_withlabels)?$")


def read_mat_labels(folder: Path, others: Sequence[str], files: Sequence[str]) -> LabelLists | None:
    """The labels by ``imagelabels.mat`` and ``setid.mat``, or by ``cars_train_annos.mat``; None without them.

    Args:
        folder: that all paths are relative to.
        others: files in it, those of Matlab among them.
        files: (n,) images in it.
    """
    found = {PurePosixPath(path).stem: path for path in others if path.lower().endswith(".mat")}
    if "imagelabels" in found:
        return _flowers(folder, found, files)
    if any(_CARS.match(stem) for stem in found):
        return _cars(folder, found, files)
    return None


def _arrays(path: Path) -> dict[str, Any]:
    """The arrays of a file; none where it can't be read."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        return loadmat(path, squeeze_me=True) if path.stat().st_size <= LARGEST_FILE else {}
    except (MatReadError, ValueError, TypeError, NotImplementedError, OSError):
        return {}


def _flowers(folder: Path, found: dict[str, str], files: Sequence[str]) -> LabelLists | None:
    """Labels by the numbers of the images, which count from 1."""
    labels = np.atleast_1d(_arrays(folder / found["imagelabels"]).get("labels", []))
    if not len(labels):
        return None
    sets = _arrays(folder / found["setid"]) if "setid" in found else {}
    splits = {int(n): split for name, split in FLOWERS.items() for n in np.atleast_1d(sets.get(name, []))}
    numbers = [int(m[1]) if (m := _NUMBER.search(PurePosixPath(file).stem)) else 0 for file in files]
    named = [str(labels[n - 1]) if 0 < n <= len(labels) else None for n in numbers]
    lists = tuple(found[stem] for stem in ("imagelabels", "setid") if stem in found)
    return LabelLists(named, [splits.get(n) for n in numbers], lists, [f"labels are those of {lists[0]}"])


def _cars(folder: Path, found: dict[str, str], files: Sequence[str]) -> LabelLists | None:
    """Labels by the names of files, which the folders of training and testing share."""
    names = next(
        (_arrays(folder / path).get("class_names") for stem, path in found.items() if stem == "cars_meta"), None
    )
    called = [] if names is None else [str(name) for name in np.atleast_1d(names)]
    labels: list[str | None] = [None] * len(files)
    splits: list[str | None] = [None] * len(files)
    places, used = places_of(files), []
    for stem in sorted(found):
        match = _CARS.match(stem)
        entries = _arrays(folder / found[stem]).get("annotations") if match else None
        if match is None or entries is None or not {"fname"} <= set(entries.dtype.names or ()):
            continue
        used.append(found[stem])
        for entry in np.atleast_1d(entries):
            row = places.get(f"cars_{match['split']}/{entry['fname']}")
            if row is not None:
                splits[row] = CANONICAL[match["split"]]
                labels[row] = _name(entry, called) or labels[row]
    return LabelLists(labels, splits, tuple(used), [f"labels are those of {' and '.join(used)}"]) if used else None


def _name(entry: Any, called: Sequence[str]) -> str | None:
    if "class" not in (entry.dtype.names or ()):
        return None
    number = int(entry["class"])
    return called[number - 1] if 0 < number <= len(called) else str(number)
