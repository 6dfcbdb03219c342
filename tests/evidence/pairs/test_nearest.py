import numpy as np
import pytest

from curate.evidence.pairs import _nearest
from curate.evidence.pairs._nearest import candidates


def vectors(rng, *shape):
    found = rng.standard_normal(shape).astype(np.float32)
    return found / np.linalg.norm(found, axis=-1, keepdims=True)


def one_by_one(base, queries, least, most):
    """Pairs as the definition has them."""
    cosines = np.einsum("qnd,md->qnm", queries, base).max(0)
    np.fill_diagonal(cosines, -2)
    pairs = set()
    for row, own in enumerate(cosines):
        for other in np.argsort(-own)[:most].tolist():
            if own[other] >= least:
                pairs.add((min(row, other), max(row, other)))
    return pairs


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("block_bytes", [1, 4_000, 1 << 21])
@pytest.mark.parametrize(("least", "most"), [(0.5, 16), (0.2, 5), (0.9, 3), (-1.0, 119)])
def test_all_pairs_that_are_near_and_no_more_than_a_row_may_have(monkeypatch, workers, block_bytes, least, most):
    monkeypatch.setattr(_nearest, "BLOCK_BYTES", block_bytes)
    rng = np.random.default_rng(3)
    base = vectors(rng, 120, 8)
    base[40:60] = base[40] + 0.05 * vectors(rng, 20, 8)  # twenty that are nearly the same
    base /= np.linalg.norm(base, axis=1, keepdims=True)
    queries = np.stack([base, vectors(rng, 120, 8)])
    left, right = candidates(base, queries, least, most, workers)
    found = list(zip(left.tolist(), right.tolist()))
    assert len(found) == len(set(found))
    assert set(found) == one_by_one(base, queries, least, most)


def test_one_row_has_no_pairs():
    left, right = candidates(np.ones((1, 4), np.float32), np.ones((2, 1, 4), np.float32), 0.5, 16)
    assert len(left) == len(right) == 0
