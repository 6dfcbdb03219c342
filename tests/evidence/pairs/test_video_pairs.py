"""Near-duplicate videos: copies in another coding, and with an end cut off, are found; other takes are not."""

import io

import numpy as np
import pytest

import curate
from curate.evidence import Evidence, EvidenceSettings
from curate.evidence.measures.video_prints import STEPS, film
from curate.evidence.pairs._films import film_similarity
from curate.media.item import Video
from curate.media.video import decode

av = pytest.importorskip("av")


def encoded(frames, rate, codec="libx264", **options):
    """Bytes of an MP4 file with these (t, h, w, 3) frames."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = (side // 2 * 2 for side in frames[0].shape[:2])
        stream.pix_fmt = "yuv420p"
        if bit_rate := options.pop("bit_rate", None):
            stream.bit_rate = bit_rate
        stream.options = {name: str(value) for name, value in options.items()}
        for frame in frames:
            picture = np.ascontiguousarray(frame[: stream.height, : stream.width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return out.getvalue()


EDITS = {
    "coded": lambda frames, rate: encoded(frames, rate, "mpeg4", bit_rate=80_000),
    "start_cut": lambda frames, rate: encoded(frames[len(frames) // 4 :], rate, crf=28),
    "end_cut": lambda frames, rate: encoded(frames[: -(len(frames) // 4)], rate, crf=28),
}


@pytest.fixture(scope="module")
def clips(shared_data):
    """Frames and rate of every third of the one-second clips."""
    files = sorted((shared_data / "video_scenes" / "clips").glob("*/*.mp4"))[::3]
    found = []
    for file in files:
        with av.open(file) as container:
            rate = round(float(container.streams.video[0].average_rate))
            found.append((np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)]), rate))
    return found


def test_copies_of_clips_are_found_and_other_clips_are_not(clips):
    n = len(clips)
    videos = [encoded(frames, rate, crf=18) for frames, rate in clips]
    videos += [edit(frames, rate) for edit in EDITS.values() for frames, rate in clips]
    data = {"video": [{"bytes": video, "path": None} for video in videos]}
    table = curate.load(data, task=curate.Task(video="video"))
    pairs = Evidence(table, EvidenceSettings(encoder="classic", workers=1)).near_pairs()
    found = pairs.where(pairs.similarity >= pairs.threshold)
    low, high = np.minimum(found.left, found.right), np.maximum(found.left, found.right)
    same = low % n == high % n
    for place, edit in enumerate(EDITS, 1):
        recall = np.unique(high[same & (low < n) & (high // n == place)]).size / n
        assert recall >= 0.95 if edit == "coded" else recall >= 0.9, (edit, recall)
    # Clips in which nothing moves for a second, out of one shot, look the same.
    assert (~same).sum() <= 0.02 * len(videos) * (len(videos) - 1) / 2


def test_the_distorted_twin_of_a_clip_is_the_likest(shared_data):
    folder = shared_data / "video_scenes"
    lines = [line.split(",") for line in (folder / "clips.csv").read_text().splitlines()]
    head, rows = lines[0], lines[1:]
    file, twin = head.index("file"), head.index("same_content_as")
    twins = [(row[file], row[twin]) for row in rows if row[twin]]
    assert len(twins) == 4

    def read(name):
        found = name if (folder / name).exists() else f"clips/{name}"
        prints, seconds, _ = film(decode((folder / found).read_bytes(), skim=True))
        shown = np.isfinite(seconds)
        return prints[shown].reshape(shown.sum(), -1).astype(np.float32), seconds[shown].astype(np.float64)

    pristine = [read(b) for _, b in twins]
    for number, (distorted, _) in enumerate(twins):
        likeness = [film_similarity(read(distorted), other) for other in pristine]
        assert int(np.argmax(likeness)) == number
        assert likeness[number] > 0.3
        assert np.sort(likeness)[-2] < 0.1


def moving(count, seed=0, start=0.0):
    """A blob that wanders over (count, 24, 32) grey pictures at 10 per second."""
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 6, 4)
    t = (start + np.arange(count) / 10)[:, None, None]
    y, x = np.mgrid[0:24, 0:32]
    across = 16 + 12 * np.sin(0.9 * t + phase[0]) + 3 * np.sin(3.1 * t + phase[1])
    down = 12 + 8 * np.sin(1.1 * t + phase[2]) + 2 * np.sin(2.7 * t + phase[3])
    return (230 * np.exp(-((x - across) ** 2 + (y - down) ** 2) / 30)).astype(np.uint8)


def print_of(pictures):
    colour = np.repeat(pictures[..., None], 3, axis=3)
    item = Video(colour, np.arange(len(pictures)) / 10, "none", 10.0, len(pictures) / 10, 32, 24, len(pictures))
    prints, seconds, spread = film(item)
    shown = np.isfinite(seconds)
    return prints[shown].reshape(shown.sum(), -1).astype(np.float32), seconds[shown].astype(np.float64), spread


@pytest.mark.parametrize("cut", [(20, 100), (0, 70), (15, 85)])
def test_a_part_of_a_film_is_found_in_it(cut):
    whole, part = moving(100), moving(100)[cut[0] : cut[1]]
    assert film_similarity(print_of(whole)[:2], print_of(part)[:2]) > 0.8


def test_another_film_is_not():
    assert film_similarity(print_of(moving(100))[:2], print_of(moving(100, seed=5))[:2]) < 0.3


def test_a_film_shorter_than_the_print_has_no_times_beyond_its_end():
    item = Video(np.zeros((5, 8, 8, 3), np.uint8), np.arange(5) / 10, "none", 10.0, 0.5, 8, 8, 5)
    prints, seconds, spread = film(item)
    assert np.isfinite(seconds).sum() == 5
    assert prints.shape == (STEPS, 16, 16)
    assert spread == 0
