"""Videos of a batch with their sound: frames and samples of the same stretch of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from curate.augment.operations.video import Clip
from curate.feed.inputs.audio import Recordings
from curate.feed.inputs.image import MediaValue, Normalization, encoded
from curate.feed.inputs.video import Videos
from curate.media import audio


class Finished(NamedTuple):
    """Frames (t, h, w, 3) uint8 and samples (n,) float32; whether there was a sound track."""

    frames: np.ndarray
    samples: np.ndarray
    heard: bool


@dataclass(frozen=True)
class SoundVideos:
    """The video column of a task, with the sound tracks.

    Attributes:
        videos: the frames.
        sound: how recordings become entries of a batch; its column is that of the videos.
    """

    videos: Videos
    sound: Recordings

    modality = "video"

    @property
    def name(self) -> str:
        """Entry of the frames."""
        return self.videos.name

    @property
    def normalization(self) -> Normalization | None:
        """As of `Videos`."""
        return self.videos.normalization

    @property
    def size(self) -> tuple[int, int] | None:
        """(height, width) of the frames in a batch."""
        return self.videos.size

    @property
    def rate(self) -> int:
        """Samples per second of the sound in a batch."""
        return self.sound.rate

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.videos.columns

    def values(self, rows: pa.Table) -> list[MediaValue]:
        """Bytes and path of each row."""
        return self.videos.values(rows)

    def read(self, value: MediaValue) -> Clip:
        """The frames, and the sound over the stretch that they are taken from: silent where the track has none."""
        data = encoded(value, self.videos.root, self.videos.options.max_bytes)
        frames, seconds, start = self.videos.decoded(data)
        if start is None:
            return Clip(frames, None, self.rate)
        track = audio.decode(data, rate=self.rate).samples
        samples = np.zeros((len(track), max(1, round(seconds * self.rate))), np.float32)
        # The sound may begin after the first frame, or before it.
        late = round(start * self.rate)
        track, late = track[:, max(0, -late) :], max(0, late)
        length = min(track.shape[1], max(0, samples.shape[1] - late))
        samples[:, late : late + length] = track[:, :length]
        return Clip(frames, samples, self.rate)

    def augment(self, item: Clip, change: Callable[[Any], Any]) -> Clip:
        """The clip after a recipe, which keeps frames and sound together."""
        return change(item)

    def finish(self, item: Clip) -> Finished:
        """Frames of the batch's size, and the mean of the channels."""
        frames = self.videos.finish(item.frames)
        if item.samples is None:
            return Finished(frames, np.zeros(1, np.float32), False)
        return Finished(frames, self.sound.finish((item.samples, item.rate or self.rate)), True)

    def collate(self, items: Sequence[Finished], names: Sequence[str]) -> dict[str, Any]:
        """The entries of `Videos` and `Recordings`; the mask of a video without sound is 0 throughout."""
        found = self.videos.collate([item.frames for item in items], names)
        found |= self.sound.collate([item.samples for item in items], names)
        found[self.sound.mask][[not item.heard for item in items]] = 0
        return found
