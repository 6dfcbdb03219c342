"""Labels and predictions, checked and brought into one form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np

from curate.errors import ConfigError, DataError, nearest
from curate.task import Kind
from curate.wording import with_article

KINDS = ("classification", "multilabel", "regression")
_TOLERANCE = 1e-2
"""By how much probabilities may miss a sum of 1 (bfloat16 has three digits); they are divided by their sum."""


@dataclass(frozen=True)
class Given:
    """Rows with a label and a weight above 0.

    Attributes:
        kind: classification, multilabel or regression.
        names: the K classes; none for regression.
        labels: (n,) int64 codes, (n, K) bool sets, or (n,) float64 values.
        predicted: of the same form.
        probabilities: (n, K) float64, or None where predictions are classes.
        weights: (n,) float64, all above 0.
        rows: (n,) int64 positions among what was given.
        total: how many rows were given.
    """

    kind: str
    names: tuple[str, ...]
    labels: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray | None
    weights: np.ndarray
    rows: np.ndarray
    total: int

    def __len__(self) -> int:
        """Number of rows that are measured."""
        return len(self.labels)

    def take(self, places: np.ndarray) -> Given:
        """Some of the rows, by place or mask."""
        probabilities = None if self.probabilities is None else self.probabilities[places]
        return replace(
            self,
            labels=self.labels[places],
            predicted=self.predicted[places],
            probabilities=probabilities,
            weights=self.weights[places],
            rows=self.rows[places],
        )


def given(
    labels: Any, predictions: Any, kind: str, names: Sequence[str], weights: Any = None, threshold: float = 0.5
) -> Given:
    """Check labels and predictions.

    Raises:
        ConfigError: shapes, kind or names don't fit together.
        DataError: a row has numbers that can't be.
    """
    if kind not in KINDS:
        of = with_article(f"{kind} task")
        hint = "" if kind in get_args(Kind) else nearest(str(kind), KINDS)
        raise ConfigError(f"there are no metrics for {of}{hint}; for {', '.join(KINDS)}")
    if not 0 < threshold < 1:
        raise ConfigError(f"threshold must be between 0 and 1, not {threshold!r}")
    truth, guess = _array("labels", labels), _array("predictions", predictions)
    if len(truth) != len(guess):
        raise ConfigError(f"{len(truth)} labels, but {len(guess)} predictions")
    make = {"classification": _classes, "multilabel": _sets, "regression": _numbers}[kind]
    found, known, predicted, probabilities, classes = make(truth, guess, tuple(map(str, names)), threshold)
    counted = _weights(weights, len(truth))
    keep = np.flatnonzero(known & (counted > 0))
    made = Given(kind, classes, found, predicted, probabilities, counted, np.arange(len(truth)), len(truth))
    return _possible(made.take(keep))


def _numpy(values: Any) -> Any:
    """A tensor of torch without its gradient, from whatever device; float32 for types that NumPy lacks."""
    if not hasattr(values, "detach"):
        return values
    values = values.detach().cpu()
    return values.float() if "bfloat16" in str(values.dtype) else values


def _array(what: str, values: Any) -> np.ndarray:
    array = np.asarray(_numpy(values))
    if array.ndim not in (1, 2):
        raise ConfigError(f"{what} must be (rows,) or (rows, classes), not of the shape {array.shape}")
    return array


def _weights(weights: Any, n: int) -> np.ndarray:
    if weights is None:
        return np.ones(n)
    array = np.asarray(_numpy(weights), dtype=np.float64)
    if array.shape != (n,):
        raise ConfigError(f"{n} rows, but weights of the shape {array.shape}")
    bad = np.flatnonzero(~(np.isfinite(array) & (array >= 0)))
    if len(bad):
        raise DataError(f"weights must be finite and at least 0; row {bad[0]} has {array[bad[0]]}")
    return array


def _classes(truth: np.ndarray, guess: np.ndarray, names: tuple[str, ...], threshold: float) -> tuple[Any, ...]:
    """Codes of labels, which are known, codes of predictions, probabilities, names."""
    if truth.ndim != 1:
        raise ConfigError(
            f"labels of classes must be (rows,), not {truth.shape}; soft labels are no truth to measure by"
        )
    if guess.ndim == 1 and guess.dtype.kind == "f":
        if len(names) not in (0, 2):
            raise ConfigError(f"probabilities of {len(names)} classes must be (rows, {len(names)}), not {guess.shape}")
        guess = np.stack([1 - guess, guess], axis=1)
    if guess.ndim == 2:
        names = names or tuple(map(str, range(guess.shape[1])))
        if guess.shape[1] != len(names):
            raise ConfigError(f"predictions of {guess.shape[1]} classes, but {len(names)} names")
    elif not names:
        names = _found_names(truth, guess)
    codes, known = _codes("labels", truth, names)
    if guess.ndim == 2:
        return codes, known, guess.argmax(1).astype(np.int64), guess.astype(np.float64), names
    predicted, said = _codes("predictions", guess, names)
    if not said[known].all():
        row = int(np.flatnonzero(known & ~said)[0])
        raise DataError(f"row {row} has no prediction: every row with a label needs one")
    return codes, known, predicted, None, names


def _found_names(truth: np.ndarray, guess: np.ndarray) -> tuple[str, ...]:
    if truth.dtype.kind in "iub" and guess.dtype.kind in "iub":
        return tuple(map(str, range(int(max(truth.max(initial=-1), guess.max(initial=-1))) + 1)))
    return tuple(sorted({str(one) for one in (*truth.tolist(), *guess.tolist()) if one is not None}))


def _codes(what: str, values: np.ndarray, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(n,) int64 codes and (n,) bool whether there is one; whole numbers below 0 and None are none."""
    if values.dtype.kind in "iub":
        codes = values.astype(np.int64)
        if codes.max(initial=-1) >= len(names):
            row = int(np.flatnonzero(codes >= len(names))[0])
            raise DataError(f"{what}: row {row} has the class {codes[row]}, and there are {len(names)}, counted from 0")
        return np.maximum(codes, -1), codes >= 0
    if values.dtype.kind == "f":
        raise ConfigError(f"{what} of classes must be whole numbers or names, not {values.dtype}")
    place = {name: code for code, name in enumerate(names)}
    texts = values.tolist()
    codes = np.array([-1 if one is None else place.get(str(one), -2) for one in texts], dtype=np.int64)
    unknown = np.flatnonzero(codes == -2)
    if len(unknown):
        name = str(texts[unknown[0]])
        raise DataError(f"{what}: row {unknown[0]} has the class {name!r}, which names lack{nearest(name, names)}")
    return codes, codes >= 0


def _sets(truth: np.ndarray, guess: np.ndarray, names: tuple[str, ...], threshold: float) -> tuple[Any, ...]:
    if truth.ndim != 2 or truth.shape != guess.shape:
        raise ConfigError(
            f"sets of labels must be (rows, labels) for labels and predictions alike, not {truth.shape}, {guess.shape}"
        )
    names = names or tuple(map(str, range(truth.shape[1])))
    if truth.shape[1] != len(names):
        raise ConfigError(f"{truth.shape[1]} labels per row, but {len(names)} names")
    numbers = truth.astype(np.float64)
    known = np.isfinite(numbers).all(1) & (numbers >= 0).all(1)
    wrong = np.flatnonzero(known & ~np.isin(numbers, (0.0, 1.0)).all(1))
    if len(wrong):
        raise DataError(f"labels: row {wrong[0]} has others than 0 and 1 (below 0 for a row without labels)")
    if guess.dtype.kind == "f":
        return numbers > 0.5, known, guess >= threshold, guess.astype(np.float64), names
    return numbers > 0.5, known, guess.astype(bool), None, names


def _numbers(truth: np.ndarray, guess: np.ndarray, names: tuple[str, ...], threshold: float) -> tuple[Any, ...]:
    if truth.ndim == 2 and truth.shape[1] == 1:
        truth = truth[:, 0]
    if guess.ndim == 2 and guess.shape[1] == 1:
        guess = guess[:, 0]
    if truth.ndim != 1 or guess.ndim != 1 or truth.dtype.kind not in "iufb" or guess.dtype.kind not in "iufb":
        raise ConfigError(
            f"numbers must be (rows,), not {truth.shape} of {truth.dtype} and {guess.shape} of {guess.dtype}"
        )
    values = truth.astype(np.float64)
    return values, np.isfinite(values), guess.astype(np.float64), None, ()


def _possible(made: Given) -> Given:
    """Refuse predictions that can't be; probabilities of classes are brought to a sum of exactly 1."""
    if made.kind == "regression":
        bad = np.flatnonzero(~np.isfinite(made.predicted))
        if len(bad):
            raise DataError(f"row {made.rows[bad[0]]} has the prediction {made.predicted[bad[0]]}")
    chances = made.probabilities
    if chances is None:
        return made
    with np.errstate(invalid="ignore"):
        bad = np.flatnonzero(~((chances >= 0) & (chances <= 1 + _TOLERANCE)).all(1))
    if len(bad):
        numbers = ", ".join(f"{v:.4g}" for v in chances[bad[0]][:5])
        raise DataError(
            f"row {made.rows[bad[0]]} has predictions that are no probabilities ({numbers}): pass softmax or sigmoid of"
            " logits"
        )
    if made.kind == "multilabel":
        return made
    sums = chances.sum(1, keepdims=True)
    bad = np.flatnonzero(np.abs(sums[:, 0] - 1) > _TOLERANCE)
    if len(bad):
        raise DataError(f"row {made.rows[bad[0]]} has probabilities that sum to {sums[bad[0], 0]:.4g}, not 1")
    return replace(made, probabilities=chances / sums)
