"""What each mode of the sampler draws: shares, occurrences, random access, large plans by the same rules as small."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.errors import ConfigError
from curate.feed.sampler import Sampler
from curate.feed.sampling.classes import coded
from curate.feed.sampling.dealt import Dealt, Lines, even
from curate.feed.sampling.members import Counted, Sorted
from curate.feed.sampling.weighted import Weighted


def plan_of(labels, **columns):
    m = len(labels)
    return pa.table({
        "row_id": [f"r{i}" for i in range(m)], "label": pa.array(labels, pa.string()).dictionary_encode(),
        "weight": np.ones(m, np.float32), **columns,
    })  # fmt: skip


def check_occurrences(positions, occurrences):
    """Repeats of a line count from 0 on."""
    by_line = np.lexsort((occurrences, positions))
    first = np.r_[True, np.diff(positions[by_line]) > 0]
    starts = np.maximum.accumulate(np.where(first, np.arange(len(first)), 0))
    assert (occurrences[by_line] == np.arange(len(first)) - starts).all()


weights = st.lists(
    st.one_of(st.floats(0, 1000), st.just(0.0), st.floats(0, 1e-6)), min_size=1, max_size=200
).filter(lambda w: sum(w) > 1e-3)  # fmt: skip


@settings(deadline=None)
@given(weights=weights, seed=st.integers(0, 4))
def test_weighted_draws_each_line_its_share_give_or_take_two(weights, seed):
    weights = np.array(weights, np.float32)
    if not weights.sum():
        return
    drawn = Weighted.of(weights, seed).draw(1, np.arange(len(weights)))
    counts = np.bincount(drawn.positions, minlength=len(weights))
    assert (np.abs(counts - len(weights) * weights / weights.sum(dtype=float)) < 2 + 1e-3).all()
    assert not counts[weights == 0].any()
    check_occurrences(drawn.positions, drawn.occurrences)


def test_weighted_is_unbiased_over_epochs():
    weights = np.array([0.2, 0.5, 1.0, 1.3, 2.0, 0.0], np.float32)
    order = Weighted.of(weights, 0)
    counts = sum(np.bincount(order.draw(e, np.arange(6)).positions, minlength=6) for e in range(4000)) / 4000
    np.testing.assert_allclose(counts, 6 * weights / weights.sum(), atol=0.04)


def test_equal_weights_draw_every_line_once():
    assert sorted(Sampler(500, "weighted", weights=[0.1] * 500).order(3).positions.tolist()) == list(range(500))


def test_entries_counted_by_block_are_those_that_are_sorted():
    rng = np.random.default_rng(0)
    for k in (1, 3, 200):
        codes = rng.integers(-1, k, 9_000).astype(np.int32)
        one, other = Sorted.of(codes, k), Counted.of(codes, k)
        assert one.sizes.tolist() == other.sizes.tolist()
        classes = rng.choice(np.flatnonzero(one.sizes), 5_000)
        numbers = (rng.random(5_000) * one.sizes[classes]).astype(int)
        assert one.select(classes, numbers).tolist() == other.select(classes, numbers).tolist()
        drawn = [
            Dealt(m, Lines(), 9_000, lambda epoch, k=k: even(k, 9_000, epoch), 1, "x").draw(2, np.arange(300))
            for m in (one, other)
        ]
        assert drawn[0].positions.tolist() == drawn[1].positions.tolist()
        assert one.key() != Sorted.of(np.roll(codes, 1), k).key()
        assert other.key() != Counted.of(np.roll(codes, 1000), k).key()


def test_names_are_numbered_the_same_however_a_column_is_stored():
    texts = ["b", None, "a", "c", "a", "b"] * 50
    plain = pa.chunked_array([texts[:70], texts[70:]], pa.string())
    renamed = pa.DictionaryArray.from_arrays(
        pa.array([{"b": 3, "a": 0, "c": 2}.get(t) for t in texts], pa.int32()), pa.array(["a", "unused", "c", "b"])
    )
    sorted_one = pa.array(["a", "b", "c"] * 20).dictionary_encode()
    wanted = [{"a": 0, "b": 1, "c": 2}.get(t, -1) for t in texts]
    for column in (plain, plain.combine_chunks().dictionary_encode(), renamed, pa.chunked_array([renamed])):
        names, codes = coded(column)
        assert names == ["a", "b", "c"]
        assert codes.tolist() == wanted
    _, codes = coded(sorted_one)
    assert np.shares_memory(codes, sorted_one.indices.to_numpy()), "mapped, not copied"
    assert coded(pa.chunked_array([], pa.string()))[0] == []
    many = [f"{i:06d}" for i in range(2**15 + 200)]
    names, codes = coded(pa.chunked_array([many[::-1], many[:3]], pa.string()))
    assert names == many
    assert codes.tolist() == [*range(len(many) - 1, -1, -1), 0, 1, 2]


MODES = ["sequential", "shuffled", "weighted", "balanced", "group_balanced", "curriculum", "adaptive"]


def make(mode, n, **more):
    rng = np.random.default_rng(n)
    plan = plan_of([f"c{k}" for k in rng.integers(3, size=n)], weight=rng.random(n).astype(np.float32) + 0.01)
    extra = {"group_balanced": {"groups": [f"g{k}" for k in rng.integers(4, size=n)]},
             "curriculum": {"difficulty": rng.random(n)}}.get(mode, {})  # fmt: skip
    return Sampler(plan, mode, **extra, **more)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("n", [1, 2, 50, 1203])
def test_any_batch_by_random_access_and_repeats_told_apart(mode, n):
    sampler = make(mode, n, batch_size=7, rank=1, world_size=3)
    for epoch in (0, 4):
        sampler.set_epoch(epoch)
        batches = list(sampler.batches())
        for number in np.random.default_rng(0).permutation(len(batches))[:20].tolist():
            got = sampler.batch(epoch, number).tolist()
            assert got == batches[number] or (number == len(batches) - 1 - (n % 21 < 3) and len(got) >= 6)
        drawn = sampler.order(epoch)
        assert len(drawn.positions) == n
        if mode in ("balanced", "group_balanced"):
            assert len(set(zip(*(part.tolist() for part in drawn)))) == n
        check_occurrences(*drawn)
    with pytest.raises(IndexError, match="no batch"):
        sampler.batch(0, 10**6)


def test_padding_repeats_count_as_further_occurrences():
    for mode in MODES:
        drawn = make(mode, 10, batch_size=4, world_size=3, pad=True).order(1)
        assert len(drawn.positions) == 12
        assert len(set(zip(*(part.tolist() for part in drawn)))) == 12


def test_multilabel_lines_are_told_apart_by_class_as_well():
    plan = pa.table({"label": pa.array([["a"]] * 8 + [["a", "b"]] + [[]], pa.list_(pa.string()))})
    drawn = Sampler(plan, "balanced", seed=0).order(0)
    assert len(set(zip(*(part.tolist() for part in drawn)))) == 10
    assert 9 not in drawn.positions


def test_groups_are_drawn_equally_often_and_classes_in_them_if_asked():
    labels = ["a"] * 70 + ["b"] * 30
    groups = ["x"] * 60 + ["y"] * 10 + ["x"] * 2 + [None] * 28
    drawn = Sampler(plan_of(labels), "group_balanced", groups=groups).order(0).positions
    of = np.array([str(g) for g in groups])[drawn]
    assert {name: int((of == name).sum()) for name in ("x", "y", "None")} in (
        {"x": 34, "y": 33, "None": 33}, {"x": 33, "y": 34, "None": 33}, {"x": 33, "y": 33, "None": 34},
    )  # fmt: skip
    sampler = Sampler(plan_of(labels), "group_balanced", groups=groups, grouping={"with_classes": True})
    drawn = sampler.order(0).positions
    cells = [f"{labels[p]}{groups[p]}" for p in drawn.tolist()]
    assert {cell: cells.count(cell) for cell in set(cells)} == {"ax": 25, "ay": 25, "bx": 25, "bNone": 25}
    with pytest.raises(ConfigError, match="needs groups, one per line"):
        Sampler(plan_of(labels), "group_balanced")
    with pytest.raises(ConfigError, match="100 lines in the plan, but 3 groups"):
        Sampler(plan_of(labels), "group_balanced", groups=["a", "b", "c"])
    with pytest.raises(ConfigError, match="groups are for the sampler 'group_balanced'"):
        Sampler(plan_of(labels), "balanced", groups=groups)


def test_curriculum_goes_from_easy_to_all():
    n = 100
    difficulty = np.random.default_rng(0).permutation(n).astype(float)
    difficulty[difficulty == 99] = np.nan
    sampler = Sampler(n, "curriculum", difficulty=difficulty, curriculum={"start": 0.2, "epochs": 4})
    for epoch, among in enumerate((20, 40, 60, 80, 100, 100)):
        positions, occurrences = sampler.order(epoch)
        assert set(positions.tolist()) == set(np.argsort(difficulty)[:among].tolist())
        counts = np.bincount(positions, minlength=n)
        assert len(positions) == n
        assert set(counts[counts > 0].tolist()) <= {n // among, n // among + 1}
        check_occurrences(positions, occurrences)
    easy = Sampler(n, "curriculum", difficulty=difficulty, curriculum={"easy": "high", "start": 0.1}).order(0)
    assert set(easy.positions.tolist()) == set(np.argsort(-difficulty)[:10].tolist())
    sorted_one = Sampler(n, "curriculum", difficulty=difficulty, curriculum={"start": 1, "within_epoch": "easy_first"})
    assert sorted_one.order(0).positions.tolist() == np.argsort(difficulty).tolist()
    half = Sampler(n, "curriculum", difficulty=difficulty, curriculum={"start": 0.3, "within_epoch": "easy_first"})
    positions, occurrences = half.order(0)
    assert (np.diff(difficulty[positions]) >= 0).all()
    check_occurrences(positions, occurrences)


@pytest.mark.parametrize(("pacing", "shares"), [
    ("linear", [0.2, 0.4, 0.6, 0.8, 1.0]), ("root", [0.2, 0.529, 0.721, 0.872, 1.0]),
    ("exponential", [0.2, 0.299, 0.447, 0.669, 1.0]),
])  # fmt: skip
def test_pacing(pacing, shares):
    from curate.feed.sampling.curriculum import Curriculum

    paced = Curriculum(start=0.2, epochs=4, pacing=pacing)
    assert [paced.share(epoch) for epoch in range(5)] == pytest.approx(shares, abs=1e-3)
    assert paced.share(1000) == 1


def test_a_curriculum_starts_by_default_with_three_tenths_and_has_all_after_five_epochs():
    from curate.feed.sampling.curriculum import Curriculum

    assert [Curriculum().share(epoch) for epoch in (0, 1, 4, 5)] == pytest.approx([0.3, 0.44, 0.86, 1.0])
    drawn = Sampler(plan_of(["a"] * 80 + ["b"] * 20), "curriculum", difficulty=np.arange(100.0)).order(0).positions
    assert set(drawn.tolist()) == {*range(24), *range(80, 86)}


def test_curriculum_takes_the_easiest_of_every_class():
    plan = plan_of(["a"] * 80 + ["b"] * 20)
    difficulty = np.arange(100.0)
    of_each = Sampler(plan, "curriculum", difficulty=difficulty, curriculum={"start": 0.25}).order(0).positions
    assert set(of_each.tolist()) == {*range(20), *range(80, 85)}
    of_all = Sampler(plan, "curriculum", difficulty=difficulty, curriculum={"start": 0.25, "per_class": False})
    assert set(of_all.order(0).positions.tolist()) == set(range(25))


@pytest.mark.parametrize(("arguments", "says"), [
    ({"mode": "curriculum"}, "needs to know how hard each line is"),
    ({"mode": "curriculum", "difficulty": [1.0]}, "difficulty must be 5 numbers"),
    ({"mode": "curriculum", "difficulty": ["a"] * 5}, "difficulty must be 5 numbers"),
    ({"mode": "curriculum", "difficulty": [float("nan")] * 5}, "all are missing"),
    ({"mode": "curriculum", "difficulty": range(5), "curriculum": {"start": 0}}, "start: .*found 0"),
    ({"mode": "shuffled", "difficulty": range(5)}, "difficulty is for the sampler 'curriculum'"),
    ({"mode": "shuffled", "grouping": {}}, "grouping is for the sampler 'group_balanced'"),
    ({"mode": "weighted", "weights": [1, 2, float("inf"), 1, 1]}, "position 2 has inf"),
    ({"mode": "weighted", "weights": [1, 2, -1, 1, 1]}, "position 2 has -1"),
])  # fmt: skip
def test_wrong_arguments_of_modes(arguments, says):
    with pytest.raises(ConfigError, match=says):
        Sampler(5, **arguments)


def test_a_plan_of_millions_starts_without_reading_it_all():
    n = (1 << 20) + 12_345
    codes = (np.arange(n) % 7 > 4).astype(np.int32)
    labels = pa.DictionaryArray.from_arrays(codes, pa.array(["many", "some"]))
    plan = pa.table({"label": labels, "weight": np.ones(n, np.float32), "row_id": np.char.mod("%d", np.arange(n))})
    sampler = Sampler(plan, "balanced", batch_size=10_000, seed=2)
    assert isinstance(sampler._order.members, Counted)
    drawn = sampler.batch(3, 7)
    assert abs(codes[drawn].mean() - 0.5) < 5 * 0.5 / 100
    some = sampler.draws(0, np.arange(0, n, 53))
    assert abs(codes[some.positions].mean() - 0.5) < 5 * 0.5 / np.sqrt(len(some.positions))
    assert len(set(zip(*(part.tolist() for part in some)))) == len(some.positions)
    assert set(some.occurrences[codes[some.positions] == 1].tolist()) == {0, 1}
    assert set(some.occurrences[codes[some.positions] == 0].tolist()) == {0}
    other = plan.set_column(2, "row_id", [pa.array(np.char.mod("%d", np.arange(1, n + 1)))])
    assert Sampler(other, "balanced", seed=2).fingerprint != sampler.fingerprint
