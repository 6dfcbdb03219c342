"""Targets of rows: types that no loss mistakes for others, and what comes from the inputs instead."""

import numpy as np
import pytest
import torch
from small_tables import plan, table

from curate.errors import ConfigError
from curate.feed import make_loader
from curate.feed.targets import Targets
from curate.losses import make_loss


def batch_of(kind, labels, names=(), soft=None, weight=None):
    of = table({"x": [[float(i), 1.0] for i in range(len(labels))], "y": labels}, kind=kind, features="x", label="y",
               label_names=names)  # fmt: skip
    [batch] = make_loader(of, plan(of, labels, kind=kind, soft=soft, weight=weight), sampler="sequential")
    return batch


def test_sets_of_labels():
    batch = batch_of("multilabel", [["a"], [], None, ["c", "a"]], ("a", "b", "c"))
    assert batch["labels"].dtype == torch.float32
    assert batch["labels"].tolist() == [[1, 0, 0], [0, 0, 0], [-100] * 3, [1, 0, 1]]
    logits = torch.randn(4, 3)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits[[0, 1, 3]], batch["labels"][[0, 1, 3]])
    torch.testing.assert_close(make_loss("multilabel")(logits, batch), expected)


def test_numbers():
    batch = batch_of("regression", [0.25, None, 1e6], weight=[1.0, 2, 3])
    assert batch["labels"].dtype == torch.float32
    assert batch["labels"].shape == (3,)
    assert torch.isnan(batch["labels"][1])
    loss = make_loss("regression", name="squared")(torch.zeros(3, 1), batch)
    assert float(loss) == pytest.approx((0.25**2 + 3 * 1e12) / 4)


def test_classes_are_whole_numbers_and_stay_apart_from_sets_and_numbers():
    batch = batch_of("classification", ["a", "b", None], ("a", "b"), soft=[[0.5, 0.5], None, None])
    assert batch["labels"].dtype == torch.int64
    assert batch["labels"].tolist() == [0, 1, -100]
    assert batch["soft_labels"].dtype == torch.float32
    # Floats as labels of classes would train each class by itself in models that guess the kind by the type.
    floats = {"labels": batch["labels"].float()}
    with pytest.raises(ConfigError, match=r"labels must be .rows,. whole numbers, not .3,. of torch.float32"):
        make_loss("classification")(torch.randn(3, 2), floats)
    numbers = batch_of("regression", [0.0, 1.0, 1.0])
    with pytest.raises(ConfigError):
        make_loss("classification")(torch.randn(3, 2), numbers)
    with pytest.raises(ConfigError):
        make_loss("multilabel")(torch.randn(3, 2), numbers)
    with pytest.raises(ConfigError):
        make_loss("regression")(torch.randn(3, 2), batch)


def test_what_comes_from_the_inputs_stands_in_for_the_label_of_the_row():
    targets = {"labels": np.full(2, -100), "weights": np.array([2.0, 3.0], np.float32)}
    entries = {"pixel_values": np.zeros((2, 3)), "labels": np.ones((2, 4, 4)), "annotated": np.array([True, False])}
    batch = Targets.joined(targets, entries)
    assert list(batch) == ["pixel_values", "labels", "weights"]
    assert batch["labels"].shape == (2, 4, 4)
    assert batch["weights"].tolist() == [2, 0]
    assert batch["weights"].dtype == np.float32
    assert targets["weights"].tolist() == [2, 3]
