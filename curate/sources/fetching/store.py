"""What reading remote data needs of a server, and how patiently it is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from curate.errors import DataError
from curate.sources.fetching.urls import shown

Got = TypeVar("Got")
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Patience:
    """Limits of asking servers.

    Attributes:
        connect_seconds: for a connection to be made.
        read_seconds: for the next bytes to come.
        slowest: bytes per second over all of an answer, below which it counts as stalled once `read_seconds` are over.
        attempts: how often something is asked for that yields nothing, or too slowly; what yields bytes begins to count
            anew.
        back_off_seconds: before the second attempt; doubled before each further one, at most a minute.
        max_bytes: of one source in all.
        max_files: of one source.
        sleep: how to wait.
    """

    connect_seconds: float = 10.0
    read_seconds: float = 30.0
    slowest: float = 1_000.0
    attempts: int = 5
    back_off_seconds: float = 0.5
    max_bytes: int = 100_000_000_000
    max_files: int = 10_000_000
    sleep: Callable[[float], None] = time.sleep

    def wait(self, attempt: int, asked: float | None = None) -> None:
        """Wait before attempt number `attempt` (from 1); `asked` are the seconds that the server asked for."""
        own = self.back_off_seconds * 2 ** (attempt - 1)
        self.sleep(min(60.0, max(own, asked or 0.0)))


@dataclass(frozen=True)
class Remote:
    """A remote file.

    Attributes:
        url: where.
        size: in bytes, None where the server does not say.
        version: a text that changes with the content (ETag, time of change); empty where the server has none.
        ranges: whether parts of it can be asked for.
    """

    url: str
    size: int | None
    version: str
    ranges: bool


class Passing(Exception):
    """A failure that may pass: asking again is worth it. Never leaves the package."""

    def __init__(self, why: str, after: float | None = None, *, slow: bool = False) -> None:
        self.why, self.after, self.slow = why, after, slow
        super().__init__(why)


class Store(Protocol):
    """A server, or a service of objects."""

    patience: Patience

    def stat(self, url: str) -> Remote:
        """Size and version. Raises DataError."""
        ...

    def blocks(self, remote: Remote, start: int, stop: int | None) -> Iterator[bytes]:
        """The bytes from `start` to before `stop`. Raises `Passing` where it breaks off, DataError for good."""
        ...

    def files(self, url: str) -> list[Remote]:
        """All files below a prefix, sorted; [] where it is a file or nothing. Raises DataError."""
        ...


def patiently(ask: Callable[[], Got], patience: Patience, url: str) -> Got:
    """What `ask` gives, asked again while failures may pass.

    Raises:
        DataError: every attempt failed.
    """
    for attempt in range(1, patience.attempts + 1):
        try:
            return ask()
        except Passing as failure:
            if attempt == patience.attempts:
                raise _given_up(url, failure, attempt) from None
            patience.wait(attempt, failure.after)
    raise AssertionError("unreachable")


def read(store: Store, remote: Remote, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
    """The bytes of a remote file from `start` to before `stop`, in blocks; what breaks off goes on where it broke.

    Raises:
        DataError: it can't be read, changed meanwhile, or is shorter than the server said.
    """
    stop = remote.size if stop is None else stop
    place, attempt = start, 0
    while stop is None or place < stop:
        before = place
        try:
            for block in store.blocks(remote, place, stop):
                place += len(block)
                yield block
            if stop is None:
                return
            if place < stop:
                raise Passing(f"the answer ended after {place:,} of {stop:,} bytes")
        except Passing as failure:
            attempt = 1 if place > before and not failure.slow else attempt + 1
            if attempt >= store.patience.attempts:
                raise _given_up(remote.url, failure, attempt) from None
            if place > before and not remote.ranges and stop is None:
                raise DataError(f"{shown(remote.url)}: broke off after {place:,} bytes: {failure.why}") from None
            store.patience.wait(attempt, failure.after)


def _given_up(url: str, failure: Passing, attempts: int) -> DataError:
    times = "once" if attempts == 1 else f"{attempts} times"
    return DataError(f"{shown(url)}: can't be read: {failure.why} (tried {times})")
