"""Votes of the nearest rows are those of all pairs compared, and the same to the bit however they are computed."""

from __future__ import annotations

import numpy as np
import pytest

from curate.evidence import votes
from curate.evidence.lists import voters as voter_lists
from curate.evidence.votes import SOFTNESS, VOTERS, Electorate, Voters


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def planted(rows: int, classes: int = 4, width: int = 24, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, classes, rows)
    return unit(rng.normal(size=(classes, width))[codes] + rng.normal(size=(rows, width))), codes


def by_all_pairs(vectors: np.ndarray, targets: np.ndarray, train: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """What the votes are, in float64 and row by row."""
    voters, share = np.flatnonzero(train), targets[train].mean(0)
    found = []
    for row in asked:
        similarity = vectors[voters].astype(np.float64) @ vectors[row]
        best = np.argsort(-similarity, kind="stable")[:VOTERS]
        weight = np.exp((similarity[best] - similarity[best].max()) / SOFTNESS)
        vote = weight @ targets[voters[best]] / weight.sum()
        found.append((0.5 * len(best) * vote + share) / (0.5 * len(best) + 1))
    return np.array(found)


@pytest.mark.parametrize("rows", [8, 40, 900])
def test_votes_are_those_of_all_pairs(rows: int) -> None:
    vectors, codes = planted(rows)
    targets = np.eye(4, dtype=np.float32)[codes]
    train = np.arange(rows) % 5 < 3
    everyone = np.ones(rows, dtype=bool)
    asked = np.flatnonzero(~train)
    found = Voters(Electorate(vectors, everyone, everyone), vectors, train, targets).votes(asked)
    assert np.allclose(found.sum(1), 1, atol=1e-5)
    expected = by_all_pairs(vectors, targets, train, asked)
    # Similarities are rounded at about 1e-4: another may be the twentieth, which hardly weighs.
    assert np.abs(found - expected).max() < 0.05
    assert np.abs(found - expected).mean() < 0.001


def test_votes_with_and_without_lists_are_equal_to_the_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, codes = planted(500)
    targets = np.eye(4, dtype=np.float32)[codes]
    train = np.arange(500) % 5 < 4
    asked = np.flatnonzero(~train)
    learn = np.arange(500) < 495
    everyone = np.ones(500, dtype=bool)
    by_list = Voters(Electorate(vectors, learn, everyone), vectors, train & learn, targets)
    found = by_list.votes(asked)
    assert np.array_equal(found, by_list.votes_about(vectors[asked]))
    monkeypatch.setattr(votes, "BLOCK_ROWS", 7)
    monkeypatch.setattr(voter_lists, "BLOCK_ROWS", 7)
    monkeypatch.setattr(votes, "MOST_LISTED", 30)
    few = Voters(Electorate(vectors, learn, everyone), vectors, train & learn, targets)
    assert np.array_equal(found, few.votes(asked))


def test_the_order_of_rows_changes_no_vote() -> None:
    vectors, codes = planted(600)
    vectors[300:360] = vectors[:60]  # equal vectors with labels of their own
    targets = np.eye(4, dtype=np.float32)[codes]
    train, everyone = np.arange(600) % 5 < 3, np.ones(600, dtype=bool)
    found = Voters(Electorate(vectors, everyone, everyone), vectors, train, targets).votes(np.flatnonzero(~train))
    order = np.random.default_rng(1).permutation(600)
    voters = Voters(Electorate(vectors[order], everyone, everyone), vectors[order], train[order], targets[order])
    place = np.argsort(order)
    assert np.array_equal(found, voters.votes(place[np.flatnonzero(~train)]))


def test_labels_of_rows_that_are_left_out_have_no_say() -> None:
    vectors, codes = planted(400)
    vectors[200:220] = vectors[:20]  # one of each two is left out
    targets = np.eye(4, dtype=np.float32)[codes]
    train, everyone = np.arange(400) >= 100, np.ones(400, dtype=bool)
    changed = targets.copy()
    changed[:100] = np.eye(4, dtype=np.float32)[0]
    electorate = Electorate(vectors, everyone, everyone)
    one, other = (Voters(electorate, vectors, train, t).votes(np.arange(100)) for t in (targets, changed))
    assert np.array_equal(one, other)


def test_equal_rows_vote_as_one_and_crowd_nobody_out() -> None:
    vectors, codes = planted(300, classes=2, seed=3)
    vectors = np.concatenate([vectors, np.repeat(vectors[:1], 200, axis=0)])
    targets = np.eye(2, dtype=np.float32)[np.concatenate([codes, np.arange(200) % 2])]
    train, everyone = np.arange(500) >= 1, np.ones(500, dtype=bool)
    twins = train & (np.arange(500) < 300)
    found = Voters(Electorate(vectors, everyone, everyone), vectors, twins, targets).votes(np.array([0]))
    assert np.abs(found - by_all_pairs(vectors, targets, twins, np.array([0]))).max() < 0.02


def test_a_constant_embedding_says_what_share_the_classes_have() -> None:
    vectors, targets = unit(np.ones((50, 6))), np.eye(2, dtype=np.float32)[np.arange(50) % 2]
    train, everyone = np.arange(50) < 30, np.ones(50, dtype=bool)
    found = Voters(Electorate(vectors, everyone, everyone), vectors, train, targets).votes(np.arange(30, 50))
    assert np.allclose(found, 0.5)


def test_a_large_set_is_voted_about_by_a_sample_that_stays_as_the_set_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(votes, "MOST_VOTERS", 400)
    vectors, codes = planted(4_000)
    everyone = np.ones(4_000, dtype=bool)
    fewer = np.arange(4_000) < 3_900
    electorate, before = (Electorate(vectors, learn, learn) for learn in (everyone, fewer))
    assert len(electorate.rows) == len(before.rows) == 400
    assert len(np.intersect1d(electorate.rows, before.rows)) > 370
    targets, train = np.eye(4, dtype=np.float32)[codes], np.arange(4_000) % 5 > 0
    asked = np.flatnonzero(~train)
    found = Voters(electorate, vectors, train, targets).votes(asked)
    assert (found.argmax(1) == codes[asked]).mean() > 0.8
