"""Texts in several languages, whose lines of one number mean the same: ``train.en`` beside ``train.de``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath

import numpy as np
import pyarrow as pa

from curate.errors import DataError
from curate.sources.encodings import decode
from curate.sources.raw import Raw, concatenated, origins
from curate.sources.splits import about_and_split, split_name

SIDES = ("src", "tgt", "source", "target")
LANGUAGES = frozenset((
    "af", "am", "ar", "az", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "eo", "es", "et", "eu",
    "fa", "fi", "fr", "ga", "gl", "gu", "ha", "he", "hi", "hr", "ht", "hu", "hy", "id", "ig", "is", "it", "ja", "ka",
    "kk", "km", "kn", "ko", "ky", "lb", "lo", "lt", "lv", "mg", "mk", "ml", "mn", "mr", "ms", "mt", "my", "nb", "ne",
    "nl", "nn", "no", "pa", "pl", "ps", "pt", "ro", "ru", "rw", "si", "sk", "sl", "so", "sq", "sr", "sv", "sw", "ta",
    "te", "tg", "th", "tk", "tl", "tr", "tt", "ug", "uk", "ur", "uz", "vi", "xh", "yi", "yo", "zh", "zu", "zh-cn",
    "zh-tw", "zh_cn", "zh_tw", "eng", "deu", "fra", "spa", "rus", "ara", "zho", "jpn", "kor", "por", "ita", "nld",
))  # fmt: skip
COLUMN = "translation"


def language_pairs(paths: Sequence[str]) -> dict[str, list[str]]:
    """Path without the language -> paths, in the order of their languages in the name or else the alphabet."""
    found: dict[str, list[str]] = {}
    for path in sorted(paths):
        language = PurePath(path).suffix[1:]
        if language.lower() in LANGUAGES or language.lower() in SIDES:
            found.setdefault(str(PurePath(path).with_suffix("")), []).append(path)
    return {stem: sorted(same, key=lambda path: _place(stem, path)) for stem, same in found.items() if len(same) > 1}


def _place(stem: str, path: str) -> int:
    """Where the language stands in ``europarl-v7.de-en``; those that are not named stand last."""
    language = PurePath(path).suffix[1:].lower()
    words = PurePath(stem).name.lower().replace(".", "-").replace("_", "-").split("-")
    return words.index(language) if language in words else SIDES.index(language) if language in SIDES else len(words)


def read_parallel(folder: Path, pairs: dict[str, list[str]], source: str, encoding: str | None = None) -> Raw:
    """A row per line, with its text in each language; files named after splits give the split.

    Raises:
        DataError: files that belong together have unlike numbers of lines, or hold other languages than the others.
    """
    languages = {tuple(PurePath(path).suffix for path in paths) for paths in pairs.values()}
    if len(languages) > 1:
        listed = "; ".join(" + ".join(paths) for paths in pairs.values())
        raise DataError(f"{source}: files of unlike languages ({listed}); name those that are meant, as a list or glob")
    parts = []
    for stem, paths in pairs.items():
        part = _read(folder, paths, encoding)
        named = about_and_split(PurePath(stem).name)
        split = split_name(PurePath(stem).name) or (named[1] if named else None)
        if split and len(pairs) > 1:
            column = pa.array([split], pa.string()).take(pa.array(np.zeros(len(part), np.int64)))
            part = part.with_column("split", column)
        parts.append(part)
    return concatenated(parts, source)


def _read(folder: Path, paths: Sequence[str], encoding: str | None) -> Raw:
    decoded = {path: decode(folder / path, encoding) for path in paths}
    lines = {path: found.text.removesuffix("\n").split("\n") for path, found in decoded.items()}
    counts = {path: len(found) for path, found in lines.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{path} has {count:,}" for path, count in counts.items())
        raise DataError(f"lines of one number must mean the same, but {listed} lines")
    unreadable: dict[int, str] = {}
    texts: dict[str, list[str | None]] = {}
    for path, found in lines.items():
        broken = set(decoded[path].broken)
        unreadable |= {row: f"{path}, line {row + 1}: bytes that are no text" for row in broken}
        texts[PurePath(path).suffix[1:]] = [
            None if row in broken else line.strip() or None for row, line in enumerate(found)
        ]
    first = paths[0]
    rows = list(zip(*texts.values(), strict=True))
    for row, said in enumerate(rows):
        if not any(said):
            unreadable.setdefault(row, f"{first}, line {row + 1}: a blank line in every language")
    numbers = np.arange(1, counts[first] + 1)
    return Raw(
        pa.table(
            {COLUMN: pa.array([dict(zip(texts, said, strict=True)) for said in zip(*texts.values(), strict=True)])}
        ),
        first,
        root=folder,
        bases=(folder,),
        unreadable=unreadable,
        records={row: why.encode() for row, why in unreadable.items()},
        remarks=[remark for path, found in decoded.items() for remark in found.remarks(numbers, path)],
        origin=origins(first, numbers),
        notes=tuple(note for path, found in decoded.items() for note in found.notes(path)),
    )
