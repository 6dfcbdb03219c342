"""Measures of what does not belong into a text: markup, characters that nobody sees, traces of a wrong encoding."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import MissingPackage
from curate.evidence.measure import Measure

TAGS = (
    "a|abbr|address|article|aside|audio|b|big|blockquote|body|br|button|canvas|caption|center|cite|code|col|dd|del|"
    "details|div|dl|dt|em|embed|fieldset|figcaption|figure|font|footer|form|frame|frameset|h[1-6]|head|header|hr|html|"
    "i|iframe|img|input|ins|kbd|label|legend|li|link|main|mark|marquee|meta|nav|nobr|noscript|object|ol|optgroup|"
    "option|p|param|picture|pre|q|s|samp|script|section|select|small|source|span|strike|strong|style|sub|summary|sup|"
    "svg|table|tbody|td|template|textarea|tfoot|th|thead|time|title|tr|track|tt|u|ul|var|video|wbr"
)
MARKUP = (
    rf"(?i:</?(?:{TAGS})(?:\s[^<>]{{0,500}})?/?>|<!--|<!doctype|<!\[cdata\[|"
    r"&(?:amp|lt|gt|quot|apos|nbsp|copy|reg|hellip|mdash|ndash|[lr][sd]quo|euro|pound|"
    r"[aeiou](?:acute|grave|circ|uml)|ntilde|ccedil|szlig|#[0-9]{2,7}|#x[0-9a-f]{2,6});|"
    r"\[/?(?:b|i|u|url|img|quote|code|size|color|list)(?:=[^\]\n]{0,200})?\]|"
    r"\{\{[^{}\n]{1,80}\}\}|\{%[^{}\n]{1,80}%\}|\$\{[a-z_][\w.]{0,60}\}|\\(?:textbf|textit|emph|cite|ref|begin|end)\{)"
)
"""Tags, entities and comments of HTML, BBCode, placeholders of templates, commands of LaTeX. For RE2 and for `re`."""
HIDDEN_POINTS = (
    "\u00ad\u034f\u115f\u1160\u180e\u200b\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063"
    "\u2064\u2066\u2067\u2068\u2069\ufeff\ufff9\ufffa\ufffb"
)
"""Characters that nobody sees. The joiners U+200C and U+200D, which Persian, Indic scripts and emoji need, the marks
U+200E and U+200F of right-to-left text, and variation selectors are none of them."""
HIDDEN = f"[{HIDDEN_POINTS}\U000e0020-\U000e007f]"
CONTROL = r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f]"
REPLACEMENT = "\ufffd"
DAMAGE = rf"{REPLACEMENT}|{CONTROL}"
_ALIKE = "[ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο\u0400-\u052f]"
LOOKALIKE = f"[A-Za-z]{_ALIKE}|{_ALIKE}[A-Za-z]"
"""A Latin letter beside a Cyrillic one, or a Greek one that looks like a Latin one (so no micrometres)."""
EMOJI = r"[\x{1f000}-\x{1faff}\x{2600}-\x{27bf}\x{2b50}\x{2b55}\x{231a}-\x{23ff}\x{fe0f}\x{200d}\x{20e3}]"
FLAGS = re.compile("\U0001f3f4[\U000e0020-\U000e007f]{1,8}")


class TextMarks(Measure):
    """Counts of marks in a text; -1 for null.

    markup: tags, entities and the like (`MARKUP`). hidden_characters: `HIDDEN`, a byte order mark in front and the
    tags of flags among emoji aside. control_characters: C0 and C1 controls but tab, line ends and form feed.
    lookalike_letters: places where a Latin letter touches a Cyrillic or Greek look-alike. emoji_fraction: share of the
    characters that are not white space; NaN for null.
    """

    name = "text.marks"
    modality = "text"
    libraries = ("pyarrow",)
    fields = {
        "text.markup": ("int32", ()),
        "text.hidden_characters": ("int32", ()),
        "text.control_characters": ("int32", ()),
        "text.lookalike_letters": ("int32", ()),
        "text.emoji_fraction": ("float32", ()),
    }

    def measure(self, items: pa.Array) -> dict[str, np.ndarray]:
        """Values of n texts."""
        hidden = _count(items, HIDDEN)
        for place in np.flatnonzero(hidden > 0).tolist():
            hidden[place] = len(hidden_places(items[place].as_py()))
        return {
            "text.markup": _count(items, MARKUP, pc.match_substring_regex(items, r"[<&\[{\\]")),
            "text.hidden_characters": hidden,
            "text.control_characters": _count(items, CONTROL.replace("\\x0b", "\\v")),
            "text.lookalike_letters": _count(items, LOOKALIKE, pc.match_substring_regex(items, LOOKALIKE)),
            "text.emoji_fraction": _emoji_fraction(items),
        }


class TextMojibake(Measure):
    """Sequences of characters that come of decoding in the wrong encoding, as ftfy counts them; -1 for null.

    Source: ftfy's heuristic of badness (Speer, 2019).
    """

    name = "text.mojibake"
    modality = "text"
    libraries = ("ftfy",)
    fields = {"text.mojibake": ("int32", ())}

    def measure(self, items: pa.Array) -> dict[str, np.ndarray]:
        """Values of n texts."""
        try:
            from ftfy.badness import BADNESS_RE
        except ImportError:
            raise MissingPackage("ftfy", "text", "finding mojibake") from None
        found = np.where(items.is_null().to_numpy(zero_copy_only=False), -1, 0).astype(np.int32)
        suspect = pc.fill_null(pc.invert(pc.string_is_ascii(items)), False).to_numpy(zero_copy_only=False)
        for place in np.flatnonzero(suspect).tolist():
            found[place] = sum(1 for _ in BADNESS_RE.finditer(items[place].as_py()))
        return {"text.mojibake": found}


def hidden_places(text: str) -> list[int]:
    """Where a text has characters that nobody sees, a byte order mark in front and flags among emoji aside."""
    flags = {place for found in FLAGS.finditer(text) for place in range(*found.span())}
    return [
        found.start()
        for found in re.finditer(HIDDEN, text)
        if found.start() not in flags and not (found.start() == 0 and found.group() == "\ufeff")
    ]


def _emoji_fraction(texts: pa.Array) -> np.ndarray:
    emoji = _count(texts, EMOJI, pc.match_substring_regex(texts, EMOJI))
    some = np.flatnonzero(emoji > 0)
    share = np.where(emoji < 0, np.nan, 0.0)
    share[some] = emoji[some] / _count(texts.take(pa.array(some)), r"\S")
    return share.astype(np.float32)


def _count(texts: pa.Array, regex: str, candidates: pa.Array | None = None) -> np.ndarray:
    """(n,) int32 matches of a regular expression (RE2) in each text, -1 for null; only candidates are searched."""
    if candidates is None:
        return pc.fill_null(pc.count_substring_regex(texts, regex), -1).to_numpy(zero_copy_only=False).astype(np.int32)
    found = np.where(texts.is_null().to_numpy(zero_copy_only=False), -1, 0).astype(np.int32)
    chosen = pc.fill_null(candidates, False)
    places = np.flatnonzero(chosen.to_numpy(zero_copy_only=False))
    found[places] = pc.count_substring_regex(texts.take(pa.array(places)), regex).to_numpy(zero_copy_only=False)
    return found
