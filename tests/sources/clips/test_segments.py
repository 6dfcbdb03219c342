"""Columns that say when in a file a row begins and ends: rows are these parts, and what is wrong with times is said."""

import csv
import json
from fractions import Fraction

import numpy as np
import pytest
import soundfile

import curate
from curate.errors import ConfigError
from curate.media import audio, video
from curate.media.payload import read_bytes

RATE, SECONDS = 8_000, 10


@pytest.fixture
def talks(tmp_path):
    """A folder with two sounds of 10 s, whose value at any time is that time, or its negative, over 16 s."""
    ramp = np.arange(RATE * SECONDS) / RATE / 16
    (tmp_path / "talks").mkdir()
    for name, wave in (("a", ramp), ("b", -ramp)):
        soundfile.write(tmp_path / "talks" / f"{name}.wav", wave, RATE, subtype="FLOAT")
    return tmp_path


def rows(start, end, **others):
    n = len(start)
    names = [f"talks/{'ab'[k % 2]}.wav" for k in range(n)]
    return {"path": names, "start": start, "end": end, "label": [("x", "y")[k % 2] for k in range(n)], **others}


def paths(table):
    column = table.column(table.task.audio or table.task.video).to_pylist()
    return [None if one is None else one["path"].rpartition("/")[2] for one in column]


def problems(table):
    return {(one["row"], one["issue"]): one["reason"] for one in table.problems.to_pylist()}


def heard(table, row):
    """First and last time of a row's sound, by its samples."""
    value = table.column(table.task.audio)[row].as_py()
    samples = audio.decode(read_bytes(value, table.root)).samples[0] * 16
    return round(float(abs(samples[0])), 3), round(float(abs(samples[-1])), 3)


def written(path, columns, delimiter=","):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values()))
    return path


STARTS, ENDS = [0.0, 1.5, 2.25, 4.0, 6.0, 7.5], [1.0, 2.5, 4.0, 6.0, 7.5, 10.0]


def test_a_row_is_the_part_that_columns_say(talks):
    table = curate.load(written(talks / "rows.csv", rows(STARTS, ENDS)))
    assert paths(table)[:3] == ["a.wav#t=0,1", "b.wav#t=1.5,2.5", "a.wav#t=2.25,4"]
    assert heard(table, 1) == (1.5, 2.5)
    assert table.column("start").to_pylist() == STARTS
    assert (table.task.start, table.task.end, table.task.time_unit) == ("start", "end", "seconds")
    assert len({tuple(row) for row in table.content.tolist()}) == len(table)
    said = " ".join(table.notes)
    assert "'start' and 'end' say which part of its file a row is, in seconds: 6 rows of 2 files" in said
    again = curate.load(talks / "rows.csv", start="start", end="end", audio="path")
    assert (again.row_ids == table.row_ids).all()


def test_parts_of_one_file_are_no_copies_and_equal_parts_are(talks):
    table = curate.load(rows([0, 1, 2, 1], [1, 2, 3, 2], path=["talks/a.wav"] * 4), root=talks)
    report = curate.audit(table, checks=["exact_duplicates"], cache=False)
    groups = report.findings["group"].to_pylist()
    assert groups[1] == groups[3] is not None
    assert groups[0] is groups[2] is None


def test_measures_are_those_of_files_cut_before(talks):
    table = curate.load(rows(STARTS, ENDS), root=talks)
    for k, (start, end) in enumerate(zip(STARTS, ENDS)):
        wave, _ = soundfile.read(talks / "talks" / f"{'ab'[k % 2]}.wav", dtype="float32")
        soundfile.write(talks / f"{k}.wav", wave[int(start * RATE) : int(end * RATE)], RATE, subtype="FLOAT")
    whole = curate.load({"path": [f"{k}.wav" for k in range(6)], "label": rows(STARTS, ENDS)["label"]}, root=talks)
    found, wanted = (curate.audit(one, checks=["audio_quality"], cache=False).findings for one in (table, whole))
    assert found["score"].to_pylist() == wanted["score"].to_pylist()
    assert found["reason"].to_pylist() == wanted["reason"].to_pylist()


@pytest.mark.parametrize(
    ("columns", "unit"),
    [
        ({"start": [0, 1500, 4000, 7500], "end": [1000, 2500, 6000, 10000]}, "milliseconds"),
        ({"start": [0, 12000, 32000, 60000], "end": [8000, 20000, 48000, 80000]}, "samples"),
        ({"start_ms": [0, 1, 2, 3], "end_ms": [500, 600, 700, 800]}, "milliseconds"),
        ({"start": ["0:00", "0:01.5", "00:00:04", "7.5"], "end": ["0:01", "2.5s", "6", "00:00:10.000"]}, "seconds"),
        ({"begin": [0, 1, 2, 3], "end": [1, 2, 3, None]}, "seconds"),
        ({"onset": [0.5, 1, 2, 3], "offset": [1, 2, 3, 4.5]}, "seconds"),
        ({"offset": [0.5, 1, 2, 3], "duration": [1, 2, 3, 4.5]}, "seconds"),
        ({"time_start": [0, 1, 2, 3], "time_end": [1.0, 2.0, 3.0, float("nan")]}, "seconds"),
    ],
)
def test_what_is_counted_is_found_by_names_clocks_and_the_lengths_of_files(talks, columns, unit):
    given = {"path": ["talks/a.wav", "talks/b.wav"] * 2, "label": ["x", "y"] * 2, **columns}
    table = curate.load(given, root=talks)
    assert table.task.time_unit == unit
    assert f"in {unit}" in " ".join(table.notes)
    first, last = list(columns.values())
    if isinstance(first[1], str):
        assert paths(table) == ["a.wav#t=0,1", "b.wav#t=1.5,2.5", "a.wav#t=4,6", "b.wav#t=7.5,10"]
        return
    each = {"seconds": 1.0, "milliseconds": 1e-3, "samples": 1 / RATE}[unit]
    ended = None if last[-1] is None or last[-1] != last[-1] else last[-1] + first[-1] * ("duration" in columns)
    wanted = f"b.wav#t={first[-1] * each:g}" + ("" if ended is None else f",{ended * each:g}")
    assert paths(table)[-1] == wanted


def test_a_few_wrong_times_make_no_other_unit_of_seconds(talks):
    table = curate.load(rows([0, 1, 2, 30, 4, 5], [1, 2, 3, 31, 5, 6]), root=talks)
    assert table.task.time_unit == "seconds"
    assert (
        problems(table)[3, "unreadable"] == "'start' and 'end': the part begins at 30 s, and the file is 10.00 s long"
    )


def test_a_wrong_time_makes_no_other_unit_of_milliseconds(talks):
    table = curate.load(
        rows([0, 1500, 4000, 7500], [1000, 2500, 6000, 12_000]), root=talks, audio="path", start="start"
    )
    assert table.task.time_unit == "milliseconds"
    assert paths(table)[-1] == "b.wav#t=7.5"


def test_what_is_wrong_with_a_row_is_said_of_it(talks):
    start = ["0", "5", "3", "20", "-1", "x", "4", "", "9"]
    end = ["1", "4", "3", "21", "2", "6", "50", "", ""]
    table = curate.load(written(talks / "rows.csv", rows(start, end)), audio="path", start="start", end="end")
    said = problems(table)
    for row, why in {
        1: "the end, 4 s, is not behind the start, 5 s",
        2: "the end, 3 s, is not behind the start, 3 s",
        3: "the part begins at 20 s, and the file is 10.00 s long",
        4: "a time is negative",
        5: "'x' is no time",
    }.items():
        assert why in said[row, "unreadable"]
    assert said[6, "segment"] == "'start' and 'end': the part ends at 50 s, and the file at 10.00 s"
    assert paths(table)[6:] == ["a.wav#t=4", "b.wav", "a.wav#t=9"]
    notes = " ".join(table.notes)
    assert "1 part ends behind the file and is shorter than said (row 6" in notes
    assert "1 row without times is a whole file" in notes
    report = curate.audit(table, checks=["unreadable"], cache=False)
    assert report.summary["unreadable"]["unreadable"]["issues"] == 5


def test_frames_of_videos(tmp_path, brightening):
    brightening(tmp_path / "a.mp4")
    table = curate.load(
        {"video": ["a.mp4"] * 3, "start_frame": [0, 10, 33], "end_frame": [10, 30, 60], "label": ["x", "y", "x"]},
        root=tmp_path,
    )
    assert table.task.time_unit == "frames"
    for value, (start, end) in zip(table.column("video").to_pylist(), ((0, 10), (10, 30), (33, 60))):
        decoded = video.decode(read_bytes(value, table.root), frames=60)
        assert decoded.frame_count == end - start
        assert abs(float(decoded.frames[0].mean()) - 4 * start) < 4


def test_frames_are_found_where_the_mean_rate_is_a_little_off(tmp_path):
    import av

    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=20)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for k in range(60):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 4 * k, np.uint8), format="rgb24")
            frame.pts, frame.time_base = 50 * k + max(0, k - 30), Fraction(1, 1000)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    rows = {"video": ["a.mp4"] * 2, "start": [0, 20], "end": [20, 30], "label": ["x", "y"]}
    table = curate.load(rows, root=tmp_path, time_unit="frames")
    decoded = video.decode(read_bytes(table.column("video")[1].as_py(), table.root), frames=60)
    assert decoded.frame_count == 10
    assert abs(float(decoded.frames[0].mean()) - 80) < 2


def test_columns_that_nobody_named_and_that_do_not_fit_are_left_alone(talks):
    table = curate.load(rows([1990, 1991, 2001, 2005], [1995, 1996, 2003, 2009]), root=talks)
    assert paths(table) == ["a.wav", "b.wav", "a.wav", "b.wav"]
    assert table.task.start is None
    assert "only 0% of the parts would lie within their files, which are read whole" in " ".join(table.notes)


def test_files_that_are_cut_already_are_read_whole(talks):
    starts = [10.0, 20.0, 31.0, 45.5]
    table = curate.load(rows(starts, [start + SECONDS for start in starts]), root=talks)
    assert paths(table) == ["a.wav", "b.wav", "a.wav", "b.wav"]
    assert "so that they are cut already; they are read whole" in " ".join(table.notes)
    named = curate.load(rows(starts, [start + SECONDS for start in starts]), root=talks, start="start", end="end")
    assert paths(named) == paths(table)


def test_files_may_be_read_whole_on_demand(talks):
    table = curate.load(rows(STARTS, ENDS), root=talks, time_unit="ignored")
    assert paths(table)[:2] == ["a.wav", "b.wav"]
    assert not any("part of its file" in note for note in table.notes)


def test_whole_files_beside_their_length_are_no_parts(talks):
    table = curate.load(rows([0.0] * 4, [10.0] * 4), root=talks)
    assert paths(table)[:2] == ["a.wav", "b.wav"]
    manifest = {"audio_filepath": ["talks/a.wav", "talks/b.wav"], "duration": [10.0, 10.0], "text": ["x y", "z"]}
    assert paths(curate.load(manifest, root=talks)) == ["a.wav", "b.wav"]


def test_content_in_the_rows_is_cut_too(talks):
    data = [(talks / "talks" / f"{name}.wav").read_bytes() for name in "ab"]
    given = rows(STARTS, ENDS, path=[data[k % 2] for k in range(6)])
    table = curate.load({"audio": given.pop("path"), **given})
    assert heard(table, 1) == (1.5, 2.5)
    assert heard(table, 4) == (6.0, 7.5)


def test_sound_of_videos_is_meant_where_the_column_is_of_sound(tmp_path):
    import av

    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=20)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        track = container.add_stream("aac", rate=16_000)
        track.layout = "mono"
        packets = []
        for k in range(60):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 4 * k, np.uint8), format="rgb24")
            packets += stream.encode(frame)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 16_000
        for packet in [*packets, *stream.encode(None), *track.encode(sound), *track.encode(None)]:
            container.mux(packet)
    given = {"audio": ["a.mp4"] * 2, "start": [0.5, 1.5], "end": [1.5, 2.0], "label": ["x", "y"]}
    table = curate.load(given, root=tmp_path, audio="audio")
    assert paths(table) == ["a.mp4#t=0.5,1.5&track=audio", "a.mp4#t=1.5,2&track=audio"]
    assert audio.decode(read_bytes(table.column("audio")[1].as_py(), tmp_path)).seconds == 0.5


def test_times_without_sound_or_video_are_refused():
    with pytest.raises(ConfigError, match="the task has none"):
        curate.load({"text": ["a b c", "d e f"], "from": [1, 2], "label": ["x", "y"]}, start="from")
    with pytest.raises(ConfigError, match="start names the column 'nope'"):
        curate.load({"text": ["a b c", "d e f"], "label": ["x", "y"]}, start="nope")


def test_manifests_of_nemo_and_lists_of_dcase(talks):
    lines = [
        {"audio_filepath": f"talks/{'ab'[k % 2]}.wav", "offset": s, "duration": e - s, "text": f"say {k}"}
        for k, (s, e) in enumerate(zip(STARTS, ENDS))
    ]
    (talks / "manifest.json").write_text("\n".join(map(json.dumps, lines)))
    table = curate.load(talks / "manifest.json")
    assert (table.task.start, table.task.duration, table.task.transcript) == ("offset", "duration", "text")
    assert paths(table)[2] == "a.wav#t=2.25,4"
    (talks / "manifest.json").unlink()
    columns = {"filename": ["a.wav", "b.wav"] * 3, "onset": STARTS, "offset": ENDS, "event_label": list("xyxyxy")}
    written(talks / "meta" / "strong.tsv", columns, "\t")
    table = curate.load(talks)
    assert (table.task.label, table.task.start, table.task.end) == ("event_label", "onset", "offset")
    assert paths(table)[2] == "a.wav#t=2.25,4"


def test_lines_of_comment_stand_above_a_header(tmp_path):
    (tmp_path / "list.csv").write_text(
        "# Segments csv created Sun Mar  5 10:54:25 2017\n# num_ytids=3, num_segs=3, num_labels=9\n"
        '# YTID, start_seconds, end_seconds, positive_labels\n-0a, 1.000, 2.000, "/m/1,/m/2"\n'
        'B_b, 0.500, 9.000, "/m/1"\n'
    )
    (tmp_path / "audio").mkdir()
    for name in ("Y-0a", "B_b"):
        soundfile.write(tmp_path / "audio" / f"{name}.wav", np.zeros(RATE * SECONDS), RATE)
    table = curate.load(tmp_path / "list.csv", kind="multilabel", label="positive_labels")
    assert paths(table) == ["Y-0a.wav#t=1,2", "B_b.wav#t=0.5,9"]
    assert table.column("YTID").to_pylist() == ["-0a", "B_b"]
    assert table.origin["line"].to_pylist() == [4, 5]
    assert table.column("positive_labels").to_pylist() == [["/m/1", "/m/2"], ["/m/1"]]
