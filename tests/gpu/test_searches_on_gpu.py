"""Nearest neighbours and fits on a CUDA device: what they find is what a CPU finds."""

import numpy as np
import pytest

pytestmark = pytest.mark.gpu


def unit_vectors(n, d, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("precision", ["highest", "high"])
def test_neighbours_are_those_of_the_cpu(torch, precision):
    """Also where whoever calls has allowed products of fewer bits for a training."""
    from curate.evidence.exact_search import Chosen, exact_search

    rows = np.arange(20_000)
    chosen = Chosen(unit_vectors(len(rows), 64), rows)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        near, similarity = exact_search(chosen, rows, rows[::7], 10, "cuda")
        assert torch.get_float32_matmul_precision() == precision
    finally:
        torch.set_float32_matmul_precision(before)
    expected, values = exact_search(chosen, rows, rows[::7], 10, "cpu")
    np.testing.assert_allclose(similarity, values, atol=1e-5)
    assert (near == expected).mean() > 0.999


def test_a_search_asks_for_the_device_where_there_is_one(torch):
    from curate.evidence.neighbours import device_of_searches

    assert device_of_searches() == "cuda"


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_fit_learns_what_it_learns_on_a_cpu(torch, precision):
    import curate

    x = np.random.default_rng(0).normal(size=(300, 4))
    columns = {"x": x.tolist(), "label": ["ab"[int(row[0] > 0)] for row in x]}
    task = curate.Task(kind="classification", features="x", label="label", label_names=("a", "b"))
    curated = curate.Pipeline([]).run(curate.load(columns, task=task), cache=None)
    settings = {"epochs": 10, "learning_rate": 0.05, "precision": precision}
    fitted = curate.fit(lambda: torch.nn.Linear(4, 2), curated, device="cuda", **settings)
    assert next(fitted.model.parameters()).is_cuda
    assert fitted.evaluate("train").values["accuracy"] > 0.95
