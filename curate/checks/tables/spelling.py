"""Values of a column that are another value misspelt, by its letters or its form."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc

from curate.checks.labels.spelling import folded
from curate.checks.tables.columns import Column
from curate.wording import counted

MOST_VALUES = 50_000
"""Distinct values from which a column is free text, and its spelling is not judged."""
MOST_COMPARED = 3_000
CLOSED = 0.8
"""Share of the cells that must hold a value which comes again (5 times or more) before rare ones are judged."""
LONGEST = 400
CHANGED = 0.34
"""Largest share of the characters that a misspelling changes."""
TOKEN = re.compile(r"[^\W\d_]+")
AGAIN = 5
FEW = 20
"""Common values of a column up to which a short value that differs by a letter is a slip."""
SERIES = 3
"""Rare values that differ from common ones at one place in the same way are a series of codes from so many on."""
SLIPS = 0.02
"""Share of a common word's rows that its misspellings have at most."""


class Misspelt(NamedTuple):
    """A value that is another one misspelt: codes or words, and how they differ."""

    right: str
    rows: int
    right_rows: int
    difference: str


def misspelt(column: Column, max_share: float) -> dict[int, Misspelt]:
    """Which values of a column of text are rare misspellings of a common one.

    Args:
        column: of text.
        max_share: largest share of the common value's rows that a misspelling has.

    Returns:
        code -> what it should be. Columns of free text and of names, where rare values are the rule, give none.
    """
    used = np.flatnonzero(column.totals > 0)
    if (
        not column.is_text
        or not 1 < len(used) <= MOST_VALUES
        or pc.max(pc.utf8_length(column.values)).as_py() > LONGEST
    ):
        return {}
    names = column.values.to_pylist()
    counts = np.maximum(column.counts, 0)
    found = _variants(names, column.totals, counts, used)
    if _closed(counts):
        left = [k for k in map(int, used) if k not in found]
        found |= _typos(names, counts, column.totals, left, max_share)
    found |= _words(names, column, [k for k in map(int, used) if k not in found], max_share)
    return found


def _closed(counts: np.ndarray) -> bool:
    """Whether most cells hold a value that comes again."""
    return counts.sum() > 0 and counts[counts >= AGAIN].sum() >= CLOSED * counts.sum()


def _variants(names: Sequence[str], totals: np.ndarray, counts: np.ndarray, used: np.ndarray) -> dict[int, Misspelt]:
    """Values that are a commoner one but for case, blanks, separators or Unicode form."""
    alike = defaultdict(list)
    for k in map(int, used):
        alike[folded(names[k])].append(k)
    found = {}
    for group in alike.values():
        if len(group) < 2:
            continue
        best = max(group, key=lambda k: (counts[k], names[k]))
        for k in group:
            if k != best and 5 * totals[k] <= counts[best]:
                found[k] = Misspelt(str(names[best]), int(totals[k]), int(counts[best]), "case, blanks or separators")
    return found


def _typos(
    names: Sequence[str], counts: np.ndarray, totals: np.ndarray, left: Sequence[int], max_share: float
) -> dict[int, Misspelt]:
    """Rare values near a common one: some characters replaced, or one edit."""
    common = sorted((k for k in left if counts[k] >= AGAIN), key=lambda k: (-counts[k], names[k]))[:MOST_COMPARED]
    if not common:
        return {}
    most = max_share * counts[common[0]]
    rare = [k for k in left if totals[k] <= most][:MOST_COMPARED]
    found: dict[int, tuple[int, int, int]] = {}
    for k, right, changes in _near([names[k] for k in rare], [names[k] for k in common]):
        a, b = rare[k], common[right]
        if a == b or totals[a] > max(1.0, max_share * counts[b]) or counts[b] < AGAIN * totals[a]:
            continue
        if len(names[a]) < 5 and not _is_odd(names[a], names[b]) and (len(common) > FEW or totals[a] > 2):
            continue  # short values differ by a character as a rule, but for columns of few values
        before = found.get(a)
        if before is None or (-before[0], before[1]) < (-changes, counts[b]):
            found[a] = (changes, int(counts[b]), b)
    codes = _codes({a: (names[a], names[b]) for a, (_, _, b) in found.items()})
    return {
        a: Misspelt(names[b], int(totals[a]), int(counts[b]), counted(changes, "character"))
        for a, (changes, _, b) in found.items()
        if a not in codes
    }


def _codes(pairs: dict[int, tuple[str, str]]) -> set[int]:
    """Rare values that are no slips but codes of another series: AK-1, AK-2, AK-3 beside AL-1, AL-2, AL-3."""
    alike = defaultdict(list)
    for a, (wrong, right) in pairs.items():
        if len(wrong) == len(right):
            places = [k for k, (x, y) in enumerate(zip(wrong, right)) if x != y]
            if all(_class(wrong[k]) == _class(right[k]) for k in places):
                alike[tuple((k, wrong[k], right[k]) for k in places)].append(a)
    return {a for group in alike.values() if len(group) >= SERIES for a in group}


def _near(rare: Sequence[str], common: Sequence[str]) -> list[tuple[int, int, int]]:
    """(place among the rare, place among the common, characters changed) of pairs that may be a misspelling."""
    return _replaced(rare, common) + _one_edit(rare, common)


def _replaced(rare: Sequence[str], common: Sequence[str]) -> list[tuple[int, int, int]]:
    """Pairs of one length that differ in few characters, no digit taken for another."""
    by_length: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, names in enumerate((rare, common)):
        for place, name in enumerate(names):
            by_length[len(name)][side].append(place)
    found = []
    for length, (left, right) in by_length.items():
        if not left or not right or length < 2:
            continue
        b = _matrix([common[k] for k in right], length)
        digits = _is_digit(b)
        step = max(1, 20_000_000 // max(1, len(right) * length))
        for start in range(0, len(left), step):
            part = left[start : start + step]
            a = _matrix([rare[k] for k in part], length)
            differ = a[:, None, :] != b[None, :, :]
            changes = differ.sum(2)
            swapped_digits = (differ & _is_digit(a)[:, None, :] & digits[None, :, :]).any(2)
            good = (changes > 0) & (changes <= max(1, int(CHANGED * length))) & ~swapped_digits
            for i, j in np.argwhere(good):
                if _plausible(rare[part[int(i)]], common[right[int(j)]], int(changes[i, j])):
                    found.append((part[int(i)], right[int(j)], int(changes[i, j])))
    return found


def _plausible(a: str, b: str, changes: int) -> bool:
    """Whether so many changes are a misspelling, and not another word or code.

    Short values differ by a character as a rule: then the case, or a letter among digits, must speak for a slip. More
    than one change must be one and the same wrong character, or few for the length.
    """
    wrong = {x for x, y in zip(a, b) if x != y}
    odd = _is_odd(a, b)
    if len(a) < 5:
        return odd or (changes == 1 and len(a) >= 3 and a.isalpha())
    if changes == 1:
        return True
    return len(wrong) == 1 or changes <= max(1, len(a) // 8)


def _is_odd(a: str, b: str) -> bool:
    """Whether a character is of another kind than the one in its place: a small letter among capitals."""
    return len(a) == len(b) and any(_class(x) != _class(y) for x, y in zip(a, b) if x != y)


def _class(character: str) -> str:
    if character.isdigit():
        return "digit"
    if character.isalpha():
        return "upper" if character.isupper() else "lower"
    return "blank" if character.isspace() else "sign"


def _matrix(names: Sequence[str], length: int) -> np.ndarray:
    return np.frombuffer("".join(names).encode("utf-32-le", "surrogatepass"), np.uint32).reshape(len(names), length)


def _is_digit(points: np.ndarray) -> np.ndarray:
    return (points >= 48) & (points <= 57)


def _one_edit(rare: Sequence[str], common: Sequence[str]) -> list[tuple[int, int, int]]:
    """Pairs that a letter left out, put in, or swapped with the next makes equal; five letters or more."""
    deletions: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(common):
        if 5 <= len(name) <= 60:
            for key in {name, *(name[:i] + name[i + 1 :] for i in range(len(name)))}:
                deletions[key].append(place)
    found = []
    for place, name in enumerate(rare):
        if not 4 <= len(name) <= 61:
            continue
        keys = {name, *(name[:i] + name[i + 1 :] for i in range(len(name)))}
        for other in sorted({c for key in keys for c in deletions.get(key, ())}):
            if name != common[other] and _is_edit(name, common[other]):
                found.append((place, other, 1))
    return found


def _is_edit(a: str, b: str) -> bool:
    start = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    tail = 0
    while tail < min(len(a), len(b)) - start and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    x, y = a[start : len(a) - tail], b[start : len(b) - tail]
    moved = (len(x) == 2 and x == y[::-1]) or (abs(len(x) - len(y)) == 1 and min(len(x), len(y)) == 0)
    return moved and not any(c.isdigit() for c in x + y)


def _words(names: Sequence[str], column: Column, left: Sequence[int], max_share: float) -> dict[int, Misspelt]:
    """Values with a rare word that is a common word of the column misspelt, in columns of a closed vocabulary."""
    rows: dict[str, int] = defaultdict(int)
    holders: dict[str, list[int]] = defaultdict(list)
    for k in left:
        for word in set(TOKEN.findall(names[k])):
            rows[word] += int(column.totals[k])
            holders[word].append(k)
    total = sum(rows.values())
    if not total or sum(n for n in rows.values() if n >= AGAIN) < CLOSED * total:
        return {}
    common = sorted((w for w, n in rows.items() if n >= 4 * AGAIN and len(w) >= 4), key=lambda w: (-rows[w], w))
    slips = max(AGAIN - 1, SLIPS * rows[common[0]]) if common else 0
    rare = sorted(w for w, n in rows.items() if n <= slips and len(w) >= 4)[:MOST_COMPARED]
    best: dict[str, tuple[int, int, str]] = {}
    for i, j, changes in _near(rare, common[:MOST_COMPARED]):
        a, b = rare[i], common[j]
        few = rows[a] <= (max_share if rows[a] < AGAIN else SLIPS) * rows[b]
        if few and (a not in best or (-changes, rows[b]) > (-best[a][0], best[a][1])):
            best[a] = (changes, rows[b], b)
    found = {}
    for a, (changes, n, b) in sorted(best.items()):
        for k in holders[a]:
            right = TOKEN.sub(lambda m, a=a, b=b: b if m.group() == a else m.group(), names[k])
            found[k] = Misspelt(right, int(column.totals[k]), n, f"{counted(changes, 'character')} of a word")
    return found
