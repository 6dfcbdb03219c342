"""Reading a pipeline file: YAML without surprises, with the place of every value."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import yaml

from curate.errors import ConfigError
from curate.sources.file_kinds import TABLES, ending
from curate.sources.safe_yaml import line_nested_deeper

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_NODES = 10_000
MAX_DIGITS = 100
TAB = "a tab, where YAML allows blanks alone: indent by blanks"

Place = tuple[str | int, ...]

_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_IMPLICIT = ("str", "int", "float", "bool", "null", "timestamp", "value", "merge", "!")
_NULL = {"", "~", "null", "Null", "NULL"}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"([-+]?)\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class Document:
    """The values of a YAML file and where each of them stands.

    YAML 1.2's plain scalars: only true and false are booleans (`on_flag: NO` is the text NO), 1e-3 is a number, 010 is
    ten, times are text. Tags, duplicate keys, several documents, nesting deeper than 64 and aliases that expand to
    more than 10,000 values are refused.
    """

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.places: dict[Place, tuple[int, int]] = {}
        self._nodes = 0
        if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
            raise ConfigError(f"{name}: larger than {MAX_BYTES // 1024} KiB: not a pipeline file")
        try:
            self._refuse_bombs(text)
            root = yaml.compose(text, Loader=yaml.CSafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
            begun = error.context_mark
            inside = f" (in what begins in line {begun.line + 1})" if begun and begun is not mark else ""
            tab = mark is not None and _at(text, mark) == "\t"
            said = TAB if tab else f"{error.problem or error.context}{inside}"
            raise ConfigError(f"{name}{where}: not valid YAML: {said}") from None
        except yaml.YAMLError as error:
            raise ConfigError(f"{name}: not valid YAML: {str(error).splitlines()[0]}") from None
        self.value: Any = None if root is None else self._build(root, ())

    @classmethod
    def read(cls, path: Path) -> Document:
        """Read a file. Raises ConfigError with file, line and column."""
        if path.is_dir() or (path.suffix.lower() != ".json" and ending(path.name) in TABLES):
            hint = f"`curate init {path}` writes one for it, and `curate audit {path}` needs none"
            raise ConfigError(f"{path}: a pipeline file is needed here, and this is data: {hint}")
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)  # a device may say that it is empty and never end
            if len(data) > MAX_BYTES:
                raise ConfigError(f"{path}: larger than {MAX_BYTES // 1024} KiB: not a pipeline file")
            return cls(data.decode("utf-8-sig"), str(path))
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path}: not UTF-8 text (byte {error.start})") from None
        except FileNotFoundError:
            hint = "there is no such file; `curate init DATA` writes a pipeline"
            raise ConfigError(f"{path}: can't be read: {hint}") from None
        except OSError as error:
            raise ConfigError(f"{path}: can't be read: {error.strerror or error}") from None

    def where(self, place: Place) -> str:
        """``file:line:column`` of a value, or of the nearest thing around it."""
        for end in range(len(place), -1, -1):
            if place[:end] in self.places:
                line, column = self.places[place[:end]]
                return f"{self.name}:{line}:{column}"
        return self.name

    def _refuse_bombs(self, text: str) -> None:
        if line := line_nested_deeper(text, MAX_DEPTH):
            raise ConfigError(f"{self.name}:{line}: nested deeper than {MAX_DEPTH} levels")

    def _fail(self, node: yaml.Node, message: str) -> ConfigError:
        mark = node.start_mark
        return ConfigError(f"{self.name}:{mark.line + 1}:{mark.column + 1}: {message}")

    def _build(self, node: yaml.Node, place: Place) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES or len(place) > MAX_DEPTH:
            raise self._fail(node, f"aliases expand to more than {MAX_NODES:,} values")
        self.places.setdefault(place, (node.start_mark.line + 1, node.start_mark.column + 1))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if isinstance(node, yaml.SequenceNode):
            self._refuse_tag(node, "seq")
            return [self._build(child, (*place, i)) for i, child in enumerate(node.value)]
        self._refuse_tag(node, "map")
        found: dict[Any, Any] = {}
        first: dict[Any, int] = {}
        for key_node, value_node in node.value:
            key = self._scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                raise self._fail(key_node, "a key must be text")
            line = key_node.start_mark.line + 1
            if key in found:
                raise self._fail(key_node, f"the key {key!r} stands twice, first in line {first[key]}")
            first[key] = line
            self.places[(*place, key)] = (line, key_node.start_mark.column + 1)
            found[key] = self._build(value_node, (*place, key))
        return found

    def _refuse_tag(self, node: yaml.Node, kind: str) -> None:
        if node.tag not in (f"tag:yaml.org,2002:{kind}", "!"):
            raise self._fail(node, f"the tag {_short(node.tag)} is not allowed: pipeline files hold plain values")

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text: str = node.value
        if node.tag.removeprefix("tag:yaml.org,2002:") not in _IMPLICIT:
            self._refuse_tag(node, "str")
        if node.style in ("'", '"', "|", ">"):
            return text
        if text in _NULL:
            return None
        if text in _BOOL:
            return _BOOL[text]
        if _INT.fullmatch(text):
            if len(text) > MAX_DIGITS:
                raise self._fail(node, f"a number of {len(text):,} digits")
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
        if special := _SPECIAL.fullmatch(text):
            return math.nan if special[3] else math.copysign(math.inf, -1 if special[1] == "-" else 1)
        return text


def _at(text: str, mark: yaml.Mark) -> str:
    """The character that a mark points at."""
    line = text.split("\n")[mark.line : mark.line + 1]
    return "".join(line)[mark.column : mark.column + 1]


def _short(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")
