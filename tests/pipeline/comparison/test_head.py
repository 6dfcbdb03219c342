"""The head learns what the losses of the feed teach: its slopes are their gradients, and the plan's targets count."""

import numpy as np
import pytest

import curate
from curate.pipeline.comparison.arms import training_lines
from curate.pipeline.comparison.head import Training, _slope, train_heads
from curate.pipeline.comparison.lesson import Lesson

NAMES = ("c0", "c1", "c2", "c3")


@pytest.mark.parametrize("kind", ["classification", "multilabel"])
def test_slopes_are_the_gradients_of_the_losses(kind):
    torch = pytest.importorskip("torch")
    from curate.feed import make_loss

    rng = np.random.default_rng(0)
    logits = rng.normal(size=(1, 9, 4)).astype(np.float32)
    soft = rng.dirichlet(np.ones(4), 9).astype(np.float32)
    hard, factors = soft.argmax(1), np.array([0.5, 1, 2, 3], np.float32)
    weights = rng.random(9).astype(np.float32)
    labels = hard if kind == "classification" else (soft > 0.3).astype(np.float32)
    targets = soft if kind == "classification" else labels
    given = torch.tensor(logits[0], requires_grad=True)
    loss = make_loss(kind, class_weights=factors, label_names=NAMES)
    batch = {"labels": torch.tensor(labels), "soft_labels": torch.tensor(targets), "weights": torch.tensor(weights)}
    loss(given, batch).backward()
    own = weights * factors[hard] if kind == "classification" else weights
    positive = factors if kind == "multilabel" else np.ones(4, np.float32)
    slope = _slope(logits, targets[None], own[None], positive, kind)
    assert slope[0] == pytest.approx(given.grad.numpy(), abs=1e-6)


def test_slopes_of_numbers_are_hubers():
    torch = pytest.importorskip("torch")
    from curate.feed import make_loss

    rng = np.random.default_rng(0)
    logits, targets = rng.normal(0, 2, (1, 9, 1)).astype(np.float32), rng.normal(0, 2, (1, 9, 1)).astype(np.float32)
    weights = rng.random((1, 9)).astype(np.float32)
    given = torch.tensor(logits[0], requires_grad=True)
    batch = {"labels": torch.tensor(targets[0, :, 0]), "weights": torch.tensor(weights[0])}
    make_loss("regression")(given, batch).backward()
    slope = _slope(logits, targets, weights, np.ones(1, np.float32), "regression")
    assert slope[0] == pytest.approx(given.grad.numpy(), abs=1e-6)


def lesson_of(result):
    return Lesson.of(result, training_lines(result), np.ones(len(result.table), bool))


def test_the_plan_is_what_is_learned(blobs):
    table = blobs(rows=200, test=50)
    steps = [
        curate.steps.LabelErrors(fix="soften"),
        curate.steps.ClassWeights(),
        curate.steps.Oversample(),
    ]
    result = curate.Pipeline(steps).run(table)
    lesson = lesson_of(result)
    lines = training_lines(result)
    assert len(lesson) == lines.num_rows
    assert (lesson.targets.max(1) < 1).any()  # soft labels
    assert lesson.targets.sum(1) == pytest.approx(1, abs=1e-5)
    codes = [NAMES.index(name) for name in lines["label"].to_pylist()]
    assert lesson.weights == pytest.approx(lines["weight"].to_numpy() * result.class_weights[codes])


def test_weight_nothing_teaches_nothing():
    rng = np.random.default_rng(0)
    codes = np.arange(120) % 2
    x = rng.normal(0, 0.1, (120, 3)).astype(np.float32)
    x[:, 0] += codes
    wrong = codes.copy()
    wrong[:60] = 1 - wrong[:60]  # half of the labels are wrong and have the weight 0
    import pyarrow as pa

    lines = pa.table({"label": [str(c) for c in wrong], "row_id": [str(i) for i in range(120)]})
    weights = np.r_[np.zeros(60), np.ones(60)].astype(np.float32)
    lesson = Lesson(
        lines, np.arange(120), np.arange(120)[None], np.eye(2, dtype=np.float32)[wrong], weights, np.ones(2)
    )
    training = Training("classification", "shuffled", None, (0, 1), 200, 32)
    said = train_heads(x, lesson, np.arange(120), training)
    assert (said.argmax(2) == codes).mean() > 0.97


@pytest.mark.parametrize("sampler", ["sequential", "shuffled", "weighted", "balanced", "adaptive"])
def test_every_sampler_of_the_feed(blobs, sampler):
    table = blobs(rows=200, test=100, noise=0.0)
    found = curate.Pipeline([], feed={"sampler": sampler, "batch_size": 16}).compare(table, seeds=1)
    assert found.arm("curated").score > 0.8
    assert [effect.name for effect in found.effects] == ([] if sampler == "shuffled" else ["feed.sampler"])
