"""Neighbours found by lists that were kept are those of a search, and those of sums without rounding."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from curate.evidence.cache import Cache
from curate.evidence.encoders.vectors import unit
from curate.evidence.exact_search import Chosen
from curate.evidence.lists import neighbours as module
from curate.evidence.lists.kept import KeptLists
from curate.evidence.lists.neighbours import SCALE, listed_search, similarities
from curate.evidence.neighbours import nearest_neighbours

ROWS, K = 2_600, 10


def vectors(seed: int = 0) -> np.ndarray:
    """Rows in clouds, some of them nearer to one another than float32 can tell, some that tie."""
    rng = np.random.default_rng(seed)
    found = unit(rng.normal(size=(20, 24))[rng.integers(0, 20, ROWS)] + rng.normal(size=(ROWS, 24)))
    found[100:160] = unit(found[100] + 1e-6 * rng.normal(size=(60, 24)))
    found[200:240] = unit(np.eye(24)[rng.integers(0, 24, 40)] + np.eye(24)[rng.integers(0, 24, 40)])
    found[300:305] = found[0]
    return found


def by_definition(rows: np.ndarray, query: int, k: int) -> list[int]:
    whole = np.rint(rows.astype(np.float64) * SCALE).astype(object)
    value = np.array([np.float32(float(Fraction(int(v), 2**52))) for v in (whole * whole[query]).sum(1)])
    value[(rows == rows[query]).all(1)] = 2  # equal rows first
    order = [int(i) for i in np.lexsort((np.arange(len(rows)), -value)) if i != query]
    return order[:k]


@pytest.mark.parametrize("query", [0, 7, 101, 130, 159, 205, 302, 2_599])
def test_neighbours_are_those_of_sums_without_rounding(query: int) -> None:
    rows = vectors()
    everyone = np.ones(ROWS, dtype=bool)
    assert nearest_neighbours(rows, everyone, everyone, K).indices[query].tolist() == by_definition(rows, query, K)


@pytest.mark.parametrize(("arc", "least_among_all"), [(0.2, 0), (0.002, 1_000)])
def test_rows_nearer_than_float32_can_tell(arc: float, least_among_all: int, monkeypatch: pytest.MonkeyPatch) -> None:
    angles = np.random.default_rng(0).uniform(0, arc, 2_000)
    rows = np.unique(unit(np.stack([np.cos(angles), np.sin(angles)], axis=1)), axis=0)
    rows = rows[np.random.default_rng(1).permutation(len(rows))]
    everyone, compared = np.ones(len(rows), dtype=bool), []
    search = module._of_all
    monkeypatch.setattr(module, "_of_all", lambda c, q, *more: compared.append(len(q)) or search(c, q, *more))
    found = nearest_neighbours(rows, everyone, everyone, K).indices
    for query in range(0, len(rows), 400):
        assert found[query].tolist() == by_definition(rows, query, K)
    assert bool(compared) == bool(least_among_all)
    assert sum(compared) >= least_among_all


def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows are searched, call by call."""
    found: list[int] = []
    search = module._searched
    monkeypatch.setattr(module, "_searched", lambda c, q, **more: found.append(len(q)) or search(c, q, **more))
    return found


def keeper(folder: Path, what: str = "neighbours") -> KeptLists:
    return KeptLists(what, Cache(folder), "encoder", "source", pytest.fail)


CHANGES = {
    "grown": (slice(0, 2_560), slice(0, ROWS)),
    "shrunk": (slice(0, ROWS), slice(0, 2_560)),
    "both": (slice(0, 2_570), slice(30, ROWS)),
    "into the cluster": (np.r_[0:130, 160:ROWS], slice(0, ROWS)),
    "more than a list holds": (np.r_[0:102, 160:ROWS], slice(0, ROWS)),
    "out of the cluster": (slice(0, ROWS), np.r_[0:130, 160:ROWS]),
    "other order": (slice(0, 2_560), slice(None, None, -1)),
}


@pytest.mark.parametrize(("before", "after"), CHANGES.values(), ids=list(CHANGES))
@pytest.mark.parametrize("held_out", [0, 300])
def test_lists_brought_up_to_date_are_those_of_a_search(
    before: slice | np.ndarray,
    after: slice | np.ndarray,
    held_out: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def search(rows: np.ndarray, kept: KeptLists | None):
        found = np.arange(len(rows)) >= held_out
        return nearest_neighbours(rows, found, np.ones(len(rows), dtype=bool), K, keeper=kept)

    monkeypatch.setattr(module, "QUERIES", 500)
    first, second = vectors()[before], vectors()[after]
    search(first, keeper(tmp_path))
    cold = search(second, None)
    searched = asked(monkeypatch)
    warm = search(second, keeper(tmp_path))
    assert np.array_equal(warm.indices, cold.indices)
    assert np.array_equal(warm.similarity, cold.similarity, equal_nan=True)
    assert sum(searched) < 0.15 * ROWS
    again = search(first, keeper(tmp_path))
    colder = search(first, None)
    assert np.array_equal(again.indices, colder.indices)


def test_lists_of_another_kind_are_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    everyone, searched, counts = np.ones(ROWS, dtype=bool), asked(monkeypatch), []
    for what in ("neighbours", "neighbours_held_out", "neighbours"):
        nearest_neighbours(vectors(), everyone, everyone, K, keeper=keeper(tmp_path, what))
        counts.append(sum(searched))
        searched.clear()
    assert counts[0] == counts[1] > 0.9 * ROWS
    assert counts[2] < 0.1 * ROWS


def test_more_new_rows_than_a_list_holds(tmp_path: Path) -> None:
    rows, everyone = vectors(), np.ones(ROWS, dtype=bool)
    few = everyone.copy()
    few[-500:] = False
    nearest_neighbours(rows, few, everyone, K, keeper=keeper(tmp_path))
    cold = nearest_neighbours(rows, everyone, everyone, K)
    warm = nearest_neighbours(rows, everyone, everyone, K, keeper=keeper(tmp_path))
    assert np.array_equal(warm.indices, cold.indices)


@pytest.mark.parametrize("count", [1, 2, 5, 30])
def test_few_targets(count: int) -> None:
    rows = vectors()[400 : 400 + count]
    near, value = listed_search(Chosen(rows, np.arange(count)), np.arange(count), np.arange(count), K)
    assert near.shape == value.shape == (count, K)
    assert ((near >= 0).sum(1) == min(count - 1, K)).all()
    assert np.array_equal(near >= 0, np.isfinite(value))


def test_similarities_are_the_same_to_the_bit_in_any_block(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = unit(np.random.default_rng(0).normal(size=(300, 385)))
    chosen, places = Chosen(rows, np.arange(300)), np.random.default_rng(1).integers(-1, 300, (300, 26))
    whole = similarities(chosen, np.arange(300), places)
    monkeypatch.setattr(module, "BLOCK_BYTES", 100_000)
    assert np.array_equal(whole, similarities(chosen, np.arange(300), places))
    there = places >= 0
    expected = np.einsum("qd,qkd->qk", rows.astype(np.float64), rows[places].astype(np.float64))
    assert np.allclose(whole[there], expected[there], atol=1e-7)
    assert (whole[~there] == -np.inf).all()
