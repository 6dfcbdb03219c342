"""How many threads matrix products of an estimate may use, here and on the machines of an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from curate.engines.engine import current
from curate.engines.threads import one_thread_products
from curate.evidence.faiss_library import faiss

Made = TypeVar("Made")

FEW_NUMBERS = 8_000_000
"""Products over so few numbers gain nothing from more threads, and lose much where other programs share the cores:
threads that wait for each other spin."""


@contextmanager
def fitting_threads(numbers: int) -> Iterator[None]:
    """One thread for small products, as many as there are for large ones.

    Args:
        numbers: rows times columns of what is multiplied again and again.
    """
    if numbers > FEW_NUMBERS:
        yield
        return
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
