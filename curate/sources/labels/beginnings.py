"""Names of files that begin with their class: ``cat.0.jpg``, ``dog_bark_0012.wav``."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence

from curate.sources.splits import CANONICAL
from curate.table import HELD_OUT
from curate.wording import some_of

NUMBERED = re.compile(r"(?P<word>[A-Za-z]+(?:[-_ ][A-Za-z]+)*)[-_. ]?\d+")
LEAST_OF_A_WORD = 5
"""Files whose names begin with a word, from which on it may be a class."""
NO_CLASSES = frozenset((
    "img", "image", "dsc", "dscn", "dscf", "pic", "photo", "picture", "frame", "still", "shot", "video", "vid",
    "clip", "mov", "mvi", "gopr", "gh", "dji", "pxl", "audio", "sound", "rec", "recording", "track", "take", "file",
    "sample", "item", "row", "scan", "page", "screenshot", "capture", "snapshot", "untitled", "copy", "new", "test",
    "train", "mask", "label", "gt", "left", "right", "rgb", "depth", "color", "colour", "gray", "grey", "ir",
    "noisy", "clean", "hr", "lr", "low", "high", "input", "output", "target", "source", "mix", "speaker", "person",
    "subject", "user", "id", "face", "patient", "case", "slice", "part", "batch", "fold",
))  # fmt: skip
"""Words that say what made a file or whose part it is."""


def by_beginnings(files: Sequence[str], splits: Sequence[str | None]) -> tuple[list[str | None] | None, list[str]]:
    """The word that each name begins with, as its label, where this holds for all files; and a sentence.

    Names of files that are held out may be bare numbers. Where only some names begin with one of several words, or
    with words that are hardly classes (``IMG_0001``), there are no labels, and the sentence says how to get them.

    Args:
        files: (n,) paths.
        splits: (n,) of each file.
    """
    stems = [os.path.splitext(path.rsplit(os.sep, 1)[-1])[0] for path in files]  # noqa: PTH122 (called once per row)
    words = [match["word"] if (match := NUMBERED.fullmatch(stem)) else None for stem in stems]
    counts = Counter(word for word in words if word is not None)
    known = {word for word, count in counts.items() if count >= LEAST_OF_A_WORD}
    if len(known) < 2 or 2 * sum(counts[word] for word in known) < len(files):
        return None, []
    listed = some_of(sorted(known), 4, repr)
    sure = known == counts.keys() and all(
        word is not None or (split in HELD_OUT and stem.isdecimal()) for word, stem, split in zip(words, stems, splits)
    )
    if sure and not any(_hardly(word) for word in known):
        return words, [
            f"labels are what the names of files begin with ({listed}): if these are no classes, say so (--kind"
            " unlabeled, or task: {kind: unlabeled}) or what the names say (--file-names, or task: {file_names: ...})"
        ]
    return None, [
        f"names of files begin with {listed}: if these are classes, say so (--file-names '{{label}}{{_:d}}' with what"
        " stands between, or task: {file_names: ...}), or list the files with a label in a table (metadata.csv:"
        " file_name,label)"
    ]


def _hardly(word: str) -> bool:
    """Whether a word is hardly a class."""
    parts = re.split(r"[-_ ]", word.lower())
    return bool({*parts, parts[0].rstrip("s")} & NO_CLASSES) or word.lower() in CANONICAL
