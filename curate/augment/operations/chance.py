"""Chance by key that costs little to begin: a hundred thousand rows a second each want generators of their own."""

from __future__ import annotations

import ctypes
import random
import struct
from operator import index
from typing import Any

import numpy as np
import xxhash

_WORD = 2**64 - 1
_SHRINK = 2.0**-64 * (1 - 2.0**-53)
"""Brings a word to [0, 1), the largest one, too, which 2 to the -64 would round to 1."""
_EIGHT = struct.Struct("<Q").pack
_STATE = struct.Struct("=4QiI")
"""What SFC64 holds: three words, a counter, and the half word that is left of the last one."""
_hash = xxhash.xxh3_64_intdigest


def _words(seed: int) -> tuple[int, int, int]:
    """Three words of 64 bits; those that a `Stream` draws from the same seed are others."""
    eight = _EIGHT(seed)
    return seed, _hash(eight, _WORD), _hash(eight, _WORD - 1)


def sfc64(seed: int) -> np.random.Generator:
    """A new generator of NumPy for a seed of up to 64 bits: SFC64 with the seed and two hashes of it as its state."""
    bits: Any = np.random.SFC64(0)
    bits.state |= {"state": {"state": np.array([*_words(seed), 1], np.uint64)}, "has_uint32": 0, "uinteger": 0}
    return np.random.Generator(bits)


class Numbers:
    """A generator of NumPy that can go on as from any seed.

    Attributes:
        generator: it is ``sfc64(seed)`` after `begin`, and always the same object.
    """

    def __init__(self) -> None:
        self._bits: Any = np.random.SFC64(0)
        self.generator = np.random.Generator(self._bits)
        self._memory = _memory_of(self._bits)
        self.begin(0)

    def begin(self, seed: int) -> None:
        """Go on as from a seed of up to 64 bits."""
        if self._memory is None:
            self._bits.state = sfc64(seed).bit_generator.state
        else:
            eight = _EIGHT(seed)
            _STATE.pack_into(self._memory, 0, seed, _hash(eight, _WORD), _hash(eight, _WORD - 1), 1, 0, 0)


def _memory_of(bits: Any) -> Any:
    """Where NumPy keeps the state of an SFC64, which is written to in a fifth of the time that setting `state` takes.

    None where the memory does not hold what `state` says, as in a NumPy that lays it out in another way.
    """
    memory = (ctypes.c_char * _STATE.size).from_address(bits.ctypes.state_address)
    state = bits.state
    said = (*state["state"]["state"].tolist(), state["has_uint32"], state["uinteger"])
    return memory if _STATE.unpack_from(memory) == said else None


_idle: list[Numbers] = []


def borrowed(seed: int) -> Numbers:
    """Numbers that go on as from a seed of up to 64 bits, for a short while; to be handed to `returned` after it."""
    try:
        numbers = _idle.pop()  # one step, so that no two threads get the same
    except IndexError:
        numbers = Numbers()
    numbers.begin(seed)
    return numbers


returned = _idle.append
"""Takes back what `borrowed` gave."""


class Stream(random.Random):
    """Python's `random`, with numbers that are hashes of a counter: it begins in no time, unlike a Mersenne twister.

    Attributes:
        key: of the numbers, eight bytes; without one, a draw raises TypeError.
        count: of the numbers that were drawn.
    """

    def __init__(self) -> None:
        super().__init__(0)
        self.begin(0)

    def begin(self, seed: int | None) -> None:
        """Go on as from a seed of up to 64 bits."""
        self.key: Any = None if seed is None else _EIGHT(seed)
        self.count = 0

    def random(self) -> float:
        """A number in [0, 1)."""
        self.count = count = self.count + 1
        return _hash(self.key, count) * _SHRINK

    def getrandbits(self, k: int, /) -> int:
        """A whole number of `k` bits."""
        bits = 0
        for _ in range(0, k, 64):
            self.count = count = self.count + 1
            bits = bits << 64 | _hash(self.key, count)
        return bits >> (-k % 64)

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        """A normal number; Python's own keeps every second one for later, and might keep it for another seed."""
        return self.normalvariate(mu, sigma)

    # What follows is there in `random.Random`, made of the methods above, at two to four times the cost.

    def uniform(self, a: float, b: float) -> float:
        """A number between two."""
        self.count = count = self.count + 1
        return a + (b - a) * (_hash(self.key, count) * _SHRINK)

    def randint(self, a: int, b: int) -> int:
        """A whole number between two, both included."""
        try:
            low, width = index(a), index(b) - index(a) + 1
        except TypeError:  # 3.0, which Python takes until 3.12, or what it complains of
            return super().randint(a, b)
        if not 0 < width <= 2**32:  # a wider one would not be even
            return super().randint(a, b)
        self.count = count = self.count + 1
        return low + (_hash(self.key, count) * width >> 64)

    def _randbelow(self, n: int) -> int:
        """A whole number below `n`, of which `choice`, `sample` and `shuffle` are made."""
        if n > 2**32:
            return self.getrandbits(n.bit_length() + 64) % n
        self.count = count = self.count + 1
        return _hash(self.key, count) * n >> 64
