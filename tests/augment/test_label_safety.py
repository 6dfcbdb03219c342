"""Operations that change the class are seen to, and are weakened as far as asked."""

import json
import sys

import numpy as np
import pytest

import curate
from curate import registry
from curate.augment.safety import advised, contact_sheet, label_safety
from curate.augment.safety import items as items_of
from curate.errors import DataError
from curate.evidence import Evidence, EvidenceSettings
from curate.media import video_written
from curate.media.image import encode_png
from curate.task import Task

SETTINGS = EvidenceSettings(encoder="classic", workers=1)


def vectors(n=240):
    """Two classes, two standard deviations either side of zero in the first column."""
    rng = np.random.default_rng(0)
    label = np.arange(n) % 2
    values = rng.normal(size=(n, 6))
    values[:, 0] = (2 * label - 1) * rng.uniform(1.5, 3, n)
    columns = {"x": values.astype(np.float32).tolist(), "label": [("minus", "plus")[code] for code in label]}
    return curate.load(columns, task=Task(kind="classification", features="x", label="label"))


def halves(n=120):
    """Images that are bright on one side; the side is the class."""
    rng = np.random.default_rng(1)
    cells, labels = [], []
    for i in range(n):
        pixels = rng.integers(20, 70, (32, 32, 3))
        side = i % 2
        pixels[:, 16 * side : 16 * side + 16] += rng.integers(80, 160)
        cells.append({"bytes": encode_png(pixels.astype(np.uint8)), "path": None})
        labels.append(("left", "right")[side])
    return curate.load(
        {"image": cells, "label": labels}, task=Task(kind="classification", image="image", label="label")
    )


def augment(**settings):
    return registry.step("augment")(**settings)


def by_operation(safety):
    return {(line["operation"], round(line["strength"], 2)): line for line in safety.to_pylist()}


def test_vectors_that_are_pushed_over_the_border():
    evidence = Evidence(vectors(), SETTINGS)
    step = augment(features=[{"jitter": {"max_sigma": 12}}, {"scaling": {"max_change": 0.2}}])
    found = by_operation(label_safety(evidence, step, rows=200))
    shares = [found["jitter", strength]["share"] for strength in (0.25, 0.5, 0.75, 1.0)]
    assert shares == sorted(shares)
    assert shares[0] < 0.2 < shares[-1]
    assert found["scaling", 1.0]["left"] == 0
    assert found["scaling", 1.0]["draws"] > 190
    line = found["jitter", 1.0]
    assert line["low"] < line["share"] < line["high"]
    assert label_safety(evidence, step, rows=200).equals(label_safety(evidence, step, rows=200))


def scalars(n=240):
    """Two classes by the column `a`; whole numbers with gaps, a category and a flag beside it."""
    rng = np.random.default_rng(2)
    label = np.arange(n) % 2
    a = (2 * label - 1) * rng.uniform(1.5, 3, n)
    columns = {
        "a": a.tolist(),
        "whole": [None if i % 17 == 0 else int(v) for i, v in enumerate(rng.integers(0, 5, n))],
        "kind": [("x", "y", None)[v] for v in rng.integers(0, 3, n)],
        "flag": (rng.random(n) < 0.5).tolist(),
        "label": [("minus", "plus")[code] for code in label],
    }
    return curate.load(
        columns, task=Task(kind="classification", features=("a", "whole", "kind", "flag"), label="label")
    )


def films(n=60):
    """Videos with a bright half; the side is the class."""
    rng = np.random.default_rng(3)
    cells, labels = [], []
    for i in range(n):
        frames = rng.integers(20, 70, (10, 32, 48, 3))
        side = i % 2
        frames[:, :, 24 * side : 24 * side + 24] += rng.integers(80, 160)
        cells.append({"bytes": video_written.encode(frames.astype(np.uint8)), "path": None})
        labels.append(("left", "right")[side])
    return curate.load(
        {"video": cells, "label": labels}, task=Task(kind="classification", video="video", label="label")
    )


def test_numbers_beside_categories_that_are_pushed_over_the_border():
    evidence = Evidence(scalars(), SETTINGS)
    step = augment(features=[{"jitter": {"max_sigma": 12}}, {"scaling": {"max_change": 0.2}}])
    found = by_operation(label_safety(evidence, step, rows=200))
    shares = [found["jitter", strength]["share"] for strength in (0.25, 0.5, 0.75, 1.0)]
    assert shares == sorted(shares)
    assert shares[0] < 0.25 < shares[-1]
    assert found["scaling", 1.0]["share"] < 0.02
    assert found["scaling", 1.0]["draws"] > 180


def test_columns_that_operations_do_not_see_are_those_of_the_original():
    table = scalars(6)
    originals = items_of.cells(table, "features", np.arange(3), 10**6)
    first, _, third = items_of.items(table, "features", np.arange(3))
    assert items_of.scalars(table, "features") == ["a", "whole"]
    assert np.isnan(first[1])
    draws = [items_of.value("features", one * 2) for one in (third, first)]
    made = items_of.as_columns(table, "features", originals, draws, [2, 0])
    assert made["kind"] == [cell[2] for cell in originals] + [originals[2][2], originals[0][2]]
    assert made["a"][3:] == pytest.approx([2 * originals[2][0], 2 * originals[0][0]])
    assert made["whole"][3:] == [2 * originals[2][1], None]


def test_videos_whose_class_a_flip_swaps():
    step = augment(image=["HorizontalFlip"], video=["reverse"])
    found = by_operation(label_safety(Evidence(films(), SETTINGS), step, rows=40))
    assert found["HorizontalFlip", 1.0]["share"] > 0.9
    assert found["HorizontalFlip", 1.0]["modality"] == "video"
    assert found["reverse", 1.0]["share"] < 0.1
    assert found["reverse", 1.0]["draws"] > 30


def test_a_flip_that_swaps_the_classes():
    step = augment(image=[{"HorizontalFlip": {"p": 0.5}}, {"RandomBrightnessContrast": {"p": 1.0}}, "VerticalFlip"],
                   never={"VerticalFlip": ["right"]})  # fmt: skip
    found = by_operation(label_safety(Evidence(halves(), SETTINGS), step, rows=60))
    assert found["HorizontalFlip", 1.0]["share"] > 0.9
    assert ("HorizontalFlip", 0.5) not in found
    assert found["RandomBrightnessContrast", 1.0]["share"] < 0.1
    assert found["VerticalFlip", 1.0]["share"] < 0.1
    assert 25 <= found["VerticalFlip", 1.0]["draws"] <= 35


def test_no_more_is_held_than_there_is_room_for(monkeypatch):
    step = augment(image=["HorizontalFlip", {"RandomBrightnessContrast": {"p": 1.0}}])
    table = halves()
    size = len(table.rows([0], ["image"])["image"].to_pylist()[0]["bytes"])
    monkeypatch.setattr(sys.modules[label_safety.__module__], "MOST_BYTES", 60 * size)
    found = by_operation(label_safety(Evidence(table, SETTINGS), step, rows=60))
    assert 12 <= found["HorizontalFlip", 1.0]["draws"] <= 16  # each row is drawn five times
    monkeypatch.setattr(sys.modules[label_safety.__module__], "MOST_BYTES", 5 * size)
    with pytest.raises(DataError, match="5 rows fit into it"):
        label_safety(Evidence(table, SETTINGS), step)


def test_advice_and_a_run_that_takes_it():
    pipeline = curate.Pipeline(
        steps=[{"augment": {"features": [{"jitter": {"max_sigma": 12}}, "scaling"], "max_flips": 0.1}}],
        evidence={"encoder": "classic", "workers": 1},
    )
    done = pipeline.run(vectors(), cache=None)
    [made] = json.loads(next(iter(set(done.plan["recipe"].to_pylist()))))
    assert "max_flips" not in made
    assert set(made["operation_strength"]) == {"jitter"}
    assert made["operation_strength"]["jitter"] < 1.0
    safety = label_safety(Evidence(halves(), SETTINGS), augment(image=[{"HorizontalFlip": {}}]), rows=60)
    assert advised(safety, 0.05) == {"HorizontalFlip": 0.0}
    assert advised(safety, 0.99) in ({}, {"HorizontalFlip": 0.0})


def test_an_operation_of_no_strength_is_not_done():
    from curate.augment.recipe import Recipe

    step = augment(features=["jitter", "scaling"], operation_strength={"jitter": 0.0, "scaling": 0.0})
    made = Recipe.from_json(json.dumps([step.recipe(Task(features="x"))]))
    item = np.ones(5, np.float32)
    assert made.apply("features", item, seed=0, epoch=0, row_id="r", copy=0) is item


def test_what_it_can_not_judge():
    few = vectors(6)
    with pytest.raises(DataError, match="at least 10 training rows"):
        label_safety(Evidence(few, SETTINGS), augment(features=["jitter"]))
    columns = {"x": [[1.0, 2.0]] * 20, "y": list(range(20))}
    numbers = curate.load(columns, task=Task(kind="regression", features="x", label="y"))
    with pytest.raises(DataError, match="about classes"):
        label_safety(Evidence(numbers, SETTINGS), augment(features=["jitter"]))


def test_a_sheet_of_originals_and_draws():
    table = halves(6)
    step = augment(image=[{"InvertImg": {"p": 1.0}}])
    sheet = contact_sheet(table, step, np.arange(3), draws=2, side=32)
    assert sheet.shape == (3 * 36, 3 * 36, 3)
    np.testing.assert_array_equal(sheet[:32, 36:68], 255 - sheet[:32, :32])
    assert (sheet[32:36] == 255).all()
