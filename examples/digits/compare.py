"""What a curation found and decided, held against the truth that it never saw."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from examples.digits.make_data import COPIES, JUNK

if TYPE_CHECKING:
    from curate import Curated


@dataclass(frozen=True)
class Truth:
    """The planted faults, in the order of a table's rows.

    Attributes:
        file: (n,) str, path in the folder of the training part.
        fault: (n,) str, empty where nothing was planted.
        given: (n,) str, the label that the row is filed under.
        true: (n,) str, empty where the file is no digit.
        image: (n,) str, the file whose picture this is: its own, or the one that it was copied from.
    """

    file: np.ndarray
    fault: np.ndarray
    given: np.ndarray
    true: np.ndarray
    image: np.ndarray

    @classmethod
    def read(cls, path: Path, curated: Curated) -> Truth:
        """The lines of `truth.csv` for the rows of a curated table, which has one row per file, sorted by path.

        Raises:
            ValueError: the table is not of these files.
        """
        with path.open(encoding="utf-8", newline="") as file:
            rows = sorted(csv.DictReader(file), key=lambda line: line["file"])
        named = [image and image["path"] for image in curated.table.column("image").to_pylist()]
        if len(named) != len(rows) or any(name not in (None, line["file"]) for name, line in zip(named, rows)):
            raise ValueError(f"the curated table is not of the files that {path} tells of: write the data anew")
        files = np.array([line["file"] for line in rows])
        image = np.array([line["copy_of"] or line["file"] for line in rows])
        fault, given, true = (np.array([line[name] for line in rows]) for name in ("fault", "given", "true"))
        return cls(files, fault, given, true, image)

    @property
    def mislabelled(self) -> np.ndarray:
        """(n,) bool: rows under a label that is not theirs, files that are no digit among them."""
        return self.given != self.true


@dataclass(frozen=True)
class Detection:
    """How one fault was found."""

    fault: str
    planted: int
    found: int
    false_alarms: int
    check: str

    @property
    def recall(self) -> float:
        """Share of what was planted that was found."""
        return self.found / self.planted if self.planted else 1.0

    @property
    def precision(self) -> float:
        """Share of what was flagged that deserved it."""
        flagged = self.found + self.false_alarms
        return self.found / flagged if flagged else 1.0


def flagged(curated: Curated, check: str, issues: tuple[str, ...] = ()) -> np.ndarray:
    """(n,) bool: rows that a check flagged, for one of some issues or for any."""
    mask = np.zeros(len(curated.table), dtype=bool)
    for line in curated.findings_.flagged.select(["row", "check", "issue"]).to_pylist():
        of_check = line["check"].partition("#")[0] == check  # a second step of the same name is `name#2`
        mask[line["row"]] |= of_check and (not issues or line["issue"] in issues)
    return mask


def grouped(curated: Curated, check: str, truth: Truth, issues: tuple[str, ...] = ()) -> tuple[set[str], int]:
    """The pictures of which a check put several files into one group, and how many of its flags hit none of these."""
    table = curated.findings_.only(check).table.to_pylist()
    members: dict[tuple[str, int], list[int]] = {}
    for line in table:
        if line["group"] is not None and (not issues or line["issue"] in issues):
            members.setdefault((line["issue"], line["group"]), []).append(line["row"])
    pictures, false_alarms = set(), 0
    for (issue, _), rows in members.items():
        names, times = np.unique(truth.image[rows], return_counts=True)
        pictures |= set(names[times > 1].tolist())
        known = dict(zip(names.tolist(), times.tolist()))
        for line in table:
            if line["is_issue"] and line["issue"] == issue and line["row"] in rows:
                false_alarms += known[truth.image[line["row"]]] == 1
    return pictures, false_alarms


def detections(curated: Curated, truth: Truth) -> list[Detection]:
    """One line per kind of fault.

    A wrong label counts as found where `label_errors` flags it; its false alarms are flagged rows whose label is right.
    A copy counts as found where the check puts it and its original into one group: either may be the one that is kept.
    """
    doubted = flagged(curated, "label_errors")
    lines = [_of_rows("flipped", truth, doubted, ~truth.mislabelled, "label_errors")]
    for fault, check, issues in (
        ("exact_copy", "exact_duplicates", ()),
        ("conflicting_copy", "conflicting_labels", ("exact",)),
        ("edited_copy", "near_duplicates", ()),
    ):
        pictures, false_alarms = grouped(curated, check, truth, issues)
        planted = truth.image[truth.fault == fault]
        found = int(np.isin(planted, list(pictures)).sum())
        lines.append(Detection(fault, len(planted), found, false_alarms, check))
    genuine = ~np.isin(truth.fault, JUNK)
    for fault, check, issues, sound in (
        ("blank", "image_quality", ("low_information",), genuine),
        ("noise", "image_quality", ("noisy",), genuine),
        ("truncated", "unreadable", (), truth.fault != "truncated"),
    ):
        lines.append(_of_rows(fault, truth, flagged(curated, check, issues), sound, check))
    return lines


def _of_rows(fault: str, truth: Truth, found: np.ndarray, sound: np.ndarray, check: str) -> Detection:
    planted = truth.fault == fault
    return Detection(fault, int(planted.sum()), int((found & planted).sum()), int((found & sound).sum()), check)


@dataclass(frozen=True)
class Decided:
    """How many rows met which fate, and of how many of them the truth says that it was deserved."""

    what: str
    rows: int
    right: int | None
    meaning: str


def decisions(curated: Curated, truth: Truth) -> list[Decided]:
    """Rows in, dropped, relabelled, softened, weighted, and wrong labels before and after."""
    verdict, names = curated.verdict, np.array(curated.label_names)
    unreadable = np.isin(np.arange(len(truth.fault)), np.flatnonzero(flagged(curated, "unreadable")))
    kept = np.isin(np.arange(len(truth.fault)), curated.plan["row"].to_numpy())
    copied = np.isin(truth.image, truth.image[np.isin(truth.fault, COPIES)])
    dropped = verdict.dropped & ~unreadable
    after = names[np.maximum(verdict.codes, 0)]
    moved = kept & (after != truth.given)
    softened = kept & np.isin(np.arange(len(kept)), list(verdict.soft))
    weighted = kept & (curated.class_weights[np.maximum(verdict.codes, 0)] * verdict.weight != 1)
    before = int((truth.mislabelled & ~unreadable).sum())
    now = int((kept & ~softened & (after != truth.true)).sum())

    def line(what: str, rows: np.ndarray, right: np.ndarray | None, meaning: str) -> Decided:
        return Decided(what, int(rows.sum()), None if right is None else int((rows & right).sum()), meaning)

    return [
        Decided("rows in", len(kept), None, "files in the folder"),
        line("unreadable", unreadable, truth.fault == "truncated", "planted as truncated"),
        line("dropped", dropped, copied | np.isin(truth.fault, JUNK), "a copy or its original, or junk"),
        line("relabelled", moved, after == truth.true, "now under the true label"),
        line("softened", softened, truth.mislabelled, "had a wrong label"),
        line("weighted", weighted, None, "by how rare the class is"),
        line("kept", kept, None, f"hard labels that are wrong: {before} before, {now} now"),
    ]


@dataclass(frozen=True)
class Promise:
    """A figure that the demo must reach."""

    what: str
    value: float
    least: float

    @property
    def holds(self) -> bool:
        """Whether the figure is reached."""
        return self.value >= self.least


def recovered(accuracies: Mapping[str, np.ndarray]) -> float:
    """Share of the accuracy lost between clean and raw that training on the curated rows wins back."""
    raw, curated, clean = (float(accuracies[name].mean()) for name in ("raw", "curated", "clean"))
    return (curated - raw) / (clean - raw) if clean > raw else 0.0


def promises(found: Sequence[Detection], accuracies: Mapping[str, np.ndarray] | None = None) -> list[Promise]:
    """What is promised of the detections and, where there has been training, of the accuracies."""
    by_fault = {line.fault: line for line in found}
    kept = [
        Promise("flipped labels found", by_fault["flipped"].recall, 0.85),
        Promise("precision of label errors", by_fault["flipped"].precision, 0.85),
        Promise("exact copies found", by_fault["exact_copy"].recall, 1.0),
        Promise("unreadable files found", by_fault["truncated"].recall, 1.0),
    ]
    if accuracies is not None:
        kept.append(Promise("lost accuracy recovered", recovered(accuracies), 0.80))
    return kept
