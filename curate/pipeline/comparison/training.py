"""Training the model of a comparison on an arm, and asking it about the test rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from curate.errors import DataError
from curate.evidence import Evidence
from curate.evidence.order import duplicate_groups
from curate.feed.sampling.arguments import sampler_arguments
from curate.feed.sampling.options import SamplingOptions
from curate.pipeline.comparison.arms import Arm, Progress, sampling, training_lines
from curate.pipeline.comparison.drawn import DRAWS, drawn
from curate.pipeline.comparison.head import Training, train_heads
from curate.pipeline.comparison.joint import Vectors, embed, embed_more
from curate.pipeline.comparison.lesson import Lesson
from curate.pipeline.comparison.modules import Network
from curate.pipeline.comparison.options import Options
from curate.pipeline.comparison.scores import Truth
from curate.pipeline.comparison.tested import Tested
from curate.pipeline.curated import Curated
from curate.wording import counted


@dataclass
class Trainer:
    """Trains one kind of model on every arm.

    Attributes:
        options: of the comparison.
        kind: of the task.
        rows: number of scored test rows.
        steps: of the optimiser.
        batch_size: draws per step.
        cache: folder of the cache.
        progress: called with (stage, done, total).
        title: the model, for people.
        notes: sentences for the report.
        embedded: the most augmented draws of an arm that were embedded for the head.
        unseen: step -> why the model sees nothing of it.
        network: the model, if it is not the head.
    """

    options: Options
    kind: str
    rows: int
    steps: int
    batch_size: int
    cache: Path
    progress: Progress | None
    title: str = ""
    notes: list[str] = field(default_factory=list)
    embedded: int = 0
    unseen: dict[str, str] = field(default_factory=dict)
    network: Network | None = None
    _like: Evidence | None = None

    def predictions(self, arm: Arm, truth: Truth) -> np.ndarray:
        """Predictions of the test rows by one model per seed (see `scores.score`).

        Raises:
            DataError: the arm has nothing to learn from.
        """
        result, tested = arm.result, arm.tested
        assert result is not None
        assert tested is not None
        members = result.members or [result]
        if len(members) > 1:
            self._note(
                f"{arm.name}: an ensemble of {len(members)} members; each is trained for a {len(members)}th of the"
                " steps, and their predictions are averaged"
            )
        steps = max(1, self.steps // len(members))
        said = [
            self._of_network(one, tested, steps) if self.network else self._of_head(one, arm, steps) for one in members
        ]
        return self._of_rows(np.mean(said, axis=0), tested.owner, truth)

    def _of_network(self, result: Curated, tested: Tested, steps: int) -> np.ndarray:
        assert self.network is not None
        found = []
        for seed in range(self.options.seeds):
            if self.progress is not None:
                self.progress("seeds", seed, self.options.seeds)
            found.append(self.network.predict(result, tested, seed, steps, self.batch_size))
        return np.stack(found)

    def _of_head(self, result: Curated, arm: Arm, steps: int) -> np.ndarray:
        assert arm.tested is not None
        vectors = embed(result, arm.tested, self._like, self.cache, self.progress)
        if self._like is None:
            self._like = vectors.evidence
            self.title = f"linear head on the embedding ({vectors.evidence.embedding().encoder})"
        valid = np.asarray(np.isfinite(vectors.values[: len(result.table)]).all(1))
        lesson = Lesson.of(result, training_lines(result), valid)
        if not len(lesson):
            raise DataError(f"{arm.name}: no training row is left with a label and an embedding")
        vectors, lesson = self._with_draws(result, lesson, valid, vectors)
        feed = result.pipeline.feed
        seeds = tuple(range(self.options.seeds))
        found = sampling(result)
        asked = SamplingOptions.model_validate({"grouping": found["grouping"], "curriculum": found["curriculum"]})
        more = sampler_arguments(asked, feed.sampler, result.table, lesson.lines, (), feed, found.get("difficulty"))
        training = Training(self.kind, feed.sampler, feed.adaptive, seeds, steps, self.batch_size, more)
        table = vectors.evidence.table
        together = (duplicate_groups(table.content), table.groups)
        return train_heads(vectors.values, lesson, vectors.test, training, together)

    def _with_draws(
        self, result: Curated, lesson: Lesson, valid: np.ndarray, vectors: Vectors
    ) -> tuple[Vectors, Lesson]:
        """Embedding and lesson with augmented draws, if the plan has any that the head can see."""
        found = drawn(result, lesson.lines, valid)
        self.unseen |= found.unseen or {}
        for note in found.notes:
            self._note(note)
        if found.table is None:
            return vectors, lesson
        self.embedded = max(self.embedded, len(found.table))
        offset = len(vectors.values)
        vectors = embed_more(vectors, found.table)
        place = found.place.copy()
        known = place >= 0
        known[known] = np.isfinite(vectors.values[place[known] + offset]).all(1)
        return vectors, lesson.showing(np.where(known, place, -1), offset)

    @property
    def said(self) -> list[str]:
        """All notes; the draws of all arms in one sentence."""
        if not self.embedded:
            return self.notes
        how_many = f"up to {self.embedded:,} in an arm"
        return [f"augmented draws are embedded for the head, {DRAWS} of each line, in turn: {how_many}", *self.notes]

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)

    def _of_rows(self, said: np.ndarray, owner: np.ndarray, truth: Truth) -> np.ndarray:
        """Mean over the pieces of each scored row; classes as codes, -1 where there is no prediction."""
        seeds, _, width = said.shape
        known = np.isfinite(said[0]).all(1)
        total = np.zeros((seeds, self.rows, width), dtype=np.float32)
        for number in range(seeds):
            np.add.at(total[number], owner[known], said[number, known])
        pieces = np.bincount(owner[known], minlength=self.rows)
        if missing := int((pieces == 0).sum()):
            usual = {"classification": "wrong", "regression": "a prediction of the mean of the others"}
            counts = usual.get(truth.kind, "a prediction of no label")
            self._note(f"{counted(missing, 'test row')} can't be read by the model; each counts as {counts}")
        mean = total / np.maximum(pieces, 1)[None, :, None]
        if truth.kind == "classification":
            return np.where(pieces > 0, mean.argmax(2), -1)
        if truth.kind == "multilabel":
            return mean
        values, seen = mean[..., 0], pieces > 0
        return np.where(seen, values, values[:, seen].mean(1, keepdims=True)) if seen.any() else values
