"""Chance by key that costs little to begin: a hundred thousand rows a second each want generators of their own."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import xxhash

_WORD = 2**64 - 1


class _Key(np.random.bit_generator.ISeedSequence):
    """Hands a key to Philox as its seed, so that the system is not asked for entropy that is then thrown away."""

    def __init__(self, key: int) -> None:
        self.words = np.array((key & _WORD, key >> 64), np.uint64)

    def generate_state(self, n_words: int, dtype: Any = np.uint64) -> np.ndarray:
        """The two words of the key."""
        return self.words


def philox(key: int) -> np.random.Generator:
    """``Generator(Philox(key=key))`` for a key of up to 128 bits, three times as fast."""
    seed: Any = _Key(key)
    return np.random.Generator(np.random.Philox(seed))


class Numbers:
    """Stands for a generator of NumPy, set to its seed only at its first use after `begin`; most transforms use none.

    With a seed s of 64 bits it is ``Generator(Philox(key=s))``.
    """

    __slots__ = ("__dict__", "_bits", "_generator", "_state")

    def __init__(self) -> None:
        self._bits: Any = philox(0).bit_generator
        self._state = self._bits.state
        self._generator = np.random.Generator(self._bits)
        self.begin(0)

    def begin(self, seed: int) -> None:
        """Go on as from a seed of 64 bits."""
        methods = self.__dict__
        methods.clear()
        methods["_seed"] = seed

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        methods = self.__dict__
        if (seed := methods.pop("_seed", None)) is not None:
            self._state["state"]["key"][0] = seed
            self._bits.state = self._state
        found = methods[name] = getattr(self._generator, name)
        return found


class Stream(random.Random):
    """Python's `random`, with numbers that are hashes of a counter: it begins in no time, unlike a Mersenne twister."""

    def __init__(self) -> None:
        super().__init__(0)
        self.begin(0)

    def begin(self, seed: int) -> None:
        """Go on as from a seed of 64 bits."""
        self._key = seed.to_bytes(8, "little")
        self._count = 0
        self.gauss_next = None

    def random(self) -> float:
        """A number in [0, 1)."""
        self._count = count = self._count + 1
        return (xxhash.xxh3_64_intdigest(self._key, count) >> 11) * 2.0**-53

    def getrandbits(self, k: int, /) -> int:
        """A whole number of `k` bits."""
        bits = 0
        for _ in range(0, k, 64):
            self._count = count = self._count + 1
            bits = bits << 64 | xxhash.xxh3_64_intdigest(self._key, count)
        return bits >> (-k % 64)
