"""Texts that are empty, very short or long, mostly symbols, or garbled."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from curate.checks._bounds import Bounded, at_least, at_most, findings, usual
from curate.evidence.evidence import Evidence
from curate.findings import Findings
from curate.step import Check
from curate.task import Task

FIELDS = ("characters", "words", "alphabetic_fraction", "digit_fraction", "symbol_fraction", "replacement_characters")


class TextQuality(Check):
    """Finds texts that are empty, too short, far longer than the set's, mostly symbols, or garbled by a wrong encoding.

    Scores are 0.5 at an issue's bound and fall towards 0 beyond it. Cost: one pass over the characters.
    """

    modalities = ("text",)

    min_characters: int = Field(2, ge=0, description="too_short: fewer characters than this, where there are any")
    max_length_ratio: float = Field(20.0, ge=1, description="too_long: characters over the set's median")
    min_alphabetic_fraction: float = Field(
        0.25, ge=0, le=1, description="mostly_symbols: share of letters, blanks aside; at most half of the set's median"
    )

    def needs(self, task: Task) -> tuple[str, ...]:
        """Lengths and what the characters are."""
        return tuple(f"text.{name}" for name in FIELDS) if "text" in task.modalities else ()

    def find(self, evidence: Evidence) -> Findings:
        """One line per issue and active row."""
        rows = np.flatnonzero(evidence.active)
        m = {name: evidence.measure(f"text.{name}")[rows].astype(np.float64) for name in FIELDS}
        length, letters, garbled = m["characters"], m["alphabetic_fraction"], m["replacement_characters"]
        empty = (m["words"] <= 0) & ~(m["symbol_fraction"] > 0)
        median, usual_letters = usual(length, evidence, rows), usual(letters, evidence, rows)
        short = np.where(empty, 1.0, at_least(np.maximum(length, 0), self.min_characters))
        symbols = at_least(letters, min(self.min_alphabetic_fraction, usual_letters / 2))
        symbols[empty] = 1.0
        issues = [
            Bounded("empty", np.where(empty, 0.0, 1.0), lambda p: "no letters, digits or symbols"),
            Bounded("too_short", short, lambda p: f"{length[p]:.0f} character(s)"),
            Bounded(
                "too_long",
                at_most(np.maximum(length, 0) / max(median, 1.0), self.max_length_ratio),
                lambda p: (
                    f"{length[p]:,.0f} characters, {length[p] / max(median, 1.0):.0f} times the median of {median:.0f}"
                ),
            ),
            Bounded("mostly_symbols", symbols, lambda p: f"only {letters[p]:.0%} of its characters are letters"),
            Bounded(
                "garbled",
                1.0 / (1.0 + 2 * np.maximum(garbled, 0)),
                lambda p: f"{garbled[p]:.0f} replacement character(s) of a failed decoding",
            ),
        ]
        return findings(self.name, evidence, rows, issues)
