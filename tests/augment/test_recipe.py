import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from curate import registry
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
        "less than or equal to 1", "no setting 'share'", "augment has series operations", "no class 'c'",
    ):  # fmt: skip
        assert part in said


def test_an_operation_of_a_wrong_form():
    with pytest.raises(ValueError, match="an operation is a name"):
        augment(audio=[{"gain": 3}])
    with pytest.raises(ValueError, match="an operation is a name"):
        augment(audio=[{"gain": {}, "polarity": {}}])
    with pytest.raises(ValueError, match="no operation is named"):
        augment()
    with pytest.raises(ConfigError, match=r"min_gain_db \(9\) is larger than max_gain_db \(6\)"):
        augment(audio=[{"gain": {"min_gain_db": 9}}]).recipe(TASK)


def test_classes_need_a_task_with_classes():
    with pytest.raises(ConfigError, match="a regression task has no classes"):
        augment(text=["swap_words"], classes=["a"]).recipe(Task(kind="regression", text="t", label="y"))


def test_images_do_not_move_away_from_their_masks():
    task = Task(kind="segmentation", image="i", mask="m")
    with pytest.raises(ConfigError, match="move the image away from its mask"):
        augment(image=["ColorJitter", "HorizontalFlip"]).recipe(task)
    assert augment(image=["ColorJitter"]).recipe(task)


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
