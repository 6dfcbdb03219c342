"""Objects with a part of transformers in them on their way to other processes."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from curate.media.torch_audio import guard_torchaudio


class _First:
    """Goes before a processor to another process, where transformers may not have been loaded with care yet."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _guarded, ()


def _guarded() -> _First:
    guard_torchaudio()
    return _First()


class Guarded:
    """A dataclass with a processor that arrives in other processes after `guard_torchaudio`."""

    def __reduce__(self) -> tuple[Any, ...]:
        values = tuple(getattr(self, one.name) for one in fields(self))  # pyright: ignore[reportArgumentType]
        return _restored, (_First(), type(self), values)


def _restored(first: _First, cls: type, values: tuple[Any, ...]) -> Any:
    return cls(*values)
