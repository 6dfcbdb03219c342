"""Issues of a text that its measures decide: length, kinds of characters, repetition, encoding, markup, contacts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from curate.checks.judging.bounds import Bounded, at_least, at_most
from curate.checks.texts.quotes import masked, place, quoted
from curate.evidence.measures.text_contacts import contacts
from curate.evidence.measures.text_marks import DAMAGE, LOOKALIKE, MARKUP, hidden_places
from curate.wording import counted

if TYPE_CHECKING:
    from curate.checks.text_quality import TextQuality

FIELDS = ("characters", "words", "alphabetic_fraction", "digit_fraction", "symbol_fraction", "replacement_characters")
REPETITION = ("repeated_words", "repeated_parts", "longest_run")
EMOJI = ("emoji_fraction",)
MARKS = ("markup", "hidden_characters", "control_characters", "lookalike_letters")
LEAST_WORDS, LEAST_LETTERS = 6, 12
"""Words, and letters, from which repetition is judged."""
LEAST_RATIO = 4.0
"""A length is never odd that is within this ratio of the median."""
Measures = Mapping[str, np.ndarray]


def mojibake_available() -> bool:
    """Whether the package that finds mojibake is installed."""
    return find_spec("ftfy") is not None


def issues(check: TextQuality, texts: pa.Array, m: Measures, training: np.ndarray) -> Iterator[Bounded]:
    """The issues that are turned on, one by one.

    Args:
        check: its settings.
        texts: (m,) strings.
        m: measures of them.
        training: (m,) bool, rows from which the usual is taken.
    """
    empty = (m["words"] <= 0) & ~(m["symbol_fraction"] > 0)
    yield Bounded("empty", np.where(empty, 0.0, 1.0), lambda p: "no letters, digits or symbols")
    yield from _length(check, m, training, empty)
    yield from _characters(check, m, training, empty)
    yield from _repetition(check, texts, m)
    yield from _marks(check, texts, m)
    if check.max_contacts:
        for kind in check.contacts:
            yield _contact(kind, texts, m[f"{kind}_count"], check.max_contacts)


def _length(check: TextQuality, m: Measures, training: np.ndarray, empty: np.ndarray) -> Iterator[Bounded]:
    characters, words = np.maximum(m["characters"], 0), np.maximum(m["words"], 0)
    # Of a text without spaces (a code, a Thai sentence) the words say little: it counts as words of six characters.
    size = np.maximum(words, characters / 12)
    low, median, high = _usual(size[training & ~empty])
    least = median / max((median / low) ** check.length_spread, LEAST_RATIO) if check.length_spread else 0.0
    most = median * max((high / median) ** check.length_spread, LEAST_RATIO) if check.length_spread else np.inf
    fewest = max(check.min_words, least)
    limit = min(most, check.max_words or np.inf)

    def too_short(p: int) -> str:
        return (
            f"{counted(round(words[p]), 'word')}, {counted(round(characters[p]), 'character')}; usual are"
            f" {median:.0f} words (threshold"
            f" {fewest:.1f} words, {check.min_characters} characters)"
        )

    def too_long(p: int) -> str:
        return (
            f"{words[p]:,.0f} words, {characters[p]:,.0f} characters; usual are {median:.0f} words (threshold"
            f" {limit:,.0f})"
        )

    if check.min_characters or check.min_words or check.length_spread:
        short = np.minimum(
            at_least(characters, check.min_characters) if check.min_characters else 1.0,
            at_least(size, fewest) if fewest >= 1 else 1.0,
        )
        yield Bounded("too_short", np.where(empty, 1.0, short), too_short)
        del short
    if np.isfinite(limit) or check.length_spread:
        yield Bounded("too_long", at_most(size, limit) if np.isfinite(limit) else np.ones(len(size)), too_long)


def _usual(size: np.ndarray) -> tuple[float, float, float]:
    """5th percentile, median and 95th percentile of lengths, at least 1 each; no spread for under 20 texts."""
    if len(size) < 20:
        return 1e-9, 1.0, np.inf
    low, median, high = np.maximum(np.percentile(size, [5, 50, 95]), 1.0)
    return float(low), float(median), float(high)


def _characters(check: TextQuality, m: Measures, training: np.ndarray, empty: np.ndarray) -> Iterator[Bounded]:
    letters, digits = m["alphabetic_fraction"], m["digit_fraction"]
    usual_letters, usual_digits = _median(letters[training & ~empty]), _median(digits[training & ~empty])
    if check.min_alphabetic_fraction:
        bound = min(check.min_alphabetic_fraction, usual_letters / 2)
        # Emoji say what they say, and digits have an issue of their own.
        score = at_least(letters + np.nan_to_num(digits) + np.nan_to_num(m["emoji_fraction"]), bound)
        score[empty | (np.nan_to_num(m["characters"]) < 4)] = 1.0
        yield Bounded(
            "mostly_symbols",
            score,
            lambda p: f"{letters[p]:.0%} of its characters are letters, blanks aside (threshold {bound:.0%})",
        )
        del score
    if check.max_digit_fraction and (limit := max(check.max_digit_fraction, 2 * usual_digits)) < 1:
        yield Bounded(
            "mostly_digits",
            at_most(digits, limit),
            lambda p: f"{digits[p]:.0%} of its characters are digits, blanks aside (threshold {limit:.0%})",
        )


def _median(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else 0.0


def _repetition(check: TextQuality, texts: pa.Array, m: Measures) -> Iterator[Bounded]:
    if not (check.max_repeated_fraction or check.max_run):
        return
    words, parts, run = m["repeated_words"], m["repeated_parts"], m["longest_run"]
    found = np.zeros(len(texts))
    if check.max_repeated_fraction:
        found = np.where(m["words"] >= LEAST_WORDS, np.nan_to_num(words), 0.0)
        found = np.maximum(found, np.where(m["characters"] >= LEAST_LETTERS, np.nan_to_num(parts), 0.0))
        found /= check.max_repeated_fraction
    if check.max_run:
        found = np.maximum(found, np.maximum(run, 0) / check.max_run)

    def reason(p: int) -> str:
        if check.max_run and run[p] > check.max_run:
            text = str(texts[p].as_py())
            match = re.search(rf"([^\W])\1{{{int(run[p]) - 1},}}", text, re.IGNORECASE)
            where = f"; {quoted(text, *match.span())}" if match else ""
            return f"{run[p]:.0f} equal letters or digits in a row (threshold {check.max_run}){where}"
        what = "words" if words[p] >= parts[p] else "letters"
        return (
            f"{max(words[p], parts[p]):.0%} of its {what} repeat what it said before"
            f" (threshold {check.max_repeated_fraction:.0%})"
        )

    yield Bounded("repeated", at_most(found, 1.0), reason)


def _marks(check: TextQuality, texts: pa.Array, m: Measures) -> Iterator[Bounded]:
    """Issues that are counted: a text with as many as the threshold is flagged."""
    if check.max_damage:
        damage = np.maximum(m["replacement_characters"], 0) + np.maximum(m["control_characters"], 0)
        places = _matches(DAMAGE)
        if check.max_mojibake and "mojibake" in m:
            places = _beside_mojibake
            for p in np.flatnonzero((m["mojibake"] >= check.max_mojibake) & (damage > 0)).tolist():
                damage[p] = sum(1 for _ in places(str(texts[p].as_py())))
        what = "replacement or control character", "replacement or control characters"
        yield marked("garbled", texts, damage, check.max_damage, what, places)
    if check.max_mojibake and "mojibake" in m:
        what = "sequence of a wrong decoding", "sequences of a wrong decoding"
        yield marked("mojibake", texts, m["mojibake"], check.max_mojibake, what, _mojibake)
    if check.max_hidden_characters:
        yield marked(
            "hidden_characters",
            texts,
            m["hidden_characters"],
            check.max_hidden_characters,
            ("character that nobody sees", "characters that nobody sees"),
            lambda text: ((p, p + 1) for p in hidden_places(text)),
        )
    if check.max_lookalike_letters:
        yield marked(
            "lookalike_letters",
            texts,
            m["lookalike_letters"],
            check.max_lookalike_letters,
            ("Latin letter beside Cyrillic or Greek ones", "Latin letters beside Cyrillic or Greek ones"),
            _matches(LOOKALIKE),
        )
    if check.max_markup:
        what = "tag, entity or placeholder", "tags, entities or placeholders"
        yield marked("markup", texts, m["markup"], check.max_markup, what, _matches(MARKUP))


Places = Callable[[str], Iterator[tuple[int, int]]]


def marked(
    issue: str, texts: pa.Array, counts: np.ndarray, bound: int, what: tuple[str, str], places: Places
) -> Bounded:
    """An issue that is flagged from `bound` counts on; the reason says `what`, one or several, and quotes one."""
    counts = np.maximum(np.nan_to_num(counts), 0)
    score = np.where(counts >= bound, bound / (bound + np.maximum(counts, 1)) * 0.9, 1.0)

    def reason(p: int) -> str:
        text = str(texts[p].as_py())
        first = next(iter(places(text)), None)
        where = f"; {quoted(text, *first)}" if first else ""
        return f"{counted(round(counts[p]), *what)} (threshold {bound}){where}"

    return Bounded(issue, score, reason)


def _contact(kind: str, texts: pa.Array, counts: np.ndarray, bound: int) -> Bounded:
    names = {
        "email": ("e-mail address", "e-mail addresses"),
        "phone": ("phone number", "phone numbers"),
        "iban": ("IBAN with a right checksum", "IBANs with a right checksum"),
        "card": ("card number with a right checksum", "card numbers with a right checksum"),
        "secret": ("key or password", "keys or passwords"),
    }
    issue = marked(kind, texts, counts, bound, names[kind], lambda text: iter(()))

    def reason(p: int) -> str:
        text = str(texts[p].as_py())
        spans = [span for span in contacts(text) if span.kind == kind][:5]
        where = ", ".join(f"{place(span.start, span.end)}: “{masked(text, span)}”" for span in spans)
        return f"{issue.reason(p)}; {where}"

    return Bounded(kind, issue.score, reason)


def _matches(regex: str) -> Places:
    compiled = re.compile(regex)
    return lambda text: (found.span() for found in compiled.finditer(text))


def _mojibake(text: str) -> Iterator[tuple[int, int]]:
    from ftfy.badness import BADNESS_RE

    return (found.span() for found in BADNESS_RE.finditer(text))


def _beside_mojibake(text: str) -> Iterator[tuple[int, int]]:
    """Damaged characters that are no part of a wrong decoding: one fault is one finding."""
    inside = {place for span in _mojibake(text) for place in range(*span)}
    return (span for span in _matches(DAMAGE)(text) if span[0] not in inside)
