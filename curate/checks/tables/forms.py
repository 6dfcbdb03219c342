"""Values of a column that are written in another form than the rest: letters in codes, lost digits, odd dates."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.checks.tables.columns import Column

LONGEST = 200
LEAST_CELLS = 30
MOST_USUAL = 3
"""Forms that a column may have besides the odd ones; with more there is no form to break."""
AGAIN = 5
LEAST_USUAL = 0.02
"""Share of the cells from which a form is usual."""


class OddForm(NamedTuple):
    """The form of a value, the commonest form, and the share of the cells of usual forms; 9 is a digit, a a letter."""

    form: str
    usual: str
    share: float


def odd_forms(column: Column, max_share: float) -> dict[int, OddForm]:
    """Values of a column of text that are written in another form than nearly all: ``9x%`` among ``95%``.

    Where the usual forms have digits (dates, codes), any other form is odd; where they are words, one with digits.

    Args:
        column: of text.
        max_share: largest share of the cells that may be of odd forms together.

    Returns:
        code -> why.
    """
    if not column.is_text or column.known < LEAST_CELLS or len(column.values) < 2:
        return {}
    exact = _forms(column.values)
    runs = pc.replace_substring_regex(pc.replace_substring_regex(exact, "9+", "9"), "a+", "a")
    found = _odd(column, exact, max_share, 1)
    if found or column.numbers is not None:  # numbers have any width, unless they are codes of one width
        return found
    return _odd(column, runs, max_share, MOST_USUAL)


def _forms(values: pa.Array) -> pa.Array:
    forms = pc.utf8_slice_codeunits(pc.utf8_trim_whitespace(values), 0, LONGEST)
    return pc.replace_substring_regex(pc.replace_substring_regex(forms, r"\p{Nd}", "9"), r"[\p{L}\p{M}]", "a")


def _odd(column: Column, forms: pa.Array, max_share: float, most_usual: int) -> dict[int, OddForm]:
    encoded = forms.dictionary_encode()
    code, names = encoded.indices.to_numpy(), encoded.dictionary.to_pylist()
    rows = np.bincount(code, weights=column.counts, minlength=len(names))
    share = rows / max(rows.sum(), 1)
    usual = share >= max(LEAST_USUAL, max_share)
    mainly = float(share[usual].sum())
    if not 0 < usual.sum() <= most_usual or not 1 - max_share <= mainly:
        return {}
    digits = np.array(["9" in name for name in names])
    strange = ~usual if digits[usual].all() else ~usual & digits & ~digits[usual].any()
    if most_usual == 1 and not digits[usual].all():  # words have any length
        return {}
    top = names[int(np.argmax(share))]
    chosen = (column.totals > 0) & strange[code]
    if not digits[usual].all():  # a name with a number in it that comes again is a name
        chosen &= column.totals < AGAIN
    return {k: OddForm(names[code[k]], top, mainly) for k in np.flatnonzero(chosen).tolist()}


def as_number(text: str) -> str | None:
    """A number that was written with separators, a unit or a sign of currency, as a plain one; None if it is none."""
    found = re.fullmatch(
        r"\s*(?:[^\d\s.,+-]{1,3}\s?)?"
        r"([+-]?\d{1,3}(?:[, \u00a0']\d{3})+(?:\.\d+)?|[+-]?\d+[.,]?\d*)\s?[^\d\s.,]{0,4}\s*",
        text,
    )
    if found is None:
        return None
    written = found.group(1)
    if re.fullmatch(r"[+-]?\d+,\d{1,2}", written):
        return written.replace(",", ".")
    return re.sub(r"[, \u00a0']", "", written)
