"""Lists of nearest voters that were kept are brought up to date, and are those that a search finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from curate.evidence.cache import Cache
from curate.evidence.folds import stratified_folds
from curate.evidence.lists import kept as kept_lists
from curate.evidence.lists import voters as voter_lists
from curate.evidence.lists.kept import KeptLists
from curate.evidence.lists.listed import SPARE, Lists
from curate.evidence.lists.voters import hashes, lists, rounded
from curate.evidence.probabilities import cross_validated

ROWS = 3_000
K = 64


def vectors_of(rows: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    found = rng.normal(size=(20, 32))[rng.integers(0, 20, rows)] + rng.normal(size=(rows, 32))
    found[rows // 2 : rows // 2 + 90] = found[0]  # more than a list holds
    found[-40:] = np.round(found[-40:])
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def made(vectors: np.ndarray, kept: Lists | None = None, most: int = 700) -> Lists:
    own, first = np.unique(hashes(vectors, np.arange(len(vectors))), return_index=True)
    return lists(vectors, first, own, own[:most], rounded(vectors[first[:most]]), K, kept)


def same(one: Lists, other: Lists) -> bool:
    """What is asked of both is equal: which voters beyond that a list holds is its own affair."""
    names = all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("candidates", "rows"))
    return names and all(np.array_equal(a, b) for a, b in zip(one.best(K), other.best(K), strict=True))


@pytest.mark.parametrize("kept_rows", [slice(0, 2_950), slice(60, ROWS), slice(30, 2_970), slice(0, ROWS)])
def test_lists_brought_up_to_date_are_those_of_a_search(kept_rows: slice, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = vectors_of(ROWS)
    cold, before = made(vectors), made(vectors[kept_rows])
    asked: list[int] = []
    search = voter_lists.nearest
    monkeypatch.setattr(voter_lists, "nearest", lambda q, *rest: asked.append(len(q)) or search(q, *rest))
    monkeypatch.setattr(voter_lists, "BLOCK_ROWS", 500)
    warm = made(vectors, before)
    assert same(warm, cold)
    assert sum(asked) < 0.1 * len(cold.rows)
    again = made(vectors[::-1], warm)  # from lists that were brought up to date themselves
    assert same(again, cold)


def test_ties_at_the_end_of_a_list_are_left_out_whether_kept_or_not() -> None:
    many = np.random.default_rng(0).integers(-1, 2, size=(1_500, 7))
    many = np.unique(many[many.any(1)], axis=0).astype(np.float32)
    np.random.default_rng(1).shuffle(many)
    many /= np.linalg.norm(many, axis=1, keepdims=True)
    _, first = np.unique(hashes(many, np.arange(len(many))), return_index=True)
    base = rounded(many[first])
    near, value, _ = voter_lists.nearest(base, base[:700], K)
    assert ((near >= 0).sum(1) < K).mean() > 0.5
    assert np.array_equal(made(many).best(K)[0], near)
    assert np.array_equal(made(many).best(K)[1], value)
    assert same(made(many, made(many[:-30])), made(many))
    assert same(made(many[30:], made(many)), made(many[30:]))


def test_other_sets_are_searched_anew() -> None:
    vectors = vectors_of(ROWS)
    for other in (vectors_of(ROWS, seed=5), vectors[:1_000], vectors[:10]):
        assert same(made(vectors, made(other)), made(vectors))


def labelled(rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    vectors = vectors_of(rows)
    codes = (vectors[:, 0] > 0).astype(np.int64)
    return vectors, codes, stratified_folds(codes, np.arange(rows), 5, 0)


def probabilities(rows: int, keeper: KeptLists | None) -> np.ndarray:
    vectors, codes, folds = labelled(rows)
    return cross_validated(vectors, codes, 2, folds, keeper=keeper)["rows_values"]


def test_probabilities_do_not_depend_on_what_was_kept(tmp_path: Path) -> None:
    notes: list[str] = []
    store = Cache(tmp_path / "cache")
    cold = probabilities(ROWS, None)
    for _ in range(2):
        assert np.array_equal(probabilities(ROWS, KeptLists("voters", store, "encoder", "set", notes.append)), cold)
    assert KeptLists("voters", store, "encoder", "set", notes.append).last(K + SPARE) is not None
    assert KeptLists("voters", store, "encoder", "other", notes.append).last(K + SPARE) is None
    assert KeptLists("voters", store, "encoder", "set", notes.append).last(K) is None
    assert not notes


def test_the_last_lists_are_found_and_damaged_ones_are_passed_over(tmp_path: Path) -> None:
    notes: list[str] = []
    store = Cache(tmp_path / "cache")
    vectors = vectors_of(ROWS)
    for rows in (2_700, 2_800, 2_805, 2_900):  # the third is about the second
        keeper = KeptLists("voters", store, "encoder", "set", notes.append)
        before = keeper.last(K + SPARE)
        keeper.keep(made(vectors[:rows], before), before)
    sizes = sorted(len(np.load(path)) for path in store.folder.glob("estimates/*/rows.npy"))
    assert len(sizes) == 3
    kept = KeptLists("voters", store, "encoder", "set", notes.append).last(K + SPARE)
    assert kept is not None
    assert len(kept.rows) == sizes[-1]
    for path in store.folder.glob("estimates/*/near.npy"):
        if len(np.load(path)) == sizes[-1]:
            path.write_bytes(path.read_bytes()[:-1])
    kept = KeptLists("voters", store, "encoder", "set", notes.append).last(K + SPARE)
    assert kept is not None
    assert len(kept.rows) == sizes[-2]
    for path in store.folder.glob("measures/*/*.arrow"):
        path.write_bytes(b"nothing")
    assert KeptLists("voters", store, "encoder", "set", notes.append).last(K + SPARE) is None
    assert "damaged" in notes[0]


def test_a_log_that_is_full_and_few_rows_keep_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Cache(tmp_path / "cache")
    monkeypatch.setattr(kept_lists, "MOST_KEPT", 2)
    vectors = vectors_of(ROWS)
    for rows in (1_000, 2_500, 2_700, 2_900):
        keeper = KeptLists("voters", store, "encoder", "set", lambda said: None)
        before = keeper.last(K + SPARE)
        keeper.keep(made(vectors[:rows], before), before)
    assert len(list(store.folder.glob("estimates/*/rows.npy"))) == 2


def test_a_full_disk_costs_the_next_run_its_lists_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    store, notes = Cache(tmp_path / "cache"), []
    (tmp_path / "cache" / "estimates").write_text("in the way")
    keeper = KeptLists("voters", store, "encoder", "set", notes.append)
    keeper.keep(made(vectors_of(ROWS)), keeper.last(K + SPARE))
    assert "not kept" in notes[0]


def test_a_set_is_known_by_its_place_however_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, notes = Cache(tmp_path / "cache"), []
    (tmp_path / "data").mkdir()
    KeptLists("voters", store, "encoder", str(tmp_path / "data"), notes.append).keep(made(vectors_of(ROWS)), None)
    monkeypatch.chdir(tmp_path)
    assert KeptLists("voters", store, "encoder", "data", notes.append).last(K + SPARE) is not None
    assert KeptLists("voters", store, "other encoder", "data", notes.append).last(K + SPARE) is None
