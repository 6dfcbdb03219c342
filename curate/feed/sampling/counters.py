"""Random numbers by counter: the number of a draw gives its random number, whatever was drawn before."""

from __future__ import annotations

import numpy as np

from curate.randomness import digest

_GOLDEN = 0x9E3779B97F4A7C15
_BITS = (1 << 64) - 1


def key_of(*parts: object) -> int:
    """64-bit key of the parts."""
    return digest(*parts) & _BITS


def subkey(key: np.ndarray, number: int) -> np.ndarray:
    """Other keys, of uint64 keys of any shape and a small number."""
    return mixed(key ^ np.uint64((number * _GOLDEN + _GOLDEN) & _BITS))


def subkeys(key: int, numbers: np.ndarray) -> np.ndarray:
    """(m,) uint64 keys, one for each of (m,) whole numbers."""
    return mixed(mixed(numbers.astype(np.uint64) * np.uint64(_GOLDEN) + np.uint64(key)))


def uniforms(key: int, numbers: np.ndarray) -> np.ndarray:
    """(m,) float64 in [0, 1), one for each of (m,) whole numbers; 53 random bits."""
    return (subkeys(key, numbers) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def mixed(values: np.ndarray) -> np.ndarray:
    """Uint64 whose every bit depends on every bit of uint64 values of the same shape, one to one.

    Source: the finaliser of SplitMix64 (Steele, Lea, Flood 2014, "Fast Splittable Pseudorandom Number Generators"; the
    constants are Stafford's 13th).
    """
    # Multiplying modulo 2^64 is meant; for a single number numpy would warn of it.
    with np.errstate(over="ignore"):
        z = values ^ (values >> np.uint64(30))
        z *= np.uint64(0xBF58476D1CE4E5B9)
        z ^= z >> np.uint64(27)
        z *= np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return z
