"""The JSON form of a report as models; `schemas/report.schema.json` is generated from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, JsonValue

from curate.report.augmentation import Augmentation
from curate.report.part import Part

SCHEMA_ID = "https://curate-data.invalid/schemas/report.schema.json"
"""A name for the schema, not an address: nothing is fetched from it."""


class Row(Part):
    """One row that a check judged, as the worst rows of an issue list it."""

    row: int = Field(ge=0, description="position in the table")
    row_id: str
    split: str
    file: str | None = Field(None, description="file that the row came from")
    line: int | None = Field(None, description="line of that file, or record in it")
    given: str | None = Field(None, description="the label as it stands in the data")
    suggested: str | None = Field(None, description="the label that the check suggests")
    score: float = Field(ge=0, le=1, description="0 is worst, 1 is fine")
    flagged: bool = Field(description="false for rows shown only because they share a group with a flagged one")
    reason: str
    group: int | None = Field(None, description="rows of the same issue with the same number belong together")
    group_rows: int | None = Field(None, description="how many rows the group has, shown or not")
    preview: str = Field(description="the row's content in a few words: its text, its values, the path of its media")
    decisions: list[str] = Field(description="what was decided about the row, one sentence per entry of the ledger")

    @property
    def decided(self) -> list[str]:
        """The decisions without the reason where it is the finding's own, which stands above them."""
        return [one.replace(f": {self.reason}", "", 1) if self.reason else one for one in self.decisions]


class Histogram(Part):
    """Scores of all rows that were judged, in bins of equal width over [0, 1]."""

    judged: list[int]
    flagged: list[int]
    threshold: float | None = Field(
        default=None, description="all flagged scores are below, all others above; null if mixed"
    )


class Bound(Part):
    """A setting of a check that bounds a measure."""

    check: str
    issue: str | None = Field(description="the issue that it decides about, where the setting names one")
    setting: str
    value: float


class Measured(Part):
    """The distribution of a measure over the rows that can be read."""

    rows: int = Field(ge=1)
    mean: float
    std: float
    quantiles: list[float] = Field(description="at 0, 5, 25, 50, 75, 95 and 100 %")
    low: float = Field(description="left edge of the histogram; what lies below counts in the first bin")
    high: float = Field(description="right edge of the histogram; what lies above counts in the last bin")
    counts: list[int]
    flagged: list[int] = Field(description="of them, rows flagged for an issue that one of the bounds decides about")
    bounds: list[Bound]


class Issue(Part):
    """One kind of finding of a check."""

    rows: int = Field(ge=0, description="rows judged")
    issues: int = Field(ge=0, description="rows flagged")
    share: float = Field(ge=0, le=1, description="issues / rows")
    histogram: Histogram
    flagged: list[str] = Field(description="ids of all flagged rows: what a later audit compares with")
    worst: list[Row] = Field(description="the flagged rows with the lowest scores, worst first")


class Check(Part):
    """What a check found."""

    description: str = Field(description="what the check looks for")
    facts: dict[str, JsonValue] = Field(description="what it learned about the set as a whole")
    issues: dict[str, Issue]


class ClassCount(Part):
    """Size of a class."""

    name: str
    rows: int = Field(ge=0, description="rows in the data, all splits")
    after: int | None = Field(None, description="draws after curation, held-out splits as they are; null in an audit")


class Confusion(Part):
    """Rows of one given label for which the same other label is suggested."""

    given: str
    suggested: str
    rows: int = Field(ge=1)


class Advice(Part):
    """One thing to do, and the line of a pipeline file that does it."""

    check: str
    rows: int = Field(ge=0, description="rows that it concerns")
    title: str
    why: str
    yaml: str | None = Field(None, description="a step for the pipeline's `steps`; null where no step can do it")


class Outcome(Part):
    """The report in one line."""

    level: Literal["fine", "look", "act"] = Field(description="nothing found; something to look at; a lot to do")
    sentence: str
    complete: bool = Field(
        default=False,
        description="every check ran that does by default, and each judged rows or says why there were none for it",
    )

    @property
    def shown(self) -> Literal["fine", "part", "look", "act"]:
        """The level; ``part`` where nothing was found and not all was looked at."""
        return "part" if self.level == "fine" and not self.complete else self.level

    @property
    def verdict(self) -> str:
        """The level in words."""
        return {
            "fine": "Ready to train on",
            "part": "Nothing found so far",
            "look": "Look before you train",
            "act": "Clean before you train",
        }[self.shown]


class GateOutcome(Part):
    """A threshold, and whether it was passed."""

    text: str = Field(description="the gate as it was written")
    check: str | None = Field(description="the check that it speaks of; null for all of them")
    issue: str | None
    split: str | None
    failed: bool
    flagged: int = Field(ge=0, description="rows that count: flagged, and new where there is a baseline")
    rows: int = Field(ge=0, description="rows judged")
    sentence: str


class Change(Part):
    """Findings of one issue against those of an earlier audit."""

    check: str
    issue: str
    new: int = Field(ge=0)
    known: int = Field(ge=0)
    gone: int = Field(ge=0)


class Baseline(Part):
    """The findings against those of an earlier audit, by row id, check and issue."""

    source: str
    new: int = Field(ge=0, description="flagged now and not then")
    known: int = Field(ge=0, description="flagged now and then")
    gone: int = Field(ge=0, description="flagged then and not now, by checks that ran now")
    gone_with_their_rows: int = Field(ge=0, description="of those, how many are of rows that are no longer there")
    unknown_checks: list[str] = Field(description="checks that did not run then: all that they find counts as new")
    issues: list[Change]

    @property
    def sentence(self) -> str:
        """The counts in words."""
        text = f"against {self.source}: {self.new:,} new, {self.known:,} known, {self.gone:,} gone"
        if self.gone_with_their_rows:
            text += f" ({self.gone_with_their_rows:,} with rows that are no longer there)"
        if self.unknown_checks:
            text += f"; new to it: {', '.join(self.unknown_checks)}"
        return text


class Account(Part):
    """Where the rows of a split went: read + added = kept + dropped + unreadable."""

    split: str
    read: int = Field(ge=0)
    added: int = Field(0, description="rows cut from others or synthesised, less those that were cut")
    kept: int = Field(ge=0)
    dropped: int = Field(ge=0)
    unreadable: int = Field(ge=0)
    draws: int | None = Field(None, ge=0, description="lines of the plan")


class Draws(Part):
    """Lines of the plan by origin."""

    total: int = Field(ge=0)
    by_origin: dict[str, int]


class TaskFacts(Part):
    """What kind of problem the data hold, and which column plays which role."""

    kind: str | None
    roles: dict[str, str | list[str]]
    classes: int


class Document(Part):
    """A report of one audit or one run."""

    schema_version: Literal[1] = 1
    curate_version: str
    source: str
    rows: int = Field(ge=0)
    unreadable: int = Field(ge=0, description="rows that could not be read")
    rows_with_issues: int = Field(ge=0, description="rows with at least one issue, rows of rare classes not counted")
    label_noise: float | None = Field(None, ge=0, le=1, description="estimated share of wrong labels")
    duplicates: int | None = Field(
        None, ge=0, description="rows flagged as exact or near duplicates; null if unchecked"
    )
    outcome: Outcome
    task: TaskFacts
    splits: dict[str, int]
    classes: list[ClassCount] = Field(description="in the order of the task's label names")
    unlabeled: int = Field(ge=0, description="rows without a label")
    first: list[Advice] = Field(description="what to do first, most useful first")
    checks: dict[str, Check]
    measures: dict[str, Measured] = Field(description="what was measured of each row, as distributions")
    confusion: list[Confusion] = Field(description="pairs of given and suggested label, most rows first")
    decisions: dict[str, dict[str, int]] | None = Field(None, description="step -> action -> entries; null in an audit")
    accounts: list[Account] | None = Field(None, description="null in an audit")
    draws: Draws | None = Field(None, description="size of the plan; null in an audit")
    encoder: str | None = Field(None, description="what made the embedding")
    facts: dict[str, JsonValue] = Field(description="what was computed, and how")
    notes: list[str]
    skipped: dict[str, str] = Field(description="check -> why it could not run; the audit is incomplete without it")
    gates: list[GateOutcome] = Field(description="thresholds that were set, and what became of them")
    baseline: Baseline | None = Field(None, description="against an earlier audit; null where none was named")
    augmentation: Augmentation | None = Field(
        None, description="what augment steps make of the rows; null where no pipeline was named"
    )
    seconds: float | None = Field(None, ge=0)
    pipeline: str | None = Field(None, description="the pipeline that ran, as YAML")


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a report."""
    body = Document.model_json_schema(mode="serialization")
    title = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID, "title": "curate report"}
    return title | {key: value for key, value in body.items() if key != "title"}


def write_schema(path: str) -> None:
    """Write the file `schemas/report.schema.json`."""
    Path(path).write_text(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
