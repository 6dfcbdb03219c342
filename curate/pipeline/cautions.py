"""What is not wrong with a run, but is hardly meant: sentences for its notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from curate import registry
from curate.findings import Findings
from curate.step import Check
from curate.table import Table
from curate.wording import counted, noun

if TYPE_CHECKING:  # an audit has none, and its import is a tenth of one that is found in the cache
    from curate.pipeline.pipeline import Pipeline

MAKES_ROWS = ("resample", "synthesize")


def hardly_meant(pipeline: Pipeline) -> list[str]:
    """Steps that do the same twice, or whose work another leaves out."""
    names, sampler = [step.name for step in pipeline.steps], pipeline.feed.sampler
    said = []
    if "balanced_ensemble" in names:
        late = [name for name in names[names.index("balanced_ensemble") + 1 :] if name in MAKES_ROWS]
        said += [f"rows that {name} makes are in no member of balanced_ensemble; put it before" for name in late]
    if "class_weights" in names:
        grouping = pipeline.feed.grouping
        evens = sampler in ("balanced", "adaptive") or bool(grouping and grouping.with_classes)
        others = [f"`feed: {{sampler: {sampler}}}`"] if evens else []
        others += ["balanced_ensemble"] if "balanced_ensemble" in names else []
        said += [f"class_weights and {o} both make up for rare classes: the loss counts them twice" for o in others]
    return said


def idle_fix(check: Check, findings: Findings) -> list[str]:
    """A sentence about a fix that relabels, and nothing else, what a check flags without saying what is right."""
    flagged = findings.flagged
    if check.fix is None or not len(flagged) or flagged["suggested_label"].null_count < len(flagged):
        return []
    if {fix.name for fix in registry.fixes(check.fix)} != {"relabel"}:
        return []
    rows = len(pc.unique(flagged["row"]))
    return [
        f"{check.name} suggests no labels, so that the fix relabel leaves the {counted(rows, 'row')} that it flagged as"
        f" {noun(rows, 'it is', 'they are')}"
    ]


def nested_features(table: Table) -> str | None:
    """Why columns of features that hold lists or objects beside others can't be judged; None where there are none."""
    names = table.task.feature_columns
    nested = [name for name in names if pa.types.is_nested(table.column(name).type)] if len(names) > 1 else []
    if not nested:
        return None
    return (
        f"features: the column {nested[0]!r} holds {table.column(nested[0]).type}, and each of several columns must"
        f" hold a number or a text per row; a column of vectors can be the only one (features: {nested[0]}), or be put"
        " together with others by the transform fuse at the beginning of a pipeline"
    )


def without_text(table: Table, plan: pa.Table) -> list[str]:
    """Rows that are drawn and have a null as their text, which no batch can hold: the loader passes them over."""
    name = table.task.text
    if name is None or not plan.num_rows:
        return []
    null = pc.is_null(table.column(name)).to_numpy()[plan["row"].to_numpy()]
    draws, rows = int(null.sum()), int((null & (plan["copy"].to_numpy() == 0)).sum())
    if not draws:
        return []
    return [
        f"{counted(rows, 'row')} in the plan {noun(rows, 'has', 'have')} no text ({draws:,} of its"
        f" {plan.num_rows:,} draws): loaders pass {noun(rows, 'it', 'them')} over,"
        " and steps that balance have counted them; `missing_values: {fix: drop}` before these drops those of training"
    ]
