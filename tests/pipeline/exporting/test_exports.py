"""Exports: every kept row, with its curated label, soft label and weight, as the tools of others read it."""

import gc
import io
import json
import tarfile

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from PIL import Image

import curate
from curate.errors import ConfigError, DataError

STEPS = curate.steps


@pytest.fixture
def pictures(tmp_path):
    """A folder of 24 PNG files in two classes with awkward names, one broken, a third of them held out."""
    rng = np.random.default_rng(0)
    data = tmp_path / "data"
    for split, count in (("train", 8), ("test", 4)):
        for name in ("a cat", "dog"):
            folder = data / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 255, (12, 10, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"p{number}.png")
    (data / "train" / "dog" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    return data


@pytest.fixture
def curated(pictures):
    """The pictures with one repeat per rare class and smoothed labels."""
    steps = [STEPS.ClassWeights(), STEPS.SmoothLabels(epsilon=0.1), STEPS.Oversample(to=12)]
    return curate.Pipeline(steps).run(curate.load(pictures), cache=False)


@pytest.fixture
def texts():
    """Eight texts in two classes with a label to relabel, a number that is none, and a date."""
    import datetime

    rows = {
        "text": [f"text {n} — «ü»" for n in range(8)],
        "label": ["x", "y"] * 4,
        "size": [1.5, float("nan"), 2, 3, 4, 5, 6, 7],
        "day": [datetime.date(2026, 1, n + 1) for n in range(8)],
        "weight": list(range(8)),
    }
    table = curate.load(rows, task=curate.Task(text="text", label="label"))
    return curate.Pipeline([STEPS.SmoothLabels(epsilon=0.2)]).run(table, cache=False)


def test_parquet_holds_every_kept_row_with_its_content(curated, pictures, tmp_path):
    written = curated.to_parquet(tmp_path / "out")
    assert written.rows == {"test": 8, "train": 16}
    rows = pq.read_table(tmp_path / "out" / "train-00000-of-00001.parquet").to_pylist()
    first = next(row for row in rows if row["image"]["path"] == "p3.png" and row["label"] == "dog")
    assert first["image"]["bytes"] == (pictures / "train" / "dog" / "p3.png").read_bytes()
    assert first["given_label"] == "dog"
    assert sum(first["soft_label"]) == pytest.approx(1)
    assert sum(row["draws"] for row in rows) == 24
    manifest = json.loads((tmp_path / "out" / "export.json").read_text())
    assert manifest["rows"] == written.rows
    assert any("more than once" in note for note in manifest["notes"])


def test_repeated_lines_are_the_draws_of_an_epoch(curated, tmp_path):
    written = curated.to_parquet(tmp_path / "out", split="train", repeated=True)
    assert written.rows == {"train": 24}
    rows = pq.read_table(tmp_path / "out" / "train-00000-of-00001.parquet")
    ids = pc.value_counts(rows["row_id"]).field("counts").to_pylist()
    planned = curated.plan.filter(pc.equal(curated.plan["split"].cast("string"), "train"))
    assert sorted(ids) == sorted(pc.value_counts(planned["row_id"]).field("counts").to_pylist())


def test_files_are_closed_at_their_size_and_lose_nothing(curated, tmp_path):
    import curate.pipeline.exporting.reading as reading

    before, reading.BLOCK_BYTES = reading.BLOCK_BYTES, 500
    try:
        written = curated.to_parquet(tmp_path / "out", max_bytes=1)
    finally:
        reading.BLOCK_BYTES = before
    files = sorted((tmp_path / "out").glob("train-*.parquet"))
    assert len(files) > 4
    assert files[-1].name == f"train-{len(files) - 1:05d}-of-{len(files):05d}.parquet"
    ids = [row_id for file in files for row_id in pq.read_table(file)["row_id"].to_pylist()]
    assert len(ids) == len(set(ids)) == written.rows["train"] == 16


def test_datasets_reads_the_hub_folder(curated, tmp_path):
    import datasets

    curated.to_huggingface(tmp_path / "hub")
    read = datasets.load_dataset(str(tmp_path / "hub"), cache_dir=str(tmp_path / "cache"))
    assert {name: split.num_rows for name, split in read.items()} == {"train": 16, "test": 8}
    assert read["train"].features["label"].names == ["a cat", "dog"]
    assert read["train"][0]["image"].size == (10, 12)
    card = (tmp_path / "hub" / "README.md").read_text()
    assert "soft\\_label" in card
    assert "oversample" in card
    memory = curated.to_huggingface()
    assert memory["test"]["row_id"] == read["test"]["row_id"]
    assert memory["train"].features == read["train"].features


def test_datasets_reads_what_was_exported_last(tmp_path):
    """Its cache takes folders of one name for the same where their cards name the same files."""
    import datasets

    def exported(text):
        table = curate.load({"text": [text, "b"], "label": ["x", "y"]}, text="text", label="label")
        curate.Pipeline([]).run(table, cache=None).to_huggingface(tmp_path / "hub")
        return datasets.load_dataset(str(tmp_path / "hub"), cache_dir=str(tmp_path / "cache"))["train"]["text"][0]

    assert exported("a") == "a"
    assert exported("c") == "c"
    card = (tmp_path / "hub" / "README.md").read_text()
    assert exported("c") == "c"
    assert (tmp_path / "hub" / "README.md").read_text() == card


def test_the_same_result_gives_the_same_tar(curated, tmp_path):
    curated.to_webdataset(tmp_path / "one", max_rows=5)
    curated.to_webdataset(tmp_path / "two", max_rows=5)
    names = sorted(path.name for path in (tmp_path / "one").glob("*.tar"))
    assert names == [*(f"test-{n:06d}.tar" for n in range(2)), *(f"train-{n:06d}.tar" for n in range(4))]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_row_of_a_tar_stands_under_one_key(curated, tmp_path):
    curated.to_webdataset(tmp_path / "out")
    with tarfile.open(tmp_path / "out" / "train-000000.tar") as tar:
        members = tar.getmembers()
        assert [m.name.split(".", 1)[1] for m in members[:3]] == ["png", "cls", "json"]
        contents = {m.name: tar.extractfile(m).read() for m in members}
    assert len(contents) == 16 * 3
    classes = [int(data) for name, data in contents.items() if name.endswith(".cls")]
    assert sorted(classes) == [0] * 8 + [1] * 8
    assert classes != sorted(classes)
    said = json.loads(contents["000000000.json"])
    assert said["label"] == curated.label_names[int(contents["000000000.cls"])]
    assert Image.open(io.BytesIO(contents["000000000.png"])).size == (10, 12)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # webdataset leaves files open
def test_webdataset_reads_it(curated, tmp_path):
    webdataset = pytest.importorskip("webdataset", reason="webdataset is not installed")
    curated.to_webdataset(tmp_path / "out")
    read = webdataset.WebDataset(str(tmp_path / "out" / "train-000000.tar"), shardshuffle=False).decode("rgb8")
    rows = list(read.to_tuple("png", "cls", "json"))
    del read
    gc.collect()
    assert len(rows) == 16
    assert rows[0][0].shape == (12, 10, 3)


def test_folders_of_files(curated, pictures, tmp_path):
    import datasets

    written = curated.to_imagefolder(tmp_path / "out", split="train", repeated=True)
    assert written.rows == {"train": 24}
    assert sorted(p.name for p in (tmp_path / "out" / "train").iterdir()) == ["a cat", "dog", "metadata.jsonl"]
    assert len(list((tmp_path / "out" / "train" / "dog").iterdir())) == 12
    read = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert read["train"].num_rows == 24
    assert set(read["train"]["label"]) == {"a cat", "dog"}
    assert read["train"][0]["image"].size == (10, 12)


def test_croissant_is_read_row_by_row(curated, tmp_path, monkeypatch):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of mlcroissant's own imports
        mlcroissant = pytest.importorskip("mlcroissant")
    curated.to_croissant(tmp_path / "out")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = mlcroissant.Dataset(jsonld=str(tmp_path / "out" / "croissant.json"))
        assert not read.metadata.ctx.issues.errors
        rows = list(read.records("rows"))
    assert len(rows) == 24
    assert {row["rows/split"] for row in rows} == {b"train", b"test"}
    assert {row["rows/label"] for row in rows} == {b"a cat", b"dog"}


@pytest.mark.filterwarnings("ignore")  # of mlcroissant's own imports
def test_croissant_of_boxes_and_of_series(tmp_path):
    mlcroissant = pytest.importorskip("mlcroissant")
    from curate.media.image import encode_png

    pixels = encode_png(np.zeros((20, 30, 3), np.uint8))
    columns = {
        "image": [{"bytes": pixels, "path": f"{i}.png"} for i in range(3)],
        "boxes": [[{"box": [1.0, 2.0, 5.0, 6.0], "label": "cat"}] * i for i in range(3)],
        "waves": [[[0.0, 1.5], [2.0, 3.0]]] * 3,
        "seen": [{"by whom": "Ann", "times": 2}] * 3,
    }
    task = curate.Task(kind="detection", image="image", boxes="boxes", box_format="xyxy")
    curate.Pipeline([]).run(curate.load(columns, task=task), cache=None).to_croissant(tmp_path / "out")
    read = mlcroissant.Dataset(jsonld=str(tmp_path / "out" / "croissant.json"))
    assert not read.metadata.ctx.issues.errors
    rows = list(read.records("rows"))
    box = {"rows/boxes/box": [1.0, 2.0, 5.0, 6.0], "rows/boxes/label": b"cat"}
    assert [row["rows/boxes"] for row in rows] == [[box] * i for i in range(3)]
    assert rows[0]["rows/seen"] == {"rows/seen/by_whom": b"Ann", "rows/seen/times": 2}
    assert rows[0]["rows/waves"] == [[0.0, 1.5], [2.0, 3.0]]
    assert rows[0]["rows/image"].size == (30, 20)


def test_what_json_cannot_say_is_written_as_null_or_text(texts, tmp_path):
    texts.to_webdataset(tmp_path / "out", shuffled=False)
    with tarfile.open(tmp_path / "out" / "train-000000.tar") as tar:
        said = json.loads(tar.extractfile("000000001.json").read())
        assert tar.extractfile("000000001.txt").read().decode() == "text 1 — «ü»"
    assert said["size"] is None
    assert said["day"] == "2026-01-02"
    assert said["weight"] == 1
    assert said["curated_weight"] == 1.0


def test_texts_are_no_folder_of_files(texts, tmp_path):
    with pytest.raises(ConfigError, match="needs images, recordings or videos, and this set has text"):
        texts.to_imagefolder(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_that_vanished_stops_or_is_named(curated, pictures, tmp_path):
    (pictures / "train" / "dog" / "p2.png").unlink()
    with pytest.raises(DataError, match=r"row \w+ can't be exported: .*p2.png' does not exist"):
        curated.to_parquet(tmp_path / "out")
    assert not (tmp_path / "out").exists()
    written = curated.to_parquet(tmp_path / "out", on_error="skip")
    assert written.rows["train"] == 15
    assert len(written.skipped) == 1
    assert "p2.png" in json.loads((tmp_path / "out" / "export.json").read_text())["skipped"].popitem()[1]


@pytest.mark.parametrize("form", ["parquet", "huggingface", "webdataset", "imagefolder", "croissant"])
def test_a_file_that_holds_something_else_by_now_stops_or_is_named(curated, pictures, tmp_path, form):
    Image.new("RGB", (12, 10)).save(pictures / "train" / "dog" / "p2.png")
    with pytest.raises(DataError, match=r"row \w+ can't be exported: .*p2.png' has changed since the data were read"):
        curated.export(tmp_path / "out", form)
    assert not (tmp_path / "out").exists()
    written = curated.export(tmp_path / "out", form, on_error="skip")
    assert written.rows["train"] == 15
    assert len(written.skipped) == 1


def test_only_an_export_is_replaced(texts, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    with pytest.raises(ConfigError, match="not empty"):
        texts.to_parquet(tmp_path / "mine")
    texts.to_parquet(tmp_path / "out")
    texts.to_webdataset(tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["export.json", "train-000000.tar"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "tran"}, "no split 'tran'.*train"),
        ({"on_error": "ignore"}, "on_error must be"),
        ({"max_bytes": 0}, "max_bytes must be"),
        ({"repeat": True}, "unknown option 'repeat'"),
    ],
)
def test_wrong_options_are_refused(texts, tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        texts.to_parquet(tmp_path / "out", **options)


def test_names_of_classes_cannot_leave_their_folder():
    from curate.pipeline.exporting.files import folders, safe

    assert safe("../../etc/passwd") == "_.._etc_passwd"
    assert safe("con.txt") == "_con.txt"
    assert safe("  ") == "_"
    assert len(safe("ü" * 500).encode()) <= 120
    assert list(folders(("Cat", "cat", "c/t", "c:t")).values()) == ["Cat", "cat_2", "c_t", "c_t_2"]


@pytest.mark.parametrize("form", ["parquet", "webdataset", "huggingface"])
def test_names_of_splits_stay_in_the_folder_and_apart(tmp_path, form):
    splits = ["train"] * 6 + ["../../out"] * 2 + ["x/y"] * 3 + ["x:y"] * 4
    rows = {"text": [f"row {i}" for i in range(15)], "label": ["a", "b", "a"] * 5, "split": splits}
    table = curate.load(rows, task=curate.Task(text="text", label="label", split="split", kind="classification"))
    out = tmp_path / "deep" / "er" / "out"
    out.parent.mkdir(parents=True)
    curate.Pipeline([]).run(table, cache=None).export(out, form)
    files = [path for path in tmp_path.rglob("*") if path.suffix in (".parquet", ".tar")]
    assert len(files) == 4
    assert all(out in path.parents for path in files)


def test_an_export_can_be_curated_and_exported_again_and_again(texts, tmp_path):
    def again(number, curated):
        written = curated.to_parquet(tmp_path / str(number))
        table = curate.load(written.folder / "train-00000-of-00001.parquet", text="text", label="label")
        return table, curate.Pipeline([STEPS.SmoothLabels(epsilon=0.2)]).run(table, cache=False)

    first, curated = again(0, texts)
    second, curated = again(1, curated)
    third, _ = again(2, curated)
    assert len(first) == len(second) == len(third) == 8
    assert {"weight", "curated_weight", "curated_curated_weight"} <= set(third.dataset.column_names)
    # What the data had is what they have.
    for table in (first, second, third):
        assert table.dataset["weight"][:] == list(range(8))
        assert table.dataset["curated_weight"][:] == [1.0] * 8


def test_files_keep_their_names_behind_a_number(curated, tmp_path):
    curated.to_imagefolder(tmp_path / "out", split="test")
    names = sorted(path.name for path in (tmp_path / "out" / "test").rglob("*.png"))
    assert [name[:7] for name in names] == [f"{number:07d}" for number in range(8)]
    assert sorted(name[8:] for name in names) == sorted([f"p{number}.png" for number in range(4)] * 2)
