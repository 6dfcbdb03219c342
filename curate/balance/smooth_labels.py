"""The step that turns hard labels into soft ones, class by class."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from curate.balance._by_method import ByMethod
from curate.balance._rows import eligible, needs_classes, note
from curate.evidence.exact_search import Chosen
from curate.evidence.parts.lying import elsewhere
from curate.ledger import Decisions

if TYPE_CHECKING:
    from curate.table import Labels
    from curate.task import Task


class SmoothLabels(ByMethod):
    """Gives a share of each label's mass to other classes: evenly, or to those that it is taken for.

    Cost: nothing for uniform; class_similarity the embedding; noise the cross-validation, if no earlier step has done
    them. Source: uniform is Szegedy et al. 2016, "Rethinking the Inception Architecture", which counts the class itself
    among those that share; class_similarity follows Liu and JaJa 2020, "Class-Similarity Based Label Smoothing"; noise
    uses cleanlab's estimate of the joint of given and true labels.
    """

    embeds: ClassVar[bool] = True
    choice: ClassVar[str] = "by"
    settings_of: ClassVar[dict[str, tuple[str, ...]]] = {"temperature": ("class_similarity",)}

    epsilon: float | Literal["estimated"] = Field(
        0.1,
        description="share of the mass that is given away, 0 to 1; estimated takes each class's own estimated share of"
        " wrong labels (only by noise)",
    )
    by: Literal["uniform", "class_similarity", "noise"] = Field(
        "uniform",
        description="who gets it: uniform all classes alike, class_similarity the classes whose rows look alike, noise"
        " the classes that rows of this label are estimated to belong to",
    )

    temperature: float = Field(
        0.2,
        ge=0.01,
        le=10,
        description="of class_similarity: classes share in proportion to exp(cosine / temperature), so that a low one"
        " gives all to the most similar class",
    )

    @model_validator(mode="after")
    def _in_bounds(self) -> SmoothLabels:
        if self.epsilon == "estimated":
            if self.by != "noise":
                raise ValueError("epsilon: estimated needs by: noise")
        elif not 0 <= self.epsilon < 1:
            raise ValueError(f"epsilon must be at least 0 and below 1, found {self.epsilon:g}")
        return self

    def refuses(self, task: Task) -> str | None:
        """Only classes can be smoothed."""
        return needs_classes(self.name, task)

    def decide(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> Decisions:
        """One soft label for each class."""
        names, rows = list(labels.names), eligible(labels, evidence)
        if len(names) < 2 or not len(rows):
            what = "there is one class" if len(rows) else "no training row has a label"
            note(evidence, f"{self.name}: {what}; no label is smoothed")
            return Decisions()
        shares, epsilon = self._shares(labels, evidence, rows)
        soft = smoothed(shares, epsilon)
        known = [bool(np.isfinite(row).all()) for row in shares]
        reasons = [
            f"{mass:.3g} of the mass given away by {self.by}"
            + ("" if learned or self.by == "uniform" else " (uniform: no row to learn from)")
            for mass, learned in zip(epsilon, known)
        ]
        after = [
            json.dumps({names[j]: float(target[j]) for j in np.flatnonzero(target > 0)}, ensure_ascii=False)
            for target in soft
        ]
        return Decisions.of(self.name, "soften", [None] * len(names), reasons, before=names, after=after)

    def _shares(self, labels: Labels, evidence: Any, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(K, K) weights of who gets the mass, NaN in rows of classes of which nothing is known; (K,) epsilon."""
        k = len(labels.names)
        shares = np.full((k, k), np.nan)
        if self.by == "class_similarity":
            found = evidence.embedding()
            rows = rows[found.valid[rows]]
            alike = elsewhere(partial(_class_similarity, labels.codes[rows], k), Chosen(found.vectors, rows))
            shares = np.exp(alike / self.temperature)
        elif self.by == "noise" and len(np.unique(labels.codes[rows])) > 1:
            joint = np.asarray(evidence.noise().joint, dtype=np.float64)
            known = np.isfinite(joint).all(1) & (joint.sum(1) > 0)
            shares[known] = joint[known] / joint[known].sum(1, keepdims=True)
        if isinstance(self.epsilon, float):
            return shares, np.full(k, self.epsilon)
        return shares, 1.0 - np.where(np.isfinite(np.diag(shares)), np.diag(shares), 1.0)


def _class_similarity(codes: np.ndarray, k: int, vectors: Chosen) -> np.ndarray:
    return class_similarity(vectors[:], codes, k)


def class_similarity(vectors: np.ndarray, codes: np.ndarray, k: int) -> np.ndarray:
    """(K, K) cosine similarity of the classes' mean vectors, seen from the mean of all classes, in [-1, 1].

    -inf for columns of classes without rows, NaN for their rows.

    Args:
        vectors: (m, d) float.
        codes: (m,) int in 0..K-1.
        k: number of classes.
    """
    if not len(vectors):
        return np.full((k, k), np.nan)
    counts = np.bincount(codes, minlength=k)
    sums = np.zeros((k, vectors.shape[1]))
    np.add.at(sums, codes, vectors.astype(np.float64))
    means = sums / np.maximum(1, counts)[:, None]
    present = counts > 0
    means -= means[present].mean(0)
    norms = np.linalg.norm(means, axis=1)
    cosine = (means @ means.T) / np.maximum(np.outer(norms, norms), 1e-12)
    cosine[:, ~present] = -np.inf
    cosine[~present] = np.nan
    return cosine


def smoothed(shares: np.ndarray, epsilon: np.ndarray) -> np.ndarray:
    """(K, K) soft labels, rows sum to 1: 1 - epsilon for the class itself, the rest by `shares` of the other classes.

    A class whose shares are not known, or are 0 for all others, spreads it over all classes evenly.
    """
    k = len(shares)
    others = np.where(np.eye(k, dtype=bool), 0.0, np.nan_to_num(shares))
    total = others.sum(1, keepdims=True)
    even = np.full((k, k), 1.0 / k)
    given = np.where(total > 0, others / np.where(total > 0, total, 1.0), even)
    return (1.0 - epsilon)[:, None] * np.eye(k) + epsilon[:, None] * given
