"""The fields of a table as codes, and how alike two values of a field are."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import MissingPackage

MISSING, EQUAL, SIMILAR, DIFFERENT = 0, 1, 2, 3
BLANK = frozenset({"", "?", "-", "--", "n/a", "na", "nan", "null", "none", "nil", "unknown", "missing"})
LARGEST_VALUE = 256
"""Characters of a value that are compared."""
LEAST_LIKENESS, SHORTEST = 0.7, 3
"""Values are similar from this share of characters on that no edit touches, and if both have so many characters."""
ESTABLISHED = 3
"""A value that so many rows have is no slip of the pen: two of them are different, however alike they look."""


@dataclass(frozen=True)
class Field:
    """One column.

    Attributes:
        codes: (n,) int64 value of each row, -1 where missing.
        values: the values, as they are compared (case, forms and blanks set aside).
        counts: (v,) int64 rows that have each value.
    """

    codes: np.ndarray
    values: np.ndarray
    counts: np.ndarray

    @property
    def agreement(self) -> float:
        """Probability that two rows that have a value have the same one."""
        total = self.counts.sum()
        return float((self.counts * (self.counts - 1)).sum() / max(total * (total - 1), 1))

    @property
    def tells(self) -> bool:
        """Whether two rows can agree, and can differ: a constant says nothing, nor does a serial number."""
        seen = self.counts[self.counts > 0]
        return len(seen) > 1 and bool((seen > 1).any())

    def of(self, rows: np.ndarray) -> Field:
        """The field of some rows."""
        codes = self.codes[rows]
        return Field(codes, self.values, np.bincount(codes[codes >= 0], minlength=len(self.values)))

    def counted_by(self, other: Field) -> Field:
        """The field with the counts of another."""
        return Field(self.codes, self.values, other.counts)


def encode(column: pa.ChunkedArray) -> Field:
    """A column of scalars; numbers are compared by their digits."""
    texts = pc.cast(column, pa.string()) if not pa.types.is_nested(column.type) else pa.nulls(len(column), pa.string())
    texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    encoded = texts.dictionary_encode()
    folded = [_folded(value) for value in encoded.dictionary.to_pylist()]
    values = sorted({value for value in folded if value not in BLANK})
    place = {value: number for number, value in enumerate(values)}
    moved = np.array([place.get(value, -1) for value in folded] + [-1], dtype=np.int64)
    codes = moved[pc.fill_null(encoded.indices, len(folded)).to_numpy(zero_copy_only=False)]
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    return Field(codes, np.array(values, dtype=np.dtypes.StringDType()), counts)


def _folded(value: str) -> str:
    text = " ".join(unicodedata.normalize("NFKC", value[:LARGEST_VALUE]).casefold().split())
    return text.removesuffix(".0") if text[:-2].lstrip("-").isdigit() else text


def compare_values(field: Field, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """How pairs of rows compare in a field.

    Args:
        field: the column.
        left: (p,) int64 rows.
        right: (p,) int64 rows.

    Returns:
        (p,) int8: missing in either, equal, similar (an edit or two apart, or the same words in another order) or
        different.
    """
    one, other = field.codes[left], field.codes[right]
    level = np.where(one == other, EQUAL, DIFFERENT).astype(np.int8)
    level[(one < 0) | (other < 0)] = MISSING
    unequal = np.flatnonzero(level == DIFFERENT)
    if not len(unequal):
        return level
    low, high = np.minimum(one[unequal], other[unequal]), np.maximum(one[unequal], other[unequal])
    unique, inverse = np.unique(low * len(field.values) + high, return_inverse=True)
    low, high = unique // len(field.values), unique % len(field.values)
    alike = np.zeros(len(unique), dtype=bool)
    slip = np.flatnonzero(np.minimum(field.counts[low], field.counts[high]) < ESTABLISHED)
    alike[slip] = similar_texts(field.values[low[slip]], field.values[high[slip]])
    level[unequal[alike[inverse]]] = SIMILAR
    return level


def equal_share(fields: Sequence[Field], left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) share of equal values among the fields that both rows of a pair have."""
    equal, both = np.zeros(len(left)), np.zeros(len(left))
    for field in fields:
        one, other = field.codes[left], field.codes[right]
        filled = (one >= 0) & (other >= 0)
        both += filled
        equal += filled & (one == other)
    return equal / np.maximum(both, 1)


def similar_texts(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) texts and (p,) texts -> (p,) bool: at most three of ten characters inserted, left out, replaced or swapped,
    as they stand or with their words sorted, or (Jaro-Winkler) a common beginning and a slip after it."""
    try:
        from rapidfuzz.distance import OSA, JaroWinkler
        from rapidfuzz.process import cpdist
    except ImportError:
        raise MissingPackage("rapidfuzz", "tabular", "finding records that are almost equal") from None
    if not len(left):
        return np.zeros(0, dtype=bool)
    one, other = left.tolist(), right.tolist()
    likeness = cpdist(one, other, scorer=OSA.normalized_similarity, dtype=np.float32)
    words = [" ".join(sorted(text.split())) for text in one], [" ".join(sorted(text.split())) for text in other]
    likeness = np.maximum(likeness, cpdist(*words, scorer=OSA.normalized_similarity, dtype=np.float32))
    close = cpdist(one, other, scorer=JaroWinkler.normalized_similarity, dtype=np.float32) >= 0.9
    numeric = np.array([a.isdecimal() and b.isdecimal() for a, b in zip(one, other)])
    long = np.minimum(np.strings.str_len(left), np.strings.str_len(right)) >= SHORTEST
    return long & ((likeness >= LEAST_LIKENESS) | (close & ~numeric))
