"""Shards that other machines write have the bytes of those written here; a stand-in for Ray."""

import io
import json

import numpy as np
import pytest
from fake_ray import FakeRay, NodeDiedError
from PIL import Image

import curate
from curate.engines.engine import using
from curate.engines.ray_engine import RayEngine
from curate.errors import ConfigError, DataError, StorageError
from curate.pipeline.exporting import elsewhere, reading, weighing
from curate.pipeline.exporting.elsewhere import Writing
from curate.pipeline.exporting.stretch import Stretch
from curate.pipeline.exporting.weighing import Weighing

STEPS = curate.steps


def pictured(folder):
    """A result over forty pictures in two classes, a quarter held out."""
    rng = np.random.default_rng(0)
    for number in range(40):
        own = folder / ("test" if number % 4 == 3 else "train") / f"class {number % 2}"
        own.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (12, 10 + number, 3)).astype(np.uint8)).save(own / f"{number:02}.png")
    steps = [STEPS.ClassWeights(), STEPS.SmoothLabels(epsilon=0.1), STEPS.Oversample(to=20)]
    return curate.Pipeline(steps).run(curate.load(folder), cache=False)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return pictured(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Texts with an awkward number: in memory, and opened again from their file."""
    rows = {
        "text": [f"text {n} — «ü»" * (1 + n % 7) for n in range(150)],
        "label": ["x", "y", None] * 50,
        "size": [float(n) if n % 9 else float("nan") for n in range(150)],
    }
    table = curate.load(rows, task=curate.Task(text="text", label="label"))
    curated = curate.Pipeline([STEPS.SmoothLabels(epsilon=0.2)]).run(table, cache=False)
    return curated, curate.open(curated.save(tmp_path_factory.mktemp("texts") / "result").folder)


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def same(curated, form, tmp_path, ray=None, **options):
    """Write here and there; what the folders hold, which is equal."""
    here = curated.export(tmp_path / "here", form, **options)
    ray = ray or FakeRay()
    with using(RayEngine(ray)):
        there = curated.export(tmp_path / "there", form, **options)
    found = contents(tmp_path / "here")
    assert contents(tmp_path / "there") == found
    assert (there.rows, there.skipped, there.notes) == (here.rows, here.skipped, here.notes)
    assert ray.done
    return found


@pytest.mark.parametrize("form", ["parquet", "webdataset"])
def test_a_file_that_holds_something_else_by_now_stops_it(tmp_path, form):
    curated = pictured(tmp_path / "data")
    Image.new("RGB", (14, 12)).save(tmp_path / "data" / "train" / "class 0" / "04.png")
    with using(RayEngine(FakeRay())), pytest.raises(DataError, match=r"04\.png' has changed since the data were read"):
        curated.export(tmp_path / "out", form)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [{"max_rows": 7}, {"max_bytes": 4000}, {}, {"repeated": True, "max_bytes": 9000}])
def test_tars_of_pictures(pictures, tmp_path, options):
    found = same(pictures, "webdataset", tmp_path, **options)
    assert len(found) - 1 >= (2 if not options else 5)


@pytest.mark.parametrize(("options", "block"), [({"max_bytes": 1}, 3000), ({"max_bytes": 9000}, 1500), ({}, 64 << 20)])
def test_parquet_of_pictures(pictures, tmp_path, monkeypatch, options, block):
    monkeypatch.setattr(reading, "BLOCK_BYTES", block)
    found = same(pictures, "parquet", tmp_path, **options)
    assert len(found) - 1 >= (2 if not options else 4)


@pytest.mark.parametrize("form", ["huggingface", "croissant"])
def test_forms_around_parquet(pictures, tmp_path, form):
    assert "croissant.json" in same(pictures, form, tmp_path, max_bytes=8000)


@pytest.mark.parametrize("form", ["webdataset", "parquet"])
@pytest.mark.parametrize("mapped", [False, True])
def test_texts_in_memory_and_in_a_mapped_file(texts, tmp_path, monkeypatch, form, mapped):
    monkeypatch.setattr(reading, "BLOCK_ROWS", 32)
    monkeypatch.setattr(weighing, "BLOCK_ROWS", 32)
    found = same(texts[mapped], form, tmp_path, max_bytes=3000)
    assert len(found) > 3


def test_shards_of_lost_nodes_are_written_again(pictures, tmp_path):
    ray = FakeRay(faults=[NodeDiedError(), None, NodeDiedError(), None, NodeDiedError()])
    same(pictures, "webdataset", tmp_path, ray, max_rows=5)


def test_few_shards_travel_at_once_where_rows_are_heavy(texts, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(elsewhere, "TRAVELLING_BYTES", 1)
    ray = FakeRay(cpus=8)
    same(texts[0], "parquet", tmp_path, ray, max_bytes=1)
    with using(RayEngine(ray)):
        assert elsewhere.workers_for(texts[0].table, 100) == elsewhere.workers_for(pictures.table, 100) == 1
        assert elsewhere.workers_for(texts[1].table, 100) == 0
        monkeypatch.setattr(elsewhere, "TRAVELLING_BYTES", 4 << 30)
        assert elsewhere.workers_for(texts[0].table, 100) == 0


def test_rows_whose_files_are_gone(tmp_path):
    data = tmp_path / "data"
    pictures = pictured(data)
    (data / "train" / "class 0" / "04.png").unlink()
    (data / "train" / "class 1" / "09.png").write_bytes(b"")
    with (
        using(RayEngine(FakeRay())),
        pytest.raises(DataError, match=r"row \w+ can't be exported: .*(does not|is empty)"),
    ):
        pictures.to_webdataset(tmp_path / "out")
    assert not (tmp_path / "out").exists()
    for form in ("webdataset", "parquet"):
        found = same(pictures, form, tmp_path / form, on_error="skip", max_bytes=4000)
        assert len(json.loads(found["export.json"])["skipped"]) == 2


@pytest.mark.parametrize("form", ["webdataset", "parquet"])
def test_a_split_of_which_every_file_is_gone(tmp_path, form):
    data = tmp_path / "data"
    pictures = pictured(data)
    for file in (data / "test").rglob("*.png"):
        file.unlink()
    found = same(pictures, form, tmp_path, on_error="skip")
    assert json.loads(found["export.json"])["rows"] == {"test": 0, "train": 30}


def test_rows_of_several_inputs_some_without_a_file(tmp_path):
    rng, buffers = np.random.default_rng(0), []
    for _ in range(70):
        Image.fromarray(rng.integers(0, 255, (9, 9, 3)).astype(np.uint8)).save(buffer := io.BytesIO(), "PNG")
        buffers.append({"bytes": buffer.getvalue(), "path": None})
    rows = {
        "image": [None if row % 5 == 2 else one for row, one in enumerate(buffers)],
        "text": [None if row % 7 == 3 else f"a caption {row}" for row in range(70)],
        "numbers": rng.normal(size=(70, 3)).tolist(),
        "label": ["a", "b"] * 35,
    }
    task = curate.Task(image="image", text="text", features="numbers", label="label")
    curated = curate.Pipeline([]).run(curate.load(rows, task=task), cache=False)
    for form in ("webdataset", "parquet"):
        assert len(same(curated, form, tmp_path / form, max_bytes=5000)) >= 2


def test_a_node_that_does_not_see_the_folder_is_named(pictures, tmp_path):
    def moved(value):
        if isinstance(value, Writing):
            object.__setattr__(value, "folder", tmp_path / "elsewhere")
        return value

    with using(RayEngine(FakeRay(moved=moved))), pytest.raises(StorageError, match=r"does not see .*all of them share"):
        pictures.to_webdataset(tmp_path / "out")
    assert not any(path.name.startswith(".out") or path.name == "out" for path in tmp_path.iterdir())


@pytest.mark.parametrize("form", ["webdataset", "parquet"])
def test_a_node_that_does_not_see_the_data_is_named(pictures, tmp_path, form):
    def moved(value):
        if isinstance(value, Weighing):
            object.__setattr__(value.reading, "root", tmp_path / "elsewhere")
        return value

    said = r"row \w+ can't be exported: .*does not exist on .*though it can be read here.*all nodes must have the data"
    with using(RayEngine(FakeRay(moved=moved))), pytest.raises(StorageError, match=said):
        pictures.export(tmp_path / "out", form, on_error="skip")


def test_rows_of_a_mapped_file_are_carried_where_a_node_lacks_it(texts, tmp_path):
    carried = []

    def moved(value):
        if isinstance(value, Stretch):
            if hasattr(value.rows, "stored"):
                object.__setattr__(value.rows, "size", -1)
            else:
                carried.append(value.name)
        return value

    same(texts[1], "webdataset", tmp_path, FakeRay(moved=moved), max_rows=40)
    assert len(carried) == 3 + 4  # of 64 rows each to be weighed, and the shards


def test_a_shard_that_ends_every_worker_ends_the_export(pictures, tmp_path):
    from fake_ray import WorkerCrashedError

    ray = FakeRay(faults=[WorkerCrashedError()] * 3)
    with using(RayEngine(ray)), pytest.raises(StorageError, match="could not be exported by the Ray cluster"):
        pictures.to_webdataset(tmp_path / "out")


def test_what_this_process_alone_writes(pictures, tmp_path):
    with pytest.raises(ConfigError, match="written by this process: take webdataset or parquet"):
        pictures.to_imagefolder(tmp_path / "out", engine="ray")
    with pytest.raises(ConfigError, match="name a folder"):
        pictures.to_huggingface(engine="ray")
    with pytest.raises(ConfigError, match="an address"):
        pictures.to_parquet(tmp_path / "out", address="auto")
    assert pictures.to_parquet(tmp_path / "out", engine="local").rows
