"""Heads of all folds on one embedding: fitted on the given labels, then on what the true ones are likely to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np

from curate.engines.engine import current
from curate.evidence.answers import Answers, Said, all_or_none
from curate.evidence.channel import fit_channel
from curate.evidence.discriminant import Discriminant, likeliest_temperature
from curate.evidence.exact_search import Chosen
from curate.evidence.fold_inputs import FoldInputs
from curate.evidence.heads import FLOOR, fit_logistic, linear, scale, scaled, softmax
from curate.evidence.outside import Outside
from curate.evidence.parts.left import ArrayWriter, opened
from curate.evidence.parts.lying import lies_in_parts
from curate.evidence.ridge import RIDGES, likeliest_head
from curate.evidence.votes import Electorate, Keeper, Voters

SHRINKAGES = (0.9, 0.75, 0.5, 0.3, 0.2, 0.1, 0.05)
TEMPERATURES = (1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.12, 0.08, 0.05)
BLOCKS = 5
"""More folds than this share the heads that leave two out: a fold leaves out all folds of the same remainder."""
MOST_CELLS = 100_000_000
"""Rows times classes above which the heads are not fitted a second time: the pairs would take 16 bytes per cell."""
CHANNEL_ROWS, CHANNEL_ROWS_OF_CLASS = 5_000, 100
"""Rows that the noise of the labels is estimated from between the two fits, or so many per class if that is more."""
FEW_ROWS = 2_000
"""Up to so many rows the recipe is chosen by all blocks, above by the first."""
PAIR_STEPS, STARTED_STEPS, LAST_STEPS = 12, 10, 15
"""Steps of L-BFGS: of heads that leave two blocks out, of those that start from these, and of others. The likelihood
of held-out labels gains nothing from more, nor from a start at the discriminant, which is sharper than they end."""
STEP_ROWS = 16_384
"""Rows that a head is asked about at a time."""
MOST_ASKED = 20_000
"""Rows by whose labels the recipe is chosen."""
BELIEF = 0.6
"""Weight of the likely labels in the second fit; the given label keeps the rest, so that where classes have a few rows
and the first heads are poor, the second are not led astray by them."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Recipe:
    """What is chosen once for all folds.

    Attributes:
        ridge: of the logistic regression.
        shrinkage: of the discriminant.
        temperature: factor of the discriminant's scores.
        exponents: of the three heads' probabilities in their product: logistic regression, vote, discriminant.
    """

    ridge: float
    shrinkage: float
    temperature: float
    exponents: tuple[float, ...]


class CrossValidation(FoldInputs):
    """Heads of all folds on one embedding.

    Peak memory, beside the embedding: 4 n (d + 1) bytes of inputs, 24 n K bytes of targets, probabilities and what a
    head is asked, 16 n K more where heads are fitted twice (n K up to `MOST_CELLS`), 640 bytes per row up to 64 MB for
    lists of voters, 64 d^2 bytes of products, and some blocks of 32 and 64 MB.

    Args:
        vectors: (n, d) float32 embedding.
        valid: (n,) bool, rows with a vector.
        codes: (n,) int64 labels, -1 in rows that no head may learn from.
        classes: K, each of which some row has.
        folds: (n,) int8.
        progress: called with (fits done, fits in all).
        outside: rows that are asked about and never learned from; they follow the others.
        turned: fit few wide rows in the space that they span, which is several times faster. Where a fit stops short of
            its end, it stops elsewhere: probabilities differ by up to some hundredths.
        keeper: of lists of the nearest voters.
        writer: what machines leave with what heads say there.
    """

    def __init__(
        self,
        vectors: np.ndarray | Chosen,
        valid: np.ndarray,
        codes: np.ndarray,
        classes: int,
        folds: np.ndarray,
        progress: Progress | None,
        outside: Outside | None = None,
        turned: bool = True,
        keeper: Keeper | None = None,
        writer: ArrayWriter | None = None,
    ) -> None:
        # Rows of a fold stand together, those that no head learns from last: a fit passes over what it may see alone.
        self._order = np.lexsort((folds, folds % BLOCKS, codes < 0))
        valid, folds, codes = valid[self._order], folds[self._order], codes[self._order]
        self._vectors = _in_order(vectors, self._order)
        self._valid, self._folds, self._codes, self._classes = valid, folds, codes, classes
        self._learn, self._outside = codes >= 0, outside
        # More rows gain nothing.
        self._turned = turned and outside is None and 4 * len(codes) <= 3 * (self._vectors.width + 1)
        self._parts = np.unique(folds[self._learn])
        self._blocks = np.where(folds >= 0, folds % BLOCKS, -1)
        self._progress, self._done, self._writer = progress, 0, writer
        self._starts: dict[int, np.ndarray] = {}
        if not (current().remote and lies_in_parts(self._vectors) and self._prepared_elsewhere()):
            self._prepare(keeper)

    def _prepare(self, keeper: Keeper | None) -> None:
        self._scale = scale(self._vectors, self._learn)
        self._make_targets()
        self._make_inputs()
        self._electorate = Electorate(self._vectors, self._learn, self._valid, keeper)
        self._discriminant = Discriminant(self._inputs, self._learn, self._vectors.width + 1, self._blocks)
        self._recipe = self._chosen()
        if self._writer is not None:
            self._leave(self._writer)

    def probabilities(self) -> np.ndarray:
        """(n, K) float32 from heads that did not see the row, 0 in rows without a vector; those outside follow."""
        return self.answers().mean()

    def answers(self) -> Answers:
        """What heads that did not see the rows say of them; those outside follow."""
        beyond = 0 if self._outside is None else len(self._outside.rows)
        answers = Answers(self._asked(), self._order, len(self._codes) + beyond, self._classes)
        return answers if self._writer is None else answers.all_there(self._writer)

    def _asked(self) -> Iterator[tuple[np.ndarray, Said]]:
        """What the head of each fold says of the rows to ask it about."""
        blocks = np.unique(self._blocks[self._learn])
        cells = len(self._codes) * self._classes
        pairs = self._pairs(blocks) if len(blocks) > 2 and cells <= MOST_CELLS else {}
        for of_block in self._fits(partial(self._of_block, pairs=pairs), blocks.tolist()):
            for answer in of_block:
                yield answer
                self._step(len(self._parts) + len(pairs))

    def _of_block(self, block: int, pairs: dict[tuple[int, int], Said]) -> list[tuple[np.ndarray, Said]]:
        """For every fold of a block: the rows to ask its head about, and their probabilities."""
        self._ready()
        targets = self._likely(block, pairs) if pairs else self._targets
        answers = []
        for fold in self._parts[self._parts % BLOCKS == block]:
            asked = np.flatnonzero(self._valid & ((self._folds == fold) | (self._folds < 0)))
            if self._outside is not None:
                asked = np.concatenate([asked, len(self._codes) + self._outside.asked(fold)])
            train = self._learn & (self._folds != fold)
            start = self._starts.get(block)
            found, _ = self._ask(train, asked, targets, start, LAST_STEPS if start is None else STARTED_STEPS)
            answers.append((asked, self._left(found)))
        return answers

    def _pairs(self, blocks: np.ndarray) -> dict[tuple[int, int], Said]:
        """For every two blocks: the probabilities of the rows in them by a head that saw neither."""
        said, names = [], list(combinations(blocks.tolist(), 2))
        for (one, other), (found, coefficients) in zip(names, self._fits(self._of_pair, names), strict=True):
            said.append(found)
            if coefficients is not None:
                for block in (one, other):
                    self._starts[block] = coefficients
            self._step(len(self._parts) + len(names))
        return dict(zip(names, said if self._writer is None else all_or_none(said, self._writer), strict=True))

    def _of_pair(self, names: tuple[int, int]) -> tuple[Said, np.ndarray | None]:
        """The probabilities of the rows in two blocks by a head that saw neither, and its coefficients."""
        self._ready()
        train, asked = self._learn & ~np.isin(self._blocks, names), self._rows_of(names)
        # Not started from another pair's head: that one has seen rows which this one must not know of.
        found, coefficients = self._ask(train, asked, self._targets, None, PAIR_STEPS)
        return self._left(found), coefficients

    def _rows_of(self, blocks: tuple[int, int]) -> np.ndarray:
        """(q,) int64 rows to learn from in two blocks."""
        return np.flatnonzero(self._learn & np.isin(self._blocks, blocks))

    def _left(self, found: np.ndarray) -> Said:
        """What a head says, left on another machine where that is possible."""
        return found if self._writer is None else self._writer.written(found)

    def _likely(self, block: int, pairs: dict[tuple[int, int], Said]) -> np.ndarray:
        """(n, K) float32 likely true labels of the rows to learn from, by heads that left the block out."""
        total = np.zeros((len(self._codes), self._classes), dtype=np.float32)
        heads = np.zeros(len(total), dtype=np.int64)
        for names, found in pairs.items():
            if block in names:
                asked = self._rows_of(names)
                total[asked] += opened(found)
                heads[asked] += 1
        total /= np.maximum(heads, 1)[:, None]
        others = np.flatnonzero(self._learn & (self._blocks != block))
        most = max(CHANNEL_ROWS, CHANNEL_ROWS_OF_CLASS * total.shape[1])
        if len(others) > most:
            others = others[np.linspace(0, len(others) - 1, most).astype(np.int64)]
        channel = fit_channel([total[others]], self._codes[others])
        targets = np.zeros_like(self._targets)
        learn = np.flatnonzero(self._learn)
        for rows, fitted in ((others, True), (np.setdiff1d(learn, others), False)):
            likely = channel.posterior(self._codes[rows], total[rows], fitted=fitted)
            targets[rows] = BELIEF * likely + (1 - BELIEF) * self._targets[rows]
        return targets

    def _chosen(self) -> Recipe:
        """The recipe under which the given labels of left-out rows are likeliest."""
        blocks = np.unique(self._blocks[self._learn]).tolist()
        if len(blocks) < 2:
            return Recipe(RIDGES[2], SHRINKAGES[2], TEMPERATURES[4], (1 / 3, 1 / 3, 1 / 3))
        if self._learn.sum() > FEW_ROWS:
            blocks = blocks[:1]
        ridge, start = likeliest_head(self._inputs, self._targets, self._learn, self._blocks, "softmax")
        rows, scores, regressions, votes = [], [], [], []
        for block in blocks:
            train, asked = self._learn & (self._blocks != block), np.flatnonzero(self._learn & (self._blocks == block))
            if len(asked) > MOST_ASKED:
                asked = asked[np.linspace(0, len(asked) - 1, MOST_ASKED).astype(np.int64)]
            rows.append(asked)
            scores.append(self._discriminant.scores(train, self._targets, asked, SHRINKAGES))
            # The ridge was chosen by the head that left the first block out.
            coefficients = start if block == blocks[0] else self._regression(train, ridge)
            regressions.append(softmax(linear(self._inputs, asked, coefficients)))
            votes.append(Voters(self._electorate, self._vectors, train, self._targets).votes(asked))
        codes = self._codes[np.concatenate(rows)]
        tried = [np.concatenate(column) for column in zip(*scores, strict=True)]
        found = [likeliest_temperature(one, codes, TEMPERATURES) for one in tried]
        best = int(np.argmax([likelihood for _, likelihood in found]))
        temperature = found[best][0]
        heads = [np.concatenate(regressions), np.concatenate(votes), softmax(tried[best] * np.float32(temperature))]
        exponents = fit_channel(heads, codes).exponents
        return Recipe(ridge, SHRINKAGES[best], temperature, tuple(float(e) for e in exponents))

    def _regression(self, train: np.ndarray, ridge: float) -> np.ndarray:
        """(d, K) coefficients of a logistic regression on `train`."""
        weights = train.astype(np.float32)
        return fit_logistic(self._inputs, self._targets, weights, ridge, iterations=LAST_STEPS)

    def _ask(
        self, train: np.ndarray, asked: np.ndarray, targets: np.ndarray, start: np.ndarray | None, iterations: int
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Probabilities of the rows asked about by heads fitted on `train`, and the coefficients."""
        classes = targets.shape[1]
        if not train.any():
            return np.full((len(asked), classes), 1.0 / classes, dtype=np.float32), None
        recipe = self._recipe
        weights = train.astype(np.float32)
        coefficients = fit_logistic(self._inputs, targets, weights, recipe.ridge, start=start, iterations=iterations)
        voters = Voters(self._electorate, self._vectors, train, targets)
        slopes, offset = self._discriminant.fitted(train, targets, (recipe.shrinkage,))[0]
        seen = np.bincount(self._codes[train], minlength=classes) > 0
        found = np.empty((len(asked), classes), dtype=np.float32)
        for begin in range(0, len(asked), STEP_ROWS):
            inputs, votes = self._of(asked[begin : begin + STEP_ROWS], voters)
            heads = (
                softmax(inputs @ coefficients),
                votes,
                softmax((inputs @ slopes + offset) * np.float32(recipe.temperature)),
            )
            logits = np.zeros((len(inputs), classes), dtype=np.float32)
            for exponent, head in zip(recipe.exponents, heads, strict=True):
                logits += np.float32(exponent) * np.log(np.maximum(head, np.float32(FLOOR)))
            found[begin : begin + STEP_ROWS] = with_unseen(softmax(logits), seen)
        return found, coefficients

    def _of(self, rows: np.ndarray, voters: Voters) -> tuple[np.ndarray, np.ndarray]:
        """Inputs of some rows, those outside among them, and the votes about them."""
        inside = rows[rows < len(self._codes)]
        inputs, votes = self._inputs[inside], voters.votes(inside)
        if self._outside is None or len(inside) == len(rows):
            return inputs, votes
        others = self._outside[rows[len(inside) :] - len(self._codes)]
        return (
            np.concatenate([inputs, scaled(others, *self._scale)]),
            np.concatenate([votes, voters.votes_about(others)]),
        )

    def _step(self, total: int) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, total)


def _in_order(vectors: np.ndarray | Chosen, order: np.ndarray) -> Chosen:
    """The same rows in another order, copied block by block when they are asked for."""
    return Chosen(vectors.vectors, vectors.rows[order]) if isinstance(vectors, Chosen) else Chosen(vectors, order)


def with_unseen(probabilities: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """(n, K) probabilities of a head in which classes that it has not seen get an even share, 1/K each."""
    if seen.all():
        return probabilities
    classes = len(seen)
    known = probabilities * seen
    known *= (seen.sum() / classes) / np.maximum(known.sum(1, keepdims=True), FLOOR)
    return np.where(seen, known, np.float32(1.0 / classes)).astype(np.float32)
