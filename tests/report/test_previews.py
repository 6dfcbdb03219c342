"""Rows shown as the things they are."""

import base64
import re
from dataclasses import replace
from io import BytesIO

import numpy as np
import pyarrow as pa
import pytest

import curate
from curate.report.contents import in_short, in_words
from curate.report.previews import previews
from curate.report.previews.item import Budget
from curate.report.previews.marks import seconds
from curate.report.previews.record import MOST_MARKED, mentions, record_preview
from curate.report.previews.series import envelope_path, line_path, series_preview
from curate.report.previews.text import text_preview
from curate.table import ORIGIN
from curate.task import Task

MEDIA = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def media(*values):
    return pa.array([v if v is None else {"bytes": None, "path": None} | v for v in values], MEDIA)


def one(table, row=0, reason="", budget=10**6):
    return previews(table, {row: reason}, Budget(budget))[row][0]


def png(height, width):
    from curate.media.image import encode_png

    return encode_png(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.fixture
def images(make_table, tmp_path):
    (tmp_path / "a.png").write_bytes(png(40, 30))
    column = media({"bytes": png(300, 600)}, {"path": "a.png"}, {"path": "../x.png"}, {"bytes": b"no image"}, None)
    return make_table({"image": column}, Task(kind="unlabeled", image="image"), root=tmp_path)


def decoded(uri):
    from PIL import Image

    kind, _, data = uri.partition(";base64,")
    return kind, Image.open(BytesIO(base64.b64decode(data)))


def test_large_image_becomes_a_small_jpeg(images):
    shown = one(images)
    kind, image = decoded(shown.uri)
    assert (kind, image.size, shown.width, shown.height) == ("data:image/jpeg", (128, 64), 600, 300)


def test_tiny_image_stays_as_it_is(images):
    shown = one(images, 1)
    kind, image = decoded(shown.uri)
    assert (kind, image.size, shown.tiny) == ("data:image/png", (30, 40), True)


def test_broken_media_say_why(images):
    assert "outside" in one(images, 2).reason
    assert one(images, 3).kind == "broken"
    assert "neither content nor a path" in one(images, 4).reason


def test_the_budget_is_kept(images):
    budget = Budget(3000)
    shown = previews(images, {0: "", 1: ""}, budget)
    assert budget.left >= 0
    assert [item.kind for (item,) in shown.values()].count("left_out") >= 1
    assert one(images, 0, budget=0).kind == "left_out"


def test_a_strip_of_one_pixel_height(make_table):
    table = make_table({"image": media({"bytes": png(1, 5000)})}, Task(kind="unlabeled", image="image"))
    _, image = decoded(one(table).uri)
    assert image.size == (128, 1)


def sine(seconds, rate):
    import soundfile

    out = BytesIO()
    samples = 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)
    soundfile.write(out, samples.astype(np.float32), rate, format="WAV", subtype="PCM_16")
    return out.getvalue()


def test_a_clip_takes_no_more_memory_for_an_odd_rate():
    import tracemalloc

    from curate.report.previews.audio import clip

    tracemalloc.start()
    uri = clip(np.zeros(100_000, np.float32), 9_999_991)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert uri.startswith("data:audio/mpeg")
    assert peak < 200e6


def test_short_sound_is_a_wav_and_long_sound_a_short_mp3(make_table):
    import soundfile

    column = media({"bytes": sine(0.5, 8000)}, {"bytes": sine(20, 44_100)})
    table = make_table({"audio": column}, Task(kind="unlabeled", audio="audio"))
    short, long = one(table), one(table, 1)
    assert short.uri.startswith("data:audio/wav")
    assert (short.seconds, short.shown_seconds, short.rate) == (0.5, 0.5, 8000)
    assert short.peak_db == pytest.approx(-6.02, abs=0.05)
    assert long.uri.startswith("data:audio/mpeg")
    assert len(long.uri) < 150_000
    assert (long.seconds, long.shown_seconds) == (20.0, 8.0)
    samples, rate = soundfile.read(BytesIO(base64.b64decode(long.uri.partition(",")[2])))
    assert rate == 16_000
    assert len(samples) / rate == pytest.approx(8.0, abs=0.2)
    assert one(table, 1, budget=100).uri is None


def test_video_is_a_strip_of_frames(make_table, shared_data):
    clip = next((shared_data / "video_scenes").rglob("*.mp4"))
    table = make_table({"video": media({"path": clip.name})}, Task(kind="unlabeled", video="video"), root=clip.parent)
    shown = one(table)
    assert shown.kind == "video"
    assert len(shown.frames) == 6
    assert decoded(shown.frames[0].uri)[1].width == 128


def test_record_puts_named_columns_first():
    values = {f"c{i}": float(i) for i in range(20)} | {"age": None}
    shown = record_preview(values, "the age is missing and c19 lies far off")
    assert [(cell.name, cell.value, cell.marked) for cell in shown.cells[:3]] == [
        ("c19", "19", True),
        ("age", "–", True),
        ("c0", "0", False),
    ]
    assert (len(shown.cells), shown.hidden) == (12, 9)
    assert not mentions("c190 is odd", "c19")
    assert record_preview({"a": None}, "").kind == "broken"


def test_of_a_record_that_differs_in_hundreds_of_columns_some_are_shown():
    values = {f"c{i}": float(i) for i in range(500)}
    shown = record_preview(values, "c499 is odd", dict.fromkeys(values, -1.0))
    assert (len(shown.cells), shown.hidden) == (MOST_MARKED, 500 - MOST_MARKED)
    assert len(record_preview(values, "", {**values, "c7": -1.0}).cells) == 12


def test_only_columns_whose_name_stands_in_the_reason_are_looked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(re, "search", lambda pattern, text: asked.append(pattern))
    record_preview({f"c{i}": 1.0 for i in range(3_000)}, "column c2999 is odd")
    assert len(asked) == 4  # c2, c29, c299, c2999


def test_series_scales_gaps_and_kinds():
    shown = series_preview([[0.0, 1.0, float("nan"), 3.0], [1.0, 1.0, 1.0, 1.0]])
    assert (shown.channels, shown.length, shown.gaps, shown.low, shown.high) == (2, 4, 1, 0.0, 3.0)
    assert shown.paths[0] == "M2.0 38.0L67.3 26.0M198.0 2.0"
    assert series_preview(None).kind == "broken"
    assert series_preview([]).kind == "broken"
    assert series_preview(["a"]).kind == "broken"
    assert series_preview([float("nan")]).paths == ("",)


def test_a_long_line_keeps_its_spike():
    values = np.zeros(100_000)
    values[54_321] = 1.0
    path = line_path(values, 0.0, 1.0)
    assert len(path) < 6000
    assert path.count(" 2.0") == 1


def test_envelope_of_silence_and_of_nothing():
    assert envelope_path(np.zeros(3, np.float32)).count("M") == 100
    assert envelope_path(np.empty(0, np.float32)) == ""


def test_long_text_is_cut_at_a_word():
    shown = text_preview("word " * 2000)
    [start] = shown.start
    assert start.text.endswith("word")
    assert len(start.text) <= 320
    assert shown.cut == 6000
    assert text_preview("short").rest == ()
    assert text_preview(None).kind == "broken"


def marked(shown):
    return [piece.text for piece in (*shown.start, *shown.rest) if piece.marked]


def test_characters_that_the_reason_names_are_marked():
    assert marked(text_preview("write to a@b.com now", "1 address; characters 9-16: “a•••”")) == ["a@•.com"]
    assert marked(text_preview("abc", "characters 1-99")) == ["bc"]
    assert marked(text_preview("abc", "characters 7-9")) == []


def test_a_long_text_begins_near_the_first_mark():
    text = "word " * 500 + "SECRET" + " word" * 500
    shown = text_preview(text, "characters 2500-2506")
    assert marked(shown) == ["SECRET"]
    assert 2350 < shown.before < 2500
    assert sum(len(piece.text) for piece in (*shown.start, *shown.rest)) == len(text) - shown.before - shown.cut


def test_words_that_differ_from_the_row_beside_are_marked():
    assert marked(text_preview("the cat sat on a mat", "", "the dog sat on a mat")) == ["cat"]
    assert marked(text_preview("same", "", "same")) == []


def test_cells_that_differ_show_both_values():
    shown = record_preview({"name": "jon", "age": 3, "city": "x"}, "", {"name": "john", "age": 3, "city": "x"})
    assert [(cell.name, cell.value, cell.other, cell.marked) for cell in shown.cells] == [
        ("name", "jon", "john", True),
        ("age", "3", None, False),
        ("city", "x", None, False),
    ]


def test_windows_of_series_and_sounds_are_marked(make_table):
    shown = series_preview([0.0] * 101, "values 50-61 of 101")
    [(left, width)] = shown.marks
    assert (left, width) == pytest.approx((100.0, 19.6))
    assert series_preview([0.0] * 10, "spike at place 3").marks[0][1] == 2.0
    assert seconds("silent at 0.50-1.25 s, 2 to 3 seconds") == [(0.5, 1.25), (2.0, 3.0)]


def test_a_point_of_a_long_series_is_shown_within_its_curve():
    times = np.datetime64("2024-01-01T00:00") + np.arange(500) * np.timedelta64(1, "h")
    values = np.sin(np.arange(500) / 9)
    values[250] = 9.0
    table = curate.load({"timestamp": times.astype(str).tolist(), "value": values.tolist()},
                        task=curate.Task(features=("timestamp", "value"), kind="unlabeled"))  # fmt: skip
    curve, record = previews(table, {250: "value is 9"}, Budget(0))[250]
    assert (curve.length, curve.high) == (121, 9.0)
    [(left, width)] = curve.marks
    assert left < 100 < left + width
    assert record.cells


def test_media_that_a_step_changed_are_named_by_where_they_came_from():
    value = {"bytes": b"12345", "path": None}
    table = curate.load({"audio": [value, {"bytes": b"123", "path": "b.wav"}]}, audio="audio", kind="unlabeled")
    assert list(in_words(table, np.arange(2)).values()) == ["5 bytes", "b.wav"]
    origin = pa.table([pa.array(["a.csv"] * 2).dictionary_encode(), pa.array([7, None])], schema=ORIGIN)
    assert in_words(replace(table, origin=origin), np.arange(2)) == {0: "5 bytes (a.csv, line 7)", 1: "b.wav"}


def test_contact_data_and_secrets_are_hidden_where_texts_are_shown():
    text = "write to jane.doe@example.org with password: hunter2!xQ9z, card 4111 1111 1111 1111, " + "and so on " * 60
    shown = text_preview(text, "1 e-mail address (threshold 1); characters 9-29: “j•••@•••.org”")
    whole = "".join(piece.text for piece in (*shown.start, *shown.rest))
    assert [piece.text for piece in shown.start if piece.marked] == ["j•••••••@•••••••.org"]
    assert "hunter2" not in whole
    assert "4111" not in whole
    table = curate.load({"text": [text]}, task=curate.Task(text="text", kind="unlabeled"))
    assert "jane" not in in_words(table, np.array([0]))[0]
    assert "AKIAIOSFODNN7" not in in_short("key AKIAIOSFODNN7EXAMPLE")


def test_of_many_columns_only_those_that_are_told_are_read(monkeypatch):
    names = [f"x{i}" for i in range(40)]
    table = curate.load({name: [i + 0.5, i + 1.5] for i, name in enumerate(names)}, features=names)
    asked, rows = [], type(table).rows
    monkeypatch.setattr(type(table), "rows", lambda self, at, columns: asked.extend(columns) or rows(self, at, columns))
    told = ", ".join(f"x{i}={i + 1.5:g}" for i in range(12))
    assert in_words(table, np.array([1])) == {1: f"{told} and 28 more"}
    assert asked == names[:12]
