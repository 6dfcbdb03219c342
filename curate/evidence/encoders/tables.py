"""Rows of a table with numbers, categories and free text as one vector each."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.evidence.encoders.features import standardised
from curate.evidence.encoders.text_svd import text_vectors
from curate.evidence.encoders.vectors import unit

VERSION = 1
MOST_CATEGORIES = 64
TEXT_DIMENSIONS = 32
NUMBER_SHARE = 0.95
"""A text column of which so many values are numbers is a column of numbers."""


def table_vectors(columns: list[pa.ChunkedArray], fit: np.ndarray, seed: int) -> np.ndarray:
    """(n, d) float32: every column has an equal say, and a constant coordinate keeps lengths apart.

    Numbers, booleans and dates are scaled by their quartiles, with a coordinate that says what is missing. A text
    column with few different values is a category (its frequent values each get a coordinate, and all of them how
    frequent they are), else free text by its n-grams.

    Args:
        columns: one Arrow array of n rows per column.
        fit: (n,) bool, rows that are learned from.
        seed: of the reduction of free text.

    Returns:
        Vectors; NaN in rows where everything is missing.
    """
    n = len(fit)
    parts, missing = [], np.ones(n, dtype=np.bool_)
    for column in columns:
        numbers = as_numbers(column)
        if numbers is not None:
            part, gone = _scaled(numbers, fit), np.isnan(numbers)
        else:
            texts = pc.fill_null(column.cast(pa.string()), "")
            gone = pc.equal(pc.utf8_trim_whitespace(texts), "").to_numpy().astype(np.bool_)
            part = _words(texts, gone, fit, seed)
        parts.append(np.concatenate([part, _flag(gone, fit)], axis=1))
        missing &= gone
    constant = np.full((n, 1), np.sqrt(max(len(columns), 1)), dtype=np.float32)
    result = np.concatenate([*parts, constant], axis=1)
    result[missing] = np.nan
    return result


def as_numbers(column: pa.ChunkedArray) -> np.ndarray | None:
    """(n,) float64 with NaN where missing, or None for a column of text."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    if pa.types.is_temporal(kind):
        whole = pa.int32() if kind in (pa.date32(), pa.time32("s"), pa.time32("ms")) else pa.int64()
        column = column.cast(whole)
    elif pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return _parsed(column)
    return pc.fill_null(column.cast(pa.float64(), safe=False), np.nan).to_numpy().astype(np.float64)


def _parsed(column: pa.ChunkedArray) -> np.ndarray | None:
    texts = pc.utf8_trim_whitespace(pc.fill_null(column.cast(pa.string()), ""))
    filled = pc.not_equal(texts, "").to_numpy()
    numeric = pc.match_substring_regex(texts, r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$").to_numpy()
    # Numbers with leading zeros are codes: post codes, telephone numbers.
    codes = pc.match_substring_regex(texts, r"^[+-]?0\d").to_numpy()
    if not filled.any() or codes.any() or numeric[filled].mean() < NUMBER_SHARE:
        return None
    values = pc.if_else(pa.array(numeric), texts.combine_chunks(), pa.scalar(None, pa.string())).cast(pa.float64())
    return pc.fill_null(values, np.nan).to_numpy(zero_copy_only=False).astype(np.float64)


def _scaled(numbers: np.ndarray, fit: np.ndarray) -> np.ndarray:
    """(n,) -> (n, 1): distance from the median in quartile ranges, bent where it is large; a gap is the median."""
    base = numbers[fit & np.isfinite(numbers)]
    if not len(base):
        return np.zeros((len(numbers), 1), dtype=np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        low, middle, high = np.quantile(base, [0.25, 0.5, 0.75])
        spread = (high - low) / 1.349 or base.std() or 1.0
        away = np.nan_to_num((numbers - middle) / spread, nan=0.0, posinf=1e9, neginf=-1e9)
    bent = np.where(np.abs(away) > 3, np.sign(away) * (3 + np.log1p(np.maximum(np.abs(away) - 3, 0))), away)
    return np.clip(bent, -8, 8).astype(np.float32)[:, None]


def _flag(gone: np.ndarray, fit: np.ndarray) -> np.ndarray:
    """(n, 1): 1 where a value is missing that others have."""
    varies = gone[fit].any() and not gone[fit].all()
    return (gone * (1.0 if varies else 0.0)).astype(np.float32)[:, None]


def _words(texts: pa.ChunkedArray, gone: np.ndarray, fit: np.ndarray, seed: int) -> np.ndarray:
    encoded = pc.utf8_lower(pc.utf8_trim_whitespace(texts)).combine_chunks().dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    rows = fit & ~gone
    counts = np.bincount(codes[rows], minlength=len(encoded.dictionary))
    repeated = counts[counts > 1].sum() / max(counts.sum(), 1)
    if counts.sum() and repeated < 0.5 and len(encoded.dictionary) > MOST_CATEGORIES:
        words = text_vectors(texts.to_pylist(), rows, seed, TEXT_DIMENSIONS)
        return np.nan_to_num(unit(words), nan=0.0)
    values = encoded.dictionary.to_pylist()  # ties between equally frequent values go by their text, not by their place
    often = sorted(np.flatnonzero(counts > 1).tolist(), key=lambda code: (-counts[code], values[code]))[
        :MOST_CATEGORIES
    ]
    one_hot = (codes[:, None] == np.array(often, dtype=np.int64)[None]).astype(np.float32)
    rarity = standardised(np.log1p(counts[codes])[:, None], fit) * np.float32(0.3)
    return np.where(gone[:, None], np.float32(0), np.concatenate([one_hot, rarity], axis=1))
