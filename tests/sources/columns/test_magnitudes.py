"""Numbers beyond float32 are missing, and said to be, wherever they stand; the rest goes on."""

import numpy as np
import pyarrow as pa
import pytest

import curate
from curate.sources.columns.magnitudes import without_excess

LABELS = ["a", "b"] * 20
TOLD = "1e+59 is beyond what float32 holds (3.4e+38) and counts as missing"


def planted(shape, row):
    values = np.random.default_rng(0).normal(size=shape)
    values[(row, *[1] * (len(shape) - 1))] = 1e59
    return values


@pytest.mark.parametrize(
    ("columns", "row", "name"),
    [
        ({"x": planted((40,), 3), "z": planted((40,), 3) * 0, "label": LABELS}, 3, "x"),
        ({"v": planted((40, 4), 5), "label": LABELS}, 5, "v"),
        ({"v": planted((40, 4), 5).tolist(), "label": LABELS}, 5, "v"),
        ({"series": planted((40, 9), 6), "label": LABELS}, 6, "series"),
        ({"series": planted((40, 2, 9), 7), "label": LABELS}, 7, "series"),
        ({"series": planted((40, 2, 9), 7).tolist(), "label": LABELS}, 7, "series"),
    ],
)
def test_inputs_too_large_for_float32_are_missing_cells_that_say_so(columns, row, name):
    table = curate.load(columns)
    [problem] = table.problems.to_pylist()
    assert (problem["row"], problem["issue"], problem["reason"]) == (row, "too_large", f"{name}: {TOLD}")
    findings = curate.audit(table, checks=["missing_values"], cache=False).findings
    [found] = findings.filter(findings["is_issue"]).to_pylist()
    assert (found["row"], found["issue"]) == (row, "missing_cells")
    assert found["reason"].endswith(f"; {name}: {TOLD}")
    curated = curate.Pipeline([]).run(table, cache=False)
    kind = table.task.modalities[0]
    for batch in curated.loader(batch_size=20):
        assert np.isfinite(batch[kind].numpy()).all()
        assert len(batch["row_id"]) == 20


def test_a_target_too_large_for_float32_is_a_missing_label_that_says_so():
    target = np.arange(40) + 0.5
    target[9] = -1e59
    table = curate.load({"x": np.arange(40.0), "label": target}, kind="regression")
    assert table.column("label").null_count == 1
    findings = curate.audit(table, checks=["missing_values"], cache=False).findings
    [found] = findings.filter(findings["is_issue"]).to_pylist()
    assert found["reason"] == f"the column 'label' holds no label; label: -{TOLD}"


def test_numbers_that_fit_and_infinity_stay():
    column = pa.chunked_array([[1.0, None, float("nan")], [float("inf"), 3e38]])
    assert without_excess(column, "x") == (column, {})
    kept, told = without_excess(pa.chunked_array([[[1.0, 1e39], None], [[], [-1e300, 2.0]]]), "x")
    assert kept.to_pylist() == [[1.0, None], None, [], [None, 2.0]]
    assert set(told) == {0, 3}
    whole = pa.chunked_array([pa.array([[2**62]], pa.list_(pa.int64()))])
    assert without_excess(whole, "x")[0] is whole
