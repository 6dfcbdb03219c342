"""Sampler: which positions of a plan a rank draws in an epoch; every rank computes it, any state continues."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from curate.errors import ConfigError
from curate.feed.adaptive import Adaptive
from curate.feed.cursor import Cursor
from curate.feed.following import Following, refuse_untimely
from curate.feed.sampling.batches import Batches
from curate.feed.sampling.buckets import Bucketed
from curate.feed.sampling.curriculum import Curriculum
from curate.feed.sampling.drawn import Drawn
from curate.feed.sampling.fingerprint import plan_key
from curate.feed.sampling.grouping import Grouping
from curate.feed.sampling.layout import Even, Layout, Place, Standing
from curate.feed.sampling.lengths import Lengths, bucketed
from curate.feed.sampling.modes import MODES, Given, Mode, order_of
from curate.feed.sampling.state import check_state, read_standing, refuse_left, whole, written, written_standing
from curate.randomness import digest

__all__ = ["MODES", "Batches", "Mode", "Sampler"]

START = Standing.at(Place.at(0))
_AHEAD = 4096
_AT_ONCE = 1 << 14
"""Draws that are computed in one piece, at most: some orders look at a block of lines for each."""


class Sampler:
    """Positions in a plan, for one rank, in an order that depends on seed and epoch alone.

    All ranks share one order of n draws per epoch (n lines in the plan), of which each draw is computed by its number:
    nothing is kept that grows with the draws, and any batch of any epoch can be asked for (`batch`). The order is dealt
    out in steps of ``world_size * batch_size`` draws; of a step's draws, rank r takes every `world_size`-th from the
    r-th on. So the draws behind the first ones of all ranks are always a prefix of the order, and a state saved with
    some world and batch size can be continued with any other.

    ``iter(sampler)`` yields positions one by one (for torch's ``DataLoader(sampler=...)``), ``sampler.batches()`` is
    an iterable of lists of positions (for ``batch_sampler=``). Both count what they yield into `state_dict`; a
    DataLoader with workers asks ahead, so take the state from `curate.feed.Loader`, which counts batches handed out, or
    from torchdata's StatefulDataLoader.

    Modes: ``sequential`` (as planned), ``shuffled``, ``weighted`` (n draws, each line in proportion to its weight),
    ``balanced`` (every class equally often, give or take one draw; lines without a label are not drawn),
    ``group_balanced`` (every group equally often, or every class of every group, see `Grouping`), ``curriculum`` (easy
    lines first, see `Curriculum`), ``adaptive`` (every class or row as often as its reported loss or recall asks for,
    see `Adaptive` and `report`). The first two draw every line exactly once per epoch over all ranks.

    The end of an epoch: the last batches share what is left evenly, so that every rank makes the same number of
    batches without repeating a draw; only where fewer draws than ranks are left in all (batch size 1, or a plan
    smaller than the world size) do the last ranks make one batch less. `drop_last` leaves out draws that don't fill
    a batch on every rank; `pad` fills them up with draws from the start of the order instead.

    With `lengths` rows of similar length make a batch (see `curate.feed.sampling.buckets`): a state then names the
    draws that are left, and can be continued with any world size, batch size and budget as well.

    Args:
        plan: lines as in `curate.plan`, or how many there are.
        mode: order of the draws.
        batch_size: positions per batch and rank.
        rank: this process, 0 <= rank < world_size.
        world_size: number of processes.
        seed: of the order.
        drop_last: leave out draws that don't fill a batch on every rank.
        pad: repeat draws until every rank's last batch is full.
        weights: (n,) weights for ``weighted`` in place of the plan's.
        adaptive: settings of ``adaptive``.
        grouping: settings of ``group_balanced``.
        groups: (n,) names of the lines' groups, for ``group_balanced``.
        curriculum: settings of ``curriculum``.
        difficulty: (n,) numbers, for ``curriculum``; high ones are hard unless the settings say otherwise.
        lengths: (n,) lengths of the lines, and how batches are made of them; None for batches as they come.

    Raises:
        ConfigError: an unknown mode, a number out of range, or a mode that needs what the plan does not have.
    """

    def __init__(
        self,
        plan: pa.Table | int,
        mode: Mode = "shuffled",
        batch_size: int = 32,
        rank: int = 0,
        world_size: int = 1,
        seed: int = 0,
        drop_last: bool = False,
        pad: bool = False,
        weights: np.ndarray | Sequence[float] | None = None,
        adaptive: Adaptive | Mapping[str, Any] | None = None,
        *,
        grouping: Grouping | Mapping[str, Any] | None = None,
        groups: Any = None,
        curriculum: Curriculum | Mapping[str, Any] | None = None,
        difficulty: Any = None,
        lengths: Lengths | Sequence[int] | np.ndarray | None = None,
    ) -> None:
        given = Given(weights, adaptive, grouping, groups, curriculum, difficulty)
        given.check(mode)
        self.mode, self.seed = mode, int(seed)
        self.batch_size = whole("batch_size", batch_size, 1)
        self.world_size, self.rank = whole("world_size", world_size, 1), whole("rank", rank, 0)
        if rank >= world_size:
            raise ConfigError(f"rank {rank} does not exist in a world of {world_size}; ranks count from 0")
        if drop_last and pad:
            raise ConfigError("drop_last leaves out the draws that pad would fill up: choose one of them")
        self.drop_last, self.pad = bool(drop_last), bool(pad)
        lines: Any = plan if isinstance(plan, pa.Table) else None
        self.n: int = whole("plan", plan, 0) if lines is None else lines.num_rows
        self._order, self._following, keys = order_of(mode, lines, self.n, self.seed, given)
        self.fingerprint = f"{digest(mode, self.n, plan_key(lines), *keys):032x}"
        self._even = Even(self.n, self.batch_size, self.rank, self.world_size, self.drop_last, self.pad)
        self._buckets: Bucketed | None = bucketed(self._order, self._even, lengths, self.seed, lines)
        self.cursor = Cursor()
        self._begun: int | None = None
        self._origin: tuple[int, Standing] | None = None
        self._course: tuple[int, Standing] = (0, START)

    @property
    def layout(self) -> Layout:
        """How draws become batches."""
        return self._even if self._buckets is None else self._buckets

    @property
    def epoch(self) -> int:
        """The epoch that is being drawn, or that the next iteration draws."""
        return self.cursor.epoch

    def set_epoch(self, epoch: int) -> None:
        """Draw this epoch next. Naming the epoch that a loaded state is in the middle of keeps its place."""
        if epoch != self.cursor.epoch:
            self._begun = None
        self.cursor.set_epoch(whole("epoch", epoch, 0))

    def report(
        self, epoch: int, *, classes: Mapping[str, float] | None = None, rows: Mapping[str, float] | None = None
    ) -> None:
        """Say what training found in an epoch, before the next one begins; the draws of later epochs follow it.

        Every rank must report the same numbers (reduce them over the ranks first). What is left out keeps what was
        reported of it before.

        Args:
            epoch: that the numbers are of: the one being drawn, or an earlier one.
            classes: class -> mean loss, or recall (`Adaptive.follows`), in training or on held-out rows.
            rows: row id -> loss, or recall.

        Raises:
            ConfigError: the sampler does not adapt, or not by these; the numbers can't be; the epoch is none that can
                be reported now.
        """
        following, epoch = self.following, whole("epoch", epoch, 0)
        refuse_untimely(epoch, self.cursor.epoch, self._begun)
        following.add(epoch, {"classes": classes, "rows": rows})
        self._forget()

    def shares(self, epoch: int) -> dict[str, float]:
        """Share of the draws of an epoch of each class, or row id, of the sampler ``adaptive``, by the reports so far.

        Raises:
            ConfigError: another sampler, or an epoch too long ago.
        """
        following = self.following
        return dict(zip(following.reports.names, following.shares(epoch).tolist(), strict=True))

    @property
    def following(self) -> Following:
        """What the sampler ``adaptive`` follows. Raises ConfigError where it is another."""
        if self._following is None:
            raise ConfigError(f"the sampler {self.mode!r} follows no reports; choose mode 'adaptive'")
        return self._following

    def state_dict(self) -> dict[str, Any]:
        """Where this sampler stands: plain values, valid on every rank, for any world size and batch size."""
        return self.state_at(self.cursor)

    def state_at(self, cursor: Cursor) -> dict[str, Any]:
        """The state that says that the draws before a cursor were used."""
        reports = {} if self._following is None else {"reports": self._following.reports.state()}
        return {
            "epoch": cursor.epoch,
            **self._standing(cursor),
            "seed": self.seed,
            "n": self.n,
            "fingerprint": self.fingerprint,
        } | reports

    def _standing(self, cursor: Cursor) -> dict[str, Any]:
        """Which draws of its epoch were used when a cursor stands there, as plain values."""
        if self._buckets is None or not cursor.drawn:
            return written(Place.at(min(cursor.drawn, self.n)))
        epoch, begin = self._course
        standing = self._buckets.standing(cursor.epoch, begin if epoch == cursor.epoch else START, cursor.drawn)
        return written_standing(standing, self._buckets.key())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on exactly where a state was taken.

        Raises:
            ConfigError: the state is of another plan, mode or seed, or no state at all.
        """
        check_state(state, self.fingerprint, self.n, self.seed)
        epoch = whole("epoch", state["epoch"], 0)
        standing = read_standing(state, self.n, "" if self._buckets is None else self._buckets.key())
        place = standing.place
        if self._buckets is None:
            refuse_left(place)
        if self._following is not None:
            self._following.load(state.get("reports"))
        self._begun = epoch if place.drawn else None
        self._origin = self._course = (epoch, standing)
        self._forget()
        self.cursor.go_to(epoch, place.drawn)

    def _forget(self) -> None:
        if self._buckets is not None:
            self._buckets.forget()

    def __len__(self) -> int:
        """Number of positions that this rank draws in an epoch."""
        if self._buckets is None:
            return self._even.draws()
        return sum(len(step.mine) for step in self._buckets.steps(self.epoch, START))

    def __iter__(self) -> Iterator[int]:
        """This rank's positions in the epoch, one by one."""
        if self._buckets is not None:
            raise ConfigError("rows of similar length are drawn in batches: take sampler.batches()")
        epoch, start = self.begin()
        end = self._even.end(start)
        mine = range(start + self.rank, end, self.world_size)
        for first in range(0, len(mine), _AHEAD):
            piece = mine[first : first + _AHEAD]
            for number, position in zip(piece, self.draws(epoch, np.array(piece)).positions.tolist()):
                self.cursor.drawn = min(end, number - self.rank + self.world_size)
                yield position
        self.cursor.finish()

    def begin(self) -> tuple[int, int]:
        """Epoch and draw at which an iteration that begins now starts; reports of earlier epochs are too late now."""
        epoch, start = self.cursor.begin()
        self._begun = epoch
        return epoch, start

    def batches(self) -> Batches:
        """The same draws in batches: lists of positions, for ``DataLoader(batch_sampler=...)``."""
        return Batches(self)

    def draws(self, epoch: int, numbers: np.ndarray) -> Drawn:
        """The draws of an epoch by their (m,) int64 numbers; those behind the last repeat the first ones (`pad`)."""
        if len(numbers) > _AT_ONCE:
            pieces = np.split(numbers, range(_AT_ONCE, len(numbers), _AT_ONCE))
            parts = [self.draws(epoch, piece) for piece in pieces]
            return Drawn(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
        turn, number = np.divmod(numbers, max(1, self.n))
        drawn = self._order.draw(epoch, number)
        return Drawn(drawn.positions, drawn.occurrences + turn * self._order.most)

    def order(self, epoch: int) -> Drawn:
        """All draws of an epoch over all ranks; of a large plan rather ask for what is needed (`draws`, `batch`)."""
        return self.draws(epoch, np.arange(self._even.total if self.n else 0))

    def batch(self, epoch: int, number: int) -> np.ndarray:
        """(m,) int64 positions of a batch of this rank, counting from the start of an epoch.

        By random access; only where batches have similar lengths is the epoch laid out up to there.

        Raises:
            IndexError: the epoch has fewer batches.
        """
        for place, step in enumerate(self._from(epoch, number)):
            if place == (number if self._buckets is not None else 0):
                return self.draws(epoch, step.mine).positions
        raise IndexError(f"epoch {epoch} has no batch {number} on rank {self.rank}")

    def _from(self, epoch: int, number: int) -> Iterator[Any]:
        if self._buckets is not None:
            return self._buckets.steps(epoch, START)
        return self._even.from_draw(number * self._even.step) if 0 <= number < self._even.count() else iter(())

    def rounds(self, epoch: int, start: int) -> Iterator[Any]:
        """The steps from a draw on where this rank has a batch: numbers of its draws, and how many are used then."""
        standing = Standing.at(Place.at(start))
        if self._origin is not None and (self._origin[0], self._origin[1].place.drawn) == (epoch, start):
            standing = self._origin[1]
        if (self._course[0], self._course[1].place.drawn) != (epoch, start):
            self._forget()
        self._course = (epoch, standing)
        return self.layout.steps(epoch, standing)

    def steps(self, start: int = 0) -> Iterator[tuple[int, int]]:
        """Used draws before and behind each step over all ranks, from a draw on, where this rank has a batch."""
        ends = itertools.chain([start], (step.drawn for step in self.rounds(self.cursor.epoch, start)))
        return itertools.pairwise(ends)
