"""Measures of text: length in characters and words of any script, what it is made of, and its language."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.evidence.measure import Measure
from curate.evidence.measures.text_languages import languages

CJK = r"\p{Han}\p{Hiragana}\p{Katakana}"
WORD = rf"[{CJK}]|(?:[^\P{{L}}{CJK}]|[\p{{N}}\p{{M}}_])(?:[^\P{{L}}{CJK}]|[\p{{N}}\p{{M}}_'’\-])*"
"""A word: one Chinese or Japanese character, or a run of letters, digits and marks of any other script (with
apostrophes and hyphens inside)."""
LANGUAGE_CHARACTERS = 2_000
BLOCK_TEXTS = 8_192


class TextStatistics(Measure):
    """Counts of characters (code points) and words, and shares of the characters that are not white space.

    Chinese and Japanese characters count as a word each; Korean and all scripts with spaces count by their runs. Null
    texts have -1 and NaN. symbol_fraction: neither letter, digit, mark nor punctuation (so emoji, ``$``, ``|``).
    replacement_characters: the U+FFFD that a failed decoding leaves behind.
    """

    name = "text.statistics"
    modality = "text"
    libraries = ("pyarrow",)
    fields = {
        "text.characters": ("int32", ()),
        "text.words": ("int32", ()),
        "text.alphabetic_fraction": ("float32", ()),
        "text.digit_fraction": ("float32", ()),
        "text.uppercase_fraction": ("float32", ()),
        "text.symbol_fraction": ("float32", ()),
        "text.replacement_characters": ("int32", ()),
    }

    def measure(self, items: pa.Array) -> dict[str, np.ndarray]:
        """Values of n texts."""
        visible = _count(items, r"\S")
        shares = {
            "alphabetic": r"[\p{L}\p{M}]",
            "digit": r"\p{N}",
            "uppercase": r"\p{Lu}",
            "symbol": r"\p{S}",
        }
        return {
            "text.characters": _plain(pc.utf8_length(items)),
            "text.words": _count(items, WORD),
            "text.replacement_characters": _count(items, "\ufffd"),
            **{f"text.{name}_fraction": _share(_count(items, regex), visible) for name, regex in shares.items()},
        }


class TextLanguage(Measure):
    """The language (ISO 639-1) of the first 2,000 characters and how sure the identifier is (0 to 1), by py3langid.

    An empty text has the language "" and NaN.
    """

    name = "text.language"
    modality = "text"
    parameters = {"characters": LANGUAGE_CHARACTERS}
    libraries = ("py3langid",)
    fields = {"text.language": ("str", ()), "text.language_confidence": ("float32", ())}

    def measure(self, items: pa.Array) -> dict[str, np.ndarray]:
        """Values of n texts."""
        model = languages()
        heads = pc.utf8_slice_codeunits(items, 0, LANGUAGE_CHARACTERS)
        given = pc.fill_null(pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(heads)), 0), False)
        # Equal texts are common in short-text sets, and identifying is the slow part.
        encoded = heads.filter(given).dictionary_encode()
        texts = encoded.dictionary.to_pylist()
        best, sure = np.zeros(len(texts), dtype=np.int64), np.zeros(len(texts), dtype=np.float32)
        for first in range(0, len(texts), BLOCK_TEXTS):
            shares = model.probabilities(texts[first : first + BLOCK_TEXTS])
            best[first : first + BLOCK_TEXTS] = shares.argmax(1)
            sure[first : first + BLOCK_TEXTS] = shares.max(1)
        language = np.full(len(items), "", dtype=np.dtypes.StringDType())
        confidence = np.full(len(items), np.nan, dtype=np.float32)
        rows, places = given.to_numpy(zero_copy_only=False), encoded.indices.to_numpy()
        language[rows], confidence[rows] = model.names[best[places]], sure[places]
        return {"text.language": language, "text.language_confidence": confidence}


def _count(texts: pa.Array, regex: str) -> np.ndarray:
    """(n,) int32 matches of a regular expression (RE2) in each text, -1 for null."""
    return _plain(pc.count_substring_regex(texts, regex))


def _plain(counts: pa.Array) -> np.ndarray:
    return pc.fill_null(counts, -1).to_numpy(zero_copy_only=False).astype(np.int32)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole as float32; 0 for an empty text, NaN for null."""
    share = part / np.maximum(whole, 1)
    return np.where(whole < 0, np.nan, share).astype(np.float32)
