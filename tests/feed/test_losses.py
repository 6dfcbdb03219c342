"""Losses: the optimum is the soft label whatever the weights, parity with torch where torch is right, no NaN."""

import pytest
import torch
from torch.nn import functional

from curate.errors import ConfigError
from curate.feed.losses import SoftBinaryCrossEntropy, SoftCrossEntropy, WeightedRegression, make_loss


def optimum(loss, targets, steps=60):
    """Softmax of the logits that minimise a loss over rows that all look alike."""
    z = torch.zeros(targets.shape[-1], dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([z], lr=1, max_iter=steps, tolerance_grad=1e-12, tolerance_change=1e-15)

    def closure():
        solver.zero_grad()
        value = loss(z)
        value.backward()
        return value

    for _ in range(5):
        solver.step(closure)
    return torch.softmax(z.detach(), 0)


def test_torch_s_own_loss_is_drawn_to_the_heavy_class_and_ours_is_not():
    weights, label = [1.0, 100.0], torch.tensor([0])
    theirs = torch.nn.CrossEntropyLoss(torch.tensor(weights, dtype=torch.float64), label_smoothing=0.1)
    smoothed = torch.tensor([[0.95, 0.05]], dtype=torch.float64)
    their_optimum = optimum(lambda z: theirs(z[None], label), smoothed[0])
    # Half of the smoothing's 0.1 goes to class 1: 0.95 * 1 against 0.05 * 100, so 84 % class 1.
    assert their_optimum[1].item() == pytest.approx(5 / 5.95, abs=1e-3)
    ours = SoftCrossEntropy(weights)
    found = optimum(lambda z: ours(z[None], {"labels": label, "soft_labels": smoothed}), smoothed[0])
    torch.testing.assert_close(found, smoothed[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("weights", [[1, 1, 1], [1, 100, 0.01], [1e-4, 5, 1e4]])
@pytest.mark.parametrize("label", [0, 1, 2])
def test_the_optimum_is_the_soft_label_for_any_class_weights(weights, label):
    soft = torch.full((1, 3), 0.05, dtype=torch.float64)
    soft[0, label] = 0.9
    ours = SoftCrossEntropy(weights)
    batch = {"labels": torch.tensor([label]), "soft_labels": soft, "weights": torch.tensor([7.0])}
    torch.testing.assert_close(optimum(lambda z: ours(z[None], batch), soft[0]), soft[0], atol=1e-5, rtol=0)


def test_rows_that_look_alike_are_averaged_by_their_weights():
    soft = torch.tensor([[0.9, 0.1], [0.2, 0.8]], dtype=torch.float64)
    batch = {"labels": torch.tensor([0, 1]), "soft_labels": soft, "weights": torch.tensor([2.0, 0.5])}
    factor = torch.tensor([2.0 * 3.0, 0.5 * 4.0], dtype=torch.float64)
    expected = factor @ soft / factor.sum()
    ours = SoftCrossEntropy([3.0, 4.0])
    found = optimum(lambda z: ours(z.expand(2, 2), batch), soft[0])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_equal_to_torch_on_hard_labels_with_and_without_class_weights():
    torch.manual_seed(0)
    logits, labels = torch.randn(64, 5), torch.randint(5, (64,))
    labels[::7] = -100
    torch.testing.assert_close(SoftCrossEntropy()(logits, {"labels": labels}), functional.cross_entropy(logits, labels))
    weights = torch.tensor([0.5, 1, 2, 4, 8])
    ours = SoftCrossEntropy(weights)
    theirs = functional.cross_entropy(logits, labels, weight=weights)
    torch.testing.assert_close(ours(logits, {"labels": labels}), theirs)
    known = labels >= 0
    one_hot = functional.one_hot(labels.clamp_min(0), 5).float() * known[:, None]
    torch.testing.assert_close(ours(logits, {"labels": labels, "soft_labels": one_hot}), theirs)
    torch.testing.assert_close(
        SoftCrossEntropy(weights, reduction="sum")(logits, {"labels": labels}),
        functional.cross_entropy(logits, labels, weight=weights, reduction="sum"),
    )


def test_row_weights_are_as_good_as_repeating_rows():
    torch.manual_seed(1)
    logits, labels, weights = torch.randn(4, 3), torch.tensor([0, 1, 2, 1]), torch.tensor([1.0, 3.0, 2.0, 0.0])
    times = weights.long()
    repeated = {"labels": labels.repeat_interleave(times)}
    loss = SoftCrossEntropy([1.0, 2.0, 3.0])
    torch.testing.assert_close(
        loss(logits, {"labels": labels, "weights": weights}), loss(logits.repeat_interleave(times, 0), repeated)
    )


def test_mixed_rows_mix_class_weights():
    logits = torch.randn(1, 2)
    soft = torch.tensor([[0.3, 0.7]])
    batch = {
        "labels": torch.tensor([0]),
        "soft_labels": soft,
        "partner_labels": torch.tensor([1]),
        "share": torch.tensor([0.3]),
    }
    plain = SoftCrossEntropy(reduction="sum")(logits, batch)
    weighted = SoftCrossEntropy([1.0, 100.0], reduction="sum")(logits, batch)
    torch.testing.assert_close(weighted / plain, torch.tensor(0.3 + 70.0))


def test_a_soft_label_alone_chooses_the_class_weight():
    logits = torch.randn(1, 2)
    batch = {"labels": torch.tensor([-100]), "soft_labels": torch.tensor([[0.25, 0.75]])}
    plain = SoftCrossEntropy(reduction="sum")(logits, batch)
    weighted = SoftCrossEntropy([4.0, 8.0], reduction="sum")(logits, batch)
    torch.testing.assert_close(weighted / plain, torch.tensor(7.0))


@pytest.mark.parametrize(
    ("loss", "logits", "labels"),
    [
        (SoftCrossEntropy([1.0, 2.0, 3.0]), (4, 3), torch.full((4,), -100)),
        (SoftBinaryCrossEntropy([1.0, 2.0, 3.0]), (4, 3), torch.full((4, 3), -100.0)),
        (WeightedRegression(), (4,), torch.full((4,), float("nan"))),
    ],
)
def test_a_batch_without_labels_gives_zero_with_a_gradient(loss, logits, labels):
    logits = torch.randn(logits, requires_grad=True)
    value = loss(logits, {"labels": labels})
    value.backward()
    assert value.item() == 0.0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_gradients_are_right():
    torch.manual_seed(2)
    logits = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    soft = torch.softmax(torch.randn(5, 3, dtype=torch.float64), 1)
    soft[4] = 0
    batch = {"labels": torch.tensor([0, 1, 2, 1, -100]), "soft_labels": soft, "weights": torch.rand(5)}
    assert torch.autograd.gradcheck(lambda z: SoftCrossEntropy([1.0, 10.0, 0.1])(z, batch), (logits,))
    sets = {"labels": (soft > 0.3).double(), "weights": torch.rand(5)}
    assert torch.autograd.gradcheck(lambda z: SoftBinaryCrossEntropy([1.0, 10.0, 0.1])(z, sets), (logits,))


def test_masked_out_logits_and_bfloat16():
    logits = torch.tensor([[0.5, float("-inf"), 1.0]], requires_grad=True)
    value = SoftCrossEntropy()(logits, {"soft_labels": torch.tensor([[0.5, 0.0, 0.5]])})
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(logits.grad).all()
    torch.manual_seed(3)
    exact, labels = torch.randn(32, 10), torch.randint(10, (32,))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = SoftCrossEntropy(torch.arange(1.0, 11.0))(exact.bfloat16(), {"labels": labels})
    assert loss.dtype == torch.float32
    torch.testing.assert_close(
        loss, functional.cross_entropy(exact.bfloat16().float(), labels, weight=torch.arange(1.0, 11.0))
    )


def test_multilabel_equals_torch_and_leaves_out_rows_without_labels():
    torch.manual_seed(4)
    logits, labels, weights = torch.randn(6, 4), torch.randint(2, (6, 4)).float(), torch.tensor([1.0, 2.0, 4.0, 8.0])
    expected = functional.binary_cross_entropy_with_logits(logits, labels, pos_weight=weights)
    loss = make_loss("multilabel", weights, ["a", "b", "c", "d"])
    torch.testing.assert_close(loss(logits, {"labels": labels}), expected)
    more = torch.cat([labels, torch.full((1, 4), -100.0)])
    torch.testing.assert_close(loss(torch.cat([logits, torch.ones(1, 4)]), {"labels": more}), expected)
    softer = {"labels": labels, "soft_labels": torch.full((6, 4), 0.5)}
    torch.testing.assert_close(
        loss(logits, softer),
        functional.binary_cross_entropy_with_logits(logits, softer["soft_labels"], pos_weight=weights),
    )


@pytest.mark.parametrize(
    ("form", "theirs"),
    [("huber", functional.huber_loss), ("squared", functional.mse_loss), ("absolute", functional.l1_loss)],
)
def test_regression_equals_torch_and_weighs_rows(form, theirs):
    torch.manual_seed(5)
    predictions, labels = torch.randn(8, 1), 3 * torch.randn(8)
    loss = make_loss("regression", form=form)
    torch.testing.assert_close(loss(predictions, {"labels": labels}), theirs(predictions[:, 0], labels))
    weights = torch.tensor([1.0, 0, 0, 0, 0, 0, 0, 0])
    torch.testing.assert_close(
        loss(predictions, {"labels": labels, "weights": weights}), theirs(predictions[:1, 0], labels[:1])
    )
    labels[3] = float("nan")
    known = torch.isfinite(labels)
    torch.testing.assert_close(loss(predictions, {"labels": labels}), theirs(predictions[known, 0], labels[known]))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: SoftCrossEntropy([1.0, 2.0], ["a", "b", "c"]), "3 numbers, one per class"),
        (lambda: SoftCrossEntropy([1.0, float("nan")], ["a", "b"]), "that of 'b' is nan"),
        (lambda: SoftCrossEntropy([1.0, -1.0]), "at least 0"),
        (lambda: SoftCrossEntropy(reduction="average"), "unknown reduction"),
        (lambda: WeightedRegression(form="cubic"), "unknown form"),
        (lambda: WeightedRegression(delta=0), "delta"),
        (lambda: make_loss("detection"), "no loss for a detection task"),
        (lambda: SoftCrossEntropy([1.0, 2.0])(torch.ones(2, 3), {"labels": torch.zeros(2).long()}), "2 classes"),
        (lambda: SoftCrossEntropy()(torch.ones(2, 3), {}), "neither"),
        (lambda: SoftCrossEntropy()(torch.ones(2, 3), {"soft_labels": torch.ones(2, 2)}), "soft_labels have"),
        (lambda: WeightedRegression()(torch.ones(2, 3), {"labels": torch.ones(2)}), "predictions of"),
    ],
)
def test_wrong_use(make, says):
    with pytest.raises(ConfigError, match=says):
        make()


def test_weights_move_and_are_saved_with_the_module():
    loss = SoftCrossEntropy([1.0, 3.0])
    assert loss.state_dict()["class_weights"].tolist() == [1.0, 3.0]
    assert loss.double().class_weights.dtype == torch.float64
