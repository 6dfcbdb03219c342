"""Parts of files on their way through results, exports, comparisons and other machines."""

import numpy as np
import pytest
import soundfile

import curate
from curate.evidence.decoding import Chunk
from curate.evidence.parcels import parcels
from curate.evidence.settings import EvidenceSettings
from curate.media import audio
from curate.media.payload import read_bytes
from curate.pipeline.comparison.joint import joined
from curate.pipeline.exporting.reading import content, size

RATE = 8_000
STARTS, ENDS = [0.0, 1.5, 2.25, 4.0, 6.0, 7.5], [1.0, 2.5, 4.0, 6.0, 7.5, 10.0]


def listed(folder, name="rows.csv", starts=STARTS, ends=ENDS):
    """Two sounds of 10 s and a list of parts of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for one, sign in (("a", 1), ("b", -1)):
        soundfile.write(folder / f"{one}.wav", sign * np.arange(10 * RATE) / RATE / 16, RATE, subtype="FLOAT")
    lines = [f"{'ab'[k % 2]}.wav,{s},{e},{'xy'[k % 2]}" for k, (s, e) in enumerate(zip(starts, ends))]
    (folder / name).write_text("\n".join(["path,start,end,label", *lines]) + "\n")
    return folder / name


def paths(table):
    return [value["path"] for value in table.column("path").to_pylist()]


def seconds(table):
    return [audio.decode(read_bytes(value, table.root)).seconds for value in table.column(table.task.audio).to_pylist()]


LONG = [e - s for s, e in zip(STARTS, ENDS)]


@pytest.fixture
def curated(tmp_path):
    """The result of a run, opened."""
    steps = [curate.steps.ExactDuplicates(), curate.steps.ClassWeights()]
    curate.Pipeline(steps=steps).run(curate.load(listed(tmp_path / "set")), out=tmp_path / "out")
    return curate.open(tmp_path / "out")


def test_batches_hold_the_parts(curated):
    batch = next(iter(curated.loader(batch_size=6)))
    assert sorted(batch["attention_mask"].sum(1).tolist()) == sorted(round(s * RATE) for s in LONG)


def test_new_rows_are_parts_too(curated, tmp_path):
    new = curated.transform(listed(tmp_path / "set", "new.csv", [3.0], [4.0]))
    assert paths(new) == ["a.wav#t=3,4"]


@pytest.mark.parametrize("form", ["imagefolder", "huggingface", "webdataset", "parquet"])
def test_exports_hold_the_parts_as_files_that_are_not_cut_again(curated, tmp_path, form):
    getattr(curated, f"to_{form}")(tmp_path / form)
    again = curate.load(tmp_path / form)
    assert sorted(seconds(again)) == sorted(LONG)
    if form == "imagefolder":
        names = sorted(path.name for path in (tmp_path / form).rglob("*.wav"))
        assert names[:2] == ["0000000_a_0-1.wav", "0000001_b_1.5-2.5.wav"]


def test_the_size_of_a_part_is_not_that_of_its_file(tmp_path):
    table = curate.load(listed(tmp_path / "set"))
    for value in table.column("path").to_pylist():
        data, name = content(value, table.root)
        assert size(value, table.root) == (len(data), (b"", name))


def test_content_that_transforms_change_is_that_of_the_parts(tmp_path):
    table = curate.load(listed(tmp_path / "set"))
    result = curate.Pipeline(steps=[curate.steps.ResampleAudio(rate=16_000)]).run(table)
    assert seconds(result.table) == pytest.approx(LONG)


def test_a_result_that_is_moved_finds_the_files_of_its_parts(tmp_path):
    table = curate.load(listed(tmp_path / "here" / "set"))
    curate.Pipeline(steps=[curate.steps.ClassWeights()]).run(table, out=tmp_path / "here" / "out")
    (tmp_path / "here").rename(tmp_path / "there")
    opened = curate.open(tmp_path / "there" / "out")
    assert opened.table.root == (tmp_path / "there" / "set").resolve()
    assert seconds(opened.table) == LONG


def test_a_result_that_is_moved_alone_finds_them_where_they_were(tmp_path):
    table = curate.load(listed(tmp_path / "deep" / "set"))
    curate.Pipeline(steps=[curate.steps.ClassWeights()]).run(table, out=tmp_path / "deep" / "set" / "r" / "out")
    (tmp_path / "other" / "r").mkdir(parents=True)
    (tmp_path / "deep" / "set" / "r" / "out").rename(tmp_path / "other" / "r" / "out")
    assert seconds(curate.open(tmp_path / "other" / "r" / "out").table) == LONG


def test_rows_of_two_folders_are_joined_by_their_parts(tmp_path):
    one, two = curate.load(listed(tmp_path / "one")), curate.load(listed(tmp_path / "two"))
    whole = joined(one, two)
    assert paths(whole)[1] == "one/b.wav#t=1.5,2.5"
    assert paths(whole)[-1] == "two/b.wav#t=7.5,10"
    assert seconds(whole) == LONG * 2


def test_parts_that_travel_are_cut_once(tmp_path):
    table = curate.load(listed(tmp_path / "set"))
    chunk = Chunk(np.arange(6), table.dataset.select_columns(["path"]).with_format("arrow"))
    (parcel,) = parcels([chunk], table, "audio", [0], EvidenceSettings())
    (sent,) = parcel.carried()
    values = sent.chunk.read().column(0).to_pylist()
    assert [value["path"] for value in values][1] == "b_1.5-2.5.wav"
    assert [audio.decode(read_bytes(value, None)).seconds for value in values] == LONG


def test_endings_of_the_files_say_nothing_of_their_parts(tmp_path, brightening):
    brightening(tmp_path / "a.mkv")
    rows = {"video": ["a.mkv"] * 4, "start": [0.0, 0.5, 1.0, 2.0], "end": [0.5, 1.0, 2.0, 3.0], "label": ["x", "y"] * 2}
    report = curate.audit(curate.load(rows, root=tmp_path), checks=["video_quality", "unreadable"], cache=False)
    assert report.summary["video_quality"]["wrong_ending"]["issues"] == 0
    assert report.summary["unreadable"]["unreadable"]["issues"] == 0
