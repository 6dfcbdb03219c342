"""Which rows are tested on, and that nothing but transforms reaches them."""

import numpy as np
import pyarrow as pa
import pytest

import curate
from curate.errors import ConfigError, DataError
from curate.pipeline.comparison.held_out import held_out

WORDS = {"cat": "purr meow whiskers paw", "dog": "bark bone fetch leash"}


def texts(rows, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.choice(["cat", "dog"], rows)
    return {
        "text": [" ".join(rng.choice(WORDS[label].split(), 3)) + f" {seed} {i}" for i, label in enumerate(labels)],
        "label": labels.tolist(),
    }


def test_without_a_test_split_it_says_what_to_do():
    with pytest.raises(ConfigError, match=r"no split 'test'.*--test PATH.*curate.resplit"):
        held_out(curate.load(texts(20)), None)


def test_training_rows_are_no_test():
    with pytest.raises(ConfigError, match="what the models learn from"):
        held_out(curate.load(texts(20)), "train")


def test_a_split_of_another_name_leaves_the_training_data():
    data = texts(30) | {"split": ["train"] * 20 + ["holdout"] * 10}
    held = held_out(curate.load(data, text="text", label="label", split="split"), "holdout")
    assert (len(held.training), len(held.rows), held.inside) == (20, 10, False)
    assert "taken out of the training data" in held.notes[0]


def test_rows_that_stand_in_training_are_counted():
    train, test = texts(40), texts(30, seed=1)
    for column in ("text", "label"):
        test[column] += train[column][:7]
    held = held_out(curate.load(train), test)
    assert any(note.startswith("7 of 37 test rows stand in the training data") for note in held.notes)


def test_test_rows_that_were_learned_from_are_refused():
    train = texts(40)
    with pytest.raises(ConfigError, match="30 of 30 test rows stand in the training data"):
        held_out(curate.load(train), {column: values[:30] for column, values in train.items()})


def test_labels_of_another_spelling_are_not_called_missing():
    test = texts(10, seed=1)
    test["label"] = [label.title() for label in test["label"]]
    with pytest.raises(
        DataError, match=r"holds none of the classes of the training data, which are cat, dog \(written"
    ):
        held_out(curate.load(texts(40)), test)


def test_unknown_labels_and_missing_ones():
    test = texts(10, seed=1)
    test["label"][:2] = ["bird", None]
    held = held_out(curate.load(texts(40)), test)
    assert len(held.rows) == 8
    assert any(note.startswith("2 test rows have no label that the training data know") for note in held.notes)
    with pytest.raises(DataError, match="no test row has a label"):
        held_out(curate.load(texts(40)), {"text": ["a b c"], "label": ["bird"]})


def test_test_rows_without_the_input():
    with pytest.raises(DataError, match="lack the column 'text'"):
        held_out(curate.load(texts(40)), {"words": ["a"], "label": ["cat"]})


def test_a_split_inside_and_a_table_beside_say_the_same():
    """Transforms reach both alike, and the encoder learns from the training rows in both."""
    train, test = texts(120), texts(60, seed=1)
    both = {name: train[name] + test[name] for name in train} | {"split": ["train"] * 120 + ["test"] * 60}
    pipeline = curate.Pipeline([curate.steps.CleanText(case="lower")], evidence={"encoder": "classic"})
    inside = pipeline.compare(curate.load(both, text="text", label="label", split="split"), seeds=1)
    beside = pipeline.compare(curate.load(train), test, seeds=1)
    assert inside.test_rows == beside.test_rows == 60
    assert inside.overall.difference == pytest.approx(beside.overall.difference, abs=0.02)
    assert inside.arm("raw").score == pytest.approx(beside.arm("raw").score, abs=0.03)


def test_pieces_of_a_test_row_are_one_prediction():
    train, test = texts(60), texts(30, seed=1)
    for data in (train, test):
        data["text"] = [" ".join([text] * 12) for text in data["text"]]
    step = curate.steps.SliceText(tokens=5, overlap=0)
    found = curate.Pipeline([step], evidence={"encoder": "classic"}).compare(curate.load(train), test, seeds=1)
    assert found.test_rows == 30
    assert found.arm("curated").draws > found.arm("raw").draws
    assert found.arm("curated").score > 0.8


def test_images_of_two_folders(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    for name, rows in (("one/train", 30), ("two/test", 16)):
        for i in range(rows):
            kind = ("dark", "light")[i % 2]
            folder = tmp_path / name / kind
            folder.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(0, 100, (24, 24, 3)) + 120 * (i % 2)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i}.png")
    steps = [curate.steps.ClassWeights(), curate.steps.ExactDuplicates(fix="drop")]
    pipeline = curate.Pipeline(steps, source=tmp_path / "one" / "train", evidence={"encoder": "classic"})
    found = pipeline.compare(test=tmp_path / "two" / "test", seeds=1, cache=tmp_path / "cache")
    assert found.test_rows == 16
    measured = {}
    for chunk in (tmp_path / "cache" / "measures").glob("*/*.arrow"):
        with pa.ipc.open_file(chunk) as file:
            measured.setdefault(chunk.parent.name, []).extend(file.read_all()["key"].to_pylist())
    # Four arms, and no row is embedded twice.
    assert max(map(len, measured.values())) == 46
    assert all(len(keys) == len(set(keys)) for keys in measured.values())
    assert found.arm("raw").score > 0.9
    assert any("only 16 test rows" in note for note in found.notes)


def test_a_word_that_is_neither_a_split_nor_a_file():
    data = texts(30) | {"split": ["train"] * 20 + ["holdout"] * 10}
    table = curate.load(data, text="text", label="label", split="split")
    with pytest.raises(ConfigError, match=r"'holdot' is neither a split .*\(holdout, train\).*did you mean 'holdout'"):
        held_out(table, "holdot")
