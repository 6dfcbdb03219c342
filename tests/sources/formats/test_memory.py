"""Data in memory: dicts, DataFrames, Arrow tables and data sets of the `datasets` library. Media are never decoded."""

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import curate
from curate.errors import ConfigError, DataError
from curate.sources.columns import media_columns

TEXTS = [f"text number {i}" for i in range(6)]
LABELS = ["a", "b"] * 3


def test_dict_of_columns():
    table = curate.load({"text": TEXTS, "label": np.array([0, 1] * 3)})
    assert (len(table), table.task.text, table.task.label_names) == (6, "text", ("0", "1"))
    assert table.labels.codes.tolist() == [0, 1] * 3
    assert table.root is None


@pytest.mark.parametrize("shape", [(4, 9, 7), (4, 9, 7, 1), (4, 9, 7, 3), (4, 9, 7, 4)])
def test_pixels_are_kept_as_png_without_loss(shape):
    import io

    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    table = curate.load({"image": pixels, "label": ["a", "b"] * 2})
    assert table.task.image == "image"
    back = [np.asarray(Image.open(io.BytesIO(v["bytes"]))) for v in table.column("image").to_pylist()]
    np.testing.assert_array_equal(np.stack(back).reshape(shape), pixels)


def test_vectors_are_float32_of_one_length_and_others_are_unreadable():
    vectors = [[1.0, 2.0], [3.0, 4.0], [5.0], None, [6.0, 7.0], [8.0, 9.0]]
    table = curate.load({"features": vectors, "label": LABELS})
    assert table.column("features").type.list_size == 2
    assert str(table.column("features").type.value_type) == "float"
    assert table.unreadable.tolist() == [False, False, True, False, False, False]
    assert "1 number, where most rows have 2" in table.problems["reason"][0].as_py()


def test_series_keep_their_shapes():
    values = np.random.default_rng(0).normal(size=(6, 2, 5)).astype(np.float32)
    column = curate.load({"series": values, "label": LABELS}).column("series")
    np.testing.assert_array_equal(np.array(column.to_pylist(), np.float32), values)
    loose = [np.arange(n, dtype=np.float32) for n in (3, 4, 5, 6, 7, 8)]
    assert curate.load({"series": loose, "label": LABELS}).task.series == "series"


def test_wrong_dicts_are_one_error():
    with pytest.raises(DataError, match="'a' has 2, 'b' has 3 rows"):
        curate.load({"a": [1, 2], "b": [1, 2, 3]})
    for wrong in ({}, {"a": []}, {"a": "text"}, {"a": 3}):
        with pytest.raises((DataError, ConfigError)):
            curate.load(wrong)
    with pytest.raises(ConfigError, match="can't be read"):
        curate.load(3)


def test_data_frame():
    frame = pd.DataFrame({"text": TEXTS, "label": pd.Categorical(LABELS), "n": [1.0, None] * 3}, index=range(5, 11))
    table = curate.load(frame)
    assert (table.task.text, table.task.label, table.task.label_names) == ("text", "label", ("a", "b"))
    assert table.dataset["n"][:] == [1.0, None] * 3
    assert len(curate.load(frame[frame.label == "a"])) == 3
    mixed = pd.DataFrame({"text": TEXTS, "label": [1, "1", 1.0, 2, "2", None]})
    assert curate.load(mixed).dataset["label"][:] == ["1", "1", "1", "2", "2", None]
    with pytest.raises(DataError, match="several columns 'a'"):
        curate.load(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_arrow_table_list_of_dicts_and_tensor():
    import torch

    assert len(curate.load(pa.table({"text": TEXTS, "label": LABELS}))) == 6
    assert len(curate.load([{"text": t, "label": label} for t, label in zip(TEXTS, LABELS)])) == 6
    assert curate.load({"features": torch.zeros(6, 3), "label": LABELS}).task.features == "features"


def test_a_table_is_given_back_as_it_is():
    table = curate.load({"text": TEXTS, "label": LABELS})
    assert curate.load(table) is table
    with pytest.raises(ConfigError, match="task of its own"):
        curate.load(table, label="text")


def test_class_labels_keep_their_order_and_missing_ones_are_null():
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["z", "a", "m"])}
    )
    data = datasets.Dataset.from_dict({"text": TEXTS, "label": [0, 1, 2, -1, None, 0]}, features=features)
    table = curate.load(data)
    assert table.task.label_names == ("z", "a", "m")
    assert table.dataset["label"][:] == ["z", "a", "m", None, None, "z"]
    assert table.labels.codes.tolist() == [0, 1, 2, -1, -1, 0]
    picked = curate.load(data.select([2, 0, 1]))
    assert picked.dataset["label"][:] == ["m", "z", "a"]


def test_lists_of_class_labels_are_multilabel():
    features = datasets.Features(
        {"text": datasets.Value("string"), "tags": datasets.List(datasets.ClassLabel(names=["z", "a"]))}
    )
    data = datasets.Dataset.from_dict({"text": TEXTS, "tags": [[0], [0, 1], [], None, [1], [1]]}, features=features)
    table = curate.load(data)
    assert (table.task.kind, table.task.label, table.task.label_names) == ("multilabel", "tags", ("z", "a"))
    assert table.labels.sets.sum(0).tolist() == [2, 3]


@pytest.mark.parametrize("kind", ["Image", "Audio", "Video"])
def test_media_features_are_never_decoded(kind):
    data = datasets.Dataset.from_dict(
        {"m": [{"bytes": b"no real media %d" % i, "path": None} for i in range(6)], "label": LABELS}
    )
    data = data.cast_column("m", getattr(datasets, kind)(decode=False))
    for decode in (False, True):
        features = data.features.copy()
        features["m"] = getattr(datasets, kind)(decode=decode)
        table = curate.load(datasets.Dataset(data.data, info=datasets.DatasetInfo(features=features)))
        assert getattr(table.task, kind.lower()) == "m"
        assert table.dataset.features["m"] == getattr(datasets, kind)(decode=False)
        assert table.dataset[3]["m"]["bytes"] == b"no real media 3"
        whole = datasets.Dataset(data.data, info=datasets.DatasetInfo(features=features))
        assert curate.load(whole.select([4, 2])).dataset[0]["m"]["bytes"] == b"no real media 4"


def test_dataset_dict_saved_and_in_memory(tmp_path):
    part = datasets.Dataset.from_dict({"text": TEXTS, "label": LABELS})
    both = datasets.DatasetDict({"train": part, "dev": part.select([0, 1])})
    both.save_to_disk(tmp_path / "both")
    part.save_to_disk(tmp_path / "part")
    for source in (both, tmp_path / "both"):
        table = curate.load(source)
        assert table.splits.tolist() == ["train"] * 6 + ["validation"] * 2
    assert len(curate.load(tmp_path / "part")) == 6
    (tmp_path / "part" / "state.json").write_text("{")
    with pytest.raises(DataError, match="save_to_disk"):
        curate.load(tmp_path / "part")


def test_streams_are_refused():
    data = datasets.Dataset.from_dict({"text": TEXTS}).to_iterable_dataset()
    with pytest.raises(ConfigError, match="stream"):
        curate.load(data)


def test_the_hub_out_of_reach_is_one_sentence(monkeypatch):
    def offline(*arguments, **options):
        raise ConnectionError("Couldn't reach 'some/set' on the Hub (LocalEntryNotFoundError)\nmore lines")

    monkeypatch.setattr(datasets, "load_dataset", offline)
    for name in ("hf://some/set", "some/set"):
        with pytest.raises(DataError, match="'some/set' is no file or folder here, and can't be loaded") as error:
            curate.load(name)
        assert "\n" not in str(error.value)


def test_a_set_of_the_hub_is_read(monkeypatch):
    asked = []

    def answer(name, config, revision):
        asked.append((name, config, revision))
        return datasets.DatasetDict({"train": datasets.Dataset.from_dict({"text": TEXTS, "label": LABELS})})

    monkeypatch.setattr(datasets, "load_dataset", answer)
    table = curate.load("hf://some/set", config="en", revision="abc")
    assert (len(table), asked, table.source) == (6, [("some/set", "en", "abc")], "hf://some/set")


def test_a_slip_in_a_local_path_is_no_hub_name(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="no such file or folder"):
        curate.load("data/trian")


def test_paths_in_memory_are_confined_to_the_root(tmp_path, monkeypatch):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"x" + name.encode())
    columns = {"image": [str(tmp_path / "a.png"), str(tmp_path / "b.png"), "gone.png"], "label": ["x", "y", "x"]}
    table = curate.load(columns, root=tmp_path)
    assert table.unreadable.tolist() == [False, False, True]
    monkeypatch.chdir("/")
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path / "else")
    with pytest.raises(DataError, match="pass root="):
        curate.load(columns)


def test_columns_of_every_type_are_held_and_hashed():
    import datetime
    import decimal

    day = datetime.datetime(2020, 1, 2, 3, 4, 5)
    values = {
        "stamp": pa.array([day, None]),
        "day": pa.array([day.date(), None]),
        "time": pa.array([day.time(), None]),
        "span": pa.array([datetime.timedelta(seconds=3), None]),
        "money": pa.array([decimal.Decimal("1.50"), None]),
        "flag": pa.array([True, None]),
        "small": pa.array([1.5, None], pa.float16()),
        "large": pa.array([2**64 - 1, None], pa.uint64()),
        "view": pa.array(["a", None], pa.string_view()),
        "code": pa.array(["a", None]).dictionary_encode(),
        "nothing": pa.nulls(2),
    }
    table = curate.load(pa.table(values))
    assert table.task.features == tuple(values)
    assert len(set(map(tuple, table.content.tolist()))) == 2
    assert curate.load(pa.table(values)).content.tolist() == table.content.tolist()


def test_nested_columns_that_are_no_input_are_kept():
    columns = {"text": TEXTS, "label": LABELS, "meta": [{"a": [1, 2], "b": {"c": "x"}}] * 6}
    assert curate.load(columns).dataset[0]["meta"] == {"a": [1, 2], "b": {"c": "x"}}


def test_rows_without_media_are_unreadable_unless_there_is_a_text():
    pixels = [np.zeros((4, 4), np.uint8), None, np.ones((4, 4), np.uint8)]
    table = curate.load({"image": pixels, "label": ["a", "b", "a"]})
    assert table.unreadable.tolist() == [False, True, False]
    both = curate.load({"image": pixels, "text": TEXTS[:3], "label": ["a", "b", "a"]}, image="image", text="text")
    assert not both.unreadable.any()


def test_options_that_the_source_has_no_use_for_are_refused(tmp_path):
    columns = {"text": TEXTS, "label": LABELS}
    (tmp_path / "a.jsonl").write_text('{"text": "a", "label": "x"}\n')
    np.savez(tmp_path / "a.npz", features=np.zeros((4, 2)), label=np.arange(4) % 2)
    for source, options, says in (
        (columns, {"encoding": "latin-1"}, "encoding can't be set for data in memory"),
        (columns, {"config": "en", "delimiter": ";"}, "config and delimiter can't be set"),
        ("some/set", {"delimiter": ";"}, "delimiter can't be set for a data set of the hub"),
        (tmp_path / "a.jsonl", {"delimiter": ";"}, "delimiter can't be set for a .jsonl file"),
        (tmp_path / "a.npz", {"encoding": "latin-1"}, "encoding can't be set for a .npz file"),
        (tmp_path / "a.jsonl", {"revision": "abc"}, "revision can't be set"),
    ):
        with pytest.raises(ConfigError, match=says):
            curate.load(source, **options)


def test_codes_of_no_class_are_said():
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["x", "y"])})
    table = pa.table({"text": [f"text {i}" for i in range(6)], "label": pa.array([0, 1, -1, None, 7, 9], pa.int64())})
    data = datasets.Dataset(datasets.table.InMemoryTable(table), info=datasets.DatasetInfo(features=features))
    loaded = curate.load(data)
    assert loaded.labels.codes.tolist() == [0, 1, -1, -1, -1, -1]
    assert any("2 labels are no number of a class (7, 9)" in note for note in loaded.notes)


def test_a_label_column_of_ids_is_said():
    table = curate.load({"text": [f"text {i}" for i in range(30)], "label": [f"user{i}" for i in range(30)]})
    assert any("30 different values in 30 rows" in note for note in table.notes)
    table = curate.load({"text": [f"text {i}" for i in range(30)], "label": ["x", "y"] * 15})
    assert not any("different values" in note for note in table.notes)


def test_half_of_a_surrogate_pair_is_an_unreadable_row():
    import pandas as pd

    columns = {"text": ["a\ud800b", "c é", "d"], "label": ["x", "y", "x"]}
    frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
    for source in (columns, frame, {"text": np.array(columns["text"], dtype=object), "label": columns["label"]}):
        table = curate.load(source)
        assert table.column("text").to_pylist() == [None, "c é", "d"]
        assert table.unreadable.tolist() == [True, False, False]
        assert "surrogate" in table.problems["reason"][0].as_py()


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ([], "the list is empty: there are no rows"),
        (np.zeros((3, 2)), "an array of vectors is a column: {'features': array"),
        (pd.Series([1.0, "a"], index=["x", "y"]), r"a row as series.to_frame\(\).T"),
        (pd.Series([1.0, 2.0]), r"a column is given as series.to_frame\(\)"),
        ({"x": 1.5, "y": "a"}, "one row alone is a list of one dict"),
        (["some words", "other words"], "texts are given as {'text': "),
    ],
)
def test_what_people_try_is_pointed_to_what_can_be_read(source, says):
    with pytest.raises((ConfigError, DataError), match=says):
        curate.load(source)


def test_of_words_that_come_again_the_ending_is_looked_at_once(monkeypatch):
    asked = []
    monkeypatch.setattr(media_columns, "media_kind", lambda name: asked.append(name))
    curate.load({"colour": ["red", "green", "blue"] * 100, "size": [1.0, 2.0, 3.0] * 100, "label": ["a", "b"] * 150})
    assert sorted(asked) == ["a", "b", "blue", "green", "red"]
