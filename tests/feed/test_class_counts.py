"""How often an epoch draws each class: what the losses are told is what the sampler does."""

import numpy as np
import pyarrow as pa
import pytest

from curate.feed import Sampler
from curate.feed.losses.counts import class_counts, estimated_transition

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
    if not with_classes:
        np.testing.assert_allclose(class_counts(lines, NAMES, "group_balanced", groups), counts)
    sampler = Sampler(lines, "group_balanced", groups=groups, grouping={"with_classes": with_classes})
    labels = np.array(lines["label"].to_pylist())
    drawn = np.zeros(2)
    for epoch in range(50):
        sampler.set_epoch(epoch)
        drawn += [(labels[list(sampler)] == name).sum() for name in NAMES]
    expected = [50, 50] if with_classes else [50 * 70 / 80 + 50 * 5 / 20, 50 * 10 / 80 + 50 * 15 / 20]
    np.testing.assert_allclose(counts, expected)
    np.testing.assert_allclose(drawn / 50, expected, atol=0.5)


def test_balanced_counts_are_even_over_the_classes_that_are_there(lines):
    np.testing.assert_allclose(class_counts(lines, ("a", "b", "c"), "balanced"), [50, 50, 0])
    np.testing.assert_allclose(class_counts(lines.slice(0, 0), NAMES, "balanced"), [0, 0])


def test_counts_are_sums_of_weights_of_training_lines(lines):
    weights = pa.array([2.0] * 70 + [None] * 10 + [0.5] * 20, pa.float32())
    splits = pa.array(["train"] * 90 + ["test"] * 10).dictionary_encode()
    lines = lines.set_column(3, "weight", weights).set_column(4, "split", splits)
    np.testing.assert_allclose(class_counts(lines, NAMES), [140 + 2.5, 10 + 2.5])


def test_no_line_to_draw_has_no_counts(lines):
    groups = pa.chunked_array([pa.array([], pa.string())])
    np.testing.assert_allclose(class_counts(lines.slice(0, 0), NAMES, "group_balanced", groups), [0, 0])


def test_the_estimated_transition_counts_the_suggestions_and_leans_to_the_rate_of_the_set(lines):
    lines = lines.set_column(2, "label", pa.array(["a"] * 60 + ["b"] * 40).dictionary_encode())
    findings = pa.table(
        {
            "row_id": [f"r{n}" for n in (0, 1, 2, 3, 50, 99)] + ["r5"],
            "check": ["label_errors"] * 6 + ["outliers"],
            "is_issue": [True, True, True, True, False, True, True],
            "suggested_label": ["b"] * 4 + ["b", None, "b"],
        }
    )
    found = estimated_transition(lines, findings, ("a", "b", "c"))
    # 4 of 100 rows are confused; ten rows' worth of that rate, spread over two other classes, join each true class.
    joined = np.array([[56 + 9.6, 0.2, 0.2], [4 + 0.2, 40 + 9.6, 0.2], [0.2, 0.2, 9.6]])
    np.testing.assert_allclose(found, joined / joined.sum(1, keepdims=True), rtol=1e-12)
    repeated = lines.set_column(5, "copy", pa.array([1] + [0] * 99, pa.int32()))  # another draw of a row that is there
    assert estimated_transition(repeated, findings, ("a", "b", "c"))[1, 0] < found[1, 0]
