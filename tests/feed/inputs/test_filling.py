"""Batches of pixels that are filled row by row: the same numbers as when they are collated at the end."""

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from small_tables import plan, table

from curate.errors import ConfigError
from curate.feed import make_loader
from curate.feed.inputs.filling import Filling, Held
from curate.feed.inputs.options import input_options
from curate.feed.memory import Recycled
from curate.media.image import encode_png

RNG = np.random.default_rng(0)
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
NORMALISED = input_options({"mean": MEAN, "std": STD})


def pixels(*shape):
    return RNG.integers(0, 256, (*shape, 3), dtype=np.uint8)


def expected(items, options=NORMALISED):
    """The formula, in float32, by NumPy alone."""
    scale = np.float32(1 / 255) / np.asarray(options.std, np.float32)
    shift = -np.asarray(options.mean, np.float32) / np.asarray(options.std, np.float32)
    return np.stack([np.moveaxis(item.astype(np.float32) * scale + shift, -1, -3) for item in items])


@pytest.mark.parametrize("shape", [(7, 5), (3, 7, 5)], ids=["images", "clips"])
def test_rows_are_written_as_they_come(shape):
    items = [pixels(*shape) for _ in range(4)]
    filling = Filling("pixel_values", 4, NORMALISED, Recycled())
    held = [filling.put(place, item) for place, item in enumerate(items)]
    [batch] = filling.entries(held, list("abcd")).values()
    assert batch.dtype == np.float32
    np.testing.assert_array_equal(batch, expected(items))


def test_rows_that_are_left_out_and_replaced():
    items = [pixels(6, 4) for _ in range(5)]
    filling = Filling("pixel_values", 5, NORMALISED, Recycled())
    held = {place: filling.put(place, items[place]) for place in (1, 3, 4)}
    [batch] = filling.entries(list(held.values()), list("abc")).values()
    np.testing.assert_array_equal(batch, expected([items[1], items[3], items[4]]))
    filling = Filling("pixel_values", 5, NORMALISED, Recycled())
    mixed = [held for place, item in enumerate(items[:3]) for held in [filling.put(place, item)]]
    other = pixels(6, 4)
    [batch] = filling.entries([mixed[0], other, mixed[2]], list("abc")).values()
    np.testing.assert_array_equal(batch, expected([items[0], other, items[2]]))
    filling = Filling("pixel_values", 2, NORMALISED, Recycled())
    [batch] = filling.entries([other], ["a"]).values()  # no row was read when its turn came
    np.testing.assert_array_equal(batch, expected([other]))


class Late(Recycled):
    """Memory that is ready with the row of that number."""

    def __init__(self, row):
        super().__init__()
        self.asked, self.row = 0, row

    def ready(self, shape, dtype):
        self.asked += 1
        return self.array(shape, dtype) if self.asked > self.row else None


@pytest.mark.parametrize("row", [0, 2, 9], ids=["at the first row", "between", "at the end"])
def test_rows_wait_for_memory(row):
    items, memory = [pixels(6, 4) for _ in range(5)], Late(row)
    filling = Filling("pixel_values", 5, NORMALISED, memory, at_once=False)
    held = [filling.put(place, item) for place, item in enumerate(items)]
    [batch] = filling.entries(held, list("abcde")).values()
    assert memory.asked == min(row + 1, 5)
    np.testing.assert_array_equal(batch, expected(items))
    filling = Filling("pixel_values", 5, NORMALISED, Late(row), at_once=False)
    held = {place: filling.put(place, items[place]) for place in (1, 2, 4)}
    [batch] = filling.entries([held[1], items[0], held[4]], list("abc")).values()
    np.testing.assert_array_equal(batch, expected([items[1], items[0], items[4]]))
    filling, other = Filling("pixel_values", 2, NORMALISED, Late(row), at_once=False), pixels(3, 3)
    filling.put(0, items[0])
    [batch] = filling.entries([other], ["a"]).values()
    np.testing.assert_array_equal(batch, expected([other]))


def test_rows_of_another_size_are_refused_by_name():
    filling = Filling("pixel_values", 3, input_options({}), Recycled())
    held = [filling.put(place, pixels(*size)) for place, size in enumerate([(6, 4), (6, 4), (5, 4)])]
    with pytest.raises(ConfigError, match=r"rows one and three .* \(6, 4, 3\) and \(5, 4, 3\)"):
        filling.entries(held, ["one", "two", "three"])
    assert held[2] == Held(2, (5, 4, 3))


def test_bytes_and_numbers_between_them():
    options = input_options({"pixels": "uint8"})
    whole, between = pixels(6, 4), pixels(6, 4).astype(np.float32) + np.float32(0.4)
    filling = Filling("pixel_values", 2, options, Recycled())
    [batch] = filling.entries([filling.put(0, whole), filling.put(1, between)], ["a", "b"]).values()
    assert batch.dtype == np.uint8
    np.testing.assert_array_equal(batch[0], whole.transpose(2, 0, 1))
    np.testing.assert_array_equal(batch[1], np.rint(between).clip(0, 255).transpose(2, 0, 1))


def test_without_opencv_the_numbers_are_the_same(monkeypatch):
    item = pixels(6, 4)
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "cv2", None)
        filling = Filling("pixel_values", 1, NORMALISED, Recycled())
    [batch] = filling.entries([filling.put(0, item)], ["a"]).values()
    np.testing.assert_array_equal(batch, expected([item]))


def of_images(broken=()):
    cells = [
        {"bytes": b"no image" if number in broken else encode_png(pixels(9, 8)), "path": None} for number in range(12)
    ]
    labels = ["a", "b"] * 6
    made = table({"image": cells, "y": labels}, image="image", kind="classification", label="y", label_names=("a", "b"))
    recipe = json.dumps([{"step": "augment", "image": ["HorizontalFlip", {"ColorJitter": {"p": 1.0}}]}])
    return made, plan(made, labels, kind="classification", recipe=recipe)


@pytest.mark.parametrize("on_error", ["skip", "replace"])
@pytest.mark.parametrize("workers", [{}, {"num_workers": 2, "workers": "threads"}], ids=["0", "2"])
def test_loaders_that_fill_and_collate_agree(on_error, workers):
    of = of_images(broken=(0, 5, 6))
    options = {"batch_size": 5, "mean": MEAN, "std": STD, "on_error": on_error}
    filled = list(make_loader(*of, **options))
    loader = make_loader(*of, **options, **workers)
    dataset: Any = loader.dataset
    dataset.at_once = False
    collated = list(loader)
    assert [b["row_id"] for b in filled] == [b["row_id"] for b in collated]
    assert sum(len(b["row_id"]) for b in filled) == (9 if on_error == "skip" else 12)
    for one, other in zip(filled, collated):
        torch.testing.assert_close(one["pixel_values"], other["pixel_values"], atol=0, rtol=0)
    loader.close()


OPENED = """
import sys
import curate
loader = curate.open(sys.argv[1]).loader(batch_size=4, **({"frames": 2} if "video" in sys.argv[1] else {}))
[*batches] = loader
assert sum(len(batch["row_id"]) for batch in batches) == int(sys.argv[2])
for name in ("pandas", "datasets", "rich", "curate.report.report", "curate.sources.opening"):
    assert name not in sys.modules, name
"""


FED = """
import sys
import curate
of_texts, of_tables, of_series = map(curate.open, sys.argv[1:])
for made, options in (
    (of_texts, {"sampler": "weighted"}),
    (of_texts, {"sampler": "balanced"}),
    (of_texts, {"sampler": "group_balanced"}),
    (of_texts, {"sampler": "adaptive"}),
    (of_texts, {"sampler": "curriculum", "curriculum": {"by": "words"}}),
    (of_texts, {"sampler": "curriculum", "curriculum": {"by": "text_quality"}}),
    (of_texts, {"bucket_by_length": True}),
    (of_texts, {"split": "test"}),
    (of_tables, {"on_error": "replace"}),
    (of_series, {"bucket_by_length": True}),
):
    batches = list(made.loader(batch_size=4, **options))
    assert sum(len(batch["row_id"]) for batch in batches) == (4 if "split" in options else 12), options
    assert "pandas" not in sys.modules, options
"""


def test_samplers_and_inputs_load_no_pandas(tmp_path):
    import curate

    rows = range(16)
    columns = {
        "id": [f"r{i}" for i in rows],
        "text": [f"word {i} " * (1 + i % 5) for i in rows],
        "age": [None if i == 7 else float(i) for i in rows],
        "city": [("north", "south", None)[i % 3] for i in rows],
        "series": [[float(j) for j in range(2 + i % 4)] for i in rows],
        "group": [f"g{i % 3}" for i in rows],
        "label": ["ab"[i % 2] for i in rows],
        "split": ["test" if i % 4 == 3 else "train" for i in rows],
    }
    columns["words"] = [1 + i % 5 for i in rows]
    steps = {"features": [curate.steps.Mix(probability=1.0)], "text": [curate.steps.TextQuality()], "series": []}
    inputs = {"text": "text", "features": ["age", "city"], "series": "series"}
    for role, column in inputs.items():
        given = {"label": "label", "label_names": ("a", "b"), "id": "id", "split": "split", "group": "group"}
        of = curate.load(columns, task=curate.Task(kind="classification", **given, **{role: column}))
        curate.Pipeline(steps[role]).run(of, out=tmp_path / role)
    folders = [str(tmp_path / role) for role in inputs]
    done = subprocess.run([sys.executable, "-c", FED, *folders], capture_output=True, text=True)
    assert not done.returncode, done.stderr


def test_reading_a_result_loads_neither_pandas_nor_datasets(tmp_path):
    import curate

    folder = tmp_path / "pictures"
    for number in range(8):
        file = folder / "ab"[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encode_png(pixels(12, 10)))
    steps = [{"augment": {"image": ["HorizontalFlip"]}}]
    pipeline = tmp_path / "pipeline.yaml"
    pipeline.write_text(json.dumps({"curate": 1, "steps": steps}))
    curate.Pipeline.from_yaml(pipeline).run(str(folder), out=tmp_path / "out")
    done = subprocess.run([sys.executable, "-c", OPENED, str(tmp_path / "out"), "8"], capture_output=True, text=True)
    assert not done.returncode, done.stderr
