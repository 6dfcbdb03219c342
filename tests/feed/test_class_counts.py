"""How often an epoch draws each class: what the losses are told is what the sampler does."""

import numpy as np
import pyarrow as pa
import pytest

from curate.feed import Sampler
from curate.feed.losses.counts import class_counts

NAMES = ("a", "b")


@pytest.fixture
def lines():
    """100 lines: group x has 70 of a and 10 of b, group y 5 of a and 15 of b."""
    labels = ["a"] * 70 + ["b"] * 10 + ["a"] * 5 + ["b"] * 15
    return pa.table(
        {
            "row": np.arange(100),
            "row_id": [f"r{n}" for n in range(100)],
            "label": pa.array(labels).dictionary_encode(),
            "weight": np.ones(100, np.float32),
            "split": pa.array(["train"] * 100).dictionary_encode(),
            "copy": np.zeros(100, np.int32),
        }
    )


@pytest.mark.parametrize("with_classes", [False, True])
def test_group_balanced_counts_are_those_of_the_draws(lines, with_classes):
    groups = pa.chunked_array([["x"] * 80 + ["y"] * 20])
    counts = class_counts(lines, NAMES, "group_balanced", groups, with_classes)
    sampler = Sampler(lines, "group_balanced", groups=groups, grouping={"with_classes": with_classes})
    labels = np.array(lines["label"].to_pylist())
    drawn = np.zeros(2)
    for epoch in range(50):
        sampler.set_epoch(epoch)
        drawn += [(labels[list(sampler)] == name).sum() for name in NAMES]
    expected = [50, 50] if with_classes else [50 * 70 / 80 + 50 * 5 / 20, 50 * 10 / 80 + 50 * 15 / 20]
    np.testing.assert_allclose(counts, expected)
    np.testing.assert_allclose(drawn / 50, expected, atol=0.5)
