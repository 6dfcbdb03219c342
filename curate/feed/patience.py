"""How long a worker waits for the memory of an earlier batch before it takes more."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

SHARE, FIRST_SECONDS = 0.1, 1.0
"""Of a worker's time that may go by with waiting, and what may beyond that; then waiting costs more than memory."""
POLL_SECONDS = 0.002


class Patience:
    """Waits as long as the present batch has taken, and in all never for more than a share of the time since the start.

    Where batches are used as fast as they are made, the memory of the last one but one comes back a moment after it is
    asked for, and two workers hold three batches between them. Where they are not, or the wait costs time again and
    again, it is in vain soon, and the worker takes more memory, for good.

    Args:
        clock: seconds.
        sleep: for so many seconds.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._start = self._begun = clock()
        self._waited = 0.0

    def begin(self) -> None:
        """A batch begins."""
        self._begun = self._clock()

    def wait(self, come: Callable[[], T | None]) -> T | None:
        """What `come` gives, asked again and again while that is None and there is time."""
        since = now = self._clock()
        end = now + min(now - self._begun, FIRST_SECONDS + SHARE * (now - self._start) - self._waited)
        found = come()
        while found is None and now < end:
            self._sleep(POLL_SECONDS)
            now, found = self._clock(), come()
        self._waited += now - since
        return found
