"""Sampler: which positions of a plan a rank draws in an epoch; every rank computes it, any state continues."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
import xxhash

from curate.errors import ConfigError, nearest
from curate.feed import order as orders
from curate.feed import planned
from curate.feed.adaptive import Adaptive
from curate.feed.cursor import Cursor
from curate.feed.following import Following
from curate.randomness import digest, generator

Mode = Literal["sequential", "shuffled", "weighted", "balanced", "adaptive"]
MODES: tuple[str, ...] = get_args(Mode)


class Sampler:
    """Positions in a plan, for one rank, in an order that depends on seed and epoch alone.

    All ranks share one order of n draws per epoch (n lines in the plan). It is dealt out in steps of
    ``world_size * batch_size`` draws; of a step's draws, rank r takes every `world_size`-th from the r-th on. So the
    draws behind the first ones of all ranks are always a prefix of the order, and a state saved with some world and
    batch size can be continued with any other.

    ``iter(sampler)`` yields positions one by one (for torch's ``DataLoader(sampler=...)``), ``sampler.batches()`` is
    an iterable of lists of positions (for ``batch_sampler=``). Both count what they yield into `state_dict`; a
    DataLoader with workers asks ahead, so take the state from `curate.feed.Loader`, which counts batches handed out.

    Modes: ``sequential`` (as planned), ``shuffled``, ``weighted`` (n draws with replacement, in proportion to the
    plan's weights), ``balanced`` (every class equally often, give or take one draw; lines without a label are not
    drawn), ``adaptive`` (every class or row as often as its reported loss or recall asks for, see `Adaptive` and
    `report`). The first two draw every line exactly once per epoch over all ranks.

    The end of an epoch: the last batches share what is left evenly, so that every rank makes the same number of
    batches without repeating a draw; only where fewer draws than ranks are left in all (batch size 1, or a plan
    smaller than the world size) do the last ranks make one batch less. `drop_last` leaves out draws that don't fill
    a batch on every rank; `pad` fills them up with draws from the start of the order instead.

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
    ) -> None:
        if mode not in MODES:
            raise ConfigError(f"unknown sampler {mode!r}{nearest(str(mode), MODES)}; known: {', '.join(MODES)}")
        _whole("batch_size", batch_size, 1)
        _whole("world_size", world_size, 1)
        _whole("rank", rank, 0)
        if rank >= world_size:
            raise ConfigError(f"rank {rank} does not exist in a world of {world_size}; ranks count from 0")
        if drop_last and pad:
            raise ConfigError("drop_last leaves out the draws that pad would fill up: choose one of them")
        self.mode, self.seed = mode, int(seed)
        self.batch_size, self.rank, self.world_size = int(batch_size), int(rank), int(world_size)
        self.drop_last, self.pad = bool(drop_last), bool(pad)
        lines: Any = plan if isinstance(plan, pa.Table) else None
        self.n: int = _whole("plan", plan, 0) if lines is None else lines.num_rows
        self._alias: orders.AliasTable | None = None
        self._classes: list[np.ndarray] = []
        keys = planned.keys(lines)
        if mode == "weighted":
            chances = planned.weights(lines, weights, self.n)
            self._alias = orders.AliasTable.of(chances) if self.n else None
            keys.append(chances.tobytes())
        elif weights is not None:
            raise ConfigError(f"weights are for the sampler 'weighted', not for {mode!r}")
        self._following: Following | None = None
        self._begun: int | None = None
        if adaptive is not None and mode != "adaptive":
            raise ConfigError(f"adaptive is for the sampler 'adaptive', not for {mode!r}")
        if mode == "balanced":
            self._classes = list(planned.classes(lines, mode).values())
            keys += [positions.tobytes() for positions in self._classes]
        elif mode == "adaptive":
            self._following = Following.of(lines, adaptive)
            keys += self._following.keys()
        self.fingerprint = f"{digest(mode, self.n, *map(xxhash.xxh3_128_hexdigest, keys)):032x}"
        self.cursor = Cursor()
        self._order: tuple[int, np.ndarray, np.ndarray | None] | None = None

    @property
    def epoch(self) -> int:
        """The epoch that is being drawn, or that the next iteration draws."""
        return self.cursor.epoch

    def set_epoch(self, epoch: int) -> None:
        """Draw this epoch next. Naming the epoch that a loaded state is in the middle of keeps its place."""
        if epoch != self.cursor.epoch:
            self._begun = None
        self.cursor.set_epoch(_whole("epoch", epoch, 0))

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
        following = self._followed()
        epoch = _whole("epoch", epoch, 0)
        if epoch > self.cursor.epoch:
            raise ConfigError(f"epoch {epoch} can't be reported: epoch {self.cursor.epoch} has not come to its end")
        if self._begun is not None and epoch < self._begun:
            raise ConfigError(
                f"a report of epoch {epoch} comes too late: epoch {self._begun} is being drawn; report between epochs"
            )
        following.add(epoch, {"classes": classes, "rows": rows})
        if self._order is not None and self._order[0] > epoch:
            self._order = None

    def shares(self, epoch: int) -> dict[str, float]:
        """Share of the draws of an epoch of each class, or row id, of the sampler ``adaptive``, by the reports so far.

        Raises:
            ConfigError: another sampler, or an epoch too long ago.
        """
        following = self._followed()
        return dict(zip(following.reports.names, following.shares(epoch).tolist(), strict=True))

    def _followed(self) -> Following:
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
            "drawn": min(cursor.drawn, self.n),
            "seed": self.seed,
            "n": self.n,
            "fingerprint": self.fingerprint,
        } | reports

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on exactly where a state was taken.

        Raises:
            ConfigError: the state is of another plan, mode or seed, or no state at all.
        """
        missing = [key for key in ("epoch", "drawn", "seed", "n", "fingerprint") if key not in state]
        if missing:
            raise ConfigError(f"this is no sampler state: it lacks {', '.join(missing)}")
        if state["fingerprint"] != self.fingerprint or state["n"] != self.n:
            raise ConfigError(
                f"the state belongs to another plan or mode ({state['n']} draws per epoch, fingerprint"
                f" {state['fingerprint']}; this one has {self.n}, {self.fingerprint}): go on with the plan and mode"
                " that it was saved with, or start anew without it"
            )
        if state["seed"] != self.seed:
            raise ConfigError(f"the state was saved with seed {state['seed']}, and this sampler has {self.seed}")
        epoch, drawn = _whole("epoch", state["epoch"], 0), _whole("drawn", state["drawn"], 0)
        if drawn > self.n:
            raise ConfigError(f"the state says that {drawn} of {self.n} draws were made")
        if self._following is not None:
            self._following.reports.load(state.get("reports"))
        self._order, self._begun = None, epoch if drawn else None
        self.cursor.go_to(epoch, drawn)

    def __len__(self) -> int:
        """Number of positions that this rank draws in an epoch."""
        if self.drop_last:
            return self.n // self._step * self.batch_size
        if self.pad:
            return -(-self.n // self._step) * self.batch_size
        return len(range(self.rank, self.n, self.world_size))

    def __iter__(self) -> Iterator[int]:
        """This rank's positions in the epoch, one by one."""
        epoch, start = self.begin()
        order, _ = self.order(epoch)
        end = self._end(start, len(order))
        for count, position in enumerate(order[start + self.rank : end : self.world_size].tolist(), 1):
            self.cursor.drawn = min(end, start + count * self.world_size)
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

    def order(self, epoch: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Positions in the order of an epoch, over all ranks, and how often each was drawn before (None for never)."""
        if self._order is None or self._order[0] != epoch:
            rng = generator(self.seed, epoch, step=f"sampler.{self.mode}")
            if not self.n or self.mode == "sequential":
                order = np.arange(self.n)
            elif self._alias is not None:
                order = self._alias.draw(self.n, rng)
            elif self.mode == "balanced":
                order = orders.balanced(self._classes, self.n, rng)
            elif self._following is not None:
                order = self._following.order(epoch, self.n, rng)
            else:
                order = orders.shuffled(self.n, rng)
            if self.pad:
                order = np.resize(order, -(-self.n // self._step) * self._step)
            repeats = self.mode in ("weighted", "balanced", "adaptive") or len(order) > self.n
            self._order = (epoch, order, orders.occurrences(order) if repeats else None)
        return self._order[1], self._order[2]

    def steps(self, start: int = 0) -> Iterator[tuple[int, int]]:
        """First and last-but-one draw of each step over all ranks, from a draw on, where this rank has a batch."""
        total = -(-self.n // self._step) * self._step if self.pad else self.n
        end = self._end(start, total)
        while start < end:
            left = end - start
            take = min(left, self._step)
            if self._step < left < self._step + self.world_size and self.batch_size > 1:
                # The rest would be too little to give every rank one draw: let this step leave them one each.
                take = left - self.world_size
            if self.rank < take:
                yield start, start + take
            start += take

    @property
    def _step(self) -> int:
        return self.world_size * self.batch_size

    def _end(self, start: int, total: int) -> int:
        """Where an epoch of `total` draws ends that starts or goes on at `start`."""
        if start >= self.n:
            return start
        return start + (total - start) // self._step * self._step if self.drop_last else total

    def __getstate__(self) -> dict[str, Any]:
        """Without the order of the epoch, which is computed again."""
        return self.__dict__ | {"_order": None}


class Batches:
    """The batches of a sampler: an iterable of lists of positions, with what trainers ask a batch sampler for."""

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = sampler
        self.batch_size, self.drop_last = sampler.batch_size, sampler.drop_last

    def set_epoch(self, epoch: int) -> None:
        """See `Sampler.set_epoch`."""
        self.sampler.set_epoch(epoch)

    def __len__(self) -> int:
        """Number of batches that this rank makes in an epoch."""
        step = self.sampler.world_size * self.batch_size
        full, rest = divmod(self.sampler.n, step)
        if self.drop_last:
            return full
        # With more than one row per batch a full step lends a small rest the draws that it lacks.
        everywhere = self.sampler.pad or rest >= self.sampler.world_size or (full and self.batch_size > 1)
        return full + int(rest > 0 and bool(everywhere or self.sampler.rank < rest))

    def __iter__(self) -> Iterator[list[Any]]:
        """This rank's batches in the epoch."""
        sampler, cursor = self.sampler, self.sampler.cursor
        epoch, start = sampler.begin()
        order, before = sampler.order(epoch)
        for first, end in sampler.steps(start):
            mine = slice(first + sampler.rank, end, sampler.world_size)
            cursor.drawn = end
            yield self.batch(epoch, order[mine], None if before is None else before[mine])
        cursor.finish()

    def batch(self, epoch: int, positions: np.ndarray, before: np.ndarray | None) -> list[Any]:
        """What stands for a batch: here the positions alone."""
        return positions.tolist()


def _whole(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ConfigError(f"{name} must be a whole number of at least {least}, not {value!r}")
    return int(value)
