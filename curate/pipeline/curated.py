"""Curated: the result of a run, in memory or opened again from its folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import ConfigError, DataError
from curate.findings import Findings
from curate.ledger import Decisions, Verdict
from curate.pipeline.exporting.exports import Exports
from curate.pipeline.exporting.reading import named, relabelled
from curate.pipeline.pipeline import Pipeline
from curate.pipeline.verdicts import verdict_of
from curate.table import HELD_OUT, Table

if TYPE_CHECKING:
    import datasets

    from curate.report import Report
    from curate.report.views import Views

CHANGES = pa.schema([("row_id", pa.string()), ("step", pa.string()), ("parent", pa.string())])


@dataclass(frozen=True)
class Curated(Exports):
    """What a pipeline made of a table.

    Attributes:
        table: the rows, after the pipeline's transforms.
        plan: one line per draw (`curate.plan.schema`).
        class_weights: (K,) float32, mean 1 over the training rows unless a step said otherwise.
        pipeline: what was run.
        accounts: per split, rows read, kept, dropped, unreadable, and draws.
        facts: seconds, steps, encoder, cache hits, what transforms have learned.
        notes: sentences that the user should read.
        changes: `CHANGES`; which rows' content each transform changed, and the rows that new ones were made from.
        folder: where it is saved, None in memory.
        views: small pictures of the evidence for the report; None when opened from a folder.
    """

    table: Table
    findings_: Findings
    ledger_: Decisions
    plan: pa.Table
    class_weights: np.ndarray
    pipeline: Pipeline
    accounts: Sequence[Mapping[str, Any]]
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    changes: pa.Table = field(default_factory=CHANGES.empty_table)
    folder: Path | None = None
    views: Views | None = None

    def __repr__(self) -> str:
        """One line: rows, rows kept, steps, where it is saved."""
        kept = sum(account["kept"] for account in self.accounts)
        place = "" if self.folder is None else f", folder={str(self.folder)!r}"
        return f"Curated({len(self.table)} rows, {kept} kept, steps={', '.join(self.pipeline.step_names)}{place})"

    def __len__(self) -> int:
        """None: rows, kept rows and draws are several numbers. Raises ConfigError that says what training takes."""
        raise ConfigError(
            "a curated result is no dataset of torch: use curated.loader(batch_size=...) in the place of a DataLoader,"
            " and curate.feed.trainers.CuratedTrainer(model, args, curated=curated) in the place of a Trainer;"
            " len(curated.dataset) are the rows that are kept, len(curated.plan) the draws"
        )

    def __bool__(self) -> bool:
        """True, though it has no length."""
        return True

    @property
    def findings(self) -> pa.Table:
        """Every score, flag and suggestion of every check (`curate.findings.SCHEMA`)."""
        return self.findings_.table

    @property
    def ledger(self) -> pa.Table:
        """Every decision (`curate.ledger.SCHEMA`)."""
        return self.ledger_.table

    @property
    def label_names(self) -> list[str]:
        """The K classes, in the order of the soft labels and class weights."""
        return list(self.table.task.label_names)

    @cached_property
    def verdict(self) -> Verdict:
        """What the ledger amounts to, row by row."""
        return verdict_of(self.ledger_, self.table)

    @cached_property
    def report(self) -> Report:
        """The report of the run."""
        from curate.report import Report

        return Report(
            self.table,
            self.findings_,
            notes=self.notes,
            facts=self.facts,
            seconds=self.facts.get("seconds"),
            decisions=self.ledger_,
            verdict=self.verdict,
            plan=self.plan,
            accounts=self.accounts,
            pipeline=self.pipeline.to_yaml(),
            views=self.views,
        )

    @property
    def dataset(self) -> datasets.Dataset:
        """The kept rows, each once, with the curated label and the columns `row_id`, `soft_label`, `weight`.

        A column of the data that has such a name keeps it; ours is then called ``curated_weight`` and so on.
        """
        import datasets
        from datasets.table import InMemoryTable

        once = self.plan.filter(pc.equal(self.plan["copy"], 0))
        rows, features = self.table.rows(once["row"].to_numpy()), dict(self.table.dataset.features)
        rows = relabelled(self.table.task, rows, once)
        if (label := self.table.task.label) is not None:
            features |= datasets.Features.from_arrow_schema(pa.schema([rows.schema.field(label)]))
        for ours in ("row_id", "soft_label", "weight"):
            if ours == "row_id" == self.table.task.id:
                continue
            name = named(self.table.column_names, ours)
            rows = rows.append_column(name, once[ours])
            features[name] = datasets.Features.from_arrow_schema(pa.schema([(name, once[ours].type)]))[name]
        features = datasets.Features({name: features[name] for name in rows.column_names})
        table = InMemoryTable(rows.replace_schema_metadata(None).cast(features.arrow_schema))
        return datasets.Dataset(table, info=datasets.DatasetInfo(features=features))

    def explain(self, row_id: object) -> str:
        """Everything about one row, as sentences: its origin, what was found, what was decided, what became of it.

        Args:
            row_id: of the row, or ``#17`` for the row at position 17.

        Raises:
            DataError: there is no such row.
        """
        from curate.pipeline.explaining import explained

        return explained(self, self.row_named(str(row_id)))

    def row_named(self, given: str) -> str:
        """The id of a row that is there, or was before a transform made others of it; ``#17`` names position 17.

        Raises:
            DataError: there is no such row.
        """
        if (self.table.row_ids == given).any() or pc.any(pc.equal(self.changes["parent"], given)).as_py():
            return given
        if not (given.startswith("#") and given[1:].isdecimal()):
            raise DataError(
                f"no row has the id {given!r}; the report and rows.parquet of a saved result give the ids, and '#17'"
                " names the row at position 17"
            )
        if int(given[1:]) >= len(self.table):
            raise DataError(f"no row number {given[1:]}: the set has {len(self.table)} rows, counted from 0")
        return str(self.table.row_ids[int(given[1:])])

    def transform(self, rows: Any) -> Table:
        """New rows as the run's transforms make them, by what these learned from the training rows.

        Args:
            rows: a `Table`, or anything that `curate.load` takes; labels, splits and ids may be missing.

        Raises:
            DataError: the rows lack a column that the inputs or the transforms need.
        """
        from curate.pipeline.transforming import transform

        return transform(self, rows)

    @cached_property
    def members(self) -> list[Curated]:
        """The members of an ensemble (`balanced_ensemble`), each with a plan, loader and loss of its own; else none."""
        from curate.pipeline.members import members

        return members(self)

    def loader(self, **options: Any) -> Any:
        """A torch DataLoader of dicts over the plan; see `curate.feed.make_loader` for the options.

        The pipeline's `feed` part gives the defaults; `split="train"` unless told otherwise. Of validation and test,
        which are neither shuffled nor balanced, every row is drawn once and in order unless told otherwise here.
        """
        from curate.feed import make_loader
        from curate.feed.sampling.modes import OF_MODE
        from curate.feed.sampling.options import OF_TRAINING, for_held_out
        from curate.pipeline.difficulty import by_check

        if own := sorted({"table", "plan", "label_names"} & set(options)):
            raise ConfigError(
                f"loader: {', '.join(own)} can't be chosen: rows, draws and classes are those of the result"
            )
        defaults = self.pipeline.feed.model_dump(exclude_defaults=True)
        if options.get("split", "train") in HELD_OUT:
            defaults = for_held_out(defaults)
        elif "sampler" in options:
            asked = options["sampler"]
            if not isinstance(asked, str):  # a sampler of its own says all this itself
                defaults = {k: v for k, v in defaults.items() if k not in OF_TRAINING}
            defaults = {k: v for k, v in defaults.items() if k not in OF_MODE or OF_MODE[k] == asked}
        weights = {"class_weights": self.class_weights} if len(self.class_weights) else {}
        options = by_check(self, weights | defaults | options)
        return make_loader(
            self.table, self.plan, label_names=self.label_names, seed=options.pop("seed", self.pipeline.seed), **options
        )

    def loss(self, **options: Any) -> Any:
        """A torch module `loss(logits, batch)` for the kind of task, with the class weights (see `make_loss`).

        ``name="focal", gamma=2`` picks another than cross-entropy (`curate.losses.LOSSES`). How often each class is
        drawn, where a loss needs it, follows from the plan, its weights, and the sampler of the `feed` part; how labels
        are confused, from what `label_errors` found.

        Raises:
            ConfigError: there is no such loss for the task, or no row has a label.
        """
        from curate.feed import make_loss
        from curate.feed.losses.counts import class_counts, estimated_transition

        if self.table.task.kind in ("classification", "multilabel") and not self.label_names:
            raise ConfigError(f"there is nothing to learn: no row has a label (column {self.table.task.label!r})")
        weights = self.class_weights if len(self.class_weights) else None
        given = {"class_weights": weights, "label_names": self.label_names} | options
        if self.table.task.kind in ("segmentation", "token_classification", "transcription"):
            given = {"ignore_index": self.pipeline.feed.ignore_index} | given
        if self.table.task.kind == "segmentation":
            given = {"background": self.pipeline.feed.background} | given
        if self.table.task.kind == "classification" and "class_counts" not in given:
            given["class_counts"] = class_counts(self.plan, self.label_names, **self._drawn())
        if given.get("name") in ("forward_correction", "backward_correction") and "transition" not in given:
            given["transition"] = estimated_transition(self.plan, self.findings, self.label_names)
        return make_loss(self.table.task.kind, **given)

    def _drawn(self) -> dict[str, Any]:
        """How the sampler of the `feed` part draws: its mode, and the groups that it balances."""
        feed = self.pipeline.feed
        column = (feed.grouping.column if feed.grouping else None) or self.table.task.group
        if feed.sampler != "group_balanced" or column is None:
            return {"sampler": feed.sampler}
        groups = self.table.column(column).cast(pa.string()).take(self.plan["row"])
        with_classes = bool(feed.grouping and feed.grouping.with_classes)
        return {"sampler": feed.sampler, "groups": groups, "with_classes": with_classes}

    def save(self, out: str | os.PathLike[str]) -> Curated:
        """Write everything to a folder that `curate.open` opens again; it appears only when it is complete."""
        from curate.pipeline.store import write

        folder = Path(out)
        write(self, folder)
        return replace(self, folder=folder)

    def to_json(self) -> str:
        """The accounts, the summary and what was decided, as JSON."""
        actions = pc.value_counts(self.ledger["action"]).to_pylist()
        decided = {line["values"]: line["counts"] for line in actions}
        return json.dumps(
            {"accounts": list(self.accounts), "summary": self.findings_.summary, "decisions": decided}
            | {"folder": None if self.folder is None else str(self.folder), "notes": list(self.notes)},
            ensure_ascii=False,
        )
