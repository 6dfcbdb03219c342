"""Languages, the scripts that they are written in, and the script of a text."""

from __future__ import annotations

import re
from functools import cache

SCRIPTS = {
    "latin": r"A-Za-zªºÀ-ÖØ-öø-ɏḀ-ỿＡ-Ｚａ-ｚ",
    "cyrillic": r"\u0400-\u052f\u1c80-\u1c8f\u2de0-\u2dff\ua640-\ua69f",
    "greek": r"\u0370-\u03ff\u1f00-\u1fff",
    "armenian": r"\u0530-\u058f",
    "hebrew": r"\u0590-\u05ff\ufb1d-\ufb4f",
    "arabic": r"\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufefe",
    "devanagari": r"\u0900-\u097f\ua8e0-\ua8ff",
    "bengali": r"\u0980-\u09ff",
    "tamil": r"\u0b80-\u0bff",
    "telugu": r"\u0c00-\u0c7f",
    "thai": r"\u0e00-\u0e7f",
    "lao": r"\u0e80-\u0eff",
    "myanmar": r"\u1000-\u109f",
    "georgian": r"\u10a0-\u10ff\u1c90-\u1cbf",
    "ethiopic": r"\u1200-\u139f",
    "khmer": r"\u1780-\u17ff",
    "hangul": r"\u1100-\u11ff\u3130-\u318f\uac00-\ud7ff",
    "kana": r"\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f",
    "han": r"\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f",
}
"""script -> its letters, as they stand between the brackets of a regular expression."""

CASED = ("latin", "cyrillic", "greek", "armenian")
"""Scripts with upper and lower case."""
UNSPACED = ("han", "kana", "thai", "lao", "khmer", "myanmar")
"""Scripts that put no blanks between words."""

_WRITTEN_IN = {
    "latin": "af az bs ca cs cy da de en eo es et eu fi fr ga gl hr hu id is it lt lv ms mt nl no pl pt ro sk sl sq sv"
    " sw tl tr uz vi",
    "cyrillic": "be bg kk ky mk mn ru sr tg uk",
    "greek": "el",
    "armenian": "hy",
    "hebrew": "he yi",
    "arabic": "ar fa ps ug ur",
    "devanagari": "hi mr ne sa",
    "bengali": "as bn",
    "tamil": "ta",
    "telugu": "te",
    "thai": "th",
    "lao": "lo",
    "myanmar": "my",
    "georgian": "ka",
    "ethiopic": "am ti",
    "khmer": "km",
    "hangul": "ko",
    "kana": "ja",
    "han": "zh",
}
SCRIPT_OF = {language: script for script, languages in _WRITTEN_IN.items() for language in languages.split()}
"""Language (ISO 639-1) -> the script that tells it."""


@cache
def _letters(script: str) -> re.Pattern[str]:
    return re.compile(f"[{SCRIPTS[script]}]")


_MANY = re.compile(f"[^\\x00-\\x7f{SCRIPTS['latin']}]")


_WORTH = {"han": 3, "hangul": 2, "kana": 2}
"""Letters of an alphabet that say as much as one character."""


def script_of(text: str) -> str | None:
    """The script of most letters of a text, None where it has no letter of a script that is known.

    Japanese is told from Chinese by its kana: one kana in three ideographs is enough.
    """
    if text.isascii() or not _MANY.search(text):
        return "latin" if _letters("latin").search(text) else None
    counts = {script: len(_letters(script).findall(text)) for script in SCRIPTS}
    if counts["kana"] and 3 * counts["kana"] >= counts["han"]:
        counts["kana"] += counts["han"]
    best = max(counts, key=lambda script: counts[script] * _WORTH.get(script, 1))
    return best if counts[best] else None
