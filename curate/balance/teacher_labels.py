"""The step that takes soft labels from a teacher."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field, field_validator

from curate.balance._from_python import PYTHON, FromPython, split
from curate.balance._rows import needs_classes, note
from curate.balance.labelling.classifier import ROLES, Classifier, onto_classes
from curate.balance.labelling.mixing import checked, mixed, tempered
from curate.balance.labelling.objects import by_object
from curate.balance.labelling.stored import check_suffix, from_column, from_file
from curate.errors import ConfigError
from curate.ledger import Decisions, sparse

if TYPE_CHECKING:
    from collections.abc import Callable

    from curate.table import Labels
    from curate.task import Task

FORMS = ("head", "column", "file", "transformers", PYTHON)


class TeacherLabels(FromPython):
    """Gives rows the soft labels of a teacher, mixed with their own label (distillation).

    The teacher is the built-in head on the embedding, asked about rows that it did not see; probabilities in a column
    or a file; a transformers model; or, from Python, `TeacherLabels.of(teacher)` with an estimator that has
    `predict_proba` (asked about the embedding; cloned and fitted out of fold unless `out_of_fold` is off), a torch
    module that gives logits of the embedding, or a function of rows (a `pyarrow.Table` with the columns of the inputs)
    that gives probabilities. What a model says is kept by content and model.
    Cost: head the cross-validation, if no earlier step has done it; a transformers model one pass over the rows.
    Source: Hinton, Vinyals, Dean 2015, "Distilling the Knowledge in a Neural Network".
    """

    embeds: ClassVar[bool] = True
    choice: ClassVar[str] = "teacher"
    settings_of: ClassVar[dict[str, tuple[str, ...]]] = {"out_of_fold": (PYTHON,), "classes": ("transformers",)}

    teacher: str = Field(
        "head",
        description="head (the built-in one, out of fold); column:NAME (one probability per class in each row);"
        " file:PATH (.parquet or .npz by row id, .npy in the order of the source; relative to the pipeline file);"
        " transformers:NAME (a model on the hub, or its folder)",
    )
    temperature: float = Field(
        1.0, ge=0.05, le=100, description="the teacher's logits are divided by it: above 1 softer, below 1 harder"
    )
    alpha: float = Field(
        0.5, gt=0, le=1, description="share of the teacher in the soft label; the given label keeps the rest"
    )
    unlabelled: bool = Field(False, description="give rows without a label the teacher's soft label, too")
    out_of_fold: bool = Field(
        True,
        description="of an estimator from Python: fit clones of it on the labels here, each asked about rows that it"
        " did not see; if not, it is asked as it was fitted",
    )
    classes: dict[str, str] = Field(
        {}, description="of a transformers model: its names of classes and those of the task, where they differ"
    )

    @classmethod
    def of(cls, teacher: Any, **settings: Any) -> TeacherLabels:
        """The step with a Python object as its teacher."""
        return cls._holding("teacher", teacher, settings)

    @field_validator("teacher")
    @classmethod
    def _known_form(cls, value: str) -> str:
        kind, name = split(value)
        if kind not in FORMS or (kind == "head") == bool(name):
            raise ValueError(
                f"the teacher is head, column:NAME, file:PATH or transformers:NAME, found {value!r}; an object is given"
                " in Python with TeacherLabels.of(teacher)"
            )
        if kind == "file":
            try:
                check_suffix(name)
            except ConfigError as error:
                raise ValueError(str(error)) from None
        return value

    def relocated(self, moved: Callable[[str], str]) -> TeacherLabels:
        """With the file of probabilities elsewhere."""
        kind, name = split(self.teacher)
        return self.model_copy(update={"teacher": f"file:{moved(name)}"}) if kind == "file" else self

    def refuses(self, task: Task) -> str | None:
        """Only classes have soft labels; an object must be here."""
        if why := needs_classes(self.name, task) or self._lost("teacher"):
            return why
        if split(self.teacher)[0] == "transformers" and not set(ROLES) & set(task.modalities):
            return f"teacher_labels: transformers classify {', '.join(ROLES)}, and the task has {task.modality}"
        return None

    def wants_embedding(self, task: Task) -> bool:
        """The head looks at it, and objects from Python may."""
        return split(self.teacher)[0] in ("head", PYTHON)

    def decide(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> Decisions:
        """A soft label for every row of which the teacher says something."""
        usable = evidence.active & evidence.table.training
        rows = np.flatnonzero(usable if self.unlabelled else usable & labels.known)
        if not len(rows) or not labels.names:
            note(evidence, f"{self.name}: there are no training rows to be taught; nothing is done")
            return Decisions()
        values, origin, notes = self._probabilities(labels, evidence)
        taught = checked(values[rows])
        known = np.isfinite(taught).all(1)
        if not known.all():
            notes.append(f"of {int((~known).sum())} of {len(rows)} rows the teacher says nothing usable")
        for said in notes:
            note(evidence, f"teacher_labels: {said}")
        rows, taught = rows[known], tempered(taught[known], self.temperature)
        codes = labels.codes[rows]
        soft = mixed(taught, codes, self.alpha)
        return Decisions.of(
            self.name,
            "soften",
            evidence.table.row_ids[rows],
            [self._reason(line, labels, code, origin) for line, code in zip(taught, codes.tolist(), strict=True)],
            score=np.where(codes >= 0, taught[np.arange(len(rows)), codes], taught.max(1, initial=0)),
            before=[labels.name(int(row)) for row in rows],
            after=[sparse(line, labels.names) for line in soft],
        )

    def _reason(self, taught: np.ndarray, labels: Labels, code: int, origin: str) -> str:
        best = int(taught.argmax())
        share = f"{self.alpha:g} of" if code >= 0 else "no label, all of"
        hot = "" if self.temperature == 1 else f" at temperature {self.temperature:g}"
        own = "" if code in (best, -1) else f", {labels.names[code]!r} {taught[code]:.3f}"
        return f"{share} the teacher ({origin}{hot}), which gives {labels.names[best]!r} {taught[best]:.3f}{own}"

    def _probabilities(self, labels: Labels, evidence: Any) -> tuple[np.ndarray, str, list[str]]:
        """(n, K) probabilities, where they come from, notes."""
        kind, name = split(self.teacher)
        if kind == "head":
            found = evidence.probabilities()
            return np.asarray(found.values), found.method, []
        if kind == "column":
            return from_column(evidence.table, name, labels.names), f"the column {name!r}", []
        if kind == "file":
            values, note = from_file(evidence.table, Path(name), labels.names, evidence.settings.max_bytes)
            return values, f"the file {Path(name).name}", [note] if note else []
        if kind == PYTHON:
            return *by_object(self._given, labels, evidence, self.out_of_fold), []
        role = next(role for role in ROLES if role in evidence.table.task.modalities)
        model = Classifier(name, role)
        values = evidence.values_of(model)[model.field]
        return onto_classes(values, model.names, labels.names, self.classes), f"the model {name!r}", []
