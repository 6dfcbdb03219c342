"""What operations on text know of words: where they are, with and without blanks between them."""

from __future__ import annotations

import re
from collections.abc import Container
from functools import cache
from importlib.util import find_spec
from typing import Any

from curate.augment.operations.texts.clusters import clusters
from curate.augment.operations.texts.scripts import SCRIPTS, UNSPACED
from curate.errors import MissingPackage

_BARE = "".join(SCRIPTS[script] for script in UNSPACED) + r"\u3099\u309a"
PUNCTUATION = (
    r"!-/:-@\[-`{-~\u00a1-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u055a-\u055f\u0589\u05be\u05c0\u05c3\u060c\u061b"
    r"\u061e\u061f\u066a-\u066d\u06d4\u0964\u0965\u0970\u2010-\u2027\u2030-\u205e\u3000-\u3004\u3006-\u3020\u3030\u30fb"
    r"\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
"""Marks of punctuation, as they stand between the brackets of a regular expression."""
_LETTER = rf"[^\s{PUNCTUATION}{_BARE}]"
_JOINT = r"'._@:/+-"
"""What may stand inside a word: don't, 10:30, user@example.com."""
_WORD = rf"{_LETTER}+(?:[’·{_JOINT}]+{_LETTER}+)*"
_SPACED = re.compile(f"({_WORD})")
_PLAIN = r"A-Za-z0-9\x00-\x08\x0e-\x1b\x7f"
_ASCII = re.compile(f"([{_PLAIN}](?:[{_PLAIN}{_JOINT}]*[{_PLAIN}])?)")
"""The same for ASCII, in a form that takes half the time."""
_ANY = re.compile(f"({_WORD}|[{_BARE}]+)")
_HAS_BARE = re.compile(f"[{_BARE}]")
_JAPANESE = re.compile(rf"[\u30a1-\u30ff\u31f0-\u31ff\uff66-\uff9f]+|[\u3041-\u3096\u3099\u309a]+|[{SCRIPTS['han']}]+")
_KANA = re.compile(f"[{SCRIPTS['kana']}]")
_HAN = re.compile(f"[{SCRIPTS['han']}]+")


def split(text: str, segmenter: str = "characters") -> tuple[list[str], list[str]]:
    """Words and the gaps around them: m words, m + 1 gaps (the first stands before the first word).

    A word is what stands between blanks and punctuation. In a script that puts no blanks between words it is one
    character (with the marks on it), or what the segmenter takes for a word: ``jieba`` for Chinese, runs of one kind of
    letter for Japanese.

    Args:
        text: any text.
        segmenter: ``characters``, ``jieba``, or ``auto`` (jieba where it is installed).
    """
    plain = text.isascii()
    if plain or not _HAS_BARE.search(text):
        parts = (_ASCII if plain else _SPACED).split(text)
        return parts[1::2], parts[::2]
    parts = _ANY.split(text)
    words, gaps = [], [parts[0]]
    for word, gap in zip(parts[1::2], parts[2::2]):
        pieces = _pieces(word, segmenter) if _HAS_BARE.match(word) else [word]
        words += pieces
        gaps += [""] * (len(pieces) - 1) + [gap]
    return words, gaps


def join(words: list[str], gaps: list[str]) -> str:
    """The text of these words and gaps."""
    parts = [""] * (2 * len(words) + 1)
    parts[::2] = gaps
    parts[1::2] = words
    return "".join(parts)


def opened(words: list[str], gaps: list[str], known: Container[str]) -> tuple[list[str], list[str]]:
    """The same words, those cut in pieces that hold a known word in a script without blanks, as 今天天气 does 天气."""
    if all(len(word) < 3 or word in known or not _HAS_BARE.match(word) for word in words):
        return words, gaps
    pieces, between = [], [gaps[0]]
    for word, gap in zip(words, gaps[1:]):
        inner = [word] if word in known or not _HAS_BARE.match(word) else _around(word, known)
        pieces += inner
        between += [""] * (len(inner) - 1) + [gap]
    return pieces, between


def _around(word: str, known: Container[str]) -> list[str]:
    for size in range(len(word) - 1, 1, -1):
        for begin in range(len(word) - size + 1):
            if word[begin : begin + size] in known:
                return [part for part in (word[:begin], word[begin : begin + size], word[begin + size :]) if part]
    return [word]


def _pieces(run: str, segmenter: str) -> list[str]:
    if segmenter == "characters":
        return clusters(run)
    if _KANA.search(run):
        return _JAPANESE.findall(run) if len(run) == sum(map(len, _JAPANESE.findall(run))) else clusters(run)
    if not _HAN.fullmatch(run):
        return clusters(run)
    if segmenter == "jieba" or find_jieba():
        return jieba().lcut(run, HMM=False)
    return [run[begin : begin + 2] for begin in range(0, len(run), 2)]


@cache
def find_jieba() -> bool:
    """Whether the package that finds Chinese words is installed."""
    return find_spec("jieba") is not None


@cache
def jieba() -> Any:
    """jieba's tokenizer, loaded once per process (0.6 s, 60 MB).

    Its own way of loading keeps the dictionary as a marshalled file in the folder for temporary files, where anyone
    might have put another one; this reads the dictionary itself.

    Raises:
        MissingPackage: jieba is not installed.
    """
    try:
        import jieba as package
    except ImportError:
        raise MissingPackage("jieba", "text", "Chinese words") from None
    tokenizer = package.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer
