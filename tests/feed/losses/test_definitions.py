"""Losses with the settings that they have by default, against the formulas of their papers, row by row."""

import numpy as np
import pytest
import torch

from curate.errors import ConfigError
from curate.losses import LOSSES, make_loss

LOGITS = np.array([[1.2, -0.4, 0.3], [-0.7, 0.9, 0.1], [0.2, 0.5, -1.1]])
LABELS = np.array([0, 2, 1])
COUNTS = np.array([50.0, 20.0, 0.0])
TEACHER = np.array([[0.5, 0.5, -0.2], [0.1, -0.9, 1.4], [1.0, 0.2, 0.3]])


def log_softmax(values):
    return values - np.log(np.exp(values).sum(1, keepdims=True))


LOG_P = log_softmax(LOGITS)
P = np.exp(LOG_P)
OWN = np.arange(3), LABELS
CE = -LOG_P[OWN]
DRAWN = np.maximum(COUNTS, 1)  # a class that is never drawn counts as drawn once


def kl(one, other):
    return (np.exp(one) * (one - other)).sum(1)


def ldam():
    margins = DRAWN**-0.25
    margins *= 0.5 / margins.max()
    return -log_softmax(LOGITS - np.eye(3)[LABELS] * margins)[OWN]


def effective():
    weights = (1 - 0.999) / (1 - 0.999**DRAWN)
    return CE * (weights / weights.mean())[LABELS]


CLASSIFICATION = {
    "cross_entropy": CE,
    "focal": (1 - P[OWN]) ** 2 * CE,
    "class_balanced": effective(),
    "ldam": ldam(),
    "logit_adjusted": -log_softmax(LOGITS + np.log(DRAWN))[OWN],
    "balanced_softmax": -log_softmax(LOGITS + np.log(DRAWN))[OWN],
    "generalised_cross_entropy": (1 - P[OWN] ** 0.7) / 0.7,
    "symmetric_cross_entropy": 0.1 * CE + 4 * (1 - P[OWN]),
    "bootstrapping_soft": 0.95 * CE - 0.05 * (P * LOG_P).sum(1),
    "bootstrapping_hard": 0.8 * CE - 0.2 * LOG_P.max(1),
    "early_learning": CE + 3 * np.log(1 - 0.3 * (P * P).sum(1)),
    "consistency": CE,
    "distillation": 0.5 * CE + 0.5 * 4 * kl(log_softmax(TEACHER / 2), log_softmax(LOGITS / 2)),
}


@pytest.mark.parametrize("name", sorted(CLASSIFICATION))
def test_losses_of_classes_by_default(name):
    batch = {"labels": torch.tensor(LABELS), "row_id": ["a", "b", "c"], "teacher_logits": torch.tensor(TEACHER)}
    needs = (
        {"class_counts": COUNTS.tolist()}
        if name in ("class_balanced", "ldam", "logit_adjusted", "balanced_softmax")
        else {}
    )
    loss = make_loss("classification", name=name, reduction="none", **needs)
    np.testing.assert_allclose(loss(torch.tensor(LOGITS), batch).numpy(), CLASSIFICATION[name], rtol=1e-5)


def test_every_loss_of_classes_is_held_to_its_definition_somewhere():
    assert set(LOSSES["classification"]) == set(CLASSIFICATION) | {"forward_correction", "backward_correction"}


@pytest.mark.parametrize("form", ["symmetric_kl", "squared"])
def test_consistency_of_two_draws(form):
    one, other = LOG_P, log_softmax(TEACHER)
    apart = {
        "symmetric_kl": (kl(one, other) + kl(other, one)) / 2,
        "squared": ((np.exp(one) - np.exp(other)) ** 2).mean(1),
    }[form]
    loss = make_loss("classification", name="consistency", strength=3.0, form=form, reduction="none")
    found = loss((torch.tensor(LOGITS), torch.tensor(TEACHER)), {"labels": torch.tensor(LABELS)})
    np.testing.assert_allclose(found.numpy(), (CE - other[OWN]) / 2 + 3 * apart, rtol=1e-6)


def test_losses_of_sets_by_default():
    targets = np.eye(3)[LABELS]
    p = 1 / (1 + np.exp(-LOGITS))
    shifted = np.maximum(p - 0.05, 0)
    expected = {
        "binary_cross_entropy": -(targets * np.log(p) + (1 - targets) * np.log(1 - p)),
        "asymmetric": -(targets * (1 - p) * np.log(p) + (1 - targets) * shifted**4 * np.log(1 - shifted)),
        "focal": -(targets * (1 - p) ** 2 * np.log(p) + (1 - targets) * p**2 * np.log(1 - p)),
    }
    assert set(expected) == set(LOSSES["multilabel"])
    for name, each in expected.items():
        loss = make_loss("multilabel", name=name, reduction="none")
        found = loss(torch.tensor(LOGITS), {"labels": torch.tensor(targets)})
        np.testing.assert_allclose(found.numpy(), each.mean(1), rtol=1e-5, err_msg=name)


def test_class_weights_of_sets_are_factors_of_the_positive_terms():
    targets, weights = np.eye(3)[LABELS], np.array([2.0, 3.0, 5.0])
    p = 1 / (1 + np.exp(-LOGITS))
    expected = -(weights * targets * (1 - p) ** 2 * np.log(p) + (1 - targets) * p**2 * np.log(1 - p)).mean(1)
    loss = make_loss("multilabel", weights, name="focal", reduction="none")
    found = loss(torch.tensor(LOGITS), {"labels": torch.tensor(targets)})
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


def test_sets_that_are_mixed_alone_or_of_another_shape():
    loss = make_loss("multilabel", reduction="none")
    soft = torch.tensor([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    alone = loss(torch.tensor(LOGITS), {"soft_labels": soft})
    torch.testing.assert_close(alone, loss(torch.tensor(LOGITS), {"labels": soft, "soft_labels": soft}))
    assert alone.dtype == torch.float64  # of the logits
    with pytest.raises(ConfigError, match=r"labels have the shape \(3, 1\), the logits \(3, 3\)"):
        loss(torch.tensor(LOGITS), {"labels": torch.ones(3, 1)})


def test_losses_of_numbers_by_default():
    error = np.array([0.4, -3.0])
    size = np.abs(error)
    expected = {
        "huber": [0.08, 2.5],
        "squared": error**2,
        "absolute": size,
        "log_cosh": np.log(np.cosh(error)),
        "cauchy": np.log1p(error**2) / 2,
        "quantile": size / 2,
    }
    assert set(expected) == set(LOSSES["regression"])
    for name, each in expected.items():
        loss = make_loss("regression", name=name, reduction="none")
        found = loss(torch.zeros(2, dtype=torch.float64), {"labels": torch.tensor(error)})
        np.testing.assert_allclose(found.numpy(), each, rtol=1e-6, err_msg=name)
    high = make_loss("regression", name="quantile", quantile=0.9, reduction="none")
    found = high(torch.zeros(2, dtype=torch.float64), {"labels": torch.tensor(error)})
    np.testing.assert_allclose(found.numpy(), [0.36, 0.3], rtol=1e-6)


def test_losses_of_tokens_by_default():
    labels = torch.tensor(LABELS)[None]
    expected = {
        "cross_entropy": CE,
        "focal": CLASSIFICATION["focal"],
        "generalised_cross_entropy": CLASSIFICATION["generalised_cross_entropy"],
    }
    for name, each in expected.items():
        loss = make_loss("token_classification", name=name, reduction="none")
        found = loss(torch.tensor(LOGITS)[None], {"labels": labels})[0]
        np.testing.assert_allclose(found.numpy(), each, rtol=1e-6, err_msg=name)
