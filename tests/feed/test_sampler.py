"""Sampler: every draw exactly once, exact continuation anywhere, and what each mode draws."""

import itertools
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.errors import ConfigError
from curate.feed.order import occurrences
from curate.feed.sampler import Sampler
from curate.plan import schema


def make_plan(labels, weights=None, ids=None):
    m = len(labels)
    columns = {
        "row": np.arange(m),
        "row_id": ids or [f"r{i}" for i in range(m)],
        "label": pa.array(labels, pa.string()).dictionary_encode(),
        "soft_label": pa.nulls(m, pa.list_(pa.float32())),
        "weight": np.ones(m, np.float32) if weights is None else np.asarray(weights, np.float32),
        "origin": pa.array(["original"] * m).cast(pa.dictionary(pa.int8(), pa.string())),
        "recipe": pa.nulls(m, pa.dictionary(pa.int32(), pa.string())),
        "split": pa.array(["train"] * m).cast(pa.dictionary(pa.int8(), pa.string())),
        "copy": pa.array([0] * m, pa.int32()),
    }
    return pa.table(columns, schema=schema("classification"))


worlds = st.integers(1, 7)
sizes = st.integers(1, 9)


@given(n=st.integers(0, 120), world=worlds, size=sizes, seed=st.integers(0, 5), epoch=st.integers(0, 3))
def test_every_draw_exactly_once_over_all_ranks(n, world, size, seed, epoch):
    per_rank = []
    for rank in range(world):
        sampler = Sampler(n, "shuffled", size, rank, world, seed)
        sampler.set_epoch(epoch)
        batches = list(sampler.batches())
        assert len(batches) == len(sampler.batches())
        assert all(1 <= len(batch) <= size for batch in batches)
        per_rank.append(batches)
    drawn = sorted(position for batches in per_rank for batch in batches for position in batch)
    assert drawn == list(range(n))
    counts = {len(batches) for batches in per_rank}
    if size > 1 and n >= world:
        assert len(counts) == 1
    assert max(counts) - min(counts) <= 1


@given(n=st.integers(0, 80), world=worlds, size=sizes, seed=st.integers(0, 3))
def test_single_positions_are_each_rank_s_share(n, world, size, seed):
    ranks = [Sampler(n, "shuffled", size, rank, world, seed) for rank in range(world)]
    drawn = [list(sampler) for sampler in ranks]
    assert [len(d) for d in drawn] == [len(sampler) for sampler in ranks]
    assert sorted(itertools.chain(*drawn)) == list(range(n))
    assert max(map(len, drawn)) - min(map(len, drawn)) <= 1


@given(n=st.integers(1, 80), world=worlds, size=sizes)
def test_drop_last_gives_only_full_batches_everywhere(n, world, size):
    for rank in range(world):
        sampler = Sampler(n, "shuffled", size, rank, world, drop_last=True)
        batches = list(sampler.batches())
        assert [len(b) for b in batches] == [size] * (n // (world * size)) == [size] * len(sampler.batches())
        sampler.set_epoch(0)
        assert len(list(sampler)) == len(sampler)


@given(n=st.integers(1, 80), world=worlds, size=sizes)
def test_pad_fills_every_last_batch(n, world, size):
    drawn = []
    for rank in range(world):
        sampler = Sampler(n, "shuffled", size, rank, world, pad=True)
        batches = list(sampler.batches())
        assert [len(b) for b in batches] == [size] * -(-n // (world * size)) == [size] * len(sampler.batches())
        drawn += itertools.chain(*batches)
    assert set(drawn) == set(range(n))
    assert max(np.bincount(drawn)) - min(np.bincount(drawn)) <= 1


@given(n=st.integers(1, 100), mode=st.sampled_from(["sequential", "shuffled", "weighted", "balanced"]), data=st.data())
def test_elastic_resume_goes_on_exactly(n, mode, data):
    rng = np.random.default_rng(n)
    plan = make_plan([f"c{k}" for k in rng.integers(3, size=n)], rng.random(n) + 0.1)
    order, _ = Sampler(plan, mode, seed=3).order(2)
    world, size = data.draw(worlds), data.draw(sizes)
    stop = data.draw(st.integers(0, n))
    first = [Sampler(plan, mode, size, rank, world, seed=3) for rank in range(world)]
    iterators = []
    for sampler in first:
        sampler.set_epoch(2)
        iterators.append(iter(sampler.batches()))
    used, state = [], None
    for _ in range(min(stop, len(first[-1].batches()))):
        for iterator in iterators:
            used += next(iterator)
        state = json.loads(json.dumps(first[0].state_dict()))
        assert all(sampler.state_dict() == state for sampler in first)
    assert sorted(used) == sorted(order[: len(used)].tolist())
    world, size = data.draw(worlds), data.draw(sizes)
    rest = []
    for rank in range(world):
        sampler = Sampler(plan, mode, size, rank, world, seed=3)
        sampler.load_state_dict(state or {**first[0].state_dict(), "epoch": 2})
        sampler.set_epoch(2)
        rest += itertools.chain(*sampler.batches())
    assert sorted(used + rest) == sorted(order.tolist())


def test_resume_of_single_positions_with_two_ranks():
    pair = [Sampler(50, seed=1, rank=r, world_size=2) for r in range(2)]
    used = [next(it) for it in [iter(s) for s in pair] for _ in range(7)]
    assert pair[0].state_dict() == pair[1].state_dict()
    one = Sampler(50, seed=1)
    one.load_state_dict(pair[0].state_dict())
    assert sorted(used + list(one)) == list(range(50))


def test_epochs_differ_follow_each_other_and_can_be_named():
    sampler = Sampler(40, seed=0)
    zero, one = list(sampler), list(sampler)
    assert zero != one
    assert sampler.epoch == 2
    sampler.set_epoch(0)
    assert list(sampler) == zero
    next(iter(sampler))
    assert list(sampler) == one, "an iteration that was given up is started anew"
    assert list(Sampler(40, seed=1)) != zero


def test_state_of_another_plan_mode_or_seed_is_refused():
    plan = make_plan(["a", "b"] * 10)
    state = Sampler(plan, seed=1).state_dict()
    Sampler(plan.slice(0, 20), seed=1).load_state_dict(state)
    Sampler(pa.concat_tables([plan.slice(0, 7), plan.slice(7)]), seed=1).load_state_dict(state)
    renamed = make_plan(["a", "b"] * 10, ids=[f"x{i}" for i in range(20)])
    for other in (Sampler(renamed, seed=1), Sampler(plan, "balanced", seed=1), Sampler(plan.slice(1), seed=1)):
        with pytest.raises(ConfigError, match="another plan or mode"):
            other.load_state_dict(state)
    with pytest.raises(ConfigError, match="seed 1"):
        Sampler(plan, seed=2).load_state_dict(state)
    with pytest.raises(ConfigError, match="lacks drawn"):
        Sampler(plan, seed=1).load_state_dict({k: v for k, v in state.items() if k != "drawn"})
    with pytest.raises(ConfigError, match="21 of 20"):
        Sampler(plan, seed=1).load_state_dict({**state, "drawn": 21})


def test_balanced_draws_every_class_equally_often():
    plan = make_plan(["a"] * 90 + ["b"] * 9 + ["c"] * 1 + [None] * 5)
    positions = np.array(list(Sampler(plan, "balanced", seed=2)))
    counts = [(positions < 90).sum(), ((positions >= 90) & (positions < 99)).sum(), (positions == 99).sum()]
    assert counts == [35, 35, 35]
    assert (positions < 100).all()
    assert len(set(positions[positions < 90].tolist())) == 35, "no row of a large class twice"
    of_b = np.bincount(positions[(positions >= 90) & (positions < 99)] - 90)
    assert set(of_b) == {3, 4}


def test_balanced_takes_sets_of_labels():
    plan = pa.table({"label": pa.array([["a"]] * 8 + [["a", "b"]] + [[]], pa.list_(pa.string()))})
    positions = list(Sampler(plan, "balanced", seed=0))
    assert 9 not in positions
    assert positions.count(8) >= 5


def test_weighted_draws_in_proportion_and_never_weight_zero():
    plan = make_plan(["a"] * 3000, [0.0, 1.0, 3.0] * 1000)
    positions = np.array(list(Sampler(plan, "weighted", seed=5)))
    kinds = np.bincount(positions % 3, minlength=3)
    assert kinds[0] == 0
    assert abs(kinds[2] / len(positions) - 0.75) < 0.03


def test_occurrences_count_what_was_drawn_before():
    assert occurrences(np.array([4, 1, 4, 4, 1])).tolist() == [0, 0, 1, 2, 1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"plan": 5, "mode": "shufled"}, "did you mean 'shuffled'"),
        ({"plan": 5, "rank": 2, "world_size": 2}, "ranks count from 0"),
        ({"plan": 5, "batch_size": 0}, "batch_size"),
        ({"plan": -1}, "plan must be"),
        ({"plan": 5, "mode": "weighted"}, "needs weights"),
        ({"plan": 2, "mode": "weighted", "weights": [1, float("nan")]}, "position 1"),
        ({"plan": 2, "mode": "weighted", "weights": [0, 0]}, "all weights are 0"),
        ({"plan": 2, "mode": "weighted", "weights": [1]}, "2 lines"),
        ({"plan": 5, "mode": "balanced"}, "needs a plan with labels"),
        ({"plan": 5, "drop_last": True, "pad": True}, "choose one"),
        ({"plan": 5, "weights": [1] * 5}, "for the sampler 'weighted'"),
        ({"plan": pa.table({"label": [1.0, 2.0]}), "mode": "balanced"}, "are numbers"),
        ({"plan": make_plan([None, None]), "mode": "balanced"}, "no line of the plan has one"),
    ],
)
def test_wrong_arguments(arguments, says):
    with pytest.raises(ConfigError, match=says):
        Sampler(**arguments)


def test_torch_data_loader_takes_both_views():
    from torch.utils.data import DataLoader

    data = list(range(100, 130))
    by_position = DataLoader(data, sampler=Sampler(30, seed=4), batch_size=8)
    by_batch = DataLoader(data, batch_sampler=Sampler(30, seed=4, batch_size=8).batches())
    assert [b.tolist() for b in by_position] == [b.tolist() for b in by_batch]
    assert sorted(x for b in by_position for x in b.tolist()) == data
