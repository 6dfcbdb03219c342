"""The video audit against one bare decode of each file.

    python -m benchmarks.video_audit [--size 120] [--repeats 5] [--folder FOLDER] [--json PATH]

H.264 clips of 2 s, 320 x 240 pixels, made from the videos of the shared data. The audit loads the folder, takes every
video measure and looks for near-duplicates (the checks unreadable, video_quality, exact_duplicates, near_duplicates),
without a cache. A bare decode is every frame by FFmpeg in one thread. CPU seconds are those of all threads and child
processes.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

from benchmarks._media_audit import Contest
from benchmarks._recordings import write_clips


def with_ffmpeg() -> Callable[[bytes], object]:
    """Decode every frame, as it comes out of the decoder."""
    import av

    def decode(data: bytes) -> int:
        with av.open(BytesIO(data)) as container:
            container.streams.video[0].thread_count = 1
            return sum(1 for _ in container.decode(video=0))

    return decode


CONTEST = Contest(
    module="benchmarks.video_audit",
    role="video",
    checks=("unreadable", "video_quality", "exact_duplicates", "near_duplicates"),
    bare={"FFmpeg decode": with_ffmpeg},
    write=write_clips,
    size=120,
    most=3.0,
)

if __name__ == "__main__":
    CONTEST.run(__doc__)
