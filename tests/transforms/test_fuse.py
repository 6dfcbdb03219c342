import io
import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import curate
from curate.errors import ConfigError, DataError
from curate.transforms.fuse import Fuse

WORDS = {"a": ["red", "apple", "sweet", "fruit"], "b": ["blue", "sky", "cloud", "rain"]}


def fused(table, **settings):
    step = Fuse(**settings)
    return step.apply(table, json.loads(json.dumps(step.fit(table), allow_nan=False)))


def vectors(table, column="fused"):
    return np.array([np.nan if v is None else v for v in table.column(column).to_pylist()], dtype=np.float32)


@pytest.fixture
def mixed(table_of):
    rng = np.random.default_rng(0)
    label = ["a", "b"] * 30
    columns = {
        "text": [" ".join(rng.choice(WORDS[one], 5)) for one in label],
        "size": rng.normal(size=60).tolist(),
        "kind": rng.choice(["x", "y", "z"], 60).tolist(),
        "split": ["train"] * 40 + ["test"] * 20,
    }
    return table_of({**columns, "label": label}, text="text", features=("size", "kind"), split="split")


def test_parts_stand_side_by_side_with_an_equal_say(mixed):
    made = fused(mixed, encoders={"text": "ngrams"}, ngram_width=64)
    values = vectors(made)
    assert values.shape == (60, 64 + 1 + 3)
    train = values[:40]
    np.testing.assert_allclose(train.mean(0), 0, atol=1e-6)
    shares = [(train[:, :64] ** 2).sum(1).mean(), (train[:, 64:] ** 2).sum(1).mean()]
    assert shares == pytest.approx([1, 1], abs=0.1)
    assert made.task.features == "fused"
    assert made.task.text is None
    assert made.task.modalities == ("features",)


def test_weights_and_chosen_parts(mixed):
    plain = vectors(fused(mixed, parts={"size": 1, "kind": 1}))
    heavy = vectors(fused(mixed, parts={"size": 3, "kind": 1}))
    np.testing.assert_allclose(heavy[:, 0], 3 * plain[:, 0], rtol=1e-6)
    np.testing.assert_array_equal(heavy[:, 1:], plain[:, 1:])
    kept = fused(mixed, parts={"features": 1}, keep_inputs=True, column="v", standardize=False)
    assert kept.task.modalities == ("text", "features")
    np.testing.assert_allclose(vectors(kept, "v")[:, 0], mixed.column("size").to_pylist(), rtol=1e-6)
    assert set(vectors(kept, "v")[:, 1:].sum(1)) == {1.0}


def test_a_head_learns_from_what_was_fused(mixed):
    curated = curate.Pipeline(steps=[{"fuse": {"encoders": {"text": "ngrams"}}}, "label_errors"]).run(mixed, cache=None)
    values, codes = vectors(curated.table), curated.table.labels.codes
    head = LogisticRegression().fit(values[:40], codes[:40])
    assert head.score(values[40:], codes[40:]) == 1.0


def test_what_is_missing_is_the_mean_and_said(table_of):
    table = table_of({"text": ["one", None, "two", "one"], "w": [1.0, 2.0, None, None]}, text="text", features=("w",))
    made = fused(table, encoders={"text": "ngrams"}, ngram_width=16)
    values = vectors(made)
    assert (values[1, :16] == 0).all()
    assert values[2, 16] == 0
    assert [n for n in made.notes if n.startswith("fuse")] == [
        "fuse: 1 of 4 rows lacks text or part of it; the mean stands there",
        "fuse: 2 of 4 rows lack features or part of it; the mean stands there",
    ]


def test_a_row_without_anything_can_not_be_read(table_of):
    table = table_of({"text": ["one", None, "two"], "w": [1.0, None, 3.0]}, text="text", features=("w",))
    made = fused(table, encoders={"text": "ngrams"})
    assert made.unreadable.tolist() == [False, True, False]
    assert made.column("fused").to_pylist()[1] is None


def test_pictures_and_series_by_descriptors(table_of):
    from PIL import Image

    def png(value):
        out = io.BytesIO()
        Image.new("RGB", (20, 16), (value, 0, 0)).save(out, "PNG")
        return {"bytes": out.getvalue(), "path": None}

    images = [png(0), png(100), png(200), {"bytes": b"\x89PNG broken", "path": None}]
    columns = {"image": images, "series": [[[1.0, 2.0], [3.0, 4.0]], [[1.0, 1.0]], None, [[5.0, 4.0]]]}
    table = table_of(columns, image="image", series="series")
    made = fused(table, encoders={"image": "descriptors"})
    assert made.unreadable.tolist() == [False, False, False, True]
    assert made.problems["reason"].to_pylist()[0].startswith("image: ")
    assert any("1 of 4 rows lacks series" in note for note in made.notes)
    values = np.array([v for v in made.column("fused").to_pylist() if v])
    assert len(np.unique(values, axis=0)) == 3


def test_new_rows_get_what_held_out_rows_got(mixed):
    curated = curate.Pipeline(steps=["impute", {"fuse": {"encoders": {"text": "ngrams"}}}, "scale"]).run(
        mixed, cache=None
    )
    rows = mixed.rows(range(40, 60), ["text", "size", "kind"])
    made = curated.transform(rows)
    np.testing.assert_array_equal(made.content, curated.table.content[40:])
    alone = [curated.transform(rows.slice(i, 1)).content[0].tolist() for i in range(3)]
    assert alone == curated.table.content[40:43].tolist()


def test_wrong_names_are_refused(mixed):
    with pytest.raises(ConfigError, match="did you mean 'ngrams'"):
        Fuse(encoders={"text": "ngram"})
    with pytest.raises(ConfigError, match="embed"):
        Fuse(encoders={"audio": "timm:x"})
    with pytest.raises(ConfigError, match="above 0"):
        Fuse(parts={"text": 0})
    with pytest.raises(DataError, match="did you mean 'size'"):
        Fuse(parts={"sizes": 1}).apply(mixed)
    with pytest.raises(DataError, match="'text' is there already"):
        Fuse(column="text").apply(mixed)
