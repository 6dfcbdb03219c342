"""Work on rows by the machines of an engine, which read them where they lie; sent along where a machine lacks them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import numpy as np

from curate.engines.engine import Lacking, current
from curate.evidence.blas_threads import fits, with_threads_of_here
from curate.evidence.parts.like_arrays import LyingRows

Given = TypeVar("Given")
Made = TypeVar("Made")
PIECE_BYTES = 16_000_000
"""Of the rows that a machine goes over at a time."""


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


def where_they_lie(work: Callable[[Any, Given], Made], rows: Any, given: Sequence[Given]) -> Iterator[Made]:
    """As `by_rows`, but one after the other in this process where the rows stand in its memory."""
    return by_rows(work, rows, given) if lies_in_parts(rows) else map(partial(work, rows), given)


def by_pieces(work: Callable[..., tuple[np.ndarray, ...]], rows: Any, some: np.ndarray, *known: np.ndarray) -> Any:
    """What `work` says of some rows, put together of pieces in the order in which they are stored.

    Args:
        work: (b, d) rows, and (b,) what is known of each -> arrays of length b; the same however rows are cut.
        rows: as of `by_rows`.
        some: (m,) positions.
        known: (m,) arrays, which are sent along.

    Returns:
        (m, ...) arrays, as many as `work` gives.
    """
    order, step = np.argsort(some, kind="stable"), rows_of_piece(rows)
    parts = [order[begin : begin + step] for begin in range(0, max(1, len(order)), step)]
    given = [(some[part], *(column[part] for column in known)) for part in parts]
    made = [np.concatenate(column) for column in zip(*by_rows(partial(_of_piece, work), rows, given), strict=True)]
    found = [np.empty_like(column) for column in made]
    for column, own in zip(found, made, strict=True):
        column[order] = own
    return found


def on_machines(work: Callable[[Any, Given], Made], rows: Any, given: Sequence[Given]) -> Iterator[Made]:
    """As `by_rows`, but rows that lie in parts are not read here for a single piece of work, either."""
    if len(given) == 1 and lies_in_parts(rows):
        return iter([elsewhere(partial(_with, work, given[0]), rows)])
    return by_rows(work, rows, given)


def _with(work: Callable[[Any, Given], Made], given: Given, rows: Any) -> Made:
    return work(rows, given)


def picked(rows: Any, some: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(m,) numbers of some rows, one of each: `rows[some, columns]`, by machines that read them where they lie."""
    return by_pieces(_picked, rows, some, columns)[0] if lies_in_parts(rows) else rows[some, columns]


def _picked(rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray]:
    return (rows[np.arange(len(rows)), columns],)


def _of_piece(work: Callable[..., Any], rows: Any, given: tuple[np.ndarray, ...]) -> Any:
    return work(rows[given[0]], *given[1:])


def rows_of_piece(rows: Any) -> int:
    """Rows of many numbers that a machine goes over at a time."""
    return max(1, PIECE_BYTES // max(1, rows.dtype.itemsize * rows.shape[1]))


def elsewhere(work: Callable[..., Made], *rows: Any) -> Made:
    """`work` of rows on a machine of the engine where some of them lie in parts, else here."""
    if current().remote and any(lies_in_parts(own) for own in rows):
        try:
            [made] = current().ordered_map(with_threads_of_here(partial(_of_all, work)), [rows])
            return made
        except Lacking:
            rows = tuple(in_memory(own) for own in rows)
    return work(*rows)


def _of_all(work: Callable[..., Made], rows: tuple[Any, ...]) -> Made:
    return work(*rows)
