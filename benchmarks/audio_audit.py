"""The audio audit against one bare decode of each file.

    python -m benchmarks.audio_audit [--size 400] [--repeats 5] [--folder FOLDER] [--json PATH]

Recordings of about 5 s in WAV, FLAC, Ogg Vorbis and MP3, made from the spoken digits of the shared data. The audit
loads the folder, takes every audio measure and looks for near-duplicates (the checks unreadable, audio_quality,
exact_duplicates, near_duplicates), without a cache. CPU seconds are those of all threads and child processes.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

from benchmarks._media_audit import Contest
from benchmarks._recordings import write_recordings


def with_soundfile() -> Callable[[bytes], object]:
    """Decode to float32 samples by libsndfile."""
    import soundfile

    return lambda data: soundfile.read(BytesIO(data), dtype="float32")


CONTEST = Contest(
    module="benchmarks.audio_audit",
    role="audio",
    checks=("unreadable", "audio_quality", "exact_duplicates", "near_duplicates"),
    bare={"soundfile decode": with_soundfile},
    write=write_recordings,
    size=400,
    most=12.0,
)

if __name__ == "__main__":
    CONTEST.run(__doc__)
