"""video_quality: faults planted into real footage, the real clips, and what is said about a flagged video."""

import csv

import numpy as np
import pytest

from benchmarks import image_video_faults as faults
from curate.checks.video_quality import VideoQuality
from curate.evidence.measures.video import VideoStatistics
from curate.evidence.measures.video_sharpness import VideoSharpness, blockiness
from curate.evidence.measures.video_timeline import VideoTimeline, cut_places, longest_run
from curate.media import video

pytest.importorskip("av")
CLEAN, PLANTED = 20, 4
MEASURES = (VideoStatistics(), VideoTimeline(), VideoSharpness())


def measured(files):
    values = {}
    items = [video.decode(data, skim=True) for _, data in files]
    for measure in MEASURES:
        values |= measure.measure(items)
    return values


@pytest.fixture(scope="module")
def judge(table_of, evidence_of):
    """Findings about measured videos of these names."""

    def give(measures, names, check=None):
        table = table_of({"video": list(names), "text": list(names)}, video="video", text="text")
        return (check or VideoQuality()).find(evidence_of(table, measures=measures))

    return give


@pytest.fixture(scope="module")
def shots(shared_data):
    return faults.shots_of(faults.footage(shared_data / "video_scenes" / "originals", width=64))


@pytest.fixture(scope="module")
def clean(shots):
    files = faults.clean_videos(shots, CLEAN, np.random.default_rng(0))
    return [name for name, _ in files], measured(files)


@pytest.fixture(scope="module")
def planted(shots):
    found = faults.video_faults(shots, PLANTED, np.random.default_rng(1))
    return {issue: ([name for name, _ in files], measured(files)) for issue, files in found.items()}


@pytest.fixture(scope="module")
def clips(shared_data):
    """Rows of the list of the real clips, and their measures."""
    folder = shared_data / "video_scenes"
    with (folder / "clips.csv").open() as file:
        rows = list(csv.DictReader(file))
    paths = [next(folder.rglob(row["file"].rpartition("/")[2])) for row in rows]
    return rows, measured([(path.name, path.read_bytes()) for path in paths])


def rows_of(findings, issue):
    return set(findings.only(issue=issue).flagged["row"].to_pylist())


@pytest.mark.parametrize(
    "issue",
    [
        "unreadable_tail", "black", "frozen", "cuts", "variable_frame_rate", "missing_sound", "silent_sound",
        "odd_duration", "odd_fps", "odd_size", "blurry", "overcompressed", "wrong_ending",
    ],
)  # fmt: skip
def test_planted_faults_are_found_and_nothing_else(issue, clean, planted, judge):
    names, values = clean
    more, others = planted[issue]
    both = {field: np.concatenate([values[field], others[field]]) for field in values}
    found = judge(both, names + more)
    assert rows_of(found, issue) == set(range(CLEAN, CLEAN + PLANTED))
    line = found.only(issue=issue).flagged["reason"][0].as_py()
    assert issue == "wrong_ending" or any(character.isdigit() for character in line)


def test_blocks_of_compression_are_told_from_bars_and_flat_frames():
    rng = np.random.default_rng(0)
    smooth = np.cumsum(rng.normal(0, 2, (128, 128)), axis=1) + 120
    blocks = smooth.reshape(16, 8, 16, 8).mean((1, 3)).repeat(8, 0).repeat(8, 1)
    barred = smooth.copy()
    barred[:16] = barred[-16:] = 0  # two steps, at borders of blocks
    for frame, least, most in ((smooth, 0.5, 1.5), (blocks, 10, np.inf), (barred, 0.5, 1.6), (0 * smooth, 0, 0)):
        assert least <= blockiness(np.clip(frame, 0, 255).astype(np.uint8)) <= most
    assert np.isnan(blockiness(np.zeros((12, 40), np.uint8)))


def test_clean_clips_raise_nothing(clean, judge):
    names, values = clean
    found = judge(values, names)
    assert len(found.summary["video_quality"]) == 14
    assert not len(found.flagged)


def test_runs_and_cuts_are_placed_in_time(planted, judge, shots):
    reasons = {}
    for issue in ("black", "cuts", "frozen"):
        names, values = planted[issue]
        found = judge({k: np.concatenate([v] * 1) for k, v in values.items()}, names, VideoQuality(max_rare_share=1))
        reasons[issue] = found.only(issue=issue).flagged["reason"].to_pylist()
    assert len(reasons["black"]) == PLANTED
    assert all(
        "black for 1.08 s from 0." in reason and "bound 0.60 s; 50 frames" in reason for reason in reasons["black"]
    )
    frames = [np.full((36, 64), 10 * i % 200, np.uint8) for i in range(5)]
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 255, (2, 36, 64), dtype=np.uint8)
    assert cut_places(np.stack([one] * 6 + [other] * 6)).tolist() == [6]
    assert not len(cut_places(np.stack(frames)))  # brightness alone
    assert not len(cut_places(rng.integers(0, 255, (12, 36, 64), dtype=np.uint8)))  # every frame another picture
    marked = np.array([0, 1, 1, 0, 1, 1, 1, 0], bool)
    assert longest_run(marked, np.arange(8) / 4, 0.25) == (1.0, 0.75, 5 / 8)


def test_real_clips(clips, judge):
    rows, values = clips
    names = [row["file"] for row in rows]
    found = judge(values, names)
    by_name = {name.rpartition("/")[2][:-4]: place for place, name in enumerate(names)}
    cut = {by_name[name] for name in ("nasa_13013_08", "bikes_01", "bikes_03", "bikes_05", "bikes_07", "bikes_09")}
    assert rows_of(found, "cuts") == cut  # precision and recall 1 against the cuts that were found by eye
    distorted = {place for place, row in enumerate(rows) if row["quality"] == "distorted"}
    assert rows_of(found, "overcompressed") == distorted
    rest = [issue for issue in found.summary["video_quality"] if issue not in ("cuts", "overcompressed")]
    assert not any(rows_of(found, issue) for issue in rest)


def test_cuts_of_whole_films_are_no_issue(clips, judge):
    rows, values = clips
    cuts = {**values, "video.cuts": np.where(np.arange(36) < 30, 5, 0)}
    assert not rows_of(judge(cuts, [row["file"] for row in rows]), "cuts")


def test_bounds_can_be_moved_and_turned_off(clips, judge):
    rows, values = clips
    off = VideoQuality(
        max_missing_fraction=None, min_black_seconds=0, min_frozen_seconds=None, max_cuts=None, min_sound_db=None,
        max_uneven_fraction=0, max_duration_ratio=0, max_fps_ratio=None, max_size_ratio=0, max_aspect_ratio=None,
        min_fineness=0, min_compressed_fineness=None, max_blockiness=None, ignore=("wrong_ending", "missing_sound"),
    )  # fmt: skip
    assert not judge(values, [row["file"] for row in rows], off).summary
    few = judge({k: v[:2] for k, v in values.items()}, [row["file"] for row in rows[:2]])
    assert not len(few.flagged)


def test_long_videos_are_looked_at_by_key_frames(shots):
    black = [np.zeros_like(shots[0][0])] * 60
    frames = [*faults.stretch(shots[0], 90, np.random.default_rng(0)), *black]
    data = faults.film(frames, options={"g": "10", "crf": "20"})
    whole, skimmed = (video.decode(data, skim=True, straight_pixels=limit) for limit in (None, 0))
    assert (len(whole.skim.times), whole.decoded_count, whole.skim.whole) == (150, 150, True)
    assert skimmed.decoded_count == -1
    assert 10 <= len(skimmed.skim.times) <= 40
    values = VideoTimeline().measure([whole, skimmed])
    assert values["video.black_seconds"] == pytest.approx([2.4, 2.4], abs=0.5)
    assert values["video.cuts"].tolist()[1] == -1
    assert values["video.missing_fraction"].tolist() == [0, 0]
