"""A comparison of arms as a page: differences with their intervals drawn around 0, without a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from curate.report.comparison_training import SAID, ArmScore, ClassEffect, Effect, TrainingComparison
from curate.report.html import _asset as asset
from curate.report.html import _digest as digest
from curate.report.html import _environment as environment

LEVELS = {"helps": "good", "hurts": "bad", "could not run": "look", "not seen": "look"}


@dataclass(frozen=True)
class Mark:
    """An interval in a box of 100 x 20 around 0: places in percent of the width; None where nothing is drawn."""

    low: float
    high: float
    at: float


@dataclass(frozen=True)
class Axis:
    """The scale of the intervals of a table: what its edges say, and where 0 is."""

    furthest: float
    low: str
    high: str

    def mark(self, low: float | None, high: float | None, at: float | None) -> Mark | None:
        """Places of an interval."""
        if low is None or high is None or at is None or not self.furthest:
            return None
        return Mark(*(50 + 49 * value / self.furthest for value in (low, high, at)))


@dataclass(frozen=True)
class EffectLine:
    """A line of a forest plot."""

    effect: Effect
    mark: Mark | None
    level: str
    difference: str
    span: str
    least: str
    said: str


@dataclass(frozen=True)
class ClassLine:
    """A class: bars of both arms in percent of the largest value, and the interval of the difference."""

    effect: ClassEffect
    mark: Mark | None
    level: str
    raw: str
    curated: str
    difference: str
    span: str
    said: str
    raw_length: float
    curated_length: float


@dataclass(frozen=True)
class ArmLine:
    """An arm, and where its seeds lie between the lowest and the highest of all."""

    arm: ArmScore
    score: str
    seeds: list[float]
    at: float | None


def training_page(found: TrainingComparison) -> str:
    """The whole page."""
    style = asset("page.css") + asset("comparison_training.css")
    policy = f"default-src 'none'; style-src '{digest(style)}'; base-uri 'none'; form-action 'none'"
    every = [found.overall, *found.effects, *found.alone]
    axis = _axis(found, every)
    class_axis = _axis(found, found.classes)
    return (
        environment()
        .get_template("comparison_training.html.j2")
        .render(
            c=found,
            style=Markup(style),
            policy=policy,
            level=LEVELS.get(found.overall.verdict, "look"),
            said=SAID[found.overall.verdict],
            axis=axis,
            overall=_line(found, found.overall, axis),
            tables=[
                ("Each step", "the whole pipeline against the pipeline without it", _lines(found, found.effects, axis)),
                ("Each step alone", "the step alone against the raw rows", _lines(found, found.alone, axis)),
            ],
            arms=_arms(found),
            class_axis=class_axis,
            classes=_classes(found, class_axis),
            class_word="part of the range" if found.metric in ("rmse", "mae", "r2") else "class",
        )
    )


def _axis(found: TrainingComparison, effects: Sequence[Effect | ClassEffect]) -> Axis:
    ends = [abs(x) for e in effects for x in (e.low, e.high, e.difference) if x is not None]
    furthest = max(ends, default=0.0)
    return Axis(furthest, found.change(-furthest), found.change(furthest))


def _line(found: TrainingComparison, effect: Effect, axis: Axis) -> EffectLine:
    drawn = effect.disagree is not None and effect.disagree > 0
    return EffectLine(
        effect,
        axis.mark(effect.low, effect.high, effect.difference) if drawn else None,
        LEVELS.get(effect.verdict, "plain"),
        found.change(effect.difference) if drawn else "–",
        found.span(effect),
        found.least(effect),
        found.said(effect),
    )


def _lines(found: TrainingComparison, effects: Sequence[Effect], axis: Axis) -> list[EffectLine]:
    return [_line(found, effect, axis) for effect in effects]


def _arms(found: TrainingComparison) -> list[ArmLine]:
    values = [value for arm in found.arms for value in arm.seeds]
    low, high = min(values, default=0.0), max(values, default=1.0)
    width = (high - low) or 1.0

    def place(value: float) -> float:
        return 2 + 96 * (value - low) / width

    return [
        ArmLine(
            arm,
            found.value(arm.score),
            [place(value) for value in arm.seeds],
            None if arm.score is None else place(arm.score),
        )
        for arm in found.arms
    ]


def _classes(found: TrainingComparison, axis: Axis) -> list[ClassLine]:
    longest = max((x for one in found.classes for x in (one.raw, one.curated) if x is not None), default=0.0) or 1.0
    return [
        ClassLine(
            one,
            axis.mark(one.low, one.high, one.difference),
            LEVELS.get(one.verdict, "plain"),
            found.value(one.raw),
            found.value(one.curated),
            found.change(one.difference),
            found.span(one),
            SAID[one.verdict],
            100 * max(one.raw or 0.0, 0.0) / longest,
            100 * max(one.curated or 0.0, 0.0) / longest,
        )
        for one in found.classes
    ]
