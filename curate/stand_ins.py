"""Words that stand for a missing value, in small letters: which of them count depends on what a mistake would cost."""

from __future__ import annotations

ANYWHERE = ("?", "n/a", "#n/a", "nan", "null", "-", "--")
"""Missing in every column and left out without asking, so no word that may be a value: `none` is an answer."""
DISGUISES = (
    "na", "n.a.", "n.a", "unknown", "not available", "not applicable", "not specified", "not known", "no data",
    "undefined", "missing", "(missing)", "(null)", "(none)", "(blank)", "tbd", "nil", "nat", "<na>", "#value!", "#ref!",
    "#div/0!", "#name?", "xxx", "??", "???", ".", "--", "---", "none given", "unspecified",
)  # fmt: skip
"""Flagged for people to look at, so words that are hardly ever a value may be among them."""
NO_NUMBERS = ("none", "empty")
"""Values of their own among words, and missing where the other cells are numbers."""
NOTHING_SAID = tuple(dict.fromkeys((*ANYWHERE, *DISGUISES, *NO_NUMBERS)))
"""All of them: in columns of numbers no word is a value, and a comparison that leaves one out costs little."""
LABELS = ("NA", "<NA>", "NaT", "None", "-")
"""As programs write them, in their capitals, and what SNLI writes where annotators did not agree: in labels they are
told of and left alone, as each may be a class."""
