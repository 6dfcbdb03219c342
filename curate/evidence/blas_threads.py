"""Threads of the matrix products of estimates, here and on the machines of an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from curate.engines.engine import current
from curate.engines.threads import one_thread_products
from curate.evidence.faiss_library import faiss

Made = TypeVar("Made")


@contextmanager
def fitting_threads() -> Iterator[None]:
    """One thread for each product; what is large is shared out among threads of ours, block by block.

    Threads of a BLAS spin while they wait for each other: beside other programs heads took five times the CPU time
    (`benchmarks/busy.py`). Nor do the last bits depend on the cores.
    """
    import scipy.optimize  # noqa: F401 (it brings a BLAS of its own, which has to be there when the limit is set)

    with one_thread_products():
        yield


def fits(work: Callable[[Any], Made], given: Sequence[Any]) -> Iterator[Made]:
    """`work` of each, in order: one after the other, or each on a machine of the engine.

    Args:
        work: a fit that has all the cores; sent, it takes along what it holds.
        given: what to fit.
    """
    engine = current()
    if engine.remote and len(given) > 1:
        return engine.ordered_map(with_threads_of_here(work), given)
    return map(work, given)


def with_threads_of_here(work: Callable[[Any], Made]) -> Callable[[Any], Made]:
    """The work as it is done on another machine: with as many threads for products of matrices as there are here."""
    return _WithThreads(work, blas_threads())


def blas_threads() -> int:
    """Threads that products of matrices use now."""
    from threadpoolctl import threadpool_info

    return max((pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), default=1)


@dataclass(frozen=True)
class _WithThreads(Generic[Made]):
    """A fit as it is done on another machine: the last bits of large products depend on the number of threads."""

    work: Callable[[Any], Made]
    threads: int

    def __call__(self, given: Any) -> Made:
        faiss()
        import scipy.optimize  # noqa: F401 (both bring a BLAS of their own, which has to be there when the limit is set)
        from threadpoolctl import threadpool_limits

        with threadpool_limits(limits=self.threads, user_api="blas"):
            return self.work(given)
