"""`audit(augment=...)`: contact sheet, label safety and idle operations, the same draws as in a run."""

import json

import numpy as np
import pytest
from jsonschema import Draft202012Validator

import curate
from curate.errors import ConfigError
from curate.evidence import EvidenceSettings
from curate.media.audio import encode_wav
from curate.media.image import encode_png
from curate.pipeline.auditing import audit
from curate.pipeline.augment_audit import AugmentAudit
from curate.pipeline.augment_draws import spread
from curate.report import schema
from curate.task import Task

SETTINGS = EvidenceSettings(encoder="classic", workers=1)
FLIPS = {"augment": {"image": ["HorizontalFlip", {"RandomBrightnessContrast": {"p": 0.5}}], "keep_original": 0.3}}


def halves(n=80, broken=()):
    """Images that are bright on one side; the side is the class."""
    rng = np.random.default_rng(1)
    cells, labels = [], []
    for i in range(n):
        pixels = rng.integers(20, 70, (24, 24, 3))
        side = i % 2
        pixels[:, 12 * side : 12 * side + 12] += rng.integers(80, 160)
        data = b"no image" if i in broken else encode_png(pixels.astype(np.uint8))
        cells.append({"bytes": data, "path": None})
        labels.append(("left", "right")[side])
    task = Task(kind="classification", image="image", label="label", id="id")
    return curate.load({"image": cells, "label": labels, "id": [f"r{i}" for i in range(n)]}, task=task)


def texts(n=60):
    words = (["goal", "match", "team", "striker", "league"], ["bank", "share", "profit", "dividend", "rate"])
    rng = np.random.default_rng(0)
    return {
        "text": [" ".join(rng.choice(words[i % 2], 7)) + f" {i}" for i in range(n)],
        "label": [("sport", "money")[i % 2] for i in range(n)],
    }


def looked_at(data, *steps, seed=0, **options):
    pipeline = curate.Pipeline(steps=list(steps), seed=seed)
    report = audit(
        data, ["exact_duplicates"], augment=pipeline, evidence=SETTINGS, cache=None, on_fault="raise", **options
    )
    return report, report.document().augmentation


def test_images_are_drawn_as_a_run_draws_them_and_a_flip_that_swaps_the_classes_is_told():
    report, found = looked_at(halves(broken=(3,)), FLIPS, "mix", seed=5)
    assert len(found.sheet) == 8
    assert {row.label for row in found.sheet} == {"left", "right"}
    assert sum(row.label == "left" for row in found.sheet) == 4
    flip = next(one for one in found.label_safety if one.operation == "HorizontalFlip" and one.strength == 1)
    assert flip.share > 0.9
    assert flip.low < flip.share <= flip.high
    assert [one.operation for one in found.flipping] == ["HorizontalFlip"]
    bright = [one for one in found.label_safety if one.operation == "RandomBrightnessContrast"]
    assert sorted(one.strength for one in bright) == [0.5, 1.0]
    assert {one.operation: one.unchanged for one in found.operations} == {
        "HorizontalFlip": 0,
        "RandomBrightnessContrast": 0,
    }
    assert any("mix is left out" in note for note in found.notes)
    assert any("row r3" in note and "can't be read" in note for note in found.notes)
    draws = [draw for row in found.sheet for draw in row.draws]
    assert [draw.epoch for draw in found.sheet[0].draws] == [0, 1, 2, 3, 4]
    kept = [draw for draw in draws if not draw.changed]
    assert 3 <= len(kept) <= 30
    assert all(not draw.done for draw in kept)
    assert all(draw.done[0] == "HorizontalFlip" or "Random" in draw.done[0] for draw in draws if draw.changed)

    curated = curate.Pipeline(steps=[FLIPS, "mix"], seed=5, evidence=SETTINGS).run(halves(broken=(3,)))
    plan = curated.plan.filter(np.asarray(curated.plan["copy"]) == 0)
    recipe = curate.augment.recipe.Recipe.from_json(str(plan["recipe"][0]))
    row = found.sheet[0]
    item = np.random.default_rng(0).integers(0, 255, (24, 24, 3)).astype(np.uint8)
    for draw in row.draws:
        where = {"seed": 5, "epoch": draw.epoch, "row_id": row.row_id, "copy": 0, "label": row.label}
        assert (not np.array_equal(recipe.apply("image", item, **where), item)) == draw.changed
    assert len(report.material.augmented.previews) == 8
    assert {len(line) for line in report.material.augmented.previews} == {6}


def test_the_document_is_valid_and_the_sheet_does_not_depend_on_the_order_of_rows():
    report, found = looked_at(halves(40), FLIPS)
    Draft202012Validator(schema()).validate(json.loads(report.to_json()))
    table = halves(40)
    turned = table.select(np.arange(40)[::-1])
    _, again = looked_at(turned, FLIPS)
    assert [row.row_id for row in again.sheet] == [row.row_id for row in found.sheet]
    assert [row.draws for row in again.sheet] == [row.draws for row in found.sheet]


def test_texts_that_an_operation_has_nothing_to_do_in_are_counted():
    _, found = looked_at(texts(), {"augment": {"text": ["swap_words", "homophones"]}})
    by_name = {one.operation: one for one in found.operations}
    assert by_name["swap_words"].unchanged == 0
    assert by_name["homophones"].unchanged_share == 1.0
    assert "script" in by_name["homophones"].why
    assert by_name["homophones"].place == "augment[0].text[1].homophones"
    assert {one.operation for one in found.label_safety} == {"swap_words", "homophones"}


def test_sounds_show_what_was_drawn():
    rng = np.random.default_rng(0)
    sounds = [
        (0.3 * np.sin(np.arange(4000) * (0.1 + 0.3 * (i % 2)) + rng.random())).astype(np.float32) for i in range(24)
    ]
    data = {
        "audio": [{"bytes": encode_wav(one[None], 8000), "path": None} for one in sounds],
        "label": [("low", "high")[i % 2] for i in range(24)],
    }
    report, found = looked_at(data, {"augment": {"audio": ["gain", {"swap_channels": {"p": 1.0}}]}})
    assert all(draw.done[0].startswith("gain: gain_db ") for row in found.sheet for draw in row.draws)
    assert all(draw.done[1].endswith("(changes nothing)") for row in found.sheet for draw in row.draws)
    assert {one.operation: one.unchanged_share for one in found.operations} == {"gain": 0.0, "swap_channels": 1.0}
    shown = report.material.augmented.previews[0]
    assert {one.kind for one in shown} == {"audio"}
    assert all(one.spectrogram.startswith("data:image/png;base64,") and one.path and one.uri for one in shown)


def test_columns_of_a_table_and_classes_that_a_step_is_for():
    rng = np.random.default_rng(0)
    data = {
        "height": rng.normal(size=40).tolist(),
        "colour": ["red", "blue"] * 20,
        "label": [("a", "b")[i % 2] for i in range(40)],
    }
    task = Task(kind="classification", label="label", features=("height", "colour"))
    report, found = looked_at(curate.load(data, task=task), {"augment": {"features": ["jitter"], "classes": ["a"]}})
    assert {(row.label, draw.changed) for row in found.sheet for draw in row.draws} == {("a", True), ("b", False)}
    record = report.material.augmented.previews[0][1]
    assert [cell.name for cell in record.cells] == ["height"]
    assert record.cells[0].marked
    assert next((one.operation, one.modality) for one in found.label_safety) == ("jitter", "features")


def test_what_has_no_classes_has_a_sentence_instead_of_label_safety():
    values = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    task = Task(kind="regression", label="y", features="x")
    table = curate.load({"x": values.tolist(), "y": values[:, 0].tolist()}, task=task)
    _, found = looked_at(table, {"augment": {"features": ["scaling"]}})
    assert len(found.sheet) == 8
    assert not found.label_safety
    assert any("this task's kind is regression" in note for note in found.notes)


def test_a_row_that_an_operation_fails_on_is_left_out_with_a_sentence(monkeypatch):
    from curate.augment.operations.features import OPERATIONS

    jitter = OPERATIONS["jitter"]
    apply = jitter.apply
    values = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)

    def fails(self, item, drawn):
        if np.array_equal(item, values[failing]):
            raise RuntimeError("no such thing")
        return apply(self, item, drawn)

    task = Task(kind="classification", label="y", features="x", id="id")
    columns = {"x": values.tolist(), "y": ["a", "b"] * 15, "id": [f"r{i}" for i in range(30)]}
    table = curate.load(columns, task=task)
    failing = int(spread(table, np.ones(30, bool))[0])
    monkeypatch.setattr(jitter, "apply", fails)
    _, found = looked_at(table, {"augment": {"features": ["jitter"]}})
    assert len(found.sheet) == 8
    assert f"row r{failing} is left out of the contact sheet: RuntimeError: no such thing" in found.notes
    assert any("label safety of features operations could not be measured" in note for note in found.notes)


def test_extra_copies_are_shown_where_first_draws_stay():
    step = {"augment": {"text": ["swap_words"], "draws": "repeated", "repeats": 1}}
    _, found = looked_at(texts(), step)
    assert all(draw.changed for row in found.sheet for draw in row.draws)
    assert [one.step for one in found.operations] == ["augment"]
    assert any("extra copies" in note for note in found.notes)


def test_weakened_operations_are_measured_at_their_strength():
    step = {"augment": {"image": ["HorizontalFlip", "RandomBrightnessContrast"], "max_flips": 0.2}}
    _, found = looked_at(halves(), step)
    assert any("HorizontalFlip 0" in note for note in found.notes)
    assert not any("HorizontalFlip" in said for row in found.sheet for draw in row.draws for said in draw.done)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (["exact_duplicates"], "no augment step to look at; its steps: exact_duplicates"),
        ([{"augment": {"image": ["HorizontalFlop"]}}], "HorizontalFlop"),
        ([{"augment": {"text": ["swap_words"]}}], "text operations, and the task has image"),
        ([{"augment": {"image": ["HorizontalFlip"], "classes": ["lefft"]}}], "did you mean 'left'"),
    ],
)
def test_a_wrong_pipeline_is_refused_before_anything_is_measured(steps, said, monkeypatch):

    table = halves(10)
    monkeypatch.setattr("curate.evidence.evidence.Evidence", None)
    with pytest.raises(ConfigError, match=said):
        audit(table, augment=curate.Pipeline(steps=steps))


def test_files_of_operations_are_found_from_the_pipeline_file(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "noises").mkdir()
    (tmp_path / "noises" / "n.wav").write_bytes(encode_wav(0.1 * rng.normal(size=(1, 4000)).astype(np.float32), 8000))
    data = {
        "audio": [{"bytes": encode_wav(0.1 * rng.normal(size=(1, 4000)).astype(np.float32), 8000), "path": None}] * 2
    }
    file = tmp_path / "p.yaml"
    text = "curate: 1\nsteps: [{augment: {audio: [{background_noise: {folder: noises}}]}}]\n"
    file.write_text(text)
    table = curate.load(data)
    AugmentAudit.of(file).check(table)
    file.write_text(text.replace("noises", "nowhere"))
    with pytest.raises(ConfigError, match=r"p\.yaml.*background_noise"):
        AugmentAudit.of(file).check(table)


def test_items_that_are_too_large_for_label_safety_are_said_and_fewer_rows_are_drawn_of_large_ones(monkeypatch):
    from curate.pipeline import augment_effects

    step = {"augment": {"image": ["HorizontalFlip"]}}
    monkeypatch.setattr(augment_effects, "FEWEST", 20)
    monkeypatch.setattr(augment_effects, "MOST_BYTES", 2 * 2 * 30 * 24 * 24 * 3)
    _, found = looked_at(halves(), step)
    assert [one.draws for one in found.label_safety if one.strength == 1] == [30]
    monkeypatch.setattr(augment_effects, "MOST_BYTES", 2 * 2 * 10 * 24 * 24 * 3)
    _, found = looked_at(halves(), step)
    assert not found.label_safety
    assert any("too large to hold enough" in note for note in found.notes)
