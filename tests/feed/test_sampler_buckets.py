"""Batches by length: every draw once, within the budget, less padding, and exact continuation with anything else."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.errors import ConfigError
from curate.feed.sampler import Sampler
from curate.feed.sampling.lengths import Lengths


def lengths_of(n, longest=60):
    return np.minimum(np.random.default_rng(n).lognormal(2.5, 0.8, n).astype(int), longest)


budgets = st.one_of(
    st.fixed_dictionaries({"window": st.integers(1, 6)}),
    st.fixed_dictionaries({
        "batch_tokens": st.integers(60, 400), "max_batch": st.one_of(st.none(), st.integers(1, 9)),
        "window": st.integers(1, 6), "multiple": st.sampled_from([1, 4]),
    }),
)  # fmt: skip


def make(n, rank, world, size, budget, **more):
    return Sampler(n, "shuffled", size, rank, world, seed=3, lengths=Lengths(lengths_of(n), **budget), **more)


def fits(batch, n, size, budget):
    if "batch_tokens" not in budget:
        return 1 <= len(batch) <= size
    longest = max(1, lengths_of(n)[batch].max())
    padded = -(-longest // budget["multiple"]) * budget["multiple"]
    return 1 <= len(batch) <= (budget["max_batch"] or n) and padded * len(batch) <= budget["batch_tokens"]


@settings(deadline=None, max_examples=60)
@given(n=st.integers(0, 200), world=st.integers(1, 5), size=st.integers(1, 9), budget=budgets)
def test_every_draw_once_within_the_budget(n, world, size, budget):
    ranks = [make(n, rank, world, size, budget) for rank in range(world)]
    promised = [len(sampler.batches()) for sampler in ranks]
    drawn = [list(sampler.batches()) for sampler in ranks]
    assert [len(batches) for batches in drawn] == promised
    assert sorted(itertools.chain(*itertools.chain(*drawn))) == list(range(n))
    assert all(fits(batch, n, size, budget) for batches in drawn for batch in batches)
    assert max(promised) - min(promised) <= 1
    if n >= world and size > 1 and "batch_tokens" not in budget:
        assert len(set(promised)) == 1
    kept = [list(make(n, rank, world, size, budget, drop_last=True).batches()) for rank in range(world)]
    assert len({len(batches) for batches in kept}) == 1
    assert len(set(itertools.chain(*itertools.chain(*kept)))) == sum(map(len, itertools.chain(*kept)))
    assert sum(map(len, itertools.chain(*kept))) > n - world * max(size, 1) * 2 or "batch_tokens" in budget


def advance(ranks, steps, used):
    """Let all ranks make some steps; the state that all agree on, None at the end."""
    iterators, state = [iter(sampler.batches()) for sampler in ranks], json.loads(json.dumps(ranks[0].state_dict()))
    for _ in range(steps):
        got = [next(iterator, None) for iterator in iterators]
        used += itertools.chain(*(batch for batch in got if batch))
        if any(batch is None for batch in got):
            for iterator in iterators:
                used += itertools.chain(*iterator)
            return None
        states = [json.loads(json.dumps(sampler.state_dict())) for sampler in ranks]
        assert all(other == states[0] for other in states)
        state = states[0]
    return state


@settings(deadline=None, max_examples=25)
@given(n=st.integers(1, 150), data=st.data())
def test_any_chain_of_worlds_sizes_and_budgets_draws_each_line_once(n, data):
    used, state = [], None
    for hop in range(3):
        world, size, budget = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 9)), data.draw(budgets)
        ranks = [make(n, rank, world, size, budget) for rank in range(world)]
        for sampler in ranks:
            if state is None:
                sampler.set_epoch(2)
            else:
                sampler.load_state_dict(state)
                assert {**sampler.state_dict(), "window": 0} == {**state, "window": 0}
                sampler.set_epoch(2)
        if hop == 1:
            same = [make(n, rank, world, size, budget) for rank in range(world)]
            for sampler in ranks:
                for _ in zip(range(2), sampler.batches(), strict=False):
                    pass
            again = json.loads(json.dumps(ranks[0].state_dict()))
            for sampler in ranks:
                sampler.load_state_dict(state)
            wholes = [list(sampler.batches())[2:] for sampler in ranks]
            if all(wholes):
                for sampler, whole in zip(same, wholes, strict=True):
                    sampler.load_state_dict(again)
                    assert list(sampler.batches()) == whole, "the same layout goes on with the same batches"
            for sampler in ranks:
                sampler.load_state_dict(state)
        state = advance(ranks, 10**6 if hop == 2 else data.draw(st.integers(1, 5)), used)
        if state is None:
            break
    assert sorted(used) == list(range(n))


def test_a_state_without_buckets_is_continued_with_them_and_not_the_other_way():
    plain = Sampler(100, batch_size=8, seed=3)
    iterator = iter(plain.batches())
    used = [p for _ in range(5) for p in next(iterator)]
    sampler = make(100, 0, 1, 8, {"batch_tokens": 300, "multiple": 1, "max_batch": None})
    sampler.load_state_dict(plain.state_dict())
    iterator = iter(sampler.batches())
    used += next(iterator)
    with pytest.raises(ConfigError, match="batches of similar length"):
        plain.load_state_dict(sampler.state_dict())
    used += itertools.chain(*iterator)
    assert sorted(used) == list(range(100))
    state = make(100, 0, 1, 8, {"window": 4}).state_dict()
    for broken in ({"from": 0, "to": 8}, {"from": 3, "to": 2, "draws": ""}, {"from": 0, "to": 8, "draws": "%%"}):
        with pytest.raises(ConfigError, match="draws that are left can't be read"):
            sampler.load_state_dict({**state, "left": broken})
    with pytest.raises(ConfigError, match="says that 5 draws were made, and that 1 of 8 are left"):
        sampler.load_state_dict({**state, "drawn": 5, "left": {"from": 0, "to": 8, "draws": "gA=="}})


def padding(lengths, batches):
    padded = sum(len(batch) * lengths[batch].max() for batch in batches)
    return 1 - sum(int(lengths[batch].sum()) for batch in batches) / padded


def test_most_padding_goes_and_the_shuffling_stays():
    n = 6000
    lengths = lengths_of(n, 500)
    plain = list(Sampler(n, batch_size=32).batches())
    sampler = Sampler(n, batch_size=32, lengths=lengths)
    first, second = list(sampler.batches()), list(sampler.batches())
    assert padding(lengths, plain) > 0.5
    assert padding(lengths, first) < 0.13
    together = [
        {frozenset(pair) for b in batches for pair in itertools.combinations(b, 2)} for batches in (first, second)
    ]
    assert len(together[0] & together[1]) < 0.2 * len(together[0]), "other rows meet in every epoch"
    means = np.array([lengths[batch].mean() for batch in first])
    assert abs(np.corrcoef(means[1:], means[:-1])[0, 1]) < 0.3, "no batch tells how long the next one is"
    tokens = list(Sampler(n, lengths=Lengths(lengths, batch_tokens=1024)).batches())
    assert padding(lengths, tokens) < 0.12
    sizes = [len(b) * lengths[b].max() for b in tokens]
    assert np.median(sizes) > 900


@pytest.mark.parametrize(("lengths", "more", "says"), [
    ([1, 2], {}, "lengths must be 5 whole numbers"),
    ([1.0] * 5, {}, "lengths must be 5 whole numbers"),
    ([], {}, "lengths must be 5 whole numbers"),
    (5, {}, "lengths must be 5 whole numbers"),
    ([1, 2, -3, 4, 5], {}, "position 2 has -3"),
    (Lengths([1, 2, 30, 4, 5], batch_tokens=20), {}, "1 line of the plan is longer: the longest, at position 2"),
    (Lengths([1] * 5, max_batch=3), {}, "max_batch is for batch_tokens"),
    (Lengths([1] * 5, batch_tokens=0), {}, "batch_tokens must be a whole number of at least 1"),
    ([1] * 5, {"pad": True}, "pad fills batches up to one size"),
])  # fmt: skip
def test_lengths_that_can_not_be(lengths, more, says):
    with pytest.raises(ConfigError, match=says):
        Sampler(5, lengths=lengths, **more)


def test_single_positions_are_refused():
    sampler = Sampler(10, lengths=[3] * 10, batch_size=4)
    assert len(sampler) == 10
    with pytest.raises(ConfigError, match=r"take sampler\.batches"):
        list(sampler)
    assert sampler.batch(0, 1).tolist() == list(sampler.batches())[1]
