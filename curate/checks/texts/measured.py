"""The measures of the texts that are judged, each in double precision only while it is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence


class Measured(Mapping[str, np.ndarray]):
    """Field (without ``text.``) -> (m,) values of the rows that are judged.

    Fractions are given in double precision, made anew each time that they are asked for: of a million rows all of them
    at once would take more than what is kept of them. Who looks at single rows asks once beforehand.

    Args:
        evidence: has the values.
        fields: that may be asked for.
        rows: which rows, a slice or (m,) positions.
    """

    def __init__(self, evidence: Evidence, fields: Sequence[str], rows: slice | np.ndarray) -> None:
        self._evidence, self._fields, self._rows = evidence, tuple(fields), rows

    def __getitem__(self, field: str) -> np.ndarray:
        """(m,) values. Raises KeyError for a field that was not named."""
        if field not in self._fields:
            raise KeyError(field)
        values = self._evidence.measure(f"text.{field}")[self._rows]
        return values.astype(np.float64) if values.dtype == np.float32 else values

    def __contains__(self, field: object) -> bool:
        """Whether a field was named; its values are not looked up."""
        return field in self._fields

    def __iter__(self) -> Iterator[str]:
        """The fields."""
        return iter(self._fields)

    def __len__(self) -> int:
        """How many fields."""
        return len(self._fields)
