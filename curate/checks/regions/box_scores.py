"""Given boxes beside predicted ones: cleanlab's scores of each box, and the bounds below which they are issues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

IOU_STEPS = np.linspace(0.5, 0.95, 10)
"""Overlaps over which average precision is averaged, as in COCO."""
PART = 256
"""Images whose matrices are held at once."""


@dataclass(frozen=True)
class Scene:
    """The boxes of one image, left, top, right, bottom in pixels.

    Attributes:
        row: of the table.
        place: (L,) place of each given box in its row, from 0.
        box: (L, 4) given.
        label: (L,) class of each.
        found: (M, 4) predicted.
        found_label: (M,) class of each.
        found_score: (M,) probability of each.
    """

    row: int
    place: np.ndarray
    box: np.ndarray
    label: np.ndarray
    found: np.ndarray
    found_label: np.ndarray
    found_score: np.ndarray


@dataclass(frozen=True)
class BoxScores:
    """cleanlab's scores of one image, 0 worst.

    Attributes:
        overlooked: (M,) of the predicted boxes; 1 where it does not apply.
        badly_located: (L,) of the given boxes.
        swapped: (L,) of the given boxes.
        image: of all of them.
    """

    overlooked: np.ndarray
    badly_located: np.ndarray
    swapped: np.ndarray
    image: float


def overlaps(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(a, 4) and (b, 4) corners -> (a, b) intersection over union, (a, b) intersection in square pixels."""
    inner = np.minimum(one[:, None, 2:], other[None, :, 2:]) - np.maximum(one[:, None, :2], other[None, :, :2])
    shared = np.maximum(inner, 0).prod(2)
    return shared / np.maximum(areas(one)[:, None] + areas(other)[None] - shared, 1e-6), shared


def areas(box: np.ndarray) -> np.ndarray:
    """(b, 4) corners -> (b,) square pixels."""
    return (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])


def score_boxes(scenes: Sequence[Scene]) -> list[BoxScores]:
    """cleanlab's scores (ObjectLab) of every image; the matrices that they rest on are computed here at once.

    Source: Tkachenko, Thyagarajan, Mueller, ObjectLab: Automated Diagnosis of Mislabeled Images in Object Detection
    Data, 2023.
    """
    from cleanlab.internal.constants import ALPHA, EUC_FACTOR

    least = 1.0
    for scene in scenes:
        alike = _similarity(scene, ALPHA, EUC_FACTOR)[1]
        least = min(least, float(alike[alike > 0].min(initial=1.0)))
    done: list[BoxScores] = []
    for start in range(0, len(scenes), PART):
        done += _scored(scenes[start : start + PART], ALPHA, EUC_FACTOR, least)
    return done


def _similarity(scene: Scene, alpha: float, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """(L, M) overlap, and (L, M) cleanlab's similarity: of overlap and, weakly, the distance of the middles."""
    iou, _ = overlaps(scene.box, scene.found)
    middle, other = ((b[:, :2] + b[:, 2:]) / 2 for b in (scene.box, scene.found))
    near = np.exp(-factor * np.linalg.norm(middle[:, None] - other[None], axis=2))
    return iou, alpha * iou + (1 - alpha) * near


def _scored(scenes: Sequence[Scene], alpha: float, factor: float, least: float) -> list[BoxScores]:
    from cleanlab.internal import constants
    from cleanlab.object_detection import rank

    inputs: list[Any] = []
    for scene in scenes:
        iou, alike = _similarity(scene, alpha, factor)
        inputs.append(
            {
                "pred_labels": scene.found_label,
                "pred_label_probs": scene.found_score,
                "pred_bboxes": scene.found,
                "lab_labels": scene.label,
                "lab_bboxes": scene.box,
                "similarity_matrix": alike,
                "iou_matrix": iou,
                "min_possible_similarity": least,
            }
        )
    parts = [
        rank.compute_overlooked_box_scores(auxiliary_inputs=inputs),
        rank.compute_badloc_box_scores(auxiliary_inputs=inputs),
        rank.compute_swap_box_scores(auxiliary_inputs=inputs),
    ]
    pooled = np.array([rank.pool_box_scores_per_image(part) for part in parts])
    image = np.exp(np.log(constants.TINY_VALUE + pooled).mean(0))
    overlooked, badly_located, swapped = ([np.nan_to_num(scores, nan=1.0) for scores in part] for part in parts)
    return [
        BoxScores(overlooked[p], badly_located[p], swapped[p], float(whole)) for p, whole in enumerate(image.tolist())
    ]


def average_precision(scenes: Sequence[Scene], classes: int) -> np.ndarray:
    """(K,) average precision of the predictions by the given boxes, averaged over ten overlaps from 0.5 to 0.95.

    A predicted box is right where it reaches the overlap with the given box nearest to it, and is the surest to do so.
    """
    label, score, best, target, given = [], [], [], [], np.zeros(classes, dtype=np.int64)
    start = 0
    for scene in scenes:
        iou, _ = overlaps(scene.box, scene.found)
        iou = np.where(scene.label[:, None] == scene.found_label[None], iou, -1.0)
        label.append(scene.found_label)
        score.append(scene.found_score)
        best.append(iou.max(0, initial=-1.0))
        nearest = iou.argmax(0) if len(iou) else np.zeros(iou.shape[1], dtype=np.int64)
        target.append(start + nearest)
        given += np.bincount(scene.label, minlength=classes)
        start += len(scene.box)
    found_label, found_score = np.concatenate(label), np.concatenate(score)
    overlap, place = np.concatenate(best), np.concatenate(target)
    result = np.zeros(classes)
    for k in range(classes):
        own = np.flatnonzero(found_label == k)
        own = own[np.argsort(-found_score[own], kind="stable")]
        result[k] = np.mean([_area(_right(overlap[own] >= step, place[own]), int(given[k])) for step in IOU_STEPS])
    return result


def _right(reached: np.ndarray, place: np.ndarray) -> np.ndarray:
    """(m,) bool: the first to reach each given box."""
    right = np.zeros(len(reached), dtype=bool)
    places = np.flatnonzero(reached)
    right[places[np.unique(place[places], return_index=True)[1]]] = True
    return right


def _area(right: np.ndarray, given: int) -> float:
    """Area under precision over recall, precision made to fall."""
    hits = np.cumsum(right)
    recall = np.concatenate([[0.0], hits / max(given, 1e-7), [1.0]])
    precision = np.concatenate([[0.0], hits / np.arange(1, len(right) + 1), [0.0]])
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.flatnonzero(recall[1:] != recall[:-1])
    return float(((recall[steps + 1] - recall[steps]) * precision[steps + 1]).sum())
