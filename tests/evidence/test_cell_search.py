"""Neighbours by cells: nearly all of them, with the recall that is said, in bounded memory; and the exact searches."""

import tracemalloc

import numpy as np
import pytest

from curate.evidence import cell_search as cells_module
from curate.evidence import neighbours as module
from curate.evidence.cell_search import LEAST_RECALL, cell_search
from curate.evidence.encoders.vectors import unit
from curate.evidence.exact_search import Chosen, exact_search
from curate.evidence.neighbours import merged, nearest_neighbours


def clustered(n, d=48, seed=0, clusters=60):
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((clusters, d), dtype=np.float32)
    return unit(centres[rng.integers(0, clusters, n)] + 0.5 * rng.standard_normal((n, d), dtype=np.float32))


def everyone(n):
    return np.ones(n, dtype=bool)


def recall(found, exact):
    return np.mean([len(np.intersect1d(a, b)) / len(b) for a, b in zip(found, exact, strict=True)])


def test_the_recall_is_kept_and_told():
    vectors = clustered(6000)
    every = np.arange(6000)
    chosen = Chosen(vectors, every)
    near, similarity, told = cell_search(chosen, every, every, 10)
    exact, values = exact_search(chosen, every, every, 10)
    assert recall(near, exact) >= LEAST_RECALL
    assert abs(told - recall(near, exact)) < 0.01
    assert (near != every[:, None]).all()
    assert (near >= 0).all()
    assert all(len(set(line)) == 10 for line in near.tolist())
    assert (np.diff(similarity, axis=1) <= 0).all()
    np.testing.assert_allclose(similarity, np.einsum("ij,ikj->ik", vectors, vectors[near]), atol=1e-5)
    assert (similarity <= values + 1e-5).all()


def test_candidates_and_queries_may_differ():
    vectors, rng = clustered(6000, seed=2), np.random.default_rng(3)
    targets, queries = (np.flatnonzero(rng.random(6000) < share) for share in (0.6, 0.7))
    chosen = Chosen(vectors, rng.permutation(6000))
    near, _, told = cell_search(chosen, targets, queries, 7)
    exact, _ = exact_search(chosen, targets, queries, 7)
    assert np.isin(near, targets).all()
    assert (near != queries[:, None]).all()
    assert recall(near, exact) >= LEAST_RECALL - 0.005
    assert told >= LEAST_RECALL


def test_where_nothing_is_near_all_pairs_are_compared(monkeypatch):
    vectors = unit(np.random.default_rng(0).standard_normal((2500, 64), dtype=np.float32))
    every = np.arange(2500)
    assert cell_search(Chosen(vectors, every), every, every, 5) is None
    exact = nearest_neighbours(vectors, everyone(2500), everyone(2500), 5)
    monkeypatch.setattr(module, "MOST_PRODUCTS", 0)
    found = nearest_neighbours(vectors, everyone(2500), everyone(2500), 5)
    assert np.array_equal(found.indices, exact.indices)
    assert found.recall == 1


def test_rows_apart_from_all_others_have_neighbours(monkeypatch):
    vectors = clustered(4000, clusters=300, seed=5)
    vectors[:7] = unit(np.random.default_rng(1).standard_normal((7, 48), dtype=np.float32))
    monkeypatch.setattr(module, "MOST_PRODUCTS", 0)
    found = nearest_neighbours(vectors, everyone(4000), everyone(4000), 20)
    assert (found.indices >= 0).all()
    assert LEAST_RECALL <= found.recall <= 1


def test_many_copies_among_cells(monkeypatch):
    vectors = clustered(3000, seed=4)
    vectors[100:160] = vectors[3]
    valid = everyone(3000)
    valid[[5, 700]] = False
    vectors[[5, 700]] = np.nan
    monkeypatch.setattr(module, "MOST_PRODUCTS", 0)
    found = nearest_neighbours(vectors, valid, valid, 6)
    assert found.indices[120].tolist() == [3, 100, 101, 102, 103, 104]
    assert found.indices[3].tolist() == [100, 101, 102, 103, 104, 105]
    assert (found.indices[[5, 700]] == -1).all()


def test_blocks_make_no_difference(monkeypatch):
    vectors = clustered(3000, seed=6)
    every = np.arange(3000)
    whole = cell_search(Chosen(vectors, every), every, every, 5)
    monkeypatch.setattr(cells_module, "BLOCK_CELLS", 2000)
    monkeypatch.setattr(cells_module, "MOST_WAITING", 500)
    parts = cell_search(Chosen(vectors, every), every, every, 5)
    assert (whole[0] == parts[0]).mean() > 0.999  # products of other shapes differ in their last bits


def test_another_order_without_a_copy():
    vectors = clustered(500)
    order = np.random.default_rng(0).permutation(500)
    candidates = np.random.default_rng(1).random(500) < 0.7
    expected = nearest_neighbours(vectors[order], candidates, everyone(500), 5)
    found = nearest_neighbours(vectors, candidates, everyone(500), 5, order)
    assert np.array_equal(found.indices, expected.indices)
    assert np.array_equal(found.similarity, expected.similarity)


def test_two_searches_make_one():
    vectors = clustered(600)
    some = np.random.default_rng(0).random(600) < 0.8
    parts = [nearest_neighbours(vectors, mask, everyone(600), 5) for mask in (some, ~some)]
    whole = nearest_neighbours(vectors, everyone(600), everyone(600), 5)
    assert np.array_equal(merged(*parts).indices, whole.indices)


def test_blocks_of_the_exact_search_and_torch(monkeypatch):
    pytest.importorskip("torch")
    from curate.evidence import exact_search as exact_module

    vectors = clustered(3000, d=16)
    every = np.arange(3000)
    chosen = Chosen(vectors, every)
    whole = exact_search(chosen, every, every, 4)
    monkeypatch.setattr(exact_module, "BLOCK_BYTES", 1024 * 4 * 16)
    parts = exact_search(chosen, every, every, 4)
    assert np.array_equal(whole[0], parts[0])
    monkeypatch.setattr(exact_module, "_by_faiss", exact_module._by_torch)
    monkeypatch.setattr(exact_module, "GPU_CELLS", 100_000)
    torchs = exact_search(chosen, every, every, 4)
    assert (torchs[0] == whole[0]).mean() > 0.999
    np.testing.assert_allclose(torchs[1], whole[1], atol=1e-5)


@pytest.mark.parametrize("precision", ["highest", "high"])
def test_a_search_of_torch_is_exact_whatever_is_allowed_for_a_training(precision, monkeypatch):
    torch = pytest.importorskip("torch")
    from curate.evidence import exact_search as exact_module

    seen, topk = [], torch.topk

    def noting(found, *args, **options):
        seen.append((torch.backends.cuda.matmul.fp32_precision, found.dtype))
        return topk(found, *args, **options)

    monkeypatch.setattr(torch, "topk", noting)
    monkeypatch.setattr(exact_module, "_by_faiss", exact_module._by_torch)
    before, vectors, every = torch.get_float32_matmul_precision(), clustered(300, d=16), np.arange(300)
    torch.set_float32_matmul_precision(precision)
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            exact_search(Chosen(vectors, every), every, every, 4)
        assert torch.get_float32_matmul_precision() == precision
    finally:
        torch.set_float32_matmul_precision(before)
    assert set(seen) == {("ieee", torch.float32)}


def test_the_vectors_are_not_copied(monkeypatch):
    monkeypatch.setattr(module, "MOST_PRODUCTS", 0)
    vectors = clustered(40_000, d=256, clusters=400)  # 41 MB
    few = everyone(2000)
    nearest_neighbours(vectors[:2000], few, few, 10)
    for block in ("BLOCK_CELLS", "MOST_WAITING"):
        monkeypatch.setattr(cells_module, block, 200_000)
    monkeypatch.setattr(cells_module, "ROWS_PER_CELL", 10)
    for one in (module, cells_module):
        monkeypatch.setattr(one, "BLOCK_ROWS", 1024)
    monkeypatch.setattr("curate.evidence.exact_search.BLOCK_BYTES", 5_000_000)
    tracemalloc.start()
    found = nearest_neighbours(vectors, everyone(40_000), everyone(40_000), 10, np.arange(40_000)[::-1])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.recall >= LEAST_RECALL
    assert peak < 0.75 * vectors.nbytes
