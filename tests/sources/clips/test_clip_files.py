"""Ids of videos and sounds find their files as people have them: whole, or cut and called by the part."""

import csv

import numpy as np
import pytest
import soundfile

import curate
from curate.errors import CurateError

RATE = 8_000
COLUMNS = ("label", "youtube_id", "time_start", "time_end", "split")


def sound(path, seconds):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.linspace(0, 0.5, int(seconds * RATE)), RATE)


def listed(path, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return path


def paths(table):
    return [None if one is None else one["path"] for one in table.column(table.task.audio).to_pylist()]


ROWS = [("x", "-aB_1", 10, 20, "train"), ("y", "cD-2", 0, 10, "train"), ("x", "eF_3", 5, 15, "test"),
        ("y", "-aB_1", 30, 40, "train")]  # fmt: skip


@pytest.fixture
def clips(tmp_path):
    """A folder of clips that are called by their parts."""
    for _, name, start, end, _ in ROWS:
        sound(tmp_path / "clips" / f"{name}_{start:06d}_{end:06d}.wav", 10)
    return tmp_path


def test_clips_that_are_called_by_their_parts_are_read_whole(clips):
    for source in (listed(clips / "list.csv", ROWS), clips):
        table = curate.load(source)
        assert paths(table) == [f"clips/{name}_{start:06d}_{end:06d}.wav" for _, name, start, end, _ in ROWS]
        notes = " ".join(table.notes)
        assert "'youtube_id' names the files: 4 rows of 4 have one" in notes
        assert "called by the part that it is" in notes
        assert "named by no row" not in notes
        assert (table.task.label, table.task.group, table.task.split) == ("label", "youtube_id", "split")


def test_whole_files_are_cut(tmp_path):
    for name in ("-aB_1", "cD-2", "eF_3"):
        sound(tmp_path / "audio" / f"{name}.wav", 60)
    for source in (listed(tmp_path / "list.csv", ROWS), tmp_path):
        table = curate.load(source)
        assert paths(table)[0] == "audio/-aB_1.wav#t=10,20"
        assert paths(table)[3] == "audio/-aB_1.wav#t=30,40"


def test_whole_files_and_clips_together(clips):
    clip = clips / "clips" / "cD-2_000000_000010.wav"
    clip.unlink()
    sound(clips / "cD-2.wav", 60)
    table = curate.load(listed(clips / "list.csv", ROWS))
    assert paths(table)[0] == "clips/-aB_1_000010_000020.wav"
    assert paths(table)[1] == "cD-2.wav#t=0,10"


def test_files_that_are_missing_are_said_one_by_one(clips):
    (clips / "clips" / "-aB_1_000010_000020.wav").unlink()
    (clips / "clips" / "eF_3_000005_000015.wav").unlink()
    table = curate.load(listed(clips / "list.csv", ROWS))
    said = {one["row"]: one["reason"] for one in table.problems.to_pylist()}
    assert "no file of '-aB_1' is called by its part ('clips/-aB_1_000030_000040.wav' is another)" in said[0]
    assert "there is no file of 'eF_3'" in said[2]
    assert paths(table)[3] == "clips/-aB_1_000030_000040.wav"
    assert "2 rows of 4 have one" in " ".join(table.notes)


def test_a_column_of_ids_may_be_named_and_new_rows_are_read_alike(clips, tmp_path):
    table = curate.load(listed(clips / "list.csv", ROWS), audio="youtube_id")
    assert paths(table)[0] == "clips/-aB_1_000010_000020.wav"
    assert table.task.audio == "youtube_id"
    assert table.task.group is None
    found = curate.load(clips / "list.csv")
    again = curate.load(clips / "list.csv", task=found.task)
    assert (again.row_ids == found.row_ids).all()


def test_numbers_of_files_are_no_parts(tmp_path):
    for number in (0, 1):
        sound(tmp_path / f"talk_{number}.wav", 10)
    rows = {
        "file": ["talk_0.wav", "talk_0.wav", "talk_1.wav", "talk_1.wav"],
        "start": [0, 4, 1, 5],
        "end": [4, 8, 5, 9],
    }
    table = curate.load({**rows, "label": ["x", "y", "x", "y"]}, root=tmp_path)
    assert paths(table) == ["talk_0.wav#t=0,4", "talk_0.wav#t=4,8", "talk_1.wav#t=1,5", "talk_1.wav#t=5,9"]


def test_a_file_that_is_longer_than_its_name_says_is_no_part(tmp_path):
    for number in (0, 1):
        sound(tmp_path / f"talk_{number}_{number + 1}.wav", 10)
    files = ["talk_0_1.wav", "talk_0_1.wav", "talk_1_2.wav", "talk_1_2.wav"]
    rows = {"file": files, "start": [0, 4, 1, 5], "end": [1, 8, 2, 9], "label": ["x", "y", "x", "y"]}
    assert paths(curate.load(rows, root=tmp_path))[0] == "talk_0_1.wav#t=0,1"


def test_ids_without_files_are_left_as_they_are(tmp_path):
    listed(tmp_path / "list.csv", ROWS)
    sound(tmp_path / "other.wav", 1)
    try:
        table = curate.load(tmp_path / "list.csv")
    except CurateError:
        return
    assert table.task.audio is None
