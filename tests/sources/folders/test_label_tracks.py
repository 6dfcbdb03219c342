"""Labelled parts of recordings and videos: Audacity's tracks, RTTM, ActivityNet's JSON."""

import json

import numpy as np
import pytest
import soundfile

import curate
from curate.errors import DataError

RATE = 8_000


@pytest.fixture
def folder(tmp_path):
    """Three recordings of 6 s."""
    for name in ("one", "two", "three"):
        soundfile.write(tmp_path / f"{name}.wav", np.linspace(0, 0.5, 6 * RATE), RATE)
    return tmp_path


def paths(table, role="audio"):
    return [one and one["path"] for one in table.column(getattr(table.task, role)).to_pylist()]


def labels(table):
    return table.column(table.task.label).to_pylist()


def test_tracks_of_audacity(folder):
    (folder / "one.txt").write_text("0.5\t1.5\tdog\n\\\t200.0\t900.0\n2.000000\t3.250000\tcat\n")
    (folder / "two.txt").write_text("1,0\t2,0\tdog\n\n4,0\t5,0\n")
    table = curate.load(folder)
    assert paths(table) == ["one.wav#t=0.5,1.5", "one.wav#t=2,3.25", "two.wav#t=1,2", "two.wav#t=4,5"]
    assert labels(table) == ["dog", "cat", "dog", None]
    assert table.column(table.task.group).to_pylist() == ["one.wav", "one.wav", "two.wav", "two.wav"]
    assert any("1 recording without a labelled part left out (three.wav)" in note for note in table.notes)


def test_texts_with_other_lines_are_transcripts(folder):
    for name in ("one", "two", "three"):
        (folder / f"{name}.txt").write_text("0.5\t1.5\tdog\nand then somebody speaks\n")
    assert curate.load(folder).task.transcript == "transcript"


@pytest.mark.parametrize("ending", ["txt", "rttm", "TextGrid"])
def test_recordings_of_one_name_have_the_parts_of_their_own_folder(tmp_path, ending):
    for part, start in (("a", 1), ("b", 3)):
        (tmp_path / part).mkdir()
        soundfile.write(tmp_path / part / "one.wav", np.linspace(0, 0.5, 6 * RATE), RATE)
        interval = f'0 6 <exists> 1 "IntervalTier" "words" 0 6 2 {start} {start + 1} "{part}" {start + 1} 6 ""'
        written = {
            "txt": f"{start}\t{start + 1}\t{part}\n",
            "rttm": f"SPEAKER one 1 {start} 1 <NA> <NA> {part} <NA> <NA>\n",
            "TextGrid": 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n' + interval.replace(" ", "\n") + "\n",
        }
        (tmp_path / part / f"one.{ending}").write_text(written[ending])
    table = curate.load(tmp_path)
    assert paths(table) == ["a/one.wav#t=1,2", "b/one.wav#t=3,4"]
    assert labels(table) == ["a", "b"]


@pytest.mark.parametrize("split", [True, False])
def test_rttm(folder, split):
    turns = {name: f"SPEAKER {name} 1 0.500 1.200 <NA> <NA> {name}_a <NA> <NA>\n" for name in ("one", "two")}
    turns["two"] += "SPKR-INFO two 1 <NA> <NA> <NA> unknown two_a <NA> <NA>\n"
    for name, text in turns.items() if split else {"all": "".join(turns.values())}.items():
        (folder / f"{name}.rttm").write_text(text)
    table = curate.load(folder)
    assert paths(table) == ["one.wav#t=0.5,1.7", "two.wav#t=0.5,1.7"]
    assert labels(table) == ["one_a", "two_a"]


def test_a_turn_without_times_is_an_error(folder):
    (folder / "one.rttm").write_text("SPEAKER one 1 soon 1.2 <NA> <NA> a <NA> <NA>\n")
    with pytest.raises(DataError, match=r"one.rttm, line 1: .* is no turn"):
        curate.load(folder)


def test_activitynet(tmp_path, brightening):
    (tmp_path / "videos").mkdir()
    for name in ("v_-a1", "v_b2", "v_c3"):
        brightening(tmp_path / "videos" / f"{name}.mp4")
    noted = [{"segment": [0.2, 0.6], "label": "Surfing"}, {"segment": "none", "label": "Surfing"}]
    database = {
        "-a1": {"subset": "training", "annotations": noted},
        "b2": {"subset": "validation", "annotations": [{"segment": [0, 0.5], "label": "Running"}]},
        "c3": {"subset": "testing", "annotations": []},
    }
    (tmp_path / "activity_net.v1-3.min.json").write_text(json.dumps({"version": "1.3", "database": database}))
    table = curate.load(tmp_path)
    assert paths(table, "video") == ["videos/v_-a1.mp4#t=0.2,0.6", "videos/v_b2.mp4#t=0,0.5", "videos/v_c3.mp4"]
    assert labels(table) == ["Surfing", "Running", None]
    assert table.column("split").to_pylist() == ["train", "validation", "test"]
    assert any("1 entry without a segment left out" in note for note in table.notes)


LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 6
tiers? <exists>
size = 3
item []:
    item [1]:
        class = "TextTier"
        name = "clicks"
        xmin = 0
        xmax = 6
        points: size = 1
        points [1]:
            number = 1.5
            mark = "tick 3"
    item [2]:
        class = "IntervalTier"
        name = "calls"
        xmin = 0
        xmax = 6
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 1.5
            text = ""
        intervals [2]:
            xmin = 1.5
            xmax = 2.25
            text = "the ""loud"" one"
        intervals [3]:
            xmin = 2.25
            xmax = 6
            text = "song "
    item [3]:
        class = "IntervalTier"
        name = "notes"
        xmin = 0
        xmax = 6
        intervals: size = 0
"""
SHORT = """File type = "ooTextFile"
Object class = "TextGrid"

0
6
<exists>
1
"IntervalTier"
"calls"
0
6
2
0
2
"song"
2
6
""
"""


def test_textgrids_of_praat(folder):
    (folder / "one.TextGrid").write_text(LONG)
    (folder / "two.TextGrid").write_text(SHORT, encoding="utf-16")
    table = curate.load(folder)
    assert paths(table) == ["one.wav#t=1.5,2.25", "one.wav#t=2.25,6", "two.wav#t=0,2"]
    assert labels(table) == ['the "loud" one', "song", "song"]
    assert table.column(table.task.group).to_pylist() == ["one.wav", "one.wav", "two.wav"]
    assert any("'calls' is read, and not 'notes'" in note for note in table.notes)
    assert any("1 recording without a labelled part left out (three.wav)" in note for note in table.notes)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (SHORT[:-12], "three.TextGrid: the TextGrid ends before its last tier does"),
        (SHORT.replace("6\n2\n0\n", '6\n"two"\n0\n'), "three.TextGrid: the TextGrid is damaged"),
        ("nothing", "three.TextGrid: the TextGrid ends"),
        (SHORT.replace("IntervalTier", "Pitch"), "three.TextGrid: a tier of the class 'Pitch'"),
    ],
)
def test_a_damaged_textgrid_is_a_row_that_cannot_be_read(folder, text, why):
    for name in ("one", "two"):
        (folder / f"{name}.TextGrid").write_text(SHORT)
    (folder / "three.TextGrid").write_text(text)
    table = curate.load(folder)
    assert len(table) == 3
    assert table.unreadable.tolist() == [False, False, True]
    assert table.problems["reason"][0].as_py().startswith(why)


def test_sentences_in_textgrids_are_transcripts(folder):
    for name in ("one", "two"):
        text = f"a sentence of several words in {name}"
        (folder / f"{name}.TextGrid").write_text(SHORT.replace('"song"', f'"{text}"'))
    table = curate.load(folder)
    assert (table.task.kind, table.task.transcript, table.task.label) == ("transcription", "transcript", None)


RAVEN = (
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tSpecies\n"
    "1\tWaveform 1\t1\t0.5\t1.25\t0\t4000\towl\n"
    "1\tSpectrogram 1\t1\t0.5\t1.25\t300\t4000\towl\n"
    "2\tSpectrogram 1\t1\t2\t3\t300\t4000\t\n"
)


def test_selection_tables_of_raven(folder):
    (folder / "one.Table.1.selections.txt").write_text(RAVEN)
    (folder / "two.selections.txt").write_text(RAVEN.replace("owl", "wren"))
    table = curate.load(folder)
    assert paths(table) == ["one.wav#t=0.5,1.25", "one.wav#t=2,3", "two.wav#t=0.5,1.25", "two.wav#t=2,3"]
    assert labels(table) == ["owl", None, "wren", None]


def test_a_selection_without_times_is_an_error(folder):
    for name in ("one", "two"):
        (folder / f"{name}.Table.1.selections.txt").write_text(RAVEN.replace("2\t3\t300", "later\t3\t300"))
    with pytest.raises(DataError, match=r"one\.Table\.1\.selections\.txt, line 4: .* has no times of a selection"):
        curate.load(folder)
