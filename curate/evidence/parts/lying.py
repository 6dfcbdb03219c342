"""Work on rows by the machines of an engine, which read them where they lie; sent along where a machine lacks them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import numpy as np

from curate.engines.engine import Lacking, current
from curate.evidence.blas_threads import fits
from curate.evidence.parts.rows import LyingRows

Given = TypeVar("Given")
Made = TypeVar("Made")


def lies_in_parts(rows: Any) -> bool:
    """Whether rows, or those that some are chosen of, need not be sent to be read elsewhere."""
    return isinstance(getattr(rows, "vectors", rows), LyingRows)


def in_memory(rows: Any) -> Any:
    """Rows that lie in parts as an array, those whose part is gone or damaged measured anew; others as they are."""
    if not lies_in_parts(rows):
        return rows
    lying = getattr(rows, "vectors", rows)
    lying.look_again()
    if rows is lying:
        return np.asarray(rows)
    places = np.arange(len(rows.rows))
    return replace(rows, vectors=rows[places], rows=places)


def by_rows(work: Callable[[Any, Given], Made], rows: Any, given: Sequence[Given]) -> Iterator[Made]:
    """`work` of the rows and each of `given`, in order, as of `fits`.

    Args:
        work: reads the rows; sent, it takes along where they lie.
        rows: an array, `LyingRows`, or rows that were chosen of these (`curate.evidence.exact_search.Chosen`).
        given: what to do.
    """
    done = 0
    if current().remote and lies_in_parts(rows):
        try:
            for made in fits(partial(work, rows), given):
                yield made
                done += 1
            return
        except Lacking:
            rows = in_memory(rows)
    yield from fits(partial(work, rows), given[done:])
