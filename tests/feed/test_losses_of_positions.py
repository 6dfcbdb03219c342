"""Losses of pixels, tokens and transcripts against torch's own, with weights of classes and rows."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from curate.errors import ConfigError
from curate.losses import make_loss

NAMES = ("road", "car", "tree")
WEIGHTS = [0.5, 1.0, 2.5]


def pixels(seed=0):
    """(4, 4, 6, 8) logits of a background and three classes, and labels with holes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, (4, 6, 8))
    labels[rng.random(labels.shape) < 0.3] = -100
    return torch.tensor(rng.normal(size=(4, 4, 6, 8)), dtype=torch.float32), torch.tensor(labels)


def test_pixels_weigh_by_class_and_row():
    logits, labels = pixels()
    rows = torch.tensor([1.0, 0.0, 3.0, 0.5])
    loss = make_loss("segmentation", class_weights=WEIGHTS, label_names=NAMES)
    assert loss.label_names == ("background", *NAMES)
    each = functional.cross_entropy(logits, labels, reduction="none", ignore_index=-100)
    weight = torch.tensor([1.0, *WEIGHTS])[labels.clamp_min(0)] * (labels >= 0) * rows[:, None, None]
    batch = {"labels": labels, "weights": rows}
    torch.testing.assert_close(loss(logits, batch), (each * weight).sum() / weight.sum())
    theirs = functional.cross_entropy(logits, labels, torch.tensor([1.0, *WEIGHTS]))
    torch.testing.assert_close(loss(logits, {"labels": labels}), theirs)
    none = make_loss("segmentation", class_weights=WEIGHTS, label_names=NAMES, reduction="none")
    assert none(logits, batch).shape == labels.shape


def test_small_logits_are_brought_to_the_size_of_the_labels():
    logits, labels = pixels()
    small = logits[:, :, ::2, ::2].contiguous()
    large = functional.interpolate(small, (6, 8), mode="bilinear", align_corners=False)
    loss = make_loss("segmentation")
    torch.testing.assert_close(loss(small, {"labels": labels}), functional.cross_entropy(large, labels))


def test_other_values_that_do_not_count_and_no_background():
    logits, labels = pixels()
    loss = make_loss("segmentation", background=None, label_names=("sky", *NAMES), ignore_index=255)
    other = torch.where(labels < 0, 255, labels)
    torch.testing.assert_close(loss(logits, {"labels": other}), functional.cross_entropy(logits, labels))
    assert make_loss("segmentation", label_names=("Void", *NAMES)).label_names == ("Void", *NAMES)


@pytest.mark.parametrize("name", ["focal", "generalised_cross_entropy"])
def test_tokens_and_limits(name):
    logits, labels = pixels()
    logits, labels = logits.flatten(2).transpose(1, 2), labels.flatten(1)
    limit = make_loss("token_classification", name=name, **{"focal": {"gamma": 0}}.get(name, {"q": 0}))
    plain = functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
    torch.testing.assert_close(limit(logits, {"labels": labels}), plain)
    torch.testing.assert_close(make_loss("token_classification")(logits, {"labels": labels}), plain)
    p = torch.softmax(logits, -1).gather(-1, labels.clamp_min(0)[..., None])[..., 0]
    each = -((1 - p) ** 2) * p.log() if name == "focal" else (1 - p**0.7) / 0.7
    known = labels >= 0
    found = make_loss("token_classification", name=name)(logits, {"labels": labels})
    torch.testing.assert_close(found, each[known].mean())


def test_transcripts_against_torch():
    rng = np.random.default_rng(1)
    logits = torch.tensor(rng.normal(size=(3, 12, 5)), dtype=torch.float32)
    labels = torch.tensor([[1, 2, 3, -100], [4, 4, -100, -100], [-100] * 4])
    mask = torch.zeros(3, 120, dtype=torch.int64)
    mask[0], mask[1, :60], mask[2, :120] = 1, 1, 1
    batch = {"labels": labels, "attention_mask": mask, "weights": torch.tensor([1.0, 3.0, 9.0])}
    log_p = torch.log_softmax(logits, -1).transpose(0, 1)
    each = functional.ctc_loss(
        log_p, labels.clamp_min(0), torch.tensor([12, 6, 12]), torch.tensor([3, 2, 0]), reduction="none"
    )
    expected = (each[0] / 3 + 3 * each[1] / 2) / 4
    torch.testing.assert_close(make_loss("transcription")(logits, batch), expected)
    lengths = {"labels": labels, "logit_lengths": torch.tensor([12, 6, 12]), "weights": batch["weights"]}
    torch.testing.assert_close(make_loss("transcription")(logits, lengths), expected)
    words = make_loss("transcription", name="cross_entropy")(logits[:, :4], {"labels": labels})
    torch.testing.assert_close(words, functional.cross_entropy(logits[:, :4].flatten(0, 1), labels.flatten()))


def test_what_does_not_fit_is_said():
    logits, labels = pixels()
    loss = make_loss("segmentation", label_names=NAMES[:2])
    with pytest.raises(ConfigError, match="of 3 classes"):
        loss(logits, {"labels": labels})
    with pytest.raises(ConfigError, match=r"must have the shape .rows, tokens, classes."):
        loss(logits, {"labels": labels[:, 0]})
    with pytest.raises(ConfigError, match="whole numbers"):
        loss(logits, {"labels": labels.float()})
    with pytest.raises(ConfigError, match="labels go up to 2, and the logits are of 2 classes: the model needs 3"):
        make_loss("segmentation")(logits[:, :2], {"labels": torch.where(labels < 0, labels, 2)})
    with pytest.raises(ConfigError, match=r"detection task.*compute their own"):
        make_loss("detection")
