"""One random generator per (seed, epoch, row, step, copy): what happens to a row depends on nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import xxhash

if TYPE_CHECKING:
    import numpy as np


def digest(*parts: object) -> int:
    """128-bit integer of `parts` (as text, in order), stable over processes and machines."""
    hasher = xxhash.xxh3_128()
    for part in parts:
        encoded = str(part).encode("utf-8", "surrogatepass")
        hasher.update(len(encoded).to_bytes(8, "little"))
        hasher.update(encoded)
    return hasher.intdigest()


def generator(seed: int, epoch: int = 0, row_id: str = "", step: str = "", copy: int = 0) -> np.random.Generator:
    """The generator for one row, step and copy in one epoch (counter-based: Philox, keyed by all five)."""
    import numpy as np

    return np.random.Generator(np.random.Philox(key=digest(seed, epoch, row_id, step, copy)))
