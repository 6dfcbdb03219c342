"""Lengths of lines, and how batches are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from curate.errors import ConfigError
from curate.feed.sampling.buckets import Bucketed, Budget
from curate.feed.sampling.drawn import Order
from curate.feed.sampling.layout import Even
from curate.feed.sampling.state import whole
from curate.wording import counted, noun


@dataclass(frozen=True)
class Lengths:
    """Batches of lines of similar length.

    Attributes:
        values: (n,) whole numbers of at least 0: tokens, samples, or whatever is padded.
        batch_tokens: most that a batch may hold with padding (its longest line times its lines) in the unit of
            `values`; None for batches of `batch_size` lines.
        max_batch: lines per batch at most, with `batch_tokens`.
        window: batches per rank among which lines are sorted; more pads less and shuffles less.
        multiple: lines are padded to a multiple of this.
    """

    values: Sequence[int] | np.ndarray
    batch_tokens: int | None = None
    max_batch: int | None = None
    window: int = 64
    multiple: int = 1


def bucketed(
    order: Order,
    even: Even,
    asked: Lengths | Sequence[int] | np.ndarray | None,
    seed: int,
    lines: pa.Table | None = None,
) -> Bucketed | None:
    """The layout that these lengths ask for; None for none.

    Args:
        order: of the draws.
        even: how they would become batches without lengths.
        asked: (n,) lengths of the lines, and how batches are made of them.
        seed: of the order of batches.
        lines: of the plan, whose row ids messages name.

    Raises:
        ConfigError: lengths or settings can't be, don't fit each other, or a line alone is longer than a batch may be.
    """
    if asked is None:
        return None
    lengths = asked if isinstance(asked, Lengths) else Lengths(asked)
    values = np.asarray(lengths.values)
    if values.shape != (even.n,) or values.dtype.kind not in "iu":
        if values.size or even.n:
            raise ConfigError(
                f"lengths must be {even.n} whole numbers, one per line; found {values.dtype} of the shape"
                f" {values.shape}"
            )
        values = values.astype(np.int64)
    negative = np.flatnonzero(values < 0) if values.dtype.kind == "i" else []
    if len(negative):
        raise ConfigError(f"lengths must be at least 0; position {negative[0]} has {values[negative[0]]}")
    if even.pad:
        raise ConfigError("pad fills batches up to one size; it does not go with batches of similar lengths")
    if lengths.max_batch is not None and lengths.batch_tokens is None:
        raise ConfigError("max_batch is for batch_tokens; without it, batch_size says how many rows a batch has")
    rows = even.batch_size if lengths.batch_tokens is None else lengths.max_batch
    budget = Budget(
        None if rows is None else whole("max_batch", rows, 1),
        None if lengths.batch_tokens is None else whole("batch_tokens", lengths.batch_tokens, 1),
        whole("bucket_window", lengths.window, 1),
        whole("multiple", lengths.multiple, 1),
    )
    _refuse_too_long(values, budget, lines)
    small = (
        values if values.dtype.itemsize <= 4 else values.astype(np.int32 if values.max(initial=0) < 2**31 else np.int64)
    )
    return Bucketed(order, even.n, small, budget, even.rank, even.world_size, seed, even.drop_last)


def _refuse_too_long(lengths: np.ndarray, budget: Budget, lines: pa.Table | None) -> None:
    longest, tokens = int(lengths.max(initial=1)), budget.tokens
    if tokens is None or budget.padded(np.array([longest]))[0] <= tokens:
        return
    over = int((budget.padded(lengths) > tokens).sum())
    place = int(np.argmax(lengths))
    row = f"at position {place}"
    if lines is not None and "row_id" in lines.column_names:
        row = f"row {lines['row_id'][place].as_py()}"
    raise ConfigError(
        f"batch_tokens is {tokens}, and {counted(over, 'line')} of the plan {noun(over, 'is', 'are')} longer: the"
        f" longest, {row}, has {longest}; raise batch_tokens, or cut rows off (max_tokens, max_seconds)"
    )
