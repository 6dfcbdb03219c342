"""Data folders of Kaldi: utterances are segments of recordings, and commands are not run."""

import numpy as np
import pytest
import soundfile

import curate
from curate.errors import DataError

RATE = 8_000


@pytest.fixture
def folder(tmp_path):
    """Two recordings of 10 s."""
    for name in ("one", "two"):
        (tmp_path / "wav").mkdir(exist_ok=True)
        soundfile.write(tmp_path / "wav" / f"{name}.wav", np.linspace(0, 0.5, 10 * RATE), RATE)
    (tmp_path / "wav.scp").write_text("one wav/one.wav\ntwo wav/two.wav\n")
    return tmp_path


def write(folder, **files):
    for name, lines in files.items():
        (folder / name).write_text("\n".join(lines) + "\n")


def paths(table):
    return [None if one is None else one["path"] for one in table.column("audio").to_pylist()]


def test_utterances_are_segments(folder):
    write(
        folder,
        segments=["u1 one 0.5 2.0", "u2 one 2.0 3.25", "u3 two 4 -1"],
        text=["u1 hello there", "u3 good morning", "u9 nobody"],
        utt2spk=["u1 ann", "u2 ann", "u3 bob"],
    )
    table = curate.load(folder)
    assert paths(table) == ["wav/one.wav#t=0.5,2", "wav/one.wav#t=2,3.25", "wav/two.wav#t=4"]
    task = table.task
    assert (task.kind, task.transcript, task.group, task.id) == ("transcription", "text", "speaker", "id")
    assert table.row_ids.tolist() == ["u1", "u2", "u3"]
    assert table.column("text").to_pylist() == ["hello there", None, "good morning"]
    assert "text has 1 entry of no utterance (u9)" in " ".join(table.notes)


def test_recordings_are_rows_where_nothing_cuts_them(folder):
    write(folder, text=["one hello there", "two good morning"])
    table = curate.load(folder)
    assert paths(table) == ["wav/one.wav", "wav/two.wav"]
    assert table.column("text").to_pylist() == ["hello there", "good morning"]


def test_languages_are_labels(folder):
    write(folder, utt2lang=["one en", "two de"])
    table = curate.load(folder)
    assert (table.task.label, table.task.label_names) == ("language", ("de", "en"))


def test_commands_are_not_run(folder):
    ran = folder / "ran"
    write(
        folder,
        **{"wav.scp": [f"one touch {ran} |", "two cat wav/two.wav |", "three sox wav/one.wav -t wav - |"]},
        text=["one a b", "two c d", "three e f"],
    )
    table = curate.load(folder)
    assert not ran.exists()
    assert paths(table) == [None, "wav/two.wav", None]
    assert "wav.scp names a command, which is not run" in table.problems["reason"][0].as_py()


def test_what_is_wrong_is_said(folder):
    write(folder, segments=["u1 one 0.5 2.0", "u2 nine 2.0 3.0", "u3 two 4", "u4 two 5 4", "u5 two 90 91"])
    said = {one["row"]: one["reason"] for one in curate.load(folder).problems.to_pylist()}
    assert said[1] == "segments, line 2: wav.scp lists no recording 'nine'"
    assert said[2] == "segments, line 3: 'two 4' is no recording with its times"
    assert "the end, 4 s, is not behind the start, 5 s" in said[3]
    assert "the part begins at 90 s, and the file is 10.00 s long" in said[4]
    write(folder, **{"wav.scp": ["one"]})
    with pytest.raises(DataError, match=r"wav.scp, line 1: 'one' is no name with what it stands for"):
        curate.load(folder)
