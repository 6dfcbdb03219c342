"""Buckets: batches of rows of similar length, of so many rows or of so many tokens, without giving up the shuffling."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import xxhash

from curate.feed.sampling.counters import key_of
from curate.feed.sampling.drawn import Order
from curate.feed.sampling.layout import Even, Place, Standing, Step
from curate.feed.sampling.permutation import permuted


@dataclass(frozen=True)
class Budget:
    """How large a batch may be.

    Attributes:
        rows: per batch and rank, at most; None for any number.
        tokens: per batch and rank, at most, with padding: longest row times rows. None for batches of `rows` rows.
        window: batches per rank among which rows are sorted by length; more pads less and shuffles less.
        multiple: lengths are padded to a multiple of this.
    """

    rows: int | None
    tokens: int | None = None
    window: int = 64
    multiple: int = 1

    def padded(self, lengths: np.ndarray) -> np.ndarray:
        """Lengths as they are after padding, at least one."""
        lengths = np.maximum(lengths, 1)
        return lengths if self.multiple == 1 else -(-lengths // self.multiple) * self.multiple


class Window(NamedTuple):
    """A stretch of the order, made into batches.

    Attributes:
        rounds: in the order of training; each a list of at most `world_size` arrays of numbers of draws, one per rank.
        ends: (rounds,) int64 draws of the epoch used after each round.
        begin: where the epoch stood before it.
        after: where the epoch stands behind the window.
    """

    rounds: list[list[np.ndarray]]
    ends: np.ndarray
    begin: Place
    after: Place


@dataclass
class Bucketed:
    """Batches of draws that are near each other both in the order and in length.

    A window of the order is sorted by length and cut into batches; batches next to each other in length are trained on
    at the same time by all ranks, so that none waits long for another, and which come first is drawn anew in every
    window. Every draw of the order is in exactly one batch, and all ranks make the same number of batches: where the
    number of batches by tokens is no multiple of the number of ranks, large ones are split, and if all hold one row,
    rows wait for the next window. Only where fewer draws are left than ranks at the end of an epoch do the last ranks
    make one batch less (or none of these, by `drop_last`).

    Attributes:
        order: of the draws.
        n: draws of an epoch.
        lengths: (lines of the plan,) of each line, in tokens, samples or whatever is padded; at least 0.
        budget: of a batch.
        rank: whose batches they are.
        world_size: number of ranks.
        seed: of the order of batches.
        drop_last: leave out draws that don't fill a batch (of a number of rows), or give every rank one (of tokens).
    """

    order: Order
    n: int
    lengths: np.ndarray
    budget: Budget
    rank: int
    world_size: int
    seed: int
    drop_last: bool = False
    _recent: OrderedDict[tuple[int, int, int], Window] = field(default_factory=OrderedDict, repr=False)

    def __post_init__(self) -> None:
        """Settle how many draws make a window."""
        tokens = self.budget.tokens
        mean = max(1.0, float(self.lengths.mean(dtype=np.float64))) if len(self.lengths) else 1.0
        rows = max(1, int((tokens or 0) / mean))
        self._rows = rows if self.budget.rows is None else min(rows, self.budget.rows) if tokens else self.budget.rows
        self._step = self._rows * self.world_size

    def steps(self, epoch: int, standing: Standing) -> Iterator[Step]:
        """See `Layout`."""
        made = standing.rounds
        for window in self.windows(epoch, standing.window):
            for batches, end in zip(window.rounds[made:], window.ends[made:].tolist()):
                if self.rank < len(batches):
                    yield Step(batches[self.rank], end)
            made = 0

    def windows(self, epoch: int, place: Place) -> Iterator[Window]:
        """The windows from a place on."""
        while place.drawn < self.n:
            window = self._window(epoch, place)
            yield window
            if window.after.reached >= self.n:
                return
            place = window.after

    def count(self, epoch: int) -> int:
        """See `Layout`; lays out the epoch where batches are made by tokens, since their number differs by epoch."""
        if self.budget.tokens is None:
            return Even(self.n, self._rows, self.rank, self.world_size, self.drop_last).count()
        return sum(self.rank < len(r) for w in self.windows(epoch, Place.at(0)) for r in w.rounds)

    def standing(self, epoch: int, begin: Standing, drawn: int) -> Standing:
        """How an epoch stands that began so, after the step that had used so many draws.

        Raises:
            ValueError: no step ends there.
        """
        if drawn == begin.place.drawn:
            return begin
        recent = [window for (of, *_), window in self._recent.items() if of == epoch]
        for window in itertools.chain(recent, self.windows(epoch, begin.window)):
            used = np.flatnonzero(window.ends == drawn)
            if len(used):
                rounds = int(used[0]) + 1
                rest = [batch for batches in window.rounds[rounds:] for batch in batches]
                left = np.sort(np.concatenate([window.after.left, *rest])).astype(np.int64)
                return Standing(Place(window.after.reached, left), window.begin, rounds)
        raise ValueError(f"no step of epoch {epoch} ends after {drawn} draws")

    def key(self) -> str:
        """Text that differs where the same draws would be made into other batches."""
        text = f"{self.budget} {self.world_size} {self.drop_last} {xxhash.xxh3_128_hexdigest(self.lengths.tobytes())}"
        return xxhash.xxh3_128_hexdigest(text.encode())

    def forget(self) -> None:
        """Lay out windows anew: the epoch begins elsewhere, or its order has changed."""
        self._recent.clear()

    def _window(self, epoch: int, place: Place) -> Window:
        """The window at a place, kept for whoever asks next (loader, its requests, and states)."""
        known = (epoch, place.reached, len(place.left))
        if known not in self._recent:
            self._recent[known] = self._laid_out(epoch, place)
            while len(self._recent) > 4:
                self._recent.popitem(last=False)
        return self._recent[known]

    def _laid_out(self, epoch: int, place: Place) -> Window:
        """Cut the next stretch of the order into rounds of batches."""
        reached = self._until(place)
        draws = np.concatenate([place.left, np.arange(place.reached, reached)])
        final = reached == self.n
        if final and self.drop_last and self.budget.tokens is None:
            draws = draws[: len(draws) // self._step * self._step]
        lengths = self.budget.padded(self.lengths[self.order.draw(epoch, draws).positions])
        by_length = np.argsort(lengths, kind="stable")
        sizes = self._by_rows(len(draws)) if self.budget.tokens is None else self._by_tokens(lengths[by_length])
        waiting = np.zeros(0, np.int64)
        if len(sizes) % self.world_size and (not final or self.drop_last):
            # Only batches of one row can't be split; the last draws of the order wait for the next window.
            kept = len(draws) - len(sizes) % self.world_size
            waiting, by_length = draws[kept:], by_length[by_length < kept]
            sizes = sizes[: len(sizes) - len(sizes) % self.world_size]
        batches = np.split(draws[by_length], np.cumsum(sizes)[:-1]) if len(sizes) else []
        rounds = self._rounds(batches, key_of(self.seed, epoch, "buckets", place.reached, len(place.left)))
        used = np.cumsum([sum(map(len, batches)) for batches in rounds], dtype=np.int64)
        return Window(rounds, place.drawn + used, place, Place(reached, waiting if not final else waiting[:0]))

    def _until(self, place: Place) -> int:
        """Behind the last draw of the window at a place, which ends on a full step, or takes all that is left."""
        wanted = self.budget.window * self._step - len(place.left) % self._step
        behind = self.n - place.reached - wanted
        return self.n if behind < self._step + self.world_size else place.reached + wanted

    def _by_rows(self, count: int) -> np.ndarray:
        """(batches,) numbers of rows, equal but for one, for all ranks the same number of batches where possible."""
        if not count:
            return np.zeros(0, np.int64)
        batches = min(count, -(-count // self._step) * self.world_size)
        return np.full(batches, count // batches) + (np.arange(batches) < count % batches)

    def _by_tokens(self, lengths: np.ndarray) -> np.ndarray:
        """(batches,) numbers of rows from the shortest on, for (m,) padded lengths that rise."""
        tokens, most = self.budget.tokens or 1, self.budget.rows or len(lengths)
        sizes: list[int] = []
        left = len(lengths)
        while left:
            sizes.append(min(left, most, int(tokens // lengths[left - 1])))
            left -= sizes[-1]
        while len(sizes) % self.world_size and max(sizes) > 1:
            place, size = int(np.argmax(sizes)), max(sizes)
            sizes[place : place + 1] = [size // 2, size - size // 2]
        return np.array(sizes[::-1], np.int64)

    def _rounds(self, batches: list[np.ndarray], key: int) -> list[list[np.ndarray]]:
        """Batches next to each other in length at the same time, in random order; one that lacks ranks comes last."""
        rounds = [batches[k : k + self.world_size] for k in range(0, len(batches), self.world_size)]
        full = len(batches) // self.world_size
        turn = [*permuted(np.arange(full), max(1, full), key).tolist(), *range(full, len(rounds))]
        shifts = permuted(np.arange(full), max(1, full), key ^ 1)
        turned = []
        for number in turn:
            own = rounds[number]
            shift = int(shifts[number]) % len(own) if number < full else 0
            turned.append(own[shift:] + own[:shift])
        return turned
