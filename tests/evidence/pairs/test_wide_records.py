"""Records of many fields: what is compared grows with the cells, and what is found is found as in narrow tables."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from curate.evidence.pairs import _record_blocks as blocks
from curate.evidence.pairs import _record_fields as fields_of
from curate.evidence.pairs import _record_weights as weighing
from curate.evidence.pairs._record_dependence import dependence
from curate.evidence.pairs._record_fields import EQUAL, WIDE, compare_values, encode, levels, side_by_side
from curate.evidence.pairs.records import MIN_PROBABILITY, link


def encoded(frame):
    return [encode(pa.chunked_array([pa.array(frame[name], from_pandas=True)])) for name in frame.columns]


def found_in(frame):
    linkage = link(encoded(frame), np.arange(len(frame)))
    if linkage.weights is None:
        return linkage, set()
    likely = weighing.match_probability(linkage.weights, linkage.fields, linkage.left, linkage.right)
    kept = likely >= MIN_PROBABILITY
    return linkage, set(zip(linkage.left[kept].tolist(), linkage.right[kept].tolist(), strict=True))


def measurements(rows, columns, seed=0):
    values = np.random.default_rng(seed).normal(size=(rows, columns)).round(2)
    return pd.DataFrame(values, columns=[f"f{k}" for k in range(columns)])


def answers(rows, columns, seed=0):
    rng = np.random.default_rng(seed)
    mood = rng.normal(size=(rows, 1))
    values = np.clip(np.round(3 + mood + 0.7 * rng.normal(size=(rows, columns))), 1, 5).astype(int)
    return pd.DataFrame(values, columns=[f"q{k}" for k in range(columns)])


def with_copies(frame, count, share, seed=1):
    """The frame, and copies of its first rows in which this share of the cells is of another row."""
    rng = np.random.default_rng(seed)
    other = frame.iloc[rng.permutation(len(frame))[:count]].to_numpy()
    changed = rng.random((count, frame.shape[1])) < share
    copies = pd.DataFrame(np.where(changed, other, frame.iloc[:count].to_numpy()), columns=frame.columns)
    return pd.concat([frame, copies.astype(frame.dtypes)], ignore_index=True)


@pytest.mark.parametrize("columns", [WIDE + 1, 700])
def test_copies_with_slips_are_found_in_wide_tables_and_nothing_else(columns):
    frame = measurements(120, columns)
    assert not found_in(frame)[1]
    assert found_in(with_copies(frame, 15, 0.12))[1] == {(k, 120 + k) for k in range(15)}


@pytest.fixture
def compared(monkeypatch):
    """How many cells each comparison of pairs looked at."""
    cells = []

    def counting(codes, left, right):
        cells.append(len(left) * codes.shape[1])
        return equal_fields(codes, left, right)

    equal_fields = fields_of.equal_fields
    monkeypatch.setattr(fields_of, "equal_fields", counting)
    monkeypatch.setattr(blocks, "equal_fields", counting)
    return cells


def test_a_pair_is_compared_a_few_times_however_many_keys_bring_it_together(compared):
    found_in(answers(100, 600))
    pairs = 100 * 99 / 2
    assert 0 < sum(compared) <= 3 * pairs * (600 + WIDE)


def test_unlike_pairs_are_told_by_some_of_the_fields(compared):
    codes = np.random.default_rng(0).integers(0, 20, (60, 800)).astype(np.int32)
    codes[1] = codes[0]
    left, right = np.triu_indices(60, 1)
    assert blocks._alike(codes, [left * 60 + right], 0.3).tolist() == [1]
    assert sum(compared) <= len(left) * WIDE + 10 * 800


def test_pairs_of_rows_that_are_mostly_empty_are_compared_in_all_fields():
    codes = np.full((2, 5_000), -1, dtype=np.int32)
    order = np.random.default_rng(0).permutation(5_000)
    codes[:, order[:3]] = [[1], [2]]  # all that the sample of the fields has
    codes[:, order[-9:]] = 4
    assert blocks._alike(codes, [np.array([1])], 0.3).tolist() == [1]


def test_wide_tables_have_as_many_keys_whatever_their_width():
    counts = [len(list(blocks._keys(encoded(measurements(60, columns)), 60))) for columns in (300, 900)]
    assert max(counts) <= WIDE + blocks.ORDERS * WIDE / 2


def test_of_wide_tables_only_the_most_alike_pairs_are_judged(monkeypatch):
    frame = answers(80, 300)
    every = len(found_in(frame)[0].left)
    monkeypatch.setattr(weighing, "MOST_WIDE_CELLS", 0)
    linkage, _ = found_in(frame)
    assert len(linkage.left) == weighing.most_pairs(80, 300) == (weighing.MOST_COPIES + 1) * 80 < every
    codes = side_by_side(encoded(frame))
    left, right = np.triu_indices(80, 1)
    least = fields_of.equal_share(codes, linkage.left, linkage.right).min()
    assert (fields_of.equal_share(codes, left, right) > least).sum() <= len(linkage.left)


def test_pairs_of_narrow_tables_are_bounded_by_their_cells_alone():
    assert weighing.most_pairs(1_000_000, WIDE) == weighing.MOST_CELLS_COMPARED // WIDE


def test_fields_that_are_compared_together_compare_as_they_do_alone(monkeypatch):
    frame = pd.DataFrame(
        {
            "name": ["Smith", "smiht", "jones", None, "smith ", "a b", "b a"],
            "one": ["x"] * 7,
            "size": [1.0, 1.5, 1.0, np.nan, 2.25, 2.35, 1.0],
        }
    )
    fields, (left, right) = encoded(frame), np.triu_indices(7, 1)
    alone = np.stack([compare_values(field, left, right) for field in fields], axis=1)
    assert levels(fields, left, right).tolist() == alone.tolist()
    monkeypatch.setattr(fields_of, "MOST_WAITING", 0)
    assert levels(fields, left, right).tolist() == alone.tolist()


def test_texts_of_many_fields_are_compared_in_few_calls(monkeypatch):
    calls = []

    def counting(left, right):
        calls.append(len(left))
        return similar_texts(left, right)

    similar_texts = fields_of.similar_texts
    monkeypatch.setattr(fields_of, "similar_texts", counting)
    levels(encoded(measurements(20, 300)), *np.triu_indices(20, 1))
    assert len(calls) <= 1 + sum(calls) / fields_of.MOST_WAITING


def pairs_within(codes):
    counts = np.unique(codes[codes >= 0], return_counts=True)[1]
    return float((counts * (counts - 1) / 2).sum())


@pytest.mark.parametrize("values", [3, 40])  # many equal pairs are counted by sorting, few are listed
def test_dependence_is_that_of_all_pairs_of_rows(values):
    rng = np.random.default_rng(0)
    codes = rng.integers(-1, values, (90, 6)).astype(np.int32)
    codes[:, 3] = codes[:, 0]
    agreement = np.array([0.3, 0.2, 0.1, 0.3, 0.0, 0.25])
    given = dependence(codes, np.array([2, 1, 0]), np.arange(90), agreement)
    for place, parent in enumerate([2, 1, 0]):
        for other in range(6):
            joint = np.where((codes[:, [parent, other]] >= 0).all(1), codes[:, parent] * 100 + codes[:, other], -1)
            expected = np.inf
            if other != parent and agreement[other]:
                share = (pairs_within(joint) + 10 * agreement[other]) / (pairs_within(codes[:, parent]) + 10)
                expected = -np.log2(np.clip(share, agreement[other], 1.0))
            assert given[place, other] == expected


def test_bits_of_equal_fields_are_those_beyond_what_more_telling_ones_say():
    frame = answers(40, 12)
    frame.loc[:, "empty"] = None
    fields, (left, right) = encoded(frame), np.triu_indices(40, 1)
    compared = levels(fields, left, right)
    rng = np.random.default_rng(0)
    order, counted = rng.permutation(13), np.arange(13) != 5
    given = rng.random((4, 13)) * 3
    nothing = np.zeros((13, 4))
    weights = weighing.Weights(nothing, nothing, given, order, counted, 0.0)
    expected = []
    for pair in range(len(left)):
        total, added = 0.0, np.full(13, np.inf)
        for place, field in enumerate(order.tolist()):
            if counted[field] and compared[pair, field] == EQUAL:
                count = fields[field].counts[fields[field].codes[left[pair]]]
                total += max(min(-np.log2(max(count, 2) / 40), added[field]), 0.0)
                added = np.minimum(added, given[place]) if place < 4 else added
        expected.append(total)
    np.testing.assert_allclose(weighing.equality_bits(weights, fields, compared, left), expected, rtol=1e-12)
