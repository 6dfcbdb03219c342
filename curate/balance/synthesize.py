"""The step that makes new rows of rare classes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator

from curate.arrow import among
from curate.balance._from_python import PYTHON, FromPython, split
from curate.balance._rows import (
    MOST_DRAWS,
    draws_per_class,
    eligible,
    needs_classes,
    note,
    nothing_to_balance,
    shuffled,
    wanted,
)
from curate.balance.synthesis.making import Batch, by_generator, by_model
from curate.ledger import Decisions
from curate.made import Made

if TYPE_CHECKING:
    from curate.table import Labels
    from curate.task import Task

Target = (
    Literal["majority", "median", "mean"]
    | Annotated[int, Field(ge=1, le=MOST_DRAWS)]
    | Annotated[float, Field(gt=0, le=1)]
)
TABLES: tuple[str, ...] = ("gaussian_copula", "vae")


class Synthesize(FromPython):
    """Makes new rows of rare classes until every class has the wanted number of draws.

    Tables and vectors of features are made by a model of each class: a Gaussian copula (each column's own distribution,
    joined by correlations; good for few rows) or a small conditional variational autoencoder (bends that correlations
    miss; wants some hundred rows). A row that is nearer to a real one than real rows are to each other
    (`min_distance`) is taken for a copy and drawn anew. Texts come from a transformers model that is shown examples of
    the class; anything else from a Python function, `Synthesize.of(generator)`, called with (label, examples as a
    `pyarrow.Table`, how many, a `numpy.random.Generator`) and giving such a table, or a list of texts, encoded files
    or vectors. Media of which there are enough pictures or recordings are better served by oversample with
    augmentation.
    Cost: gaussian_copula one sort of each column and the correlations of each class; vae up to `epochs` passes; the
    check against copies one search for neighbours. Source: Patki, Wedge, Veeramachaneni 2016, "The Synthetic Data
    Vault"; Xu et al. 2019, "Modeling Tabular Data using Conditional GAN" (TVAE); distance to the closest record as in
    Zhao et al. 2021, "CTAB-GAN".
    """

    settings_of: ClassVar[dict[str, tuple[str, ...]]] = {
        "min_distance": TABLES,
        "epochs": ("vae",),
        "hidden": ("vae",),
        "latent": ("vae",),
        "examples": ("transformers", PYTHON),
        "prompt": ("transformers",),
        "max_tokens": ("transformers",),
        "temperature": ("transformers",),
    }

    to: Target = Field(
        "majority",
        description="draws of each class: as many as the majority, the median or the mean of the classes has; a whole"
        " number of draws; or a share of the majority's (0.5)",
    )
    method: str = Field(
        "gaussian_copula",
        description="gaussian_copula or vae, for features; transformers:NAME (a text-generation model on the hub, or"
        " its folder), for texts",
    )
    min_rows: int = Field(5, ge=2, description="real rows that a class must have before new ones are made of it")
    min_distance: float = Field(
        0.05,
        ge=0,
        le=0.5,
        description="share of a class's real rows that may have a nearer real row than a new row may; nearer ones are"
        " drawn anew; at 0 no new row is nearer than the nearest two real rows are",
    )
    epochs: int = Field(300, ge=1, le=10_000, description="of vae: most passes over the rows; it stops early")
    hidden: int = Field(128, ge=4, le=4096, description="of vae: width of the hidden layers")
    latent: int = Field(8, ge=1, le=512, description="of vae: numbers of the latent space")
    examples: int = Field(5, ge=1, le=100, description="rows of the class that a generator or language model is shown")
    prompt: str = Field(
        "Texts of the kind {label}:\n- {examples}\n-",
        description="of a language model: what it is to continue, with the places {label} and {examples}",
    )
    max_tokens: int = Field(64, ge=1, le=4096, description="of a language model: most tokens of a new text")
    temperature: float = Field(0.9, gt=0, le=10, description="of a language model: low is sure, high is varied")

    @classmethod
    def of(cls, generator: Any, **settings: Any) -> Synthesize:
        """The step with a Python function that makes rows."""
        return cls._holding("method", generator, settings)

    @field_validator("method")
    @classmethod
    def _known_form(cls, value: str) -> str:
        kind, name = split(value)
        if value not in TABLES and not (kind in ("transformers", PYTHON) and name):
            raise ValueError(
                f"the method is gaussian_copula, vae or transformers:NAME, found {value!r}; a function is given in"
                " Python with Synthesize.of(generator)"
            )
        return value

    @field_validator("prompt")
    @classmethod
    def _has_places(cls, value: str) -> str:
        if "{examples}" not in value and "{label}" not in value:
            raise ValueError("the prompt says neither {label} nor {examples}, so all classes would be alike")
        return value

    def refuses(self, task: Task) -> str | None:
        """Each way of making rows has inputs that it can make."""
        if why := needs_classes(self.name, task) or self._lost("method"):
            return why
        if self.method in TABLES and task.modalities != ("features",):
            return (
                f"synthesize: {self.method} makes rows of features, and the task has {' and '.join(task.modalities)};"
                " for texts name a model (method: transformers:NAME), for media use oversample with augmentation"
            )
        if split(self.method)[0] == "transformers" and task.modalities != ("text",):
            return f"synthesize: a language model makes texts, and the task has {' and '.join(task.modalities)}"
        return None

    def decide(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> Decisions | Made:
        """New rows of the classes that have too few, and how each was made."""
        counts = draws_per_class(labels, evidence)
        if nothing_to_balance(self.name, counts, labels.names, evidence) and isinstance(self.to, str):
            return Decisions()
        target = wanted(self.to, counts)
        salt, seed = int(rng.integers(2**32)), int(rng.integers(2**31))
        rows = shuffled(eligible(labels, evidence), evidence.table.row_ids, rng)
        if evidence.table.made is not None:  # rows that an earlier step made are no real ones to learn from
            rows = rows[~among(evidence.table.row_ids[rows], evidence.table.made)]
        sizes = np.bincount(labels.codes[rows], minlength=len(counts))
        short = {int(k): int(target - counts[k]) for k in np.flatnonzero((counts > 0) & (counts < target))}
        few = [k for k in short if sizes[k] < self.min_rows]
        if few:
            named = ", ".join(f"{labels.names[k]!r} ({sizes[k]})" for k in few)
            self._note(evidence, f"classes with fewer than {self.min_rows} real rows get no new ones: {named}")
        short = {k: missing for k, missing in short.items() if k not in few}
        if not short:
            return Decisions()
        if self.method in TABLES:
            batches, notes = by_model(self, short, rows, labels, evidence.table, rng, seed)
        else:
            batches, notes = by_generator(self, short, rows, labels, evidence.table, rng)
        for said in notes:
            self._note(evidence, said)
        return self._made(batches, labels, evidence.table.task.label, counts, target, salt)

    def _note(self, evidence: Any, sentence: str) -> None:
        note(evidence, f"synthesize: {sentence}")

    def _made(
        self, batches: list[Batch], labels: Labels, column: str, counts: np.ndarray, target: int, salt: int
    ) -> Decisions | Made:
        batches = [batch for batch in batches if batch.rows.num_rows]
        if not batches:
            return Decisions()
        names = [labels.names[batch.code] for batch in batches for _ in range(batch.rows.num_rows)]
        rows = pa.concat_tables([batch.rows for batch in batches])
        rows = rows.append_column(column, pa.array(names, pa.string()))
        reasons = [
            f"class {labels.names[batch.code]!r} has {counts[batch.code]} draws, {target} are wanted; made by"
            f" {self.method}" + (f", {said}" if said else "")
            for batch in batches
            for said in batch.said
        ]
        how = [json.dumps({"by": self.method, **about}, ensure_ascii=False) for batch in batches for about in batch.how]
        ids = [f"{self.name}:{salt:08x}:{i}" for i in range(len(names))]
        return Made(Decisions.of(self.name, "synthesize", ids, reasons, after=how), rows)
