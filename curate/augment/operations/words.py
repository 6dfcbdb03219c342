"""What operations on text know of writing: words with and without blanks, keys, and characters that look alike."""

from __future__ import annotations

import re

# Scripts that put no blanks between words: CJK ideographs, kana, Thai, Lao, Khmer, Myanmar. Hangul has blanks.
_UNSPACED = (
    r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
    r"\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff"
)
# A character of such a script takes the marks that stand on it along (Thai vowels and tones are of category Mn).
_MARKS = r"\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u17b4-\u17d3\u3099\u309a"
_WORD = re.compile(rf"[{_UNSPACED}][{_MARKS}]*|[^\s{_UNSPACED}]+")

_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")


def _neighbouring_keys() -> dict[str, str]:
    near: dict[str, set[str]] = {}
    for y, row in enumerate(_ROWS):
        for x, key in enumerate(row):
            # Each row of keys stands half a key to the right of the one above it.
            for dy, dx in ((0, -1), (0, 1), (-1, 0), (-1, 1), (1, -1), (1, 0)):
                if 0 <= y + dy < len(_ROWS) and 0 <= x + dx < len(_ROWS[y + dy]):
                    near.setdefault(key, set()).add(_ROWS[y + dy][x + dx])
    lower = {key: "".join(sorted(keys)) for key, keys in near.items()}
    return lower | {key.upper(): keys.upper() for key, keys in lower.items() if key.isalpha()}


KEYS = _neighbouring_keys()
"""key -> the keys beside it on a QWERTY keyboard, in the same case."""

_GROUPS = (
    "0OoQD", "1lI|i", "2Zz", "5Ss", "6Gb", "8B&", "9gq", "cCe", "uvn", "rn", "UV", "E3F", "hb", "tf", "PR", "WM",
    "未末", "己已巳", "日曰目", "土士", "大太犬", "人入八", "干千于", "口囗ロ", "力カ", "二ニ", "工エ", "夕タ",
    "ソン", "シツ",
)  # fmt: skip


def _alike() -> dict[str, str]:
    near: dict[str, set[str]] = {}
    for group in _GROUPS:
        for letter in group:
            near.setdefault(letter, set()).update(set(group) - {letter})
    return {letter: "".join(sorted(others)) for letter, others in near.items()}


LOOK_ALIKES = _alike()
"""character -> single characters that optical recognition takes it for, and the other way round."""


def split(text: str) -> tuple[list[str], list[str]]:
    """Words and the gaps around them: m words, m + 1 gaps (the first stands before the first word).

    A word is what stands between blanks, or one character in a script that has no blanks between words.
    """
    words, gaps, end = [], [], 0
    for match in _WORD.finditer(text):
        gaps.append(text[end : match.start()])
        words.append(match.group())
        end = match.end()
    return words, [*gaps, text[end:]]


def join(words: list[str], gaps: list[str]) -> str:
    """The text of these words and gaps."""
    return "".join(gap + word for gap, word in zip(gaps, words)) + gaps[-1]
