"""Boxes that are overlooked, badly located, or of another class, by what a model predicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.checks.labels.failures import not_judged, say_failures
from curate.checks.regions.box_arrays import Boxes, boxes_of, corners
from curate.checks.regions.box_scores import BoxScores, Scene, areas, average_precision, overlaps, score_boxes
from curate.findings import Findings
from curate.wording import some_of

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

MOST_GIVEN, MOST_PREDICTED = 1_000, 10_000
"""Boxes of one image beyond which it is not judged: pairs are compared."""
HALF = 0.5
"""Overlap from which two boxes mean the same object; and probability from which a prediction is taken to say so."""
LEAST_BOXES = 20
"""Given boxes with a prediction that tell how well the model locates."""
SPREADS = 5.0
"""Badly located: so many robust standard deviations below the usual overlap."""
LEAST_SPREAD = 0.02
NAMED = 5


@dataclass(frozen=True)
class Fault:
    """One box that is doubted: its kind, its score (0 worst), and what is said of it."""

    kind: str
    score: float
    reason: str


def find_wrong_boxes(evidence: Evidence, check: str, issue: str) -> Findings:
    """One line per active row with boxes and usable predictions.

    Score and flags are those of `cleanlab.object_detection`. Flagged besides, where the model is sure (as cleanlab
    defines it): a predicted box of which no given one shares half; a given box whose place is predicted to be another
    class and not its own; a given box that overlaps its prediction far less than is usual in the set, and by less than
    half.
    """
    scenes, names, failures, left_out = _scenes(evidence)
    facts: dict[str, Any] = {"method": "cleanlab.object_detection", "boxes_left_out": left_out}
    scores = score_boxes(scenes)
    faults = _faults(scenes, names, scores) if scenes else []
    rows = np.array([scene.row for scene in scenes], dtype=np.int64)
    image = np.array([min([s.image, *(f.score for f in own)]) for s, own in zip(scores, faults)])
    flagged = np.array([bool(own) for own in faults], dtype=bool)
    kinds = Counter(kind for own in faults for kind in {fault.kind for fault in own})
    say_failures(evidence, check, failures)
    facts |= {"rows": len(rows), "issues": int(flagged.sum()), "boxes": sum(len(scene.box) for scene in scenes)}
    facts |= {kind: kinds[kind] for kind in ("overlooked", "badly_located", "swapped")}
    facts["not_judged"] = not_judged(evidence, failures)
    reasons = {place: _reason(own) for place, own in enumerate(faults) if own}
    ids = evidence.table.row_ids
    return Findings.of(check, issue, rows, ids, np.clip(image, 0, 1), flagged, reason=reasons, facts=facts)


def _reason(faults: Sequence[Fault]) -> str:
    return some_of(sorted(faults, key=lambda fault: fault.score), NAMED, lambda fault: fault.reason, "; ")


def _scenes(evidence: Evidence) -> tuple[list[Scene], tuple[str, ...], dict[int, str], int]:
    """The images that can be judged, the classes, why others can't, and given boxes that are no boxes."""
    table, task = evidence.table, evidence.table.task
    given = boxes_of(table)
    predicted = boxes_of(replace(table, task=task.model_copy(update={"boxes": task.probabilities})))
    score = _scores(table.column(task.probabilities or ""))
    names = tuple(dict.fromkeys((*task.label_names, *given.names, *predicted.names)))
    box, found = (_in_pixels(evidence, boxes) for boxes in (given, predicted))
    label, found_label = (_codes(boxes, names) for boxes in (given, predicted))
    usable = np.asarray(np.isfinite(box).all(1) & (box[:, 2:] > box[:, :2]).all(1) & (label >= 0))
    fine = np.asarray(np.isfinite(found).all(1) & (found[:, 2:] >= found[:, :2]).all(1))
    firsts, found_firsts = (np.cumsum(np.maximum(b.count, 0)) - np.maximum(b.count, 0) for b in (given, predicted))
    scenes, failures, left_out, told = [], {}, 0, _told(evidence)
    for row in np.flatnonzero(evidence.active & (given.count >= 0)).tolist():
        mine = np.arange(firsts[row], firsts[row] + given.count[row])
        theirs = np.arange(found_firsts[row], found_firsts[row] + max(0, predicted.count[row]))
        why = told.get(row) or _unusable(int(given.count[row]), int(predicted.count[row]), fine[theirs])
        if why:
            failures[row] = why
            continue
        left_out += int((~usable[mine]).sum())
        mine = mine[usable[mine]]
        scenes.append(
            Scene(row, given.place[mine], box[mine], label[mine], found[theirs], found_label[theirs], score[theirs])
        )
    return scenes, names, failures, left_out


def _told(evidence: Evidence) -> dict[int, str]:
    """row -> why its predictions could not be read."""
    problems = evidence.table.problems
    wrong = problems.filter(pc.equal(problems["issue"], "prediction_format"))
    return dict(zip(wrong["row"].to_pylist(), wrong["reason"].to_pylist()))


def _unusable(given: int, predicted: int, fine: np.ndarray) -> str | None:
    if predicted < 0:
        return "there are no predictions"
    if given > MOST_GIVEN or predicted > MOST_PREDICTED:
        return (
            f"{given:,} boxes and {predicted:,} predictions; at most {MOST_GIVEN:,} and {MOST_PREDICTED:,} are compared"
        )
    if not fine.all():
        place = int((~fine).argmax()) + 1
        return f"predicted box {place} of {predicted} is no box: not finite, or it ends before it starts"
    return None


def _scores(column: pa.ChunkedArray) -> np.ndarray:
    flat = column.combine_chunks().flatten()
    return pc.fill_null(pc.struct_field(flat, "score"), 0.0).to_numpy(zero_copy_only=False).astype(np.float64)


def _in_pixels(evidence: Evidence, boxes: Boxes) -> np.ndarray:
    form = evidence.table.task.box_format or "xyxy"
    if not form.endswith("_relative"):
        nothing = np.zeros(len(boxes.row))
        return corners(boxes.given, form, nothing, nothing)
    width, height = (evidence.measure(f"image.{side}")[boxes.row].astype(np.float64) for side in ("width", "height"))
    return corners(boxes.given, form, width, height)


def _codes(boxes: Boxes, names: tuple[str, ...]) -> np.ndarray:
    place = {name: code for code, name in enumerate(names)}
    known = np.array([*(place[name] for name in boxes.names), -1], dtype=np.int64)
    return known[boxes.label]


def _faults(scenes: Sequence[Scene], names: tuple[str, ...], scores: Sequence[BoxScores]) -> list[list[Fault]]:
    from cleanlab.internal import constants

    precision = average_precision(scenes, len(names)) * constants.AP_SCALE_FACTOR
    overlap = [_own_overlap(scene) for scene in scenes]
    least = _least_overlap(np.concatenate(overlap))
    sure = constants.HIGH_PROBABILITY_THRESHOLD
    return [
        _overlooked(scene, names, own, precision * constants.OVERLOOKED_THRESHOLD_FACTOR, sure)
        + _misplaced(scene, names, own, precision * constants.BADLOC_THRESHOLD_FACTOR, overlap[place], least)
        + _swapped(scene, names, own, precision * constants.SWAP_THRESHOLD_FACTOR, sure)
        for place, (scene, own) in enumerate(zip(scenes, scores))
    ]


def _own_overlap(scene: Scene) -> np.ndarray:
    """(L,) overlap with the prediction of its class that lies nearest, NaN where that lies nearer to another box."""
    iou, _ = overlaps(scene.box, scene.found)
    result = np.full(len(scene.box), np.nan)
    same = (scene.label[:, None] == scene.found_label[None]) & (scene.found_score > HALF)[None]
    iou = np.where(same, iou, 0.0)
    if not iou.size:
        return result
    nearest, best = iou.argmax(1), iou.max(1)
    mutual = (best > 0) & (iou[:, nearest].argmax(0) == np.arange(len(iou)))
    result[mutual] = best[mutual]
    return result


def _least_overlap(overlap: np.ndarray) -> float:
    """Overlap far below what is usual, at most one half."""
    known = overlap[np.isfinite(overlap)]
    if len(known) < LEAST_BOXES:
        return 0.0
    middle = float(np.median(known))
    spread = 1.4826 * float(np.median(np.abs(known - middle)))
    return min(HALF, middle - SPREADS * max(spread, LEAST_SPREAD))


def _overlooked(scene: Scene, names: tuple[str, ...], own: BoxScores, bound: np.ndarray, sure: float) -> list[Fault]:
    _, shared = overlaps(scene.found, scene.box)
    smaller = np.minimum(areas(scene.found)[:, None], areas(scene.box)[None])
    covered = (shared / np.maximum(smaller, 1e-6)).max(1, initial=0.0)
    iou, _ = overlaps(scene.box, scene.found)
    iou = np.where(scene.label[:, None] == scene.found_label[None], iou, 0.0)
    nearest = iou.argmax(1)[iou.max(1) > 0] if iou.size else []  # of a given box, which may be badly located
    alone = (scene.found_score >= sure) & (covered < HALF)
    alone[nearest] = False
    wrong = (own.overlooked <= bound[scene.found_label]) | alone
    return [
        Fault(
            "overlooked",
            float(min(own.overlooked[p], 1 - scene.found_score[p])),
            f"a {names[scene.found_label[p]]!r} at {_at(scene.found[p])} (probability {scene.found_score[p]:.2f}) has"
            " no box: overlooked",
        )
        for p in np.flatnonzero(wrong).tolist()
    ]


def _misplaced(
    scene: Scene, names: tuple[str, ...], own: BoxScores, bound: np.ndarray, overlap: np.ndarray, least: float
) -> list[Fault]:
    iou, _ = overlaps(scene.box, scene.found)
    iou = np.where(scene.label[:, None] == scene.found_label[None], iou, 0.0)
    wrong = (own.badly_located <= bound[scene.label]) | (np.nan_to_num(overlap, nan=1.0) < least)
    faults = []
    for p in np.flatnonzero(wrong).tolist():
        best, limit = int(iou[p].argmax()), max(least, float(bound[scene.label[p]]))
        faults.append(
            Fault(
                "badly_located",
                float(own.badly_located[p]),
                f"box {scene.place[p] + 1} ({names[scene.label[p]]}) at {_at(scene.box[p])} overlaps the one predicted"
                f" at {_at(scene.found[best])} by {iou[p, best]:.2f} (least {limit:.2f}): badly located",
            )
        )
    return faults


def _swapped(scene: Scene, names: tuple[str, ...], own: BoxScores, bound: np.ndarray, sure: float) -> list[Fault]:
    iou, _ = overlaps(scene.box, scene.found)
    same = scene.label[:, None] == scene.found_label[None]
    agreed = (iou * (same & (scene.found_score > HALF)[None])).max(1, initial=0.0)
    others = iou * (~same & (scene.found_score > sure)[None])
    other = others.max(1, initial=0.0)
    wrong = (own.swapped <= bound[scene.label]) | ((other >= HALF) & (agreed < HALF))
    faults = []
    for p in np.flatnonzero(wrong).tolist():
        told = f"box {scene.place[p] + 1} ({names[scene.label[p]]}) at {_at(scene.box[p])}"
        if other[p] >= HALF:
            best = int(others[p].argmax())
            told += (
                f" is predicted to be {names[scene.found_label[best]]!r} (probability {scene.found_score[best]:.2f},"
                f" overlap {other[p]:.2f}): swapped class"
            )
        else:
            told += " is labelled a second time with another class"
        faults.append(Fault("swapped", float(own.swapped[p]), told))
    return faults


def _at(box: np.ndarray) -> str:
    """``(10, 20)-(30, 40) px``."""
    left, top, right, bottom = (round(float(v)) for v in box)
    return f"({left}, {top})-({right}, {bottom}) px"
