"""The classes of YOLO's numbers, from the files that list them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from curate.errors import DataError
from curate.sources.file_kinds import ending

if TYPE_CHECKING:
    import yaml

LISTS = ("classes.txt", "obj.names", "_darknet.labels", "labels.txt")
"""Files with a class in each line; ``names`` of a YAML file goes before them."""
LARGEST_LIST = 1 << 20
"""Bytes."""
MAX_DEPTH = 20


def class_names(folder: Path, files: Sequence[str]) -> tuple[dict[int, str], str | None, list[str]]:
    """Number -> class, the file that says so, and sentences about those that can't be read.

    Args:
        folder: of the set.
        files: paths in it.
    """
    notes = []
    yamls = [path for path in files if ending(path) in (".yaml", ".yml")]
    for path in (*yamls, *(path for path in files if PurePath(path).name.lower() in LISTS)):
        try:
            text = _text(folder / path)
            names = _of_yaml(text) if path in yamls else _of_lines(text)
        except (OSError, ValueError, DataError) as error:
            notes.append(f"{path}, which may name the classes, can't be read: {' '.join(str(error).split())[:200]}")
            continue
        if names:
            return names, path, notes
    return {}, None, notes


def _text(path: Path) -> str:
    if path.stat().st_size > LARGEST_LIST:
        raise DataError(f"it has more than {LARGEST_LIST >> 20} MB")
    return path.read_text("utf-8-sig")


def _of_lines(text: str) -> dict[int, str]:
    return dict(enumerate(line.strip() for line in text.splitlines() if line.strip()))


def _of_yaml(text: str) -> dict[int, str]:
    """What stands under ``names``, a list or a mapping by number; empty where nothing does."""
    import yaml

    from curate.sources.safe_yaml import line_nested_deeper

    if line := line_nested_deeper(text, MAX_DEPTH):
        raise DataError(f"line {line} is nested deeper than {MAX_DEPTH} levels")
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise DataError(str(error)) from None
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    node = next((value for key, value in pairs if key.value == "names"), None)
    if isinstance(node, yaml.SequenceNode):
        return {number: _scalar(one) for number, one in enumerate(node.value)}
    if isinstance(node, yaml.MappingNode):
        return {int(_scalar(key)): _scalar(one) for key, one in node.value}
    return {}


def _scalar(node: yaml.Node) -> str:
    if not isinstance(node.value, str):
        raise DataError(f"line {node.start_mark.line + 1}: a class is one word or number")
    return str(node.value)
