"""Out-of-sample predicted probabilities: cross-validation of three fast heads on the embedding.

1. Heads are logistic regression, a vote of the nearest rows and a linear discriminant; together they are a logarithmic
   opinion pool. How they are set and how much each counts is what makes the given labels of left-out rows likeliest,
   seen through the noise of the labels (`curate.evidence.channel`).
2. Heads are fitted with every two folds left out, the noise is estimated from what they say, and with it what the true
   label of each row is likely to be.
3. For each fold, heads are fitted on a mixture of the given and these likely labels of the other folds, so that they do
   not learn errors by heart. What they are fitted on comes from heads that left the fold out as well: a row's label has
   no way to the heads that are asked about the row.
4. The temperature is the one under which the given labels are likeliest, seen through the estimated noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from curate.errors import DataError
from curate.evidence.answers import Answers
from curate.evidence.blas_threads import fitting_threads
from curate.evidence.channel import fit_channel
from curate.evidence.cross_validation import CrossValidation, Progress
from curate.evidence.encoders import columns
from curate.evidence.exact_search import Chosen
from curate.evidence.heads import FLOOR, design, fit_linear, fit_logistic, linear, sigmoid
from curate.evidence.outside import Outside, learned_rows, with_shares
from curate.evidence.parts.left import ArrayWriter, made_elsewhere
from curate.evidence.ridge import best_ridge
from curate.evidence.values import Probabilities
from curate.evidence.vector_rows import BLOCK_NUMBERS, Rows, VectorRows, finite_rows
from curate.evidence.votes import Electorate, Keeper, Voters
from curate.table import Labels, Table

METHOD = (
    "logistic regression, linear discriminant and neighbour vote on the embedding, refitted on the likely labels,"
    " {folds} folds"
)
ROUNDING = 1e-5
"""By so much rows of given probabilities may miss the sum of 1 and be taken as they stand."""
LINEAR_RIDGES = 10.0 ** np.arange(-4, 3)
Arrays = dict[str, np.ndarray]


@fitting_threads()
def cross_validated(
    vectors: np.ndarray,
    codes: np.ndarray,
    classes: int,
    folds: np.ndarray,
    progress: Progress | None = None,
    order: np.ndarray | None = None,
    turned: bool = True,
    keeper: Keeper | None = None,
    writer: ArrayWriter | None = None,
) -> dict[str, Any]:
    """Class probabilities of each row by heads that did not see it.

    Of more than 100,000 rows the heads learn from an even sample of that size, in which rare classes keep 200 rows, and
    are asked about all others. Peak memory, beside the vectors: 4 bytes per number of the rows learned from, 800 for
    each of them, 40 per class of them, 16 per row and class, and 300 MB of blocks.

    Args:
        vectors: (n, d) float32 embedding, L2-normalised, NaN where there is none.
        codes: (n,) int64 labels to learn from, -1 in rows that no head may learn from.
        classes: K.
        folds: (n,) int8, the fold whose head may be asked about a row; -1: the mean of all heads.
        progress: called with (fits done, fits in all).
        order: (n,) positions in `vectors` of the rows that all else speaks of; as they stand if left out.
        turned: see `CrossValidation`.
        keeper: of lists of the nearest voters; what is found does not depend on it.
        writer: what the machines of an engine leave with what they say of rows and classes.

    Returns:
        ``rows_values`` (n, K) float32, rows sum to 1, NaN where there is no vector or nothing to learn from; a
        `LeftArray` where a machine left it; ``temperature`` (1,) float64.

    Raises:
        Lacking: what a machine left is gone.
    """
    order = np.arange(len(vectors)) if order is None else order
    valid = finite_rows(vectors)[order]
    learn = valid & (codes >= 0)
    seen = np.unique(codes[learn])
    if len(seen) < 2:  # none, or one: nothing to tell apart
        values = np.full((len(codes), classes), np.nan, dtype=np.float32)
        if len(seen):
            values[valid] = np.eye(classes, dtype=np.float32)[seen[0]]
        return {"rows_values": values, "temperature": np.ones(1)}
    compact = np.where(learn, np.searchsorted(seen, codes), -1)
    sample = learned_rows(compact)
    pooled = _Pooled(valid, compact, sample, seen, classes)
    if sample.sum() < learn.sum():
        inside, beyond = pooled.of_sample()
        rows, known = Chosen(vectors, order[inside]), np.ones(len(inside), dtype=bool)
        outside = Outside(vectors, order[beyond], folds[beyond])
        answers = CrossValidation(
            rows, known, compact[inside], len(seen), folds[inside], progress, outside, keeper=keeper, writer=writer
        ).answers()
    else:
        rows = Chosen(vectors, order)
        answers = CrossValidation(
            rows, valid, compact, len(seen), folds, progress, turned=turned, keeper=keeper, writer=writer
        ).answers()
    return made_elsewhere(pooled, answers, None if writer is None or writer.came_back else writer)


@dataclass(frozen=True)
class _Pooled:
    """What heads say, as probabilities of all rows and classes.

    Attributes:
        valid: (n,) bool, rows with a vector.
        codes: (n,) int64 places in `seen` of the labels that may be learned from, -1 for none.
        sample: (n,) bool, rows that heads learned from.
        seen: (S,) classes that have such rows.
        classes: K.
    """

    valid: np.ndarray
    codes: np.ndarray
    sample: np.ndarray
    seen: np.ndarray
    classes: int

    def of_sample(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows that heads learned from, and others that they are asked about."""
        return np.flatnonzero(self.sample), np.flatnonzero(self.valid & ~self.sample)

    def __call__(self, answers: Answers) -> Arrays:
        """See `cross_validated`."""
        found = answers.mean()
        if self.sample.sum() < (self.codes >= 0).sum():
            inside, beyond = self.of_sample()
            heads, found = found, np.zeros((len(self.codes), len(self.seen)), dtype=np.float32)
            found[np.concatenate([inside, beyond])] = with_shares(
                heads, self.codes[inside], self.codes[self.codes >= 0]
            )
        channel = fit_channel([found[self.sample]], self.codes[self.sample])
        values = np.full((len(self.codes), self.classes), np.nan, dtype=np.float32)
        values[self.valid] = 0
        values[np.ix_(self.valid, self.seen)] = channel.calibrated(found[self.valid])
        return {"rows_values": values, "temperature": np.array([channel.exponents[0]])}


def cross_validated_sets(
    vectors: Rows,
    sets: np.ndarray,
    known: np.ndarray,
    folds: np.ndarray,
    progress: Progress | None = None,
    keeper: Keeper | None = None,
) -> Arrays:
    """Probability of each label of a multilabel task, by heads that did not see the row.

    Args:
        vectors: (n, d) float32 embedding, NaN where there is none.
        sets: (n, K) bool labels.
        known: (n,) bool, rows that heads may learn from.
        folds: (n,) int8, as in `cross_validated`.
        progress: called with (fits done, fits in all).
        keeper: of lists of the nearest voters.

    Returns:
        ``rows_values`` (n, K) float32; each column is a probability of its own.
    """
    valid = finite_rows(vectors)
    learn = valid & known
    values = np.full(sets.shape, np.nan, dtype=np.float32)
    if not learn.any() or not sets.shape[1]:
        return {"rows_values": values}
    targets = (sets & learn[:, None]).astype(np.float32)
    inputs = design(vectors, learn)
    ridge = best_ridge(inputs, targets, learn, folds, "sigmoid")
    total, heads = np.zeros(sets.shape, dtype=np.float32), np.zeros(len(sets), dtype=np.int64)
    electorate, parts = Electorate(vectors, learn, valid, keeper), np.unique(folds[learn])
    for done, fold in enumerate(parts):
        train = learn & (folds != fold)
        asked = np.flatnonzero(valid & ((folds == fold) | (folds < 0)))
        heads[asked] += 1
        if train.any():
            coefficients = fit_logistic(inputs, targets, train.astype(np.float32), ridge, link="sigmoid")
            votes = Voters(electorate, vectors, train, targets).votes(asked)
            votes = np.clip(votes, FLOOR, 1 - 1e-6)
            total[asked] += sigmoid(0.5 * (linear(inputs, asked, coefficients) + np.log(votes) - np.log1p(-votes)))
        else:
            total[asked] += 0.5
        if progress is not None:
            progress(done + 1, len(parts))
    values[heads > 0] = total[heads > 0] / heads[heads > 0, None]
    return {"rows_values": values}


def cross_validated_values(vectors: Rows, values: np.ndarray, learn: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Out-of-sample predictions of a regression target by ridge regression.

    Args:
        vectors: (n, d) float32 embedding, NaN where there is none.
        values: (n,) float64 target, NaN where missing.
        learn: (n,) bool, rows to learn from.
        folds: (n,) int8, as in `cross_validated`.

    Returns:
        (n,) float64, NaN where there is no vector or nothing to learn from.
    """
    valid = finite_rows(vectors)
    learn = learn & valid & np.isfinite(values)
    result = np.full(len(values), np.nan)
    if not learn.any():
        return result
    inputs, target = design(vectors, learn), np.where(learn, values, 0.0)
    predicted = np.zeros((len(values), len(LINEAR_RIDGES)))
    heads = np.zeros(len(values), dtype=np.int64)
    for fold in np.unique(folds[learn]):
        train = learn & (folds != fold)
        asked = valid & ((folds == fold) | (folds < 0))
        if train.any():
            slopes = fit_linear(inputs, target, train.astype(np.float32), LINEAR_RIDGES)
            predicted[asked] += linear(inputs, np.flatnonzero(asked), slopes)
        else:
            predicted[asked] += values[learn].mean()
        heads[asked] += 1
    predicted /= np.maximum(heads, 1)[:, None]
    best = int(np.argmin(np.square(predicted[learn] - values[learn, None]).mean(0)))
    result[valid & (heads > 0)] = predicted[valid & (heads > 0), best]
    return result


def given_probabilities(table: Table, labels: Labels, unreadable: np.ndarray) -> Probabilities:
    """Those of the task's own column, in the order of the table; NaN in rows where it holds no probabilities.

    Rows are brought to the sum of 1 unless that is what they sum to already, but for rounding.

    Args:
        table: the rows.
        labels: of the table; one number per class.
        unreadable: (n,) bool, rows that are not to have any.

    Raises:
        DataError: the vectors of the column don't have one number per class, or are no probabilities.

    Peak memory: none of the size of the column where that lies in one piece, is float32 and right throughout: it is
    looked at where it is. Else 4 bytes per row and class, and some blocks.
    """
    name = str(table.task.probabilities)
    classes, exclusive = len(labels.names), labels.sets is None
    if classes == 1 and not pa.types.is_nested(table.column(name).type):
        stored: Rows = columns.vectors(table, name, np.arange(len(table)))
    else:
        stored = columns.vector_rows(table, name, classes)
    method, folds = f"the column {name!r}", np.full(len(stored), -1, dtype=np.int8)
    whole = stored.whole() if isinstance(stored, VectorRows) else None
    if whole is not None and whole.dtype == np.float32 and not unreadable.any() and _all_right(whole, exclusive):
        return Probabilities(whole, np.full(len(whole), classes > 0), folds, method)
    values, numbers = np.empty(stored.shape, dtype=np.float32), False
    step = max(1, BLOCK_NUMBERS // max(1, classes))
    for begin in range(0, len(stored), step):
        block = np.array(stored[begin : begin + step], dtype=np.float64)
        numbers |= bool(np.isfinite(block).any())
        values[begin : begin + step] = _mended(block, exclusive)
    valid = finite_rows(values)
    if len(values) and numbers and not valid.any():
        summed = " that sum to 1" if exclusive else ""
        raise DataError(
            f"{table.source}: the column {name!r} holds no probabilities; expected {classes} numbers from 0"
            f" to 1 per row{summed}, one per class: {', '.join(labels.names)}"
        )
    values[unreadable] = np.nan
    return Probabilities(values, valid & ~unreadable, folds, method)


def _all_right(values: np.ndarray, exclusive: bool) -> bool:
    """Whether all rows are probabilities that can be used as they stand."""
    step = max(1, BLOCK_NUMBERS // max(1, values.shape[1]))
    ones = np.ones(values.shape[1], dtype=np.float32)
    for begin in range(0, len(values), step):
        block = values[begin : begin + step]
        # Written so that NaN is refused.
        if not (block.min(initial=0) >= 0 and block.max(initial=0) <= 1):
            return False
        if exclusive and not (np.abs(block @ ones - 1) <= ROUNDING).all():
            return False
    return True


def _mended(values: np.ndarray, exclusive: bool) -> np.ndarray:
    """(m, K) float64 -> the same clipped to [0, 1] and brought to the sum of 1; NaN in rows that are far from it."""
    total = values.sum(1)
    wrong = ~np.isfinite(values).all(1) | (values < -1e-6).any(1) | (values > 1 + 1e-3).any(1)
    values = np.clip(values, 0, 1)
    if exclusive:
        wrong |= ~(np.abs(total - 1) < 0.02)
        uneven = np.abs(total - 1) > ROUNDING
        values[uneven] /= np.where(wrong, np.nan, total)[uneven, None]
    values[wrong] = np.nan
    return values
