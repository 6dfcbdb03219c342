import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from curate.balance.selection.quota import Quota, in_turn, whole
from curate.balance.selection.strata import stratified


@given(st.lists(st.integers(1, 30), min_size=1, max_size=40), st.integers(0, 300))
def test_what_no_longer_fits_is_passed_over_and_nothing_that_fits_is_left(costs, size):
    cost = np.array(costs, dtype=float)
    taken = Quota(size, cost, len(cost)).along(np.arange(len(cost)))
    left = size - cost[taken].sum()
    assert left >= -1e-6
    rest = np.setdiff1d(np.arange(len(cost)), taken)
    assert not len(rest) or cost[rest].min() > left - 1e-6
    assert len(set(taken.tolist())) == len(taken)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=10), st.integers(0, 200))
def test_parts_share_all_of_it(sizes, total):
    ends = np.cumsum(sizes)
    parts = [np.arange(end - size, end) for size, end in zip(sizes, ends)]
    quotas = Quota(total, None, int(ends[-1])).shared(parts)
    assert sum(q.left for q in quotas) == min(total, ends[-1])
    assert all(q.left <= len(part) for q, part in zip(quotas, parts))


def test_remainders_are_rounded_to_the_total():
    assert whole(np.array([1.5, 1.4, 0.1]), 3).tolist() == [2, 1, 0]


def test_each_part_gets_its_turn():
    order = in_turn([np.arange(10), np.array([100, 101])])
    assert order.tolist() == [0, 1, 2, 100, 3, 4, 5, 6, 7, 101, 8, 9]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=80))
def test_every_beginning_of_a_stratified_order_has_the_shares_of_all(codes):
    codes = np.array(codes)
    order = stratified(codes)
    assert sorted(order.tolist()) == list(range(len(codes)))
    for k in range(1, len(codes) + 1):
        for code in np.unique(codes):
            share = (codes == code).mean()
            assert abs((codes[order[:k]] == code).sum() - share * k) <= len(np.unique(codes))
