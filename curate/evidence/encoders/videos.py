"""Videos by an encoder of pictures: three frames, their mean and what changes between first and last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from curate.evidence.measure import Measure

FRAMES = 3
CHANGE = 0.5
"""How much the change counts beside the mean."""


class VideoFrames(Measure):
    """Mean and change of the vectors of three frames.

    Args:
        encoder: name of the encoder of pictures.
        pictures: (height, width, 3) uint8 pictures -> (n, d) float32.
        width: d.
        libraries: distributions whose version the result depends on.
        parameters: what else it depends on.
        models_at_once: for a model, says how many threads may encode at once (see `Measure`).
    """

    modality = "video"

    def __init__(
        self,
        encoder: str,
        pictures: Callable[[list[np.ndarray]], np.ndarray],
        width: int,
        libraries: tuple[str, ...] = (),
        parameters: Mapping[str, Any] | None = None,
        models_at_once: Callable[[], int] | None = None,
    ) -> None:
        self.name = f"encoder.video_{encoder}"
        self.fields = {self.name: ("float32", (2 * width,))}
        self.libraries, self.parallel, self._at_once = libraries, models_at_once is None, models_at_once
        self.parameters = {"frames": FRAMES, "change": CHANGE, **(parameters or {})}
        self._pictures = pictures

    @property
    def at_once(self) -> int:
        """See `Measure`."""
        return 1 if self._at_once is None else self._at_once()

    def measure(self, items: list) -> dict[str, np.ndarray]:
        """Vectors of a chunk of `curate.media.item.Video`."""
        places = [np.linspace(0, len(item.frames) - 1, FRAMES).round().astype(np.int64) for item in items]
        frames = [item.frames[place] for item, at in zip(items, places) for place in at]
        vectors = self._pictures(frames)
        vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        vectors = vectors.reshape(len(items), FRAMES, -1)
        change = (vectors[:, -1] - vectors[:, 0]) * np.float32(CHANGE)
        return {self.name: np.concatenate([vectors.mean(1), change], axis=1)}
