"""From the scores of arms to what is said of steps and classes: differences, corrected verdicts, reasons."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from curate.pipeline.comparison.arms import CURATED, RAW, Arm
from curate.pipeline.comparison.inference import Difference, difference, holm
from curate.pipeline.comparison.scores import Scores, Truth
from curate.report.comparison_training import ClassEffect, Effect, Verdict

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Judged:
    """An arm with its predictions and scores; None where it could not be run."""

    arm: Arm
    predicted: np.ndarray | None
    scores: Scores | None


def effects_of(
    judged: dict[str, Judged], truth: Truth, unseen: Mapping[str, str]
) -> tuple[Effect, list[Effect], list[Effect]]:
    """What the whole pipeline does, what each step does in it, and what each does alone.

    Args:
        judged: arm -> its scores.
        truth: of the test rows.
        unseen: step -> why the model sees nothing of it.
    """
    raw, full = judged[RAW], judged[CURATED]
    overall = _family([("the whole pipeline", full, raw)], truth, unseen)[0]
    without = [(one.arm.step or "", full, one) for one in judged.values() if one.arm.kind == "without"]
    alone = [(one.arm.step or "", one, raw) for one in judged.values() if one.arm.kind == "alone"]
    return overall, _family(without, truth, unseen), _family(alone, truth, unseen)


def _family(pairs: Sequence[tuple[str, Judged, Judged]], truth: Truth, unseen: Mapping[str, str]) -> list[Effect]:
    """The effects of several comparisons, with p values corrected over those that could be measured."""
    found = [_difference(one, other) for _, one, other in pairs]
    tested = [i for i, one in enumerate(found) if one is not None and one.disagree]
    adjusted = dict(zip(tested, holm([found[i].p for i in tested])))  # type: ignore[union-attr]
    effects = []
    for i, ((name, one, other), drawn) in enumerate(zip(pairs, found)):
        verdict, reason = _verdict(name, one, other, drawn, adjusted.get(i), truth, unseen)
        effects.append(
            Effect(
                name=name,
                of=one.arm.name,
                against=other.arm.name,
                difference=None if drawn is None else drawn.value,
                low=None if drawn is None else drawn.low,
                high=None if drawn is None else drawn.high,
                p=None if drawn is None else drawn.p,
                p_adjusted=adjusted.get(i),
                detectable=drawn.detectable(max(1, len(tested))) if drawn is not None and drawn.disagree else None,
                disagree=None if drawn is None else drawn.disagree,
                verdict=verdict,
                reason=reason,
            )
        )
    return effects


def _difference(one: Judged, other: Judged) -> Difference | None:
    if one.scores is None or other.scores is None or one.predicted is None or other.predicted is None:
        return None
    differ = one.predicted != other.predicted
    disagree = int(differ.reshape(differ.shape[0], differ.shape[1], -1).any(axis=(0, 2)).sum())
    a, b = one.scores, other.scores
    return difference(a.seeds, b.seeds, a.resampled, b.resampled, disagree)


def _verdict(
    name: str,
    one: Judged,
    other: Judged,
    drawn: Difference | None,
    adjusted: float | None,
    truth: Truth,
    unseen: Mapping[str, str],
) -> tuple[Verdict, str]:
    for side in (one, other):
        if side.arm.problem is not None:
            return "could not run", f"{side.arm.name}: {side.arm.problem}"
    assert drawn is not None
    twins = {side.arm.twin or side.arm.name for side in (one, other)}
    if len(twins) == 1:
        if name in unseen:
            return "not seen", unseen[name]
        return "changes nothing", "with and without it, training and test rows are the same"
    if not drawn.disagree:
        if name in unseen:
            return "not seen", unseen[name]
        return "same predictions", "the training rows differ, and no prediction of a test row does"
    if adjusted is None or adjusted >= SIGNIFICANT:
        return "unclear", ""
    better = drawn.value > 0 if truth.higher_is_better else drawn.value < 0
    return ("helps" if better else "hurts"), ""


def classes_of(raw: Judged, full: Judged, truth: Truth) -> list[ClassEffect]:
    """The classes on curated against raw rows, largest difference first; corrected over the classes."""
    if raw.scores is None or full.scores is None or raw.predicted is None or full.predicted is None:
        return []
    a, b = full.scores, raw.scores
    rows = truth.rows_of()
    found = {}
    for k in np.flatnonzero(rows):
        here = _disagree(raw.predicted, full.predicted, truth, int(k))
        found[int(k)] = difference(
            a.classes[:, k], b.classes[:, k], a.resampled_classes[:, k], b.resampled_classes[:, k], here
        )
    tested = [k for k, one in found.items() if one.disagree]
    adjusted = dict(zip(tested, holm([found[k].p for k in tested])))
    effects = []
    for k, one in found.items():
        significant = adjusted.get(k, 1.0) < SIGNIFICANT
        better = one.value > 0 if truth.higher_is_better or truth.metric == "r2" else one.value < 0
        verdict: Verdict = ("helps" if better else "hurts") if significant else "unclear"
        effects.append(
            ClassEffect(
                name=truth.names[k],
                test_rows=int(rows[k]),
                raw=number(b.classes[:, k].mean()),
                curated=number(a.classes[:, k].mean()),
                difference=number(one.value),
                low=number(one.low),
                high=number(one.high),
                p_adjusted=adjusted.get(k),
                verdict=verdict if one.disagree else "same predictions",
            )
        )
    return sorted(effects, key=lambda one: (-abs(one.difference or 0), one.name))


def _disagree(one: np.ndarray, other: np.ndarray, truth: Truth, k: int) -> int:
    """Test rows on which predictions differ in what the metric of class k sees."""
    if truth.sets is not None:
        return int((one[..., k] != other[..., k]).any(axis=0).sum())
    if truth.values is not None:
        return int(((one != other).any(axis=0) & (truth.codes == k)).sum())
    sees = (one != other) & ((one == k) | (other == k) | (truth.codes == k))
    return int(sees.any(axis=0).sum())


def number(value: float) -> float | None:
    """A number for JSON: None where it is not finite."""
    return float(value) if math.isfinite(value) else None
