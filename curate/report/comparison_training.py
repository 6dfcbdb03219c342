"""What a comparison of arms found: the values, JSON, and the sentences that say what they mean."""

from __future__ import annotations

import json
from typing import Literal

from pydantic import Field

from curate.report.part import Part

Verdict = Literal["helps", "hurts", "unclear", "same predictions", "changes nothing", "not seen", "could not run"]
SAID: dict[str, str] = {
    "helps": "helps",
    "hurts": "hurts",
    "unclear": "can't be told from noise",
    "same predictions": "no prediction differs",
    "changes nothing": "changes nothing",
    "not seen": "not seen by this model",
    "could not run": "could not run",
}
"""Verdict -> what people read."""
NAMES = {
    "accuracy": "accuracy",
    "f1_macro": "macro F1",
    "f1_micro": "micro F1",
    "balanced_accuracy": "balanced accuracy",
    "mean_average_precision": "mean average precision",
    "average_precision": "average precision",
    "rmse": "RMSE",
    "mae": "mean absolute error",
    "r2": "R²",
    "f1": "F1",
}
"""Metric -> its name for people."""
UNIT = "\N{NO-BREAK SPACE}pp"
DETECTABLE = "detectable: the smallest true difference that would be told from noise in 4 of 5 such comparisons"
CORRECTED = "verdicts are corrected for the number of lines (Holm), the intervals of single lines are not"
SHARES = ("accuracy", "f1_macro", "f1_micro", "balanced_accuracy", "mean_average_precision", "average_precision", "f1")
"""Metrics between 0 and 1, whose differences are said in percentage points."""


class ArmScore(Part):
    """One arm: what it trains on and how it does on the test rows."""

    name: str
    kind: Literal["raw", "curated", "without", "alone"]
    step: str | None
    rows: int = Field(description="different rows that it trains on; 0 where it could not be run")
    draws: int = Field(description="draws of an epoch: repeats count")
    score: float | None = Field(description="the metric, mean over seeds")
    seeds: list[float] = Field(description="the metric of each seed")
    twin: str | None = Field(description="the arm that trains on just the same, which therefore was not trained again")
    problem: str | None = Field(description="why it could not be run")


class Effect(Part):
    """What something does to the metric: the difference of two arms, positive where the first has more."""

    name: str
    of: str = Field(description="the arm with it")
    against: str = Field(description="the arm without it")
    difference: float | None = Field(description="mean over seeds; null where an arm is missing")
    low: float | None = Field(description="of the 95 % interval")
    high: float | None
    p: float | None = Field(description="two-sided, not corrected")
    p_adjusted: float | None = Field(description="after Holm, over all steps")
    detectable: float | None = Field(description="smallest true difference that would be found in 4 of 5 cases")
    disagree: int | None = Field(description="test rows on which the two arms' predictions differ for some seed")
    verdict: Verdict
    reason: str = Field(description="what the verdict rests on, where the numbers don't say it")


class ClassEffect(Part):
    """A class: the curated rows against the raw ones. For regression a part of the range."""

    name: str
    test_rows: int
    raw: float | None
    curated: float | None
    difference: float | None
    low: float | None
    high: float | None
    p_adjusted: float | None = Field(description="after Holm, over all classes")
    verdict: Verdict


class TrainingComparison(Part):
    """Whether curation helps: arms trained alike, and what differs between them."""

    pipeline: str
    data: str
    test: str
    test_rows: int
    model: str
    metric: str
    class_metric: str
    higher_is_better: bool
    seeds: int
    steps: int = Field(description="optimiser steps of every arm and seed")
    batch_size: int
    resamples: int
    arms: list[ArmScore]
    overall: Effect = Field(description="the whole pipeline against the raw rows")
    effects: list[Effect] = Field(description="each step: the whole pipeline against the pipeline without it")
    alone: list[Effect] = Field(description="each step alone against the raw rows, if asked for")
    classes: list[ClassEffect] = Field(description="largest difference first")
    notes: list[str]
    seconds: float

    def to_json(self) -> str:
        """As JSON."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, allow_nan=False, indent=2) + "\n"

    def to_html(self, path: str) -> None:
        """Write it as a page without a script. Raises StorageError."""
        from pathlib import Path

        from curate.report.comparison_page import training_page
        from curate.storage import write_text

        write_text(Path(path), training_page(self))

    @property
    def harmful(self) -> list[str]:
        """What hurts: steps, and ``the whole pipeline``."""
        found = [effect.name for effect in self.effects if effect.verdict == "hurts"]
        return found + (["the whole pipeline"] if self.overall.verdict == "hurts" else [])

    @property
    def metric_name(self) -> str:
        """The metric for people."""
        return NAMES.get(self.metric, self.metric)

    @property
    def class_name(self) -> str:
        """The metric of single classes for people."""
        return NAMES.get(self.class_metric, self.class_metric)

    def arm(self, name: str) -> ArmScore:
        """The arm of that name. Raises KeyError."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise KeyError(name)

    def value(self, number: float | None) -> str:
        """A value of the metric for people."""
        if number is None:
            return "–"
        return f"{100 * number:.1f}%" if self.metric in SHARES else f"{number:.4g}"

    def change(self, number: float | None, *, sign: bool = True) -> str:
        """A difference of the metric for people, in percentage points for shares."""
        if number is None:
            return "–"
        plus = "+" if sign else ""
        if self.metric in SHARES:
            return f"{100 * number:{plus}.1f}".replace("-", "−") + UNIT
        return f"{number:{plus}.3g}".replace("-", "−")

    def span(self, effect: Effect | ClassEffect) -> str:
        """An interval for people."""
        if effect.low is None or effect.low == effect.high:
            return "–"
        return f"{self.change(effect.low).removesuffix(UNIT)} to {self.change(effect.high)}"

    def said(self, effect: Effect) -> str:
        """A verdict for people; it names the number of steps where an interval alone would say otherwise."""
        said = SAID[effect.verdict]
        if effect.verdict == "unclear" and effect.low is not None and effect.high is not None:
            count = sum(one.disagree is not None and one.disagree > 0 for one in self.effects)
            said += f" among {count} steps" if effect.low > 0 or effect.high < 0 else ""
        return said

    def least(self, effect: Effect) -> str:
        """The smallest difference that would have been found."""
        return "–" if effect.detectable is None else self.change(effect.detectable, sign=False)

    def headline(self) -> str:
        """The answer in one sentence."""
        effect = self.overall
        raw, full = self.arm("raw"), self.arm("curated")
        moved = f"{self.metric_name} {self.value(raw.score)} → {self.value(full.score)}"
        if effect.verdict in ("changes nothing", "same predictions"):
            return f"The curation makes no difference: {moved}"
        span = f"{self.change(effect.difference)}, 95% interval {self.span(effect)}"
        answer = {"helps": "The curation helps", "hurts": "The curation hurts"}.get(
            effect.verdict, "Whether the curation helps can't be told from noise"
        )
        return f"{answer}: {moved} ({span})"
