import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import curate
from curate import registry
from curate.augment.operations.scene import Scene
from curate.augment.recipe import Recipe
from curate.errors import ConfigError
from curate.task import Task

TASK = Task(kind="classification", image="i", text="t", audio="s", label="l", label_names=("a", "b"))
IMAGE = np.random.default_rng(0).integers(0, 256, (32, 40, 3), dtype=np.uint8)
WHERE = {"seed": 1, "epoch": 0, "row_id": "r", "copy": 0, "label": "a"}
TEXT = "the quick brown fox jumps over the lazy dog near the river"


def augment(**settings):
    return registry.step("augment")(**settings)


def recipe(*steps, task=TASK):
    return Recipe.from_json(json.dumps([step.recipe(task) for step in steps], sort_keys=True))


def many(made, modality, item, **where):
    return [made.apply(modality, item, **{**WHERE, "row_id": str(i), **where}) for i in range(200)]


def test_nothing_but_the_arguments_decides():
    made = recipe(
        augment(image=["HorizontalFlip", {"ColorJitter": {"p": 0.8}}], text=[{"swap_words": {"fraction": 0.4}}])
    )
    first = [made.apply("image", IMAGE, **{**WHERE, "row_id": str(i)}) for i in range(20)]
    np.random.seed(5)
    with ThreadPoolExecutor(4) as pool:
        order = list(range(20))[::-1]
        again = list(pool.map(lambda i: made.apply("image", IMAGE, **{**WHERE, "row_id": str(i)}), order))
    for one, other in zip(first, again[::-1]):
        np.testing.assert_array_equal(one, other)
    texts = {made.apply("text", TEXT, **{**WHERE, key: value}) for key, value in
             [("seed", 2), ("epoch", 1), ("row_id", "s"), ("copy", 1)]}  # fmt: skip
    assert len(texts) > 1


def test_a_video_changes_as_its_frames_would():
    made = recipe(augment(image=[{"HorizontalFlip": {"p": 0.5}}, "RandomBrightnessContrast"]))
    for i in range(8):
        where = {**WHERE, "row_id": str(i)}
        clip = made.apply("video", np.stack([IMAGE, IMAGE]), **where)
        np.testing.assert_array_equal(clip[0], made.apply("image", IMAGE, **where))
        np.testing.assert_array_equal(clip[1], clip[0])


def test_probabilities_hold():
    made = recipe(augment(image=[{"VerticalFlip": {"p": 1.0}}], probability=0.3))
    changed = sum(not np.array_equal(x, IMAGE) for x in many(made, "image", IMAGE))
    assert 40 <= changed <= 80
    made = recipe(augment(image=[{"VerticalFlip": {"p": 0.25}}], text=[{"random_case": {"p": 0.75}}]))
    assert 30 <= sum(not np.array_equal(x, IMAGE) for x in many(made, "image", IMAGE)) <= 70
    assert 130 <= sum(x != TEXT for x in many(made, "text", TEXT)) <= 170


def test_two_operations_of_one_kind_draw_on_their_own():
    flips = recipe(augment(image=[{"HorizontalFlip": {"p": 0.5}}, {"HorizontalFlip": {"p": 0.5}}]))
    assert 70 <= sum(not np.array_equal(x, IMAGE) for x in many(flips, "image", IMAGE)) <= 130
    steps = recipe(augment(image=[{"HorizontalFlip": {"p": 0.5}}]), augment(image=[{"HorizontalFlip": {"p": 0.5}}]))
    assert 70 <= sum(not np.array_equal(x, IMAGE) for x in many(steps, "image", IMAGE)) <= 130


def test_only_some_classes_and_only_repeated_draws():
    flip = [{"VerticalFlip": {"p": 1.0}}]
    some = recipe(augment(image=flip, classes=["b"]))
    again = recipe(augment(image=flip, draws="repeated"))

    def changed(made, **where):
        return not np.array_equal(made.apply("image", IMAGE, **{**WHERE, **where}), IMAGE)

    assert [changed(some, label=label) for label in ("a", "b", None, ["a", "b"], [])] == [
        False,
        True,
        False,
        True,
        False,
    ]
    assert [changed(again, copy=copy) for copy in (0, 1, 2)] == [False, True, True]


def test_other_modalities_pass_through():
    made = recipe(augment(image=["HorizontalFlip"]))
    assert made.apply("text", TEXT, **WHERE) is TEXT
    assert made.mixing is None
    assert Recipe.from_json("").apply("text", TEXT, **WHERE) is TEXT


def test_the_same_text_is_the_same_recipe():
    text = json.dumps([augment(text=["swap_words"]).recipe(TASK)], sort_keys=True)
    assert Recipe.from_json(text) is Recipe.from_json(text)


def test_all_that_is_wrong_is_said_at_once():
    step = augment(
        image=["HorizontalFlp", {"ColorJitter": {"brightnes": 1}}, "Normalize"],
        text=["swap_wrds", {"delete_words": {"fraction": 7, "share": 1}}],
        series=["jitter"],
        classes=("c",),
    )
    with pytest.raises(ConfigError) as caught:
        step.recipe(TASK)
    said = str(caught.value)
    for part in (
        "did you mean 'HorizontalFlip'", "'brightnes'", "feed normalises", "did you mean 'swap_words'",
        "less than or equal to 1", "unknown setting 'share'", "augment has series operations", "no class 'c'",
    ):  # fmt: skip
        assert part in said


def test_an_operation_of_a_wrong_form():
    with pytest.raises(ConfigError, match="an operation is a name"):
        augment(audio=[{"gain": 3}])
    with pytest.raises(ConfigError, match="an operation is a name"):
        augment(audio=[{"gain": {}, "polarity": {}}])
    with pytest.raises(ConfigError, match="no operation is named"):
        augment()
    with pytest.raises(ConfigError, match=r"min_gain_db \(9\) is larger than max_gain_db \(6\)"):
        augment(audio=[{"gain": {"min_gain_db": 9}}]).recipe(TASK)


def test_classes_need_a_task_with_classes():
    with pytest.raises(ConfigError, match="a regression task has no classes"):
        augment(text=["swap_words"], classes=["a"]).recipe(Task(kind="regression", text="t", label="y"))


def test_masks_and_boxes_follow_and_what_needs_them_asks_for_them():
    task = Task(kind="segmentation", image="i", mask="m")
    assert augment(image=["ColorJitter", "HorizontalFlip", "MaskDropout"]).recipe(task)
    with pytest.raises(ConfigError, match="BBoxSafeRandomCrop needs boxes, and the task has none"):
        augment(image=["BBoxSafeRandomCrop"]).recipe(task)
    made = recipe(augment(image=[{"HorizontalFlip": {"p": 1.0}}]), task=task)
    mask = np.zeros((32, 40), np.uint8)
    mask[:, :5] = 1
    changed = made.apply("image", Scene(IMAGE, mask), **WHERE)
    np.testing.assert_array_equal(changed.image, IMAGE[:, ::-1])
    np.testing.assert_array_equal(changed.mask, mask[:, ::-1])


def changed_share(made, **where):
    return np.mean([not np.array_equal(x, IMAGE) for x in many(made, "image", IMAGE, **where)])


def test_operations_for_some_classes():
    flip, jitter = {"VerticalFlip": {"p": 1.0}}, {"ColorJitter": {"p": 1.0}}
    made = recipe(augment(image=[flip], only={"VerticalFlip": ["b"]}))
    assert [changed_share(made, label=label) for label in ("a", "b", None, ["a", "b"], ["b"])] == [0, 1, 0, 0, 1]
    made = recipe(augment(image=[flip], never={"VerticalFlip": ["b"]}))
    assert [changed_share(made, label=label) for label in ("a", "b", None, ["a", "b"])] == [1, 0, 1, 0]
    both = recipe(augment(image=[flip, jitter], never={"VerticalFlip": ["b"]}))
    assert changed_share(both, label="b") == 1
    with pytest.raises(ConfigError) as caught:
        augment(image=[flip], only={"VerticalFlp": ["a"]}, never={"VerticalFlip": ["d"]}).recipe(TASK)
    assert "'VerticalFlp' is not among the operations (did you mean 'VerticalFlip'?)" in str(caught.value)
    assert "augment.never: no class 'd'" in str(caught.value)


def test_some_draws_stay_as_they_are_in_every_step():
    steps = [augment(image=[{"VerticalFlip": {"p": 1.0}}], keep_original=0.3),
             augment(image=[{"HorizontalFlip": {"p": 1.0}}], keep_original=0.3)]  # fmt: skip
    one, both = changed_share(recipe(steps[0])), changed_share(recipe(*steps))
    assert 0.6 < one < 0.8
    assert both == one
    assert changed_share(recipe(augment(image=["VerticalFlip"], keep_original=1.0))) == 0


def test_strength_scales_magnitudes_and_else_probabilities():
    def mean_change(step, **where):
        return np.mean([np.abs(x.astype(int) - IMAGE).mean() for x in many(recipe(step), "image", IMAGE, **where)])

    jitter = {"RandomBrightnessContrast": {"brightness_limit": 0.4, "contrast_limit": 0, "p": 1.0}}
    full, half = mean_change(augment(image=[jitter])), mean_change(augment(image=[jitter], strength=0.5))
    assert 0.4 < half / full < 0.6
    assert mean_change(augment(image=[jitter], strength=0.0)) == 0
    flip = {"VerticalFlip": {"p": 0.8}}
    assert 0.3 < changed_share(recipe(augment(image=[flip], strength=0.5))) < 0.5
    by_class = augment(image=[jitter], strength={"a": 0.0, "b": 0.5})
    assert mean_change(by_class, label="a") == 0
    assert mean_change(by_class, label="b") == pytest.approx(half)
    assert mean_change(by_class, label=["a", "b"]) == pytest.approx(half)
    assert mean_change(by_class, label=None) == pytest.approx(full)


@pytest.mark.parametrize(("form", "expected"), [("linear", [0.2, 0.4, 0.6, 1.0, 1.0]),
                                                ("cosine", [0.2, 0.317, 0.6, 1.0, 1.0])])  # fmt: skip
def test_intensity_over_the_epochs(form, expected):
    schedule = {"from": 0.2, "to": 1.0, "epochs": 8, "form": form}
    step = augment(image=[{"VerticalFlip": {"p": 1.0}}], schedule=schedule)
    assert step.recipe(TASK)["schedule"] == {
        key: value for key, value in schedule.items() if value not in (1.0, "linear")
    }
    made = recipe(step)
    shares = [changed_share(made, epoch=epoch) for epoch in (0, 2, 4, 8, 20)]
    np.testing.assert_allclose(shares, expected, atol=0.09)
    with pytest.raises(ConfigError, match="epochs"):
        augment(image=["VerticalFlip"], schedule={"from": 0.2})


def test_presets_are_written_out():
    made = augment(image=["light", "GaussNoise"]).recipe(TASK)
    assert [next(iter(spec)) if isinstance(spec, dict) else spec for spec in made["image"]] == [
        "HorizontalFlip", "RandomBrightnessContrast", "Affine", "GaussNoise",
    ]  # fmt: skip
    assert augment(image="document").recipe(TASK)["image"][0]["Affine"]["fill"] == 255
    assert augment(image="medium", only={"HorizontalFlip": ["a"]}).recipe(TASK)
    with pytest.raises(ConfigError, match="unknown image operation 'mediun'"):
        augment(image="mediun").recipe(TASK)


def table_of(counts):
    labels = [name for name, count in counts.items() for _ in range(count)]
    columns = {"text": [f"row number {i} of many" for i in range(len(labels))], "label": labels}
    return curate.load(columns, task=Task(kind="classification", text="text", label="label"))


def test_a_run_makes_copies_and_settles_strengths():
    pipeline = curate.Pipeline(steps=[
        {"augment": {"text": ["swap_words"], "strength_by_rarity": True, "repeats": {"b": 3, "c": 1}}},
    ])  # fmt: skip
    done = pipeline.run(table_of({"a": 64, "b": 4, "c": 16}), cache=None)
    plan = done.plan
    drawn = plan.group_by("label").aggregate([("copy", "count")]).to_pylist()
    assert {line["label"]: line["copy_count"] for line in drawn} == {"a": 64, "b": 16, "c": 32}
    [text] = set(plan["recipe"].to_pylist())
    [made] = json.loads(text)
    assert made["strength"] == {"a": 0.25, "b": 1.0, "c": 0.5}
    assert "repeats" not in made
    reasons = {line["reason"] for line in done.ledger_.table.to_pylist() if line["action"] == "repeat"}
    assert reasons == {"augment makes further draws of it, each changed by its own seed"}
    copies = {Recipe.from_json(text).apply("text", TEXT, **{**WHERE, "copy": copy, "label": "b"}) for copy in range(6)}
    assert len(copies) > 3


def test_strength_and_rarity_are_not_both_given():
    with pytest.raises(ConfigError, match="leave out one"):
        augment(text=["swap_words"], strength=0.5, strength_by_rarity=True)
    with pytest.raises(ConfigError, match=r"augment.strength_by_rarity: a regression task has no classes"):
        augment(text=["swap_words"], strength_by_rarity=True).recipe(Task(kind="regression", text="t", label="y"))


@pytest.mark.parametrize("text", ["{", "{}", "[1]", '[{"step": "other"}]'])
def test_a_damaged_recipe_is_one_sentence(text):
    with pytest.raises(ConfigError, match="the recipe in the plan"):
        Recipe.from_json(text)


def test_validating_images_loads_no_torch():
    code = (
        "import json, sys; from curate.augment.augment import Augment; from curate.task import Task;"
        "Augment(image=['HorizontalFlip']).recipe(Task(image='i')); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
