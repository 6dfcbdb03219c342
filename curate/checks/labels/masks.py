"""How much the pixels of each mask are doubted, by what a model says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from curate.checks.labels.failures import not_judged, say_failures
from curate.checks.regions.mask_values import present_values
from curate.errors import ConfigError, DataError
from curate.evidence.measures.masks import MaskStatistics
from curate.evidence.pixel_probabilities import (
    ArrayLimits,
    NoProbabilities,
    both,
    read_pixels,
    said,
    wrong_values,
)
from curate.findings import Findings
from curate.media import mask, payload
from curate.wording import counted, some_of

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

IGNORED = 255
"""Pixels of this value don't count, unless there are so many classes, or two and 255 marks the object."""
BINS = 1 << 20
"""Steps in which the probability that decides over a pixel is told."""
PART = 1 << 22
"""Numbers of an array that are judged at once."""
EDGE_SHARE = 0.005
"""Doubts within this share of the shorter side from a border between classes are the border's and no fault."""
BACKGROUND = ("background", "bg", "void")
SHOWN = 5


@dataclass(frozen=True)
class Picture:
    """One image: what its pixels are labelled, and what a model says.

    Attributes:
        given: (H, W) int64 class, -1 where the pixel does not count.
        values: (K, H, W) probabilities.
    """

    given: np.ndarray
    values: np.ndarray

    def parts(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(m,) classes and (m, K) probabilities of the pixels that count, some lines of the image at a time."""
        lines = max(1, PART // max(1, self.values.shape[0] * self.values.shape[2]))
        for top in range(0, len(self.given), lines):
            given = self.given[top : top + lines]
            counts = given >= 0
            values = both(np.asarray(self.values[:, top : top + lines], dtype=np.float32))
            if counts.any():
                yield given[counts], values[:, counts].T

    def predicted(self) -> np.ndarray:
        """(H, W) the likeliest class."""
        lines = max(1, PART // max(1, self.values.shape[0] * self.values.shape[2]))
        tops = range(0, len(self.given), lines)
        return np.concatenate([both(np.asarray(self.values[:, t : t + lines], np.float32)).argmax(0) for t in tops])


@dataclass
class Verdict:
    """What is found in one mask.

    Attributes:
        score: cleanlab's score of the image, 0 worst.
        pixels: that count.
        doubted: pixels that cleanlab calls issues.
        region: pixels of the largest region of them that is no mere edge; 0 if there is none.
        reason: of a flagged mask.
        pair: (given, suggested) class of that region.
    """

    score: float
    pixels: int
    doubted: int = 0
    region: int = 0
    reason: str = ""
    pair: tuple[int, int] = (-1, -1)


class Masks:
    """The masks of a table beside the probabilities of their pixels."""

    def __init__(self, evidence: Evidence) -> None:
        self.table, self.evidence = evidence.table, evidence
        task = self.table.task
        self.limits = ArrayLimits(evidence.settings.max_bytes, evidence.settings.max_pixels)
        self.masks, self.arrays = self.table.column(task.mask or ""), self.table.column(task.probabilities or "")
        self.failures: dict[int, str] = {}
        self.rows = np.flatnonzero(evidence.active & self.masks.is_valid().to_numpy())
        self.classes = self._count()
        self.object_value = self._object_value()
        unnamed = len(task.label_names) == self.classes - 1
        names = ("background", *task.label_names) if unnamed else task.label_names
        self.names = names or tuple(map(str, range(self.classes)))

    def pictures(self, rows: np.ndarray) -> Iterator[tuple[int, Picture]]:
        """The images that can be judged, one in memory at a time; why others can't is kept in `failures`."""
        for row in rows.tolist():
            try:
                yield row, self._picture(row)
            except DataError as error:
                self.failures[row] = str(error)

    def _picture(self, row: int) -> Picture:
        values = self._array(row)
        try:
            data = payload.read_bytes(self.masks[row].as_py(), self.table.root, self.limits.bytes)
            found = mask.decode(data, self.limits.pixels)
        except DataError as error:
            raise NoProbabilities(f"the mask can't be read: {error}") from error
        if values.shape[1:] != found.values.shape:
            height, width = found.values.shape
            turned = "; classes come first" if values.shape[:2] == found.values.shape else ""
            raise NoProbabilities(f"the array is {said(values.shape)}, the mask {height} x {width} px{turned}")
        if max(len(values), 2) != self.classes:
            raise NoProbabilities(f"the array is of {len(values)} classes, most are of {self.classes}")
        if found.in_colour:
            raise NoProbabilities("the mask holds colours, and numbers of classes are needed")
        given = found.values.astype(np.int64)
        if self.object_value is not None:
            given = np.where(given == self.object_value, 1, given)
        elif self.classes <= IGNORED:
            given = np.where(given == IGNORED, -1, given)
        strange = given[(given >= self.classes) | (given < -1)]
        if strange.size:
            raise NoProbabilities(f"the mask holds {int(strange[0])}, the array is of {self.classes} classes (from 0)")
        if not (given >= 0).any():
            raise NoProbabilities("no pixel of the mask counts")
        return Picture(given, values)

    def _array(self, row: int) -> np.ndarray:
        return read_pixels(self.arrays[row], self.table.root, self.limits)

    def _count(self) -> int:
        """How many classes the arrays are of, by their headers."""
        found: Counter[int] = Counter()
        for row in self.rows.tolist():
            try:
                found[max(2, len(self._array(row)))] += 1
            except NoProbabilities as error:
                self.failures[row] = str(error)
        self.rows = np.setdiff1d(self.rows, np.fromiter(self.failures, np.int64, len(self.failures)))
        if not found:
            return 0
        count, names = found.most_common(1)[0][0], self.table.task.label_names
        has_background = any(name.lower() in BACKGROUND for name in names)
        if names and count not in ((len(names),) if has_background else (len(names), len(names) + 1)):
            raise ConfigError(
                f"the arrays that {self.table.task.probabilities!r} names are of {count} classes, and the label names"
                f" are {len(names)}: {some_of(names, SHOWN)}; one per class is needed, the background first"
            )
        return count

    def _object_value(self) -> int | None:
        """255 where it, and never 1, stands for the object in masks of two classes."""
        if self.classes != 2 or not len(self.rows):
            return None
        held = present_values(self.evidence.masks(MaskStatistics()).values["present"][self.rows])
        return IGNORED if held[:, IGNORED].any() and not held[:, 1].any() else None


def find_wrong_masks(evidence: Evidence, check: str, issue: str) -> Findings:
    """One line per active row with a mask and usable probabilities.

    Pixels are called issues by confident learning, over all images together, as `cleanlab.segmentation` does; an image
    is flagged where such pixels form a region, and not only the edges of objects. The score of an image is cleanlab's.
    Three passes over the arrays, after one over their headers.

    Raises:
        ConfigError: the arrays are of another number of classes than the task.
    """
    masks = Masks(evidence)
    verdicts = _judged(masks)
    rows = np.array(sorted(verdicts), dtype=np.int64)
    found = [verdicts[row] for row in rows.tolist()]
    flagged = np.array([v.region > 0 for v in found], dtype=bool)
    say_failures(evidence, check, masks.failures)
    pairs = Counter(v.pair for v in found if v.region)
    facts: dict[str, Any] = {
        "method": "cleanlab.segmentation",
        "rows": len(rows),
        "issues": int(flagged.sum()),
        "pixels": sum(v.pixels for v in found),
        "pixels_flagged": sum(v.doubted for v in found),
        "not_judged": not_judged(evidence, masks.failures),
        "confusions": [
            {"given": masks.names[a], "suggested": masks.names[b], "rows": times}
            for (a, b), times in sorted(pairs.items(), key=lambda item: (-item[1], item[0]))[:10]
        ],
    }
    reasons = {place: v.reason for place, v in enumerate(found) if v.region}
    scores = np.clip([v.score for v in found], 0, 1)
    return Findings.of(check, issue, rows, evidence.table.row_ids, scores, flagged, reason=reasons, facts=facts)


def _judged(masks: Masks) -> dict[int, Verdict]:
    from cleanlab.experimental.label_issues_batched import LabelInspector

    if not masks.classes:
        return {}
    inspector = LabelInspector(num_class=masks.classes, store_results=False, verbose=False, n_jobs=1)
    whole = []
    for row, picture in masks.pictures(masks.rows):
        why = next(filter(None, (wrong_values(part.T) for _, part in picture.parts())), None)
        if why is not None:
            masks.failures[row] = why
            continue
        for given, values in picture.parts():
            inspector.update_confident_thresholds(given, values)
        whole.append(row)
    verdicts: dict[int, Verdict] = {}
    doubtful, counts = [], np.zeros(BINS + 1, dtype=np.int64)
    for row, picture in masks.pictures(np.array(whole, dtype=np.int64)):
        own, differs = [], False
        for given, values in picture.parts():
            own.append(inspector.score_label_quality(given, values).astype(np.float32))
            differs |= bool((values.argmax(1) != given).any())
        scores = np.concatenate(own)
        counts += np.bincount(_bins(scores), minlength=BINS + 1)
        verdicts[row] = Verdict(_image_score(scores), len(scores))
        if differs:
            doubtful.append(row)
    issues = int(inspector.get_num_issues()) if verdicts else 0
    cutoff = int(np.searchsorted(np.cumsum(counts), issues)) if issues else -1
    for row, picture in masks.pictures(np.array(doubtful, dtype=np.int64)):
        _tell(verdicts[row], picture, cutoff, masks.names)
    return verdicts


def _bins(scores: np.ndarray) -> np.ndarray:
    return np.clip((scores * BINS).astype(np.int64), 0, BINS)


def _image_score(scores: np.ndarray) -> float:
    """cleanlab's score of an image from its pixels' self-confidence: as the probabilities of a lone class."""
    from cleanlab.segmentation.rank import get_label_quality_scores

    labels = np.zeros((1, 1, len(scores)), dtype=np.int64)
    image, _ = get_label_quality_scores(labels, scores[None, None, None], verbose=False)
    return float(image[0])


def _tell(verdict: Verdict, picture: Picture, cutoff: int, names: tuple[str, ...]) -> None:
    """Mark the doubted pixels, and say what the largest region of them is about."""
    from scipy import ndimage

    given, predicted = picture.given, picture.predicted()
    own = np.full(given.shape, np.inf)
    own[given >= 0] = np.concatenate([v[np.arange(len(g)), g] for g, v in picture.parts()])
    doubted = (given >= 0) & (predicted != given)
    doubted[doubted] = _bins(own[doubted]) <= cutoff
    verdict.doubted = int(doubted.sum())
    if not verdict.doubted:
        return
    across = 2 * max(1, round(EDGE_SHARE * min(given.shape))) + 1
    core = ndimage.minimum_filter(doubted.astype(np.uint8), size=across, mode="constant").astype(bool)
    if not core.any():
        return
    regions = np.zeros(doubted.shape, dtype=np.int32)
    ndimage.label(doubted, output=regions)
    thick = np.unique(regions[core])
    size = np.bincount(regions.ravel())
    largest = int(thick[size[thick].argmax()])
    inside = regions == largest
    kinds, each = np.unique(given[inside] * len(names) + predicted[inside], return_counts=True)
    old, new = divmod(int(kinds[each.argmax()]), len(names))
    chosen = inside & (given == old) & (predicted == new)
    verdict.region, verdict.pair = int(size[largest]), (old, new)
    y, x = (round(float(v.mean())) for v in np.nonzero(chosen))
    sure = both(np.asarray(picture.values[:, chosen], dtype=np.float32))[[old, new]].mean(1)
    verdict.reason = (
        f"{verdict.doubted / verdict.pixels:.1%} of the pixels are doubted; {int(each.max()):,} of them around"
        f" ({x}, {y}) px are labelled {names[old]!r} (probability {sure[0]:.2f}, doubted up to"
        f" {cutoff / BINS:.2f}) and look like {names[new]!r} ({sure[1]:.2f}), in"
        f" {counted(len(thick), 'region')} at least {across} px across{_kind(old, new, names)}"
    )


def _kind(old: int, new: int, names: tuple[str, ...]) -> str:
    """What kind of fault it is, where one of the classes is the background."""
    if names[0].lower() not in (*BACKGROUND, "0"):
        return ": swapped classes"
    return ": an overlooked part" if old == 0 else ": the mask reaches too far" if new == 0 else ": swapped classes"
