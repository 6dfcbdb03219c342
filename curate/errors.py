"""The tree of errors.

CurateError                 anything this library raises on purpose
├── ConfigError             the pipeline file, an option or a setting is wrong; nothing ran        exit code 2
│   └── MissingPackage      an optional extra is needed                                            exit code 2
├── DataError               the input can't be read, or lacks something that was asked for         exit code 3
├── GateFailed              a threshold that the user set was passed                               exit code 1
│   └── LimitExceeded       a fix would have touched more rows than its `limit` allows             exit code 1
└── StorageError            the disk, the cache or an output folder failed us                      exit code 4
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class CurateError(Exception):
    """Base of every error that this library raises on purpose."""

    exit_code = 4


class ConfigError(CurateError):
    """A pipeline file, an option or a setting is wrong; nothing ran."""

    exit_code = 2


class MissingPackage(ConfigError):
    """An optional dependency is needed; the message names the extra to install."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(f"{purpose} needs the package {package!r}: pip install 'curate-data[{extra}]'")
        self._given = package, extra, purpose

    def __reduce__(self) -> tuple[type[MissingPackage], tuple[str, str, str]]:
        """How it comes out of another process."""
        return type(self), self._given


class DataError(CurateError):
    """The input can't be read, or lacks something that was asked for."""

    exit_code = 3


class GateFailed(CurateError):
    """A threshold that the user set was passed."""

    exit_code = 1


class LimitExceeded(GateFailed):
    """A fix would have touched more rows than its `limit` allows."""


class StorageError(CurateError):
    """The disk, the cache or an output folder failed."""

    exit_code = 4


def nearest(name: str, known: Iterable[str], count: int = 1) -> str:
    """A hint ``" (did you mean 'x'?)"`` with the known names closest to `name`, or the empty string."""
    known = list(known)
    close = get_close_matches(name.lower(), known, n=count, cutoff=0.6)
    if not close:
        close = [k for k in known if len(k) > 2 and (name.lower().startswith(k) or k.startswith(name.lower()))][:count]
    return f" (did you mean {' or '.join(repr(c) for c in close)}?)" if close else ""
