"""Running a pass in threads of this process: in order, with a bounded number of chunks in flight."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered_map(work: Callable[[Given], Made], given: Iterable[Given], workers: int = 0) -> Iterator[Made]:
    """`work` of each of `given`, in their order, in threads.

    `given` is drawn from in the caller's thread, and never more than two per worker ahead of what was handed out, so
    memory is bounded. What `work` raises is raised here, in its turn; what is still waiting then is not begun.

    Args:
        work: should release the interpreter's lock where it is slow (decoders do).
        given: chunks of work.
        workers: threads; 0 for one per core, 1 for none but the caller's.
    """
    workers = workers or cores()
    if workers == 1:
        yield from map(work, given)
        return
    flying: deque[Future[Made]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="curate")
    try:
        for chunk in given:
            flying.append(pool.submit(work, chunk))
            if len(flying) >= 2 * workers:
                yield flying.popleft().result()
        while flying:
            yield flying.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
