"""Small parts of the cache put together by machines of the engine, so that a large set does not lie in countless files.

A part has the rows of one task, some tens of media. Each process that reads rows in an order of its own opens all of
them; beyond some thousand parts that is what reading costs, and beyond those that a process may have open it does so
again for every block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from curate.engines.engine import current
from curate.errors import StorageError
from curate.evidence.cache import Cache
from curate.evidence.chunks import Fields, map_chunk
from curate.evidence.parts.rows import Part, PartedRows

FEWEST = 1_000
"""Small parts that are left alone."""
JOINED_BYTES = 1 << 25
"""Of small parts that become one; a part of a quarter of it is not small."""


def join_parts(fields: Fields, values: Sequence[PartedRows]) -> None:
    """Put small parts that a pass wrote together, if there are many; those that no machine could join stay.

    Args:
        fields: of the measure.
        values: its fields that lie in parts, all in the same ones.
    """
    # Older ones may be those of other rows that this process holds.
    small = [part for part in dict.fromkeys(values[0].written) if part.size < JOINED_BYTES // 4]
    if len(small) < FEWEST:
        return
    groups = list(_groups(small))
    made = zip(groups, current().ordered_map(_Joining(fields), groups), strict=True)
    joined = [(group, part) for group, part in made if part is not None and part.is_there()]
    for own in values:
        own.join(joined)
    for group, part in joined:
        for old in group:
            if old.path != part.path:
                with suppress(OSError):
                    old.path.unlink()


def _groups(small: Sequence[Part]) -> Iterator[list[Part]]:
    """Two or more parts of one folder each, of no more than `JOINED_BYTES` in all."""
    group: list[Part] = []
    for part in small:
        full = sum(one.size for one in group) + part.size > JOINED_BYTES
        if group and (full or group[0].path.parent != part.path.parent):
            if len(group) > 1:
                yield group
            group = []
        group.append(part)
    if len(group) > 1:
        yield group


@dataclass(frozen=True)
class _Joining:
    """Writes the rows of some chunks as one.

    Attributes:
        fields: of the measure.
    """

    fields: Fields

    def __call__(self, parts: list[Part]) -> Part | None:
        """Where the rows lie now; None where they lie as before, as this machine does not see or can't write them."""
        chunks = [map_chunk(part.path, self.fields) for part in parts]
        held = [chunk for chunk in chunks if chunk is not None]
        if len(held) < len(chunks):
            return None
        keys = np.concatenate([keys for keys, _ in held])
        values = {name: np.concatenate([own[name] for _, own in held]) for name in self.fields}
        folder = parts[0].path.parent
        try:
            return Part.of(Cache(folder.parent.parent).append(folder.name, keys, values), len(keys))
        except StorageError:
            return None
