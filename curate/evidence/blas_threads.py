"""How many threads matrix products of an estimate may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
