"""class_weights beyond counts of classes: costs, values, bounds, sets of labels, objects, tags and pixels."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import curate
from curate.balance.class_weights import ClassWeights, class_weights, positive_weights
from curate.balance.weighing.rows import mean_one
from curate.errors import ConfigError
from curate.evidence import Evidence, EvidenceSettings


def decided(step, table):
    evidence = Evidence(table, EvidenceSettings(encoder="classic", workers=1))
    assert step.refuses(table.task) is None
    found = step.decide(evidence.labels, evidence, np.random.default_rng(0)).table.to_pylist()
    return {line["before"]: float(line["after"]) for line in found}, [line["reason"] for line in found]


@given(
    weights=st.lists(st.just(0.0) | st.floats(1e-6, 1e6), min_size=1, max_size=20),
    most=st.none() | st.floats(1, 50),
    seed=st.integers(0, 99),
)
def test_the_mean_over_draws_is_one_and_no_weight_above_the_bound(weights, most, seed):
    weights = np.array(weights)
    times = np.random.default_rng(seed).integers(1, 9, len(weights))
    found = mean_one(weights, times, most)
    if not weights.any():
        assert (found == 1).all()
        return
    assert (found >= 0).all()
    assert most is None or found.max() <= most * (1 + 1e-9)
    order = np.argsort(weights, kind="stable")
    assert (np.diff(found[order]) >= -1e-9 * found.max()).all()
    reachable = most is None or most * times[weights > 0].sum() >= times.sum()
    assert (found * times).sum() / times.sum() == pytest.approx(
        1 if reachable else most * times[weights > 0].sum() / times.sum()
    )


def test_a_bound_is_made_up_for_by_the_others():
    # 1/n gives 0.5, 5 and 50: the last is held at 8, and the first two share what is left as 1 to 10.
    weights = class_weights(np.array([100, 10, 1]), "inverse", max_weight=8)
    scale = (111 - 8) / (100 * 0.01 + 10 * 0.1)
    np.testing.assert_allclose(weights, [0.01 * scale, 0.1 * scale, 8])
    assert class_weights(np.array([40, 20, 10]), "median", max_weight=1.5).tolist() == [0.5, 1, 1.5]


def test_costs_by_hand(evidence_of, verdict_of):
    costs = {"a": {"b": 3, "c": 1}, "b": {"a": 6, "c": 6}}
    step = ClassWeights(method="cost_matrix", costs=costs)
    # Mean costs of an error: a 2, b 6, c 1 (not named). 10 draws each: mean weight 1.
    np.testing.assert_allclose(verdict_of(step, evidence_of([10, 10, 10])).class_weights, np.array([2, 6, 1]) / 3)
    # Ting: C(i) N / sum_j C(j) N_j with the sums of costs 4, 12, 2.
    wanted = np.array([4, 12, 2]) * 40 / (4 * 20 + 12 * 10 + 2 * 10)
    np.testing.assert_allclose(verdict_of(step, evidence_of([20, 10, 10])).class_weights, wanted, rtol=1e-6)


def test_costs_of_the_errors_that_happen(evidence_of, verdict_of):
    values = np.array([[0.8, 0.2, 0.0]] * 2 + [[0.1, 0.6, 0.3]] * 2 + [[0.0, 0.0, 1.0]] * 2, dtype=np.float32)
    evidence = evidence_of([2, 2, 2], probabilities={"values": values, "valid": np.ones(6, bool)})
    step = ClassWeights(
        method="cost_matrix", costs={"a": {"b": 5, "c": 100}, "b": {"a": 8, "c": 4}}, confusions="estimated"
    )
    # a goes to b alone: 5. b: (0.1 * 8 + 0.3 * 4) / 0.4 = 5. c is never confused: all errors alike, 1.
    np.testing.assert_allclose(verdict_of(step, evidence).class_weights, np.array([5, 5, 1]) * 3 / 11, rtol=1e-6)


def test_values_stand_as_they_are(evidence_of, verdict_of):
    step = ClassWeights(method="values", values={"b": 4})
    assert verdict_of(step, evidence_of([9, 1, 1])).class_weights.tolist() == [1, 4, 1]


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"method": "cost_matrix"}, "needs costs"),
        ({"method": "values"}, "needs values"),
        ({"costs": {"a": {"b": 1}}}, "costs says nothing with"),
        ({"values": {"a": 1}}, "values says nothing with"),
        ({"confusions": "estimated"}, "confusions says nothing"),
        ({"method": "values", "values": {"a": 1}, "max_ratio": 2}, "stand as they are given"),
        ({"method": "values", "values": {"a": 0}}, "greater than 0"),
        ({"method": "values", "values": {"a": float("inf")}}, "finite"),
        ({"method": "cost_matrix", "costs": {"a": {"b": -1}}}, "greater than or equal to 0"),
        ({"max_weight": 0.5}, "greater than or equal to 1"),
    ],
)
def test_settings_that_say_nothing_are_refused(settings, match):
    with pytest.raises(ConfigError, match=match):
        ClassWeights(**settings)


def test_unknown_classes_and_costs_of_no_error(evidence_of, verdict_of):
    task = evidence_of([2, 2]).table.task
    for step in (
        ClassWeights(method="values", values={"A": 2}),
        ClassWeights(method="cost_matrix", costs={"a": {"A": 2}}),
    ):
        assert "names the class 'A', which the task lacks (did you mean 'a'?)" in step.refuses(task)
    with pytest.raises(ConfigError, match="predicting 'a' for 'a' is no error"):
        verdict_of(ClassWeights(method="cost_matrix", costs={"a": {"a": 2}}), evidence_of([2, 2]))
    with pytest.raises(ConfigError, match="no error costs anything"):
        verdict_of(ClassWeights(method="cost_matrix", costs={"a": {"b": 0}, "b": {"a": 0}}), evidence_of([2, 2]))


def test_positive_weights_by_hand():
    on = np.array([1, 2, 5, 0, 10])
    assert positive_weights(on, 10, "inverse").tolist() == [9, 4, 1, 1, 1]
    assert positive_weights(on, 10, "sqrt_inverse").tolist() == [3, 2, 1, 1, 1]
    assert positive_weights(on, 10, "median").tolist() == [2, 1, 0.4, 1, 1]
    assert positive_weights(on, 10, "inverse", max_weight=3).tolist() == [3, 3, 1, 1, 1]
    beta = 0.9
    wanted = (1 - beta**8) / (1 - beta**2)
    assert positive_weights(on, 10, "effective_number", beta)[1] == pytest.approx(wanted)


def test_multilabel_weights_reach_the_loss(tmp_path):
    import torch

    sets = [["x"], ["y"], [], ["x", "y"], ["x"], ["x"], None, ["y"]]
    columns = {"text": [f"text {i}" for i in range(8)], "label": sets, "split": ["train"] * 7 + ["test"]}
    table = curate.load(
        columns,
        task={"kind": "multilabel", "text": "text", "label": "label", "label_names": ["x", "y"], "split": "split"},
    )
    weights, reasons = decided(ClassWeights(), table)
    assert weights == {"x": 2 / 4, "y": 4 / 2}  # of 6 labelled training rows 4 have x, 2 have y
    assert reasons[0] == "4 of 6 draws (inverse)"
    curated = curate.Pipeline.from_text("curate: 1\nsteps: [class_weights]\nfeed: {batch_size: 4}").run(table)
    batch = next(iter(curated.loader(sampler="sequential")))
    logits = torch.tensor([[0.5, -1.0]] * 4)
    own = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, batch["labels"], pos_weight=torch.tensor([0.5, 2.0])
    )
    assert float(curated.loss()(logits, batch)) == pytest.approx(float(own))


def test_objects_are_counted_in_detection(tmp_path):
    rng = np.random.default_rng(0)

    def png():
        out = io.BytesIO()
        Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(out, "PNG")
        return {"bytes": out.getvalue(), "path": None}

    def boxes(*names):
        return [{"box": [1.0, 1.0, 9.0, 9.0], "label": name} for name in names]

    columns = {
        "image": [png() for _ in range(5)],
        "boxes": [boxes("car", "car", "car"), boxes("car", "dog"), boxes(), None, boxes("dog", "dog", "dog")],
        "split": ["train"] * 4 + ["test"],
    }
    table = curate.load(columns, task={"kind": "detection", "image": "image", "boxes": "boxes", "split": "split"})
    weights, reasons = decided(ClassWeights(), table)
    assert weights == pytest.approx({"car": 5 / 8, "dog": 5 / 2})
    assert reasons == ["4 of 5 objects (inverse)", "1 of 5 objects (inverse)"]
    weights, reasons = decided(ClassWeights(count="rows", method="median"), table)
    assert weights == pytest.approx({"car": 0.75, "dog": 1.5})
    assert reasons[0] == "2 of 3 draws (median)"
    assert "it counts objects" in ClassWeights(count="pixels").refuses(table.task)
    curated = curate.Pipeline.from_text("curate: 1\nsteps: [class_weights]").run(table, out=tmp_path / "out")
    for one in (curated, curate.open(tmp_path / "out")):
        np.testing.assert_allclose(one.class_weights, [5 / 8, 5 / 2])
        np.testing.assert_allclose(one.verdict.class_weights, [5 / 8, 5 / 2])


def test_tags_are_counted_in_token_classification():
    columns = {"tokens": [["a", "b", "c"], ["d"]], "tags": [["O", "O", "PER"], ["O"]]}
    table = curate.load(columns, task={"kind": "token_classification", "tokens": "tokens", "label": "tags"})
    weights, reasons = decided(ClassWeights(), table)
    assert weights == pytest.approx({"O": 4 / 6, "PER": 4 / 2})
    assert reasons[1] == "1 of 4 tags (inverse)"


def masks_of(tmp_path, masks, names, **task):
    (tmp_path / "images").mkdir(parents=True)
    columns = {"image": [], "mask": []}
    rng = np.random.default_rng(1)
    for number, mask in enumerate(masks):
        Image.fromarray(rng.integers(0, 255, (*mask.shape, 3), dtype=np.uint8)).save(
            tmp_path / "images" / f"{number}.png"
        )
        Image.fromarray(mask).save(tmp_path / "images" / f"{number}_mask.png")
        columns["image"].append(f"images/{number}.png")
        columns["mask"].append(f"images/{number}_mask.png")
    roles = {"kind": "segmentation", "image": "image", "mask": "mask", "label_names": names}
    return curate.load(columns, task=roles | task, root=tmp_path)


def test_pixels_are_counted_in_segmentation(tmp_path):
    first = np.zeros((10, 10), np.uint8)
    first[:2], first[2:3], first[9] = 1, 2, 255  # 20 of class 1, 10 of class 2, 60 background, 10 that don't count
    second = np.zeros((10, 10), np.uint8)
    second[:4] = 1
    table = masks_of(tmp_path / "a", [first, second], ["road", "tree"])
    weights, reasons = decided(ClassWeights(), table)
    assert weights == pytest.approx({"road": 70 / 120, "tree": 70 / 20})
    assert reasons[1] == "10 of 190 pixels (inverse)"
    # Median frequency: road 60 of 190 pixels, tree 10 of the 90 of its one image.
    share = {"road": 60 / 190, "tree": 10 / 90}
    middle = np.median(list(share.values()))
    assert decided(ClassWeights(method="median"), table)[0] == pytest.approx({k: middle / v for k, v in share.items()})
    table = masks_of(tmp_path / "b", [first, second], ["background", "road", "tree"])
    assert decided(ClassWeights(), table)[0]["background"] == pytest.approx(190 / 3 / 120)
    assert decided(ClassWeights(count="rows"), table)[0]["tree"] == pytest.approx(5 / 3)
