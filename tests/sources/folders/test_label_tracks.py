"""Labelled parts of recordings and videos: Audacity's tracks, RTTM, ActivityNet's JSON."""

import json

import numpy as np
import pytest
import soundfile

import curate
from curate.cli import invoke
from curate.errors import ConfigError

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


@pytest.mark.parametrize("time", ["soon", "nan", "<NA>"])
def test_a_turn_without_times_is_a_row_that_cannot_be_read(folder, time):
    turns = [f"SPEAKER one 1 {start} 1.2 <NA> <NA> a <NA> <NA>" for start in ("0", time, "3")]
    (folder / "all.rttm").write_text("\n".join([*turns, "SPEAKER two 1 2", "SPEAKER gone 1 0 1 <NA> <NA> a <NA>", ""]))
    table = curate.load(folder)
    assert paths(table) == ["one.wav#t=0,1.2", "one.wav#t=3,4.2", None, None]
    assert table.unreadable.tolist() == [False, False, True, True]
    second, fourth = table.problems["reason"].to_pylist()
    assert second.startswith(f"all.rttm, line 2: 'SPEAKER one 1 {time} 1.2 ")
    assert fourth == "all.rttm, line 4: 'SPEAKER two 1 2' is no turn with its times and speaker"
    assert any("1 turn of recordings that are not here left out (gone)" in note for note in table.notes)
    assert any("1 recording without a labelled part left out (three.wav)" in note for note in table.notes)
    assert not any("whole file" in note for note in table.notes)
    assert table.task.label == "label"


def test_tracks_of_audacity_with_a_bad_line(folder):
    (folder / "one.txt").write_text("0.5\t1.5\tdog\n2\tlater\tcat\n3\t4\tcat\n")
    (folder / "two.txt").write_text("1,0\t2,0\tdog\n")
    table = curate.load(folder)
    assert paths(table) == ["one.wav#t=0.5,1.5", "one.wav#t=3,4", "two.wav#t=1,2", None]
    assert table.problems["reason"].to_pylist() == ["one.txt, line 2: '2\\tlater\\tcat' is no label with its times"]


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


@pytest.mark.parametrize("time", ["later", "nan", ""])
def test_a_selection_without_times_is_a_row_that_cannot_be_read(folder, time):
    bad = RAVEN.replace("2\t3\t300", f"{time}\t3\t300") + "3\tWaveform 1\n3\tSpectrogram 1\n"
    (folder / "one.Table.1.selections.txt").write_text(bad)
    (folder / "two.Table.1.selections.txt").write_text(RAVEN)
    table = curate.load(folder)
    assert paths(table) == ["one.wav#t=0.5,1.25", "two.wav#t=0.5,1.25", "two.wav#t=2,3", None, None]
    assert table.unreadable.tolist() == [False, False, False, True, True]
    fourth, fifth = table.problems["reason"].to_pylist()
    assert fourth.startswith("one.Table.1.selections.txt, line 4: '2\\tSpectrogram 1")
    assert fourth.endswith("has no times of a selection")
    assert fifth.startswith("one.Table.1.selections.txt, line 5: ")


def tiered(**tiers):
    """A TextGrid with one interval from 1 to 2 s on each tier."""
    head = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
    body = "".join(f'"IntervalTier" "{name}" 0 6 1 1 2 "{text}" ' for name, text in tiers.items())
    return f"{head}0 6 <exists> {len(tiers)} {body}\n"


def test_the_tier_of_textgrids_can_be_named(folder, capsys):
    (folder / "one.TextGrid").write_text(tiered(words="hello", phones="h"))
    (folder / "two.TextGrid").write_text(tiered(words="bye", phones="b"))
    (folder / "three.TextGrid").write_text(tiered(words="why"))
    (folder / "all.rttm").write_text("SPEAKER one 1 0 1.2 <NA> <NA> a <NA> <NA>\n")
    assert labels(curate.load(folder, tier="words")) == ["hello", "why", "bye"]
    table = curate.load(folder, tier="phones")
    assert (paths(table), labels(table)) == (["one.wav#t=1,2", "two.wav#t=1,2"], ["h", "b"])
    assert any("1 recording without a labelled part left out (three.wav)" in note for note in table.notes)
    assert not any("--tier" in note for note in table.notes)
    with pytest.raises(ConfigError, match=r"no TextGrid has a tier .* called 'word' \(did you mean 'words'\?\)"):
        curate.load(folder, tier="word")
    assert invoke(["audit", str(folder), "--tier", "word", "--no-cache"]) == 2
    assert "did you mean 'words'" in "".join(capsys.readouterr())


def test_a_tier_is_asked_of_textgrids_alone(folder):
    with pytest.raises(ConfigError, match=r"tier is one of Praat's TextGrids"):
        curate.load(folder, tier="words")
    with pytest.raises(ConfigError, match=r"tier is one of Praat's TextGrids"):
        curate.load({"text": ["a", "b"]}, text="text", tier="words")


def test_new_rows_are_those_of_the_tier_of_the_run(folder, tmp_path):
    for name in ("one", "two", "three"):
        (folder / f"{name}.TextGrid").write_text(tiered(words="hello", phones=name))
    file = tmp_path / "p.yaml"
    file.write_text(f"curate: 1\nsource: {folder}\ntask: {{tier: phones}}\nsteps: []\n")
    curated = curate.Pipeline.from_yaml(file).run(cache=False)
    assert sorted(labels(curated.table)) == ["one", "three", "two"]
    new = tmp_path / "new"
    new.mkdir()
    (folder / "one.wav").rename(new / "one.wav")
    (new / "one.TextGrid").write_text(tiered(words="hello", phones="two").replace("1 2", "3 4"))
    assert paths(curated.transform(new)) == ["one.wav#t=3,4"]
