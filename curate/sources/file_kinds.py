"""What kind of content a file holds, by its ending; and which files are never data."""

from __future__ import annotations

import os
from typing import TypedDict


class TextOptions(TypedDict):
    """What the user said of text files; None where it is to be found."""

    delimiter: str | None
    encoding: str | None


IMAGE = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".png",
        ".bmp",
        ".gif",
        ".webp",
        ".tif",
        ".tiff",
        ".avif",
        ".heic",
        ".jp2",
        ".ppm",
        ".pgm",
        ".pbm",
    ]
)
AUDIO = frozenset(
    [".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff", ".au", ".wma", ".amr", ".caf"]
)
VIDEO = frozenset(
    [".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".flv", ".ogv", ".3gp", ".mts", ".m2ts"]
)
TEXT = frozenset((".txt", ".text", ".tokens"))
DELIMITED = frozenset((".csv", ".tsv", ".tab", ".data"))
SPLIT_ENDINGS = {
    ".train": "train", ".trn": "train", ".tra": "train",
    ".testa": "validation", ".dev": "validation", ".valid": "validation",
    ".testb": "test", ".test": "test", ".tst": "test", ".tes": "test",
}  # fmt: skip
"""Endings of files of any form that name a split (``eng.testa``, ``cooking.valid``, ``optdigits.tra``)."""
FIELDS = frozenset((".dat",))
"""Of anything; of MovieLens and others tables without a header."""
HEADERLESS = frozenset((".data", *FIELDS, *SPLIT_ENDINGS))
"""Above all of the repository of machine learning at Irvine, which writes no headers."""
QUESTIONS = frozenset((".label",))
"""Of TREC's questions behind their classes."""
JSON = frozenset((".jsonl", ".ndjson", ".json"))
ARROW = frozenset((".parquet", ".pq", ".arrow", ".feather", ".ipc"))
TAGGED = frozenset((".conll", ".conllu", ".bio", ".iob", ".iob2"))
SERIES = frozenset((".ts",))
WEKA = frozenset((".arff",))
MEMORIES = frozenset((".tmx",))
"""Of translations."""
TABLES = DELIMITED | JSON | ARROW | TAGGED | SERIES | WEKA | QUESTIONS | MEMORIES | frozenset(SPLIT_ENDINGS)
JUNK = frozenset(("thumbs.db", "desktop.ini", ".ds_store", "__macosx"))
ABOUT = (
    "readme",
    "license",
    "licence",
    "citation",
    "changelog",
    "notice",
    "authors",
    "classes.txt",
    "labels.txt",
    "export.json",
    "croissant.json",
)
_KIND = dict.fromkeys(IMAGE, "image") | dict.fromkeys(AUDIO, "audio") | dict.fromkeys(VIDEO, "video")


def ending(name: str) -> str:
    """The ending in lower case, with its dot."""
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 (called once per row)


def media_kind(name: str) -> str | None:
    """image, audio or video by the ending of a file name, else None."""
    return _KIND.get(ending(name))


def is_junk(name: str) -> bool:
    """Hidden files and what file managers leave behind."""
    return name.startswith(".") or name.lower() in JUNK


def is_about(name: str) -> bool:
    """Files that speak about the data: readme, licence, lists of classes, forms for submissions to a contest."""
    lowered = name.lower()
    return lowered.startswith(ABOUT) or ("submission" in lowered and ending(name) in DELIMITED)
