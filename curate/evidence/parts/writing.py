"""Vectors that the machines which measure them write into the shared cache, so that they do not come back with a task.

A measure whose values are more than one number per row is written by the task as a chunk of the cache; what comes back
is the chunk's name, and the values of one number. Whether a machine shares the folder shows by a file that stands there
while the pass goes on; from one that does not, all values come back as they do without a cache.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from curate.engines.engine import current
from curate.errors import StorageError
from curate.evidence.cache import Cache
from curate.evidence.chunks import PARTIAL, Fields, map_chunk, set_aside
from curate.evidence.measure import Measure, blank
from curate.evidence.narrowing import Values
from curate.evidence.parts.rows import Part, PartedRows
from curate.evidence.trimming import mark_used

Batches = Sequence[tuple[int, np.ndarray, Values]]


def wide(fields: Fields) -> list[str]:
    """Fields of more than one number per row."""
    return [name for name, (dtype, shape) in fields.items() if shape and dtype != "str"]


@dataclass(frozen=True)
class Parted:
    """Values of some rows of which the wide ones lie in a part.

    Attributes:
        place: of the measure.
        rows: (m,) int64 positions, in the order of the part's lines.
        part: where they lie.
        values: those of one number per row, by field.
    """

    place: int
    rows: np.ndarray
    part: Part
    values: Values


@dataclass(frozen=True)
class PartWriter:
    """Writes the wide values of a pass where they are measured.

    Attributes:
        folder: of the cache, absolute.
        mark: file in it that machines see which share it.
        said: what stands in that file.
        measures: of the pass, by their place.
        keys: of the chunks of each.
    """

    folder: Path
    mark: Path
    said: str
    measures: tuple[Measure, ...]
    keys: tuple[str, ...]

    def written(
        self, measured: Batches, rows: np.ndarray, content: np.ndarray
    ) -> tuple[list[tuple[int, np.ndarray, Values]], list[Parted], str]:
        """Write what is wide of the batches of a chunk.

        Args:
            measured: (place of the measure, rows, values).
            rows: (m,) ascending positions of the chunk's rows.
            content: (m, 2) uint64 their content hashes.

        Returns:
            The batches that come back as they are, those that lie in parts, and why none could be written, else "".
        """
        why = self._refused()
        if why:
            return list(measured), [], why
        stay: list[tuple[int, np.ndarray, Values]] = []
        parted = []
        for place in dict.fromkeys(place for place, _, _ in measured):
            batches = [batch for batch in measured if batch[0] == place and len(batch[1])]
            fields = self.measures[place].fields
            if not batches or not wide(fields):
                stay += batches
                continue
            some = np.concatenate([own for _, own, _ in batches])
            values = {name: np.concatenate([one[name] for _, _, one in batches]) for name in fields}
            keys = content[np.searchsorted(rows, some)]
            try:
                path = Cache(self.folder).append(self.keys[place], keys, values)
                part = Part.of(path, len(some))
            except StorageError as error:
                stay, why = stay + batches, f"a node can't write into the folder of the cache: {error}"
                continue
            narrow = {name: values[name] for name in values.keys() - set(wide(fields))}
            parted.append(Parted(place, some, part, narrow))
        return stay, parted, why

    def _refused(self) -> str:
        try:
            shared = self.mark.read_text("utf-8") == self.said
        except OSError:
            shared = False
        return "" if shared else f"a node does not share the folder of the cache ({str(self.folder)!r})"


@contextmanager
def part_writer(store: Cache | None, measures: Sequence[Measure], keys: Sequence[str]) -> Iterator[PartWriter | None]:
    """What tasks write parts with while the block lasts; None without a cache, or one that can't be written.

    Args:
        store: the cache.
        measures: of a pass, at least one.
        keys: of the chunks of each.
    """
    if store is None:
        yield None
        return
    folder, said = store.folder.resolve(), uuid.uuid4().hex
    mark = folder / "measures" / keys[0] / f".shared.{said}{PARTIAL}"
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(said, "utf-8")
    except OSError:  # the keeper says so
        yield None
        return
    try:
        yield PartWriter(folder, mark, said, tuple(measures), tuple(keys))
    finally:
        with suppress(OSError):
            mark.unlink()


def located(
    store: Cache, key: str, content: np.ndarray, rows: np.ndarray, fields: Fields, values: dict[str, PartedRows]
) -> tuple[np.ndarray, Values, int]:
    """What the cache knows of some rows, the wide values left where they are.

    Args:
        store: the cache.
        key: of the measure.
        content: (m, 2) uint64 content hashes, all different.
        rows: (m,) their positions.
        fields: of the measure.
        values: by wide field, where it is noted which row lies where.

    Returns:
        As `Cache.lookup`, with values of one number per row alone.
    """
    order = np.argsort(content[:, 0])
    found, damaged = np.zeros(len(rows), dtype=bool), 0
    narrow = {name: blank(*kind, len(rows)) for name, kind in fields.items() if name not in values}
    looking = _Looking({name: fields[name] for name in narrow})
    paths = sorted((store.folder.resolve() / "measures" / key).glob("*.arrow"))
    for path, seen in zip(paths, _looked_into(paths, looking)):
        chunk = seen or looking(path)  # a machine may lack the folder
        mark_used(path)
        if chunk is None:
            damaged += path.exists()
            set_aside(path)
            continue
        held, columns = chunk
        part = Part.of(path, len(held))
        if not len(held) or not len(rows):
            continue
        place = order[np.searchsorted(content[:, 0], held[:, 0], sorter=order).clip(max=len(rows) - 1)]
        lines = np.flatnonzero((content[place] == held).all(1))
        place = place[lines]
        found[place] = True
        for name, array in narrow.items():
            array[place] = columns[name][lines]
        for own in values.values():
            own.lie_in(rows[place], part, lines)
    return found, narrow, damaged


Held = tuple[np.ndarray, Values]
LOOKED = 32
"""Chunks that a machine looks into at a time."""


@dataclass(frozen=True)
class _Looking:
    """Looks into chunks of the cache.

    Attributes:
        fields: of one number per row.
    """

    fields: Fields

    def __call__(self, path: Path) -> Held | None:
        """Keys and values of a chunk; None where it is damaged or gone."""
        found = map_chunk(path, self.fields)
        # Copies: views would travel with, or hold, all of the file.
        return None if found is None else (found[0].copy(), {name: own.copy() for name, own in found[1].items()})

    def several(self, paths: list[Path]) -> list[Held | None]:
        """The same of some."""
        return [self(path) for path in paths]


def _looked_into(paths: list[Path], looking: _Looking) -> Iterator[Held | None]:
    """What other machines see in each chunk, which they read to check it."""
    given = [paths[begin : begin + LOOKED] for begin in range(0, len(paths), LOOKED)]
    for some in current().ordered_map(looking.several, given):
        yield from some


def parted_fields(measures: Sequence[Measure], rows: int) -> dict[str, PartedRows]:
    """Field -> rows of the wide fields of some measures, all blank."""
    return {name: PartedRows(name, m.fields[name], rows) for m in measures for name in wide(m.fields)}
