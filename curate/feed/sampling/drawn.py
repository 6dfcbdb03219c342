"""What orders have in common: the positions of draws by their numbers."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np


class Drawn(NamedTuple):
    """Some draws of an epoch.

    Attributes:
        positions: (m,) int64 places in the plan.
        occurrences: (m,) int64; of the draws of one position in an epoch no two have the same number, and it is 0 for
            a position that is drawn once. A row's augmentation is seeded with it.
    """

    positions: np.ndarray
    occurrences: np.ndarray


class Order(Protocol):
    """The draws of every epoch, each computed by its number alone."""

    @property
    def most(self) -> int:
        """Occurrences are below this."""
        ...

    def draw(self, epoch: int, numbers: np.ndarray) -> Drawn:
        """The draws of these (m,) int64 numbers, each at least 0 and below the number of draws of an epoch."""
        ...
