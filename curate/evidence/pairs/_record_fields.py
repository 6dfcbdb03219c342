"""The fields of a table as codes, and how alike two values of a field are."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import MissingPackage
from curate.stand_ins import NOTHING_SAID

MISSING, EQUAL, SIMILAR, DIFFERENT = 0, 1, 2, 3
BLANK = frozenset({"", *NOTHING_SAID})
LARGEST_VALUE = 256
"""Characters of a value that are compared."""
LEAST_LIKENESS, SHORTEST = 0.7, 3
"""Values are similar from this share of characters on that no edit touches, and if both have so many characters."""
ESTABLISHED = 3
"""A value that so many rows have is no slip of the pen: two of them are different, however alike they look."""
WIDE = 128
"""Fields beyond which a table is wide: rows are brought together by some of them, and fewer pairs compared in all of
them, so that the work grows with the cells and not with the square of the fields."""
BLOCK_CELLS, MOST_WAITING = 1 << 18, 1 << 16
"""Cells, and pairs of texts, that are compared at a time."""


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
    if pa.types.is_floating(column.type):
        texts = pc.replace_substring_regex(texts, r"\.0$", "")
    encoded = texts.dictionary_encode()
    found = encoded.dictionary.to_pylist()
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):  # numbers have one form
        found = [_folded(value) for value in found]
    values = sorted(set(found) - BLANK)
    place = {value: number for number, value in enumerate(values)}
    moved = np.array([place.get(value, -1) for value in found] + [-1], dtype=np.int64)
    codes = moved[pc.fill_null(encoded.indices, len(found)).to_numpy(zero_copy_only=False)]
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
    return levels([field], left, right)[:, 0]


def levels(fields: Sequence[Field], left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p, d) int8 comparison of every field of pairs of rows; texts of several fields are compared at once."""
    out = np.empty((len(left), len(fields)), dtype=np.int8)
    waiting: list[_Unequal] = []
    texts = 0
    for place, field in enumerate(fields):
        one, other = field.codes[left], field.codes[right]
        level = np.where(one == other, EQUAL, DIFFERENT).astype(np.int8)
        level[(one < 0) | (other < 0)] = MISSING
        out[:, place] = level
        unequal = np.flatnonzero(level == DIFFERENT)
        if len(unequal):
            waiting.append(_Unequal.of(field, place, unequal, one[unequal], other[unequal]))
            texts += len(waiting[-1].left)
        if texts > MOST_WAITING:
            _mark_similar(out, waiting)
            waiting, texts = [], 0
    _mark_similar(out, waiting)
    return out


class _Unequal(NamedTuple):
    """Pairs of rows that differ in one field.

    Attributes:
        field: its place.
        pairs: (u,) places of the pairs.
        texts: (u,) which of the texts each pair has; -1 for values that are too common to be a slip of each other.
        left: (t,) texts that may be slips, each pair of them once.
        right: (t,).
    """

    field: int
    pairs: np.ndarray
    texts: np.ndarray
    left: np.ndarray
    right: np.ndarray

    @classmethod
    def of(cls, field: Field, place: int, pairs: np.ndarray, one: np.ndarray, other: np.ndarray) -> _Unequal:
        unique, inverse = np.unique(
            np.minimum(one, other) * len(field.values) + np.maximum(one, other), return_inverse=True
        )
        low, high = unique // len(field.values), unique % len(field.values)
        slip = np.minimum(field.counts[low], field.counts[high]) < ESTABLISHED
        texts = np.where(slip, np.cumsum(slip) - 1, -1)[inverse]
        return cls(place, pairs, texts, field.values[low[slip]], field.values[high[slip]])


def _mark_similar(out: np.ndarray, waiting: Sequence[_Unequal]) -> None:
    if not waiting:
        return
    alike = similar_texts(*(np.concatenate([part[side] for part in waiting]) for side in (3, 4)))
    begin = 0
    for part in waiting:
        own = np.append(alike[begin : begin + len(part.left)], False)
        out[part.pairs[own[part.texts]], part.field] = SIMILAR
        begin += len(part.left)


def side_by_side(fields: Sequence[Field]) -> np.ndarray:
    """(n, d) int32 codes of all fields, -1 where missing."""
    codes = np.empty((len(fields[0].codes), len(fields)), dtype=np.int32)
    for place, field in enumerate(fields):
        codes[:, place] = field.codes
    return codes


def equal_share(codes: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) share of equal values among the fields that both rows of a pair have.

    Args:
        codes: (n, d) as `side_by_side` gives them.
        left: (p,) int64 rows.
        right: (p,) int64 rows.
    """
    equal, both = equal_fields(codes, left, right)
    return equal / np.maximum(both, 1)


def equal_fields(codes: np.ndarray, left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(p,) and (p,) int64: fields in which pairs of rows have the same value, and those that both have."""
    equal, both = np.empty(len(left), dtype=np.int64), np.empty(len(left), dtype=np.int64)
    step = max(1, BLOCK_CELLS // max(codes.shape[1], 1))
    for first in range(0, len(left), step):
        part = slice(first, first + step)
        one, other = codes.take(left[part], 0), codes.take(right[part], 0)
        same = one == other
        filled = (one >= 0) & (other >= 0)
        both[part] = np.count_nonzero(filled, axis=1)
        same &= filled
        equal[part] = np.count_nonzero(same, axis=1)
    return equal, both


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
    spaced = [place for place, texts in enumerate(zip(one, other)) if " " in texts[0] or " " in texts[1]]
    if spaced:
        words = [[" ".join(sorted(texts[place].split())) for place in spaced] for texts in (one, other)]
        likeness[spaced] = np.maximum(
            likeness[spaced], cpdist(*words, scorer=OSA.normalized_similarity, dtype=np.float32)
        )
    close = cpdist(one, other, scorer=JaroWinkler.normalized_similarity, dtype=np.float32) >= 0.9
    numeric = np.array([a.isdecimal() and b.isdecimal() for a, b in zip(one, other)])
    long = np.minimum(np.strings.str_len(left), np.strings.str_len(right)) >= SHORTEST
    return long & ((likeness >= LEAST_LIKENESS) | (close & ~numeric))
