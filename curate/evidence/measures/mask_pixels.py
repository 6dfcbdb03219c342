"""How many pixels of a mask have each value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from curate.evidence.measure import Measure
from curate.evidence.measures.masks import BITS, occurring
from curate.media.item import Mask


class MaskPixels(Measure):
    """Pixels of each value from 0 to 255, and all pixels; asked for through `Evidence.masks`."""

    name = "mask.pixels"
    modality = "mask"
    fields = {"mask.pixels_of": ("int32", (BITS,)), "mask.pixels": ("int64", ())}

    def measure(self, items: Sequence[Mask]) -> dict[str, np.ndarray]:
        """Values of n masks."""
        counts = np.zeros((len(items), BITS), dtype=np.int32)
        for own, item in zip(counts, items, strict=True):
            values, times = occurring(item.values)
            small = (values >= 0) & (values < BITS)
            own[values[small].astype(np.int64)] = times[small]
        return {"mask.pixels_of": counts, "mask.pixels": np.array([item.values.size for item in items], dtype=np.int64)}
