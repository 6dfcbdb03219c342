"""Videos written from frames are read as they were."""

from __future__ import annotations

import numpy as np
import pytest

from curate.media import video, video_written


def frames(t: int = 6, h: int = 31, w: int = 45) -> np.ndarray:
    ramp = np.linspace(0, 200, w)[None, None, :, None] + np.arange(t)[:, None, None, None] * 8
    return np.broadcast_to(ramp, (t, h, w, 3)).astype(np.uint8)


def test_what_is_written_is_read_again_within_a_few_levels() -> None:
    data = video_written.encode(frames())
    assert data == video_written.encode(frames())
    found = video.decode(data, 6, None).frames
    assert found.shape == (6, 31, 45, 3)
    assert np.abs(found.astype(int) - frames()).mean() < 3


@pytest.mark.parametrize(
    "wrong", [np.zeros((0, 4, 4, 3), np.uint8), np.zeros((2, 4, 4), np.uint8), np.zeros((2, 4, 4, 3))]
)
def test_what_is_no_video_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="frames must be"):
        video_written.encode(wrong)
