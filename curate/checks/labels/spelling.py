"""Names of classes that are one name spelled in several ways."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

SEPARATORS = re.compile(r"[\s_\-./]+")


class Variant(NamedTuple):
    """A class that is another one in other spelling."""

    common: int
    score: float
    difference: str


def folded(name: str) -> str:
    """The name without differences of case, Unicode form, accents' composition, blanks and separators.

    Of single characters, numbers and names of signs alone only outer blanks go: "a" and "A", or "1" and "-1", differ.
    """
    plain = unicodedata.normalize("NFKC", name).strip()
    out = SEPARATORS.sub(" ", plain.casefold()).strip()
    return plain if len(plain) < 2 or not any(c.isalpha() for c in out) else out


def singular(name: str) -> str:
    """The folded name with each word of four letters or more without its plural s."""
    return " ".join(
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
        for word in folded(name).split(" ")
    )


def variants(
    names: Sequence[str], counts: np.ndarray, max_typo_share: float, min_typo_length: int
) -> dict[int, Variant]:
    """Which classes are spellings of a more common one.

    Args:
        names: K names.
        counts: (K,) rows of each.
        max_typo_share: a typo has at most this share of the rows of the right spelling.
        min_typo_length: shortest name that is looked at for typos.

    Returns:
        code -> variant, for the less common spellings alone; classes without rows are passed over.
    """
    found: dict[int, Variant] = {}
    used = [k for k in range(len(names)) if counts[k] > 0]
    for form, score, difference in (
        (folded, 0.0, "case, blanks, separators or Unicode form"),
        (singular, 0.05, "a plural s"),
    ):
        alike = defaultdict(list)
        for k in used:
            if k not in found:
                alike[form(names[k])].append(k)
        for group in alike.values():
            best = min(group, key=lambda k: (-counts[k], names[k]))
            found |= {k: Variant(best, score, difference) for k in group if k != best}
    left = sorted((k for k in used if k not in found), key=lambda k: (-counts[k], names[k]))
    for k, right in _typos(left, names, counts, max_typo_share, min_typo_length):
        found[k] = Variant(right, 0.15, "one letter")
    return _resolved(found)


def _typos(
    ranked: list[int], names: Sequence[str], counts: np.ndarray, max_share: float, min_length: int
) -> list[tuple[int, int]]:
    """(typo, right) pairs; names are looked up by what is left when one character goes, so that no pairs are tried."""
    deletions: dict[str, list[int]] = defaultdict(list)
    pairs = []
    for k in ranked:
        name = folded(names[k])
        if len(name) < min_length:
            continue
        keys = {name, *(name[:i] + name[i + 1 :] for i in range(len(name)))}
        candidates = sorted({c for key in keys for c in deletions[key]}, key=lambda c: (-counts[c], names[c]))
        right = next(
            (c for c in candidates if counts[k] <= max_share * counts[c] and one_edit(name, folded(names[c]))), None
        )
        if right is not None:
            pairs.append((k, right))
        for key in keys:
            deletions[key].append(k)
    return pairs


def one_edit(a: str, b: str) -> bool:
    """Whether one letter inserted, deleted, replaced, or swapped with the next turns `a` into `b`; never a digit."""
    if abs(len(a) - len(b)) > 1 or a == b:
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    tail = 0
    while tail < min(len(a), len(b)) - start and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    x, y = a[start : len(a) - tail], b[start : len(b) - tail]
    swapped = len(x) == 2 and x == y[::-1]
    return (max(len(x), len(y)) == 1 or swapped) and (x + y).isalpha()


def _resolved(found: dict[int, Variant]) -> dict[int, Variant]:
    """Each variant points at a class that is no variant itself."""
    out = {}
    for k, variant in found.items():
        seen, end = {k}, variant.common
        while end in found and end not in seen:
            seen.add(end)
            end = found[end].common
        out[k] = variant._replace(common=end)
    return out
