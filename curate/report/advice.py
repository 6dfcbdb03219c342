"""What to do first: the issues in order of harm, each with the line of a pipeline file that deals with it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate import registry
from curate.checks.tables.blank_cells import blank_share
from curate.errors import ConfigError
from curate.findings import places_by_issue
from curate.ledger import Decisions
from curate.report.material import Material
from curate.report.model import Advice
from curate.stand_ins import ANYWHERE
from curate.step import Check
from curate.table import Table
from curate.wording import counted

MOST = 5
ABOUT_CLASSES = ("class_imbalance",)
"""Checks whose flags speak of classes: a row of a rare class is no bad row."""
ABOUT_THE_SET = (
    *ABOUT_CLASSES,
    "column_quality",
    "diversity",
    "learning_curve",
    "order_dependence",
    "spurious_correlations",
    "weak_slices",
)
"""Checks whose flags speak of many rows together: such rows are not counted as rows with an issue."""


@dataclass(frozen=True)
class _Way:
    harm: float
    title: str
    why: str
    fix: str | None = None
    step: str | None = None


_WAYS = {
    "unreadable": _Way(9.0, "Repair or replace what cannot be read", "Such rows are never trained on."),
    "leakage": _Way(8.0, "Take leaked rows out of training", "Test results look better than they are.", "drop"),
    "label_errors": _Way(
        6.0,
        "Correct labels that look wrong",
        "Relabels what is clear and leaves out what is not.",
        "{relabel: {min_confidence: 0.9}, otherwise: drop}",
    ),
    "label_spelling": _Way(7.0, "Write each class in one way", "Spellings of one class count as classes.", "relabel"),
    "conflicting_labels": _Way(5.0, "Settle equal rows with different labels", "No model can satisfy both.", "review"),
    "exact_duplicates": _Way(3.0, "Drop repeated rows", "They count twice and leak between folds.", "drop"),
    "near_duplicates": _Way(2.5, "Drop near copies", "They add little and leak between folds.", "drop"),
    "missing_values": _Way(
        4.0,
        "Drop rows without a label or an input",
        "They teach nothing.",
        "{drop: {issue: [missing_label, missing_input]}}",
    ),
    "missing_values/disguised_missing": _Way(
        2.5,
        "Empty cells that stand for a missing value",
        "Until then impute takes them for values.",
        "{review: {issue: disguised_missing}}",
    ),
    "missing_values/missing_cells": _Way(2.0, "Fill missing cells", "With what training rows say.", step="impute"),
    "image_quality": _Way(1.5, "Let poor images count less", "They stay, at a lower weight.", "weight"),
    "audio_quality": _Way(1.5, "Let poor recordings count less", "They stay, at a lower weight.", "weight"),
    "video_quality": _Way(1.5, "Let poor videos count less", "They stay, at a lower weight.", "weight"),
    "text_quality": _Way(1.5, "Look at texts of poor quality", "Sets them aside for a person.", "review"),
    "dialogue_quality": _Way(4.0, "Repair or drop broken dialogues", "Each reason says what is wrong.", "review"),
    "box_quality": _Way(4.0, "Correct boxes that cannot be right", "Each reason names the box and why.", "review"),
    "mask_quality": _Way(4.0, "Correct masks that cannot be right", "Each reason says what is wrong.", "review"),
    "segment_bounds": _Way(1.5, "Look at parts that end behind their file", "They are shorter than said.", "review"),
    "annotators": _Way(5.0, "Settle what annotators disagree about", "Their votes and the model differ.", "review"),
    "expectations": _Way(5.0, "Correct rows that break a rule", "You said what must hold.", "review"),
    "table_quality": _Way(2.0, "Correct cells that look wrong", "Each reason names the cell and why.", "review"),
    "series_quality": _Way(1.5, "Look at damaged series", "Each reason names the place.", "review"),
    "series_anomalies": _Way(1.2, "Look at odd stretches of series", "Unlike the rest of the series.", "review"),
    "drift": _Way(1.5, "Look at rows foreign to the training rows", "Splits that differ mislead.", "review"),
    "column_quality": _Way(0.8, "Leave out columns that say nothing", "Name the others as features.", None),
    "spurious_correlations": _Way(0.9, "Break what gives a class away", "A model would learn the shortcut.", None),
    "weak_slices": _Way(0.9, "Add rows where the model is weak", "Its accuracy falls short there.", None),
    "diversity": _Way(0.8, "Add rows that are new", "Many rows amount to few.", None),
    "outliers": _Way(1.2, "Look at rows unlike the rest", "Odd rows may be errors or treasure.", "review"),
    "class_imbalance": _Way(
        1.0, "Give rare classes more weight", "Changes the loss, not the rows.", step="class_weights"
    ),
}
_OTHER = _Way(1.0, "Look at what {check} found", "Sets these rows aside for a person.", "review")


def touched(advice: Advice) -> str:
    """How much a piece of advice is about: rows, or columns that a row each stands for."""
    return counted(advice.rows, "column" if own_name(advice.check) == "column_quality" else "row")


def own_name(check: str) -> str:
    """The name of a check without the number of its turn in a pipeline."""
    return check.partition("#")[0]


@cache
def check_class(check: str) -> Any:
    """The class of a check (``label_errors#2`` is one of `label_errors`), or None for one that is not installed."""
    try:
        return registry.step(own_name(check))
    except ConfigError:
        return None


def advise(material: Material) -> list[Advice]:
    """Up to `MOST` things to do, most useful first; rows that the ledger already speaks of are not counted."""
    flagged = material.findings.flagged
    if material.decisions is not None:
        decided = pc.unique(material.decisions.table["row_id"].drop_null())
        # After a run, what is left of held-out splits is left on purpose: no fix touches them.
        open_still = ~pc.is_in(flagged["row_id"], value_set=decided).to_numpy(zero_copy_only=False)
        flagged = flagged.filter(pa.array(open_still & material.table.training[flagged["row"].to_numpy()]))
    total = max(1, len(material.table))
    ranked: list[tuple[float, Advice]] = []
    for (check, way), rows in _parts(flagged).items():
        rows = rows if material.decisions is None else _left_to_do(way, material, rows)
        if not len(rows):
            continue
        # A handful of unreadable files outranks many odd rows, but not without end: the share counts by its root.
        weight = way.harm * math.sqrt(len(rows) / total)
        title = way.title.format(check=own_name(check).replace("_", " "))
        yaml = _line(check, way, material, rows)
        ranked.append((weight, Advice(check=check, rows=len(rows), title=title, why=way.why, yaml=yaml)))
    ranked.sort(key=lambda pair: (-pair[0], pair[1].check))
    waiting = _waiting(material)
    return ([waiting] if waiting else []) + [advice for _, advice in ranked][: MOST - (waiting is not None)]


def _parts(flagged: pa.Table) -> dict[tuple[str, _Way], np.ndarray]:
    """(check, way to deal with it) -> the rows; an issue with a way of its own stands apart from its check."""
    row = flagged["row"].to_numpy()
    found: dict[tuple[str, _Way], list[np.ndarray]] = {}
    for (check, issue), places in places_by_issue(flagged).items():
        way = _WAYS.get(f"{own_name(check)}/{issue}") or _WAYS.get(own_name(check), _OTHER)
        found.setdefault((check, way), []).append(row[places])
    return {key: np.unique(np.concatenate(rows)) for key, rows in found.items()}


def _left_to_do(way: _Way, material: Material, rows: np.ndarray) -> np.ndarray:
    """The rows for which a run has not done yet what is advised: a later step may have."""
    if way.step == "class_weights" and _classes_decided(material.decisions):
        return rows[:0]
    if way.step == "impute":
        return rows[_has_gaps(material.table)[rows]]
    return rows


def _classes_decided(decisions: Decisions | None) -> bool:
    """Whether the run has weighed classes or repeated rows already."""
    if decisions is None:
        return False
    table = decisions.table
    weighed = pc.and_(pc.equal(table["action"], "weight"), pc.is_null(table["row_id"]))
    return bool(pc.any(pc.or_(weighed, pc.equal(table["action"], "repeat"))).as_py())


def _has_gaps(table: Table) -> np.ndarray:
    """(n,) bool: rows of which a feature is missing, or a part of it; those of a series are as they were found."""
    gaps = np.full(len(table), table.task.series is not None)
    for name in table.task.feature_columns:
        gaps |= blank_share(table.column(name), ANYWHERE) > 0
    return gaps


def _waiting(material: Material) -> Advice | None:
    if material.verdict is None or not material.verdict.review.any():
        return None
    rows = int(material.verdict.review.sum())
    why = "The run set them aside; what a person says of them outranks the machine."
    return Advice(check="review", rows=rows, title="Look at rows that wait for a person", why=why, yaml=None)


def _line(check: str, way: _Way, material: Material, rows: np.ndarray) -> str | None:
    """The step as one line of YAML, None where no step helps.

    A limit is added where the default would stop the run; a class of which all rows are flagged is left to people.
    """
    if way.step is not None:
        return f"- {way.step}"
    if way.fix is None:
        return None
    fix, check = way.fix, own_name(check)
    if check == "label_errors" and material.table.task.kind != "classification":
        fix = "review"
    settings = [f"fix: {fix}"]
    share = 0.0 if "review" in fix else _largest_share(material, rows)
    default: float = Check.model_fields["limit"].default
    if share and not registry.is_own(check):  # ours have all the same; to load one takes longer than all else
        fields = getattr(check_class(check), "model_fields", {})
        default = fields["limit"].default if "limit" in fields else default
    if share > default:
        limit = math.ceil(share * 100) / 100
        # A limit of 1 would hold nothing back, of any class.
        settings = ["fix: review"] if limit >= 1 else [*settings, f"limit: {limit:g}"]
    return f"- {check}: {{{', '.join(settings)}}}"


def _largest_share(material: Material, rows: np.ndarray) -> float:
    """The largest share of all training rows, or of a class's of which they are several, that `rows` make up.

    The guard of fixes always lets one row of a class be touched.
    """
    table = material.table
    touched = np.zeros(len(table), dtype=bool)
    touched[rows] = True
    touched &= table.training
    shares = [touched.sum() / max(1, table.training.sum())]
    if table.labels.names and table.task.kind == "classification":
        whole = table.labels.counts(table.training)
        part = table.labels.counts(touched)
        shares.append((part / np.maximum(whole, 1))[part > 1].max(initial=0.0))
    return float(max(shares))


def rows_with_issues(flagged: pa.Table) -> int:
    """Number of rows with at least one issue that speaks of the row itself."""
    of_rows = flagged.filter(pc.invert(pc.is_in(flagged["check"], value_set=pa.array(ABOUT_THE_SET))))
    return len(np.unique(of_rows["row"].to_numpy()))
