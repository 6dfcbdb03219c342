"""The sampler `adaptive`: draws follow reports by the documented formula, on every rank, and after any resume."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_tables import plan as make_plan
from small_tables import table as make_table

from curate.errors import ConfigError
from curate.feed import make_loader
from curate.feed.order import in_proportion, quotas
from curate.feed.sampler import Sampler


def plan_of(counts, kind="classification"):
    labels = [name for name, count in zip("abcdefgh", counts) for _ in range(count)]
    if kind == "multilabel":
        labels = [[name, "z"] for name in labels]
    if kind == "regression":
        labels = [float(ord(name)) for name in labels]
    table = make_table({"text": [f"t{i}" for i in range(len(labels))]}, kind=kind, text="text")
    return make_plan(table, labels, kind=kind)


def drawn(sampler, epoch, of):
    order, _ = sampler.order(epoch)
    labels = of["label"].to_pylist()
    return {name: sum(labels[p] == name for p in order.tolist()) for name in sorted(set(labels))}


PLAIN = {"floor": 0.0, "momentum": 0.0}


def test_shares_follow_the_formula():
    of = plan_of([60, 30, 10])
    sampler = Sampler(of, "adaptive", adaptive=PLAIN)
    assert drawn(sampler, 0, of) in (
        {"a": 33, "b": 33, "c": 34},
        {"a": 33, "b": 34, "c": 33},
        {"a": 34, "b": 33, "c": 33},
    )
    sampler.report(0, classes={"a": 0.1, "b": 0.3, "c": 0.6})
    assert sampler.shares(1) == pytest.approx({"a": 0.1, "b": 0.3, "c": 0.6})
    assert drawn(sampler, 1, of) == {"a": 10, "b": 30, "c": 60}
    hot = Sampler(of, "adaptive", adaptive={"temperature": 0.5, "floor": 0.3, "momentum": 0.0})
    hot.report(0, classes={"a": 1, "b": 2, "c": 2})
    assert hot.shares(1) == pytest.approx({"a": 0.1 + 0.7 / 9, "b": 0.1 + 0.7 * 4 / 9, "c": 0.1 + 0.7 * 4 / 9})
    lines = Sampler(of, "adaptive", adaptive={**PLAIN, "start_from": "lines"})
    assert sorted(lines.order(0)[0].tolist()) == list(range(100))
    lines.report(0, classes={"a": 1, "b": 2, "c": 4})  # 60 : 60 : 40
    assert lines.shares(1) == pytest.approx({"a": 0.375, "b": 0.375, "c": 0.25})


def test_recall_draws_more_of_what_is_missed():
    sampler = Sampler(plan_of([5, 5]), "adaptive", adaptive={**PLAIN, "follows": "recall"})
    sampler.report(0, classes={"a": 0.9, "b": 0.6})
    assert sampler.shares(1) == pytest.approx({"a": 0.2, "b": 0.8})
    sampler.set_epoch(1)
    sampler.report(1, classes={"a": 1, "b": 1})
    assert sampler.shares(2) == pytest.approx({"a": 0.5, "b": 0.5})


def test_momentum_and_what_is_left_out():
    sampler = Sampler(plan_of([5, 5, 5]), "adaptive", adaptive={"floor": 0.0, "momentum": 0.75})
    sampler.report(0, classes={"a": 1.0, "b": 3.0})
    assert sampler.shares(1) == pytest.approx({"a": 1 / 6, "b": 3 / 6, "c": 2 / 6})  # c: the mean of the others
    sampler.cursor.go_to(1)
    sampler.report(1, classes={"a": 5.0, "c": 2.0})  # a: 0.75 + 1.25 = 2, b: 3 as before, c: 2 at once
    assert sampler.shares(2) == pytest.approx({"a": 2 / 7, "b": 3 / 7, "c": 2 / 7})
    assert sampler.shares(1) == pytest.approx({"a": 1 / 6, "b": 3 / 6, "c": 2 / 6})


def test_rows_are_drawn_by_their_own_reports():
    of = plan_of([4], kind="regression")
    sampler = Sampler(of, "adaptive", adaptive={**PLAIN, "by": "rows"})
    assert sorted(sampler.order(0)[0].tolist()) == [0, 1, 2, 3]
    sampler.report(0, rows={"r0": 2.0, "r1": 0.0, "r2": 1.0, "r3": 1.0})
    assert sorted(sampler.order(1)[0].tolist()) == [0, 0, 2, 3]
    repeated = pa.concat_tables([of, of.slice(0, 2)])  # r0 and r1 stand in two lines each
    sampler = Sampler(repeated, "adaptive", adaptive={**PLAIN, "by": "rows"})
    assert sampler.shares(0) == pytest.approx({"r0": 1 / 3, "r1": 1 / 3, "r2": 1 / 6, "r3": 1 / 6})
    assert sorted(sampler.order(0)[0].tolist()) == list(range(6))


def test_multilabel_lines_stand_in_each_of_their_classes():
    sampler = Sampler(plan_of([2, 2], kind="multilabel"), "adaptive", adaptive=PLAIN)
    sampler.report(0, classes={"a": 1, "b": 0, "z": 0})
    assert set(sampler.order(1)[0].tolist()) == {0, 1}


reports = st.lists(st.lists(st.floats(0, 10), min_size=3, max_size=3), min_size=1, max_size=5)


@settings(deadline=None, max_examples=40)
@given(
    values=reports,
    world=st.integers(1, 4),
    size=st.integers(1, 5),
    stop=st.integers(0, 6),
    by=st.sampled_from(["c", "r"]),
)
def test_any_resume_on_any_world_goes_on_exactly(values, world, size, stop, by):
    of = plan_of([11, 5, 2])
    options = {"by": "classes"} if by == "c" else {"by": "rows"}
    keys = "abc" if by == "c" else ("r0", "r5", "r17")

    def make(rank=0, of_world=1, batch=3):
        return Sampler(of, "adaptive", batch, rank, of_world, seed=4, adaptive=options)

    def say(sampler, epoch):
        sampler.report(epoch, **{options["by"]: dict(zip(keys, values[epoch]))})

    whole = make()
    for epoch in range(len(values)):
        list(whole.batches())
        say(whole, epoch)
    last = len(values)
    order = whole.order(last)[0].tolist()
    state = json.loads(json.dumps(whole.state_dict()))
    ranks = [make(rank, world, size) for rank in range(world)]
    for sampler in ranks:
        sampler.load_state_dict(state)
    used, iterators = [], [iter(s.batches()) for s in ranks]
    for _ in range(min(stop, len(ranks[-1].batches()))):
        used += [p for i in iterators for p in next(i)]
    state = json.loads(json.dumps(ranks[0].state_dict()))
    assert all(sampler.state_dict() == state for sampler in ranks)
    one = make()
    one.load_state_dict(state)
    one.set_epoch(last)
    rest = [p for batch in one.batches() for p in batch]
    assert sorted(used + rest) == sorted(order)
    assert order == whole.order(last)[0].tolist()


@settings(deadline=None)
@given(
    weights=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30), draws=st.integers(0, 200), seed=st.integers(0, 9)
)
def test_counts_are_the_shares_give_or_take_one(weights, draws, seed):
    shares = (np.array(weights) + 1e-6) / (np.array(weights) + 1e-6).sum()
    counts = np.bincount(in_proportion(shares, draws, np.random.default_rng(seed)), minlength=len(shares))
    assert counts.sum() == draws
    assert (np.abs(counts - shares * draws) < 1 + 1e-9).all()
    counts = quotas(shares, draws, np.random.default_rng(seed))
    assert counts.sum() == draws
    assert (np.abs(counts - shares * draws) < 1 + 1e-9).all()


def test_without_reports_it_is_as_even_as_balanced():
    of = plan_of([7, 2])
    for mode in ("balanced", "adaptive"):
        positions, occurrences = Sampler(of, mode).order(0)
        assert sorted(np.bincount(positions < 7).tolist()) == [4, 5]
        assert len(set(zip(positions.tolist(), occurrences.tolist()))) == 9


@pytest.mark.parametrize(
    ("report", "match"),
    [
        ({"classes": {"a": float("nan")}}, "'a'; a finite number of at least 0"),
        ({"classes": {"a": -0.1}}, "gives -0.1 as the loss"),
        ({"classes": {"a": "0.4"}}, "'0.4'"),
        ({"classes": {"a": True}}, "True"),
        ({"classes": {"a": float("inf")}}, "inf"),
        ({"classes": {"aa": 1.0}}, "the class 'aa', of which the plan has no line .did you mean 'a'"),
        ({"classes": {}}, "at least one"),
        ({"rows": {"r0": 1.0}}, "follows reports of classes; given: rows"),
        ({"classes": {"a": 1.0}, "rows": {"r0": 1.0}}, "given: classes and rows"),
        ({}, "given: nothing"),
        ({"epoch": 1, "classes": {"a": 1.0}}, "epoch 0 has not come to its end"),
        ({"epoch": -1, "classes": {"a": 1.0}}, "epoch must be a whole number"),
    ],
)
def test_bad_reports_are_refused_and_change_nothing(report, match):
    sampler = Sampler(plan_of([4, 4]), "adaptive")
    before = sampler.state_dict()
    with pytest.raises(ConfigError, match=match):
        sampler.report(**{"epoch": 0, **report})
    assert sampler.state_dict() == before


def test_reports_that_come_at_the_wrong_time():
    sampler = Sampler(plan_of([4, 4]), "adaptive", batch_size=2)
    list(sampler.batches())
    sampler.report(0, classes={"a": 1.0, "b": 2.0})
    sampler.report(0, classes={"a": 1.0, "b": 2.0})  # the same again, as from another rank
    with pytest.raises(ConfigError, match="reported before with other numbers"):
        sampler.report(0, classes={"a": 1.0})
    next(iter(sampler.batches()))
    with pytest.raises(ConfigError, match="comes too late: epoch 1 is being drawn"):
        sampler.report(0, classes={"a": 1.0, "b": 2.0})
    for epoch in range(1, 5):
        sampler.set_epoch(epoch)
        sampler.report(epoch, classes={"a": 1.0})
    with pytest.raises(ConfigError, match="comes too late: epoch 4 was reported"):
        sampler.report(1, classes={"a": 1.0})
    with pytest.raises(ConfigError, match="epoch 2 can't be drawn again"):
        sampler.order(2)


def test_settings_and_plans_that_do_not_fit():
    with pytest.raises(ConfigError, match="follows no reports; choose mode 'adaptive'"):
        Sampler(plan_of([2, 2]), "balanced").report(0, classes={"a": 1.0})
    with pytest.raises(ConfigError, match="adaptive is for the sampler 'adaptive'"):
        Sampler(plan_of([2, 2]), "balanced", adaptive={})
    with pytest.raises(ConfigError, match=r"adaptive.temperature: found 0, expected greater"):
        Sampler(plan_of([2, 2]), "adaptive", adaptive={"temperature": 0})
    with pytest.raises(ConfigError, match="by: rows"):
        Sampler(plan_of([2, 2], kind="regression"), "adaptive")
    with pytest.raises(ConfigError, match="needs a plan"):
        Sampler(5, "adaptive", adaptive={"by": "rows"})
    state = Sampler(plan_of([2, 2]), "adaptive").state_dict()
    for broken in (None, {"before": 0}, {"before": 0, "smoothed": [None], "recent": []}):
        with pytest.raises(ConfigError, match="the reports in the state"):
            Sampler(plan_of([2, 2]), "adaptive").load_state_dict({**state, "reports": broken})
    with pytest.raises(ConfigError, match="another plan or mode"):
        Sampler(plan_of([2, 2]), "adaptive", adaptive={"floor": 0.5}).load_state_dict(state)
    empty = Sampler(plan_of([2, 2]).slice(0, 0), "adaptive")
    assert list(empty.batches()) == []
    with pytest.raises(ConfigError, match="the class 'a', of which the plan has no line"):
        empty.report(0, classes={"a": 1.0})


@pytest.mark.parametrize("workers", [0, 2])
def test_the_loader_takes_reports_between_epochs_and_resumes(workers):
    names = ("a", "b")
    table = make_table(
        {"features": [[float(i)] for i in range(20)]}, kind="classification", features="features", label_names=names
    )
    of = make_plan(table, ["a"] * 15 + ["b"] * 5)

    def make():
        return make_loader(
            table, of, batch_size=4, sampler="adaptive", adaptive=PLAIN, num_workers=workers, seed=2,
            multiprocessing_context="fork" if workers else None,
        )  # fmt: skip

    loader = make()
    first = [row for batch in loader for row in batch["row_id"]]
    loader.report(0, classes={"a": 0.2, "b": 0.8})
    iterator, second = iter(loader), []
    for _ in range(2):
        second += next(iterator)["row_id"]
    state = json.loads(json.dumps(loader.state_dict()))
    whole = second + [row for batch in iterator for row in batch["row_id"]]
    again = make()
    again.load_state_dict(state)
    rest = [row for batch in again for row in batch["row_id"]]
    assert second + rest == whole
    b_rows = {f"r{i}" for i in range(15, 20)}
    assert [sum(row in b_rows for row in rows) for rows in (first, whole)] == [10, 16]


def test_from_a_pipeline_file_to_the_draws():
    import curate

    n = 40
    columns = {
        "features": np.arange(2.0 * n).reshape(n, 2).tolist(),
        "label": ["a"] * 24 + ["b"] * 8 + ["a"] * 8,
        "split": ["train"] * 32 + ["test"] * 8,
    }
    text = "curate: 1\nfeed: {batch_size: 8, sampler: adaptive, adaptive: {follows: recall, floor: 0, momentum: 0}}"
    pipeline = curate.Pipeline.from_text(text)
    assert curate.Pipeline.from_text(pipeline.to_yaml()) == pipeline
    curated = pipeline.run(curate.load(columns, task={"kind": "classification", "features": "features"}))
    loader = curated.loader()
    for epoch, wanted in ((0, 16), (1, 24)):
        codes = [code for batch in loader for code in batch["labels"].tolist()]
        assert (len(codes), sum(codes)) == (32, wanted)
        loader.report(epoch, classes={"a": 0.9, "b": 0.7})
    assert [row for batch in curated.loader(split="test") for row in batch["row_id"]] == curated.table.row_ids[
        32:
    ].tolist()
    assert len({row for batch in curated.loader(sampler="shuffled") for row in batch["row_id"]}) == 32
    with pytest.raises(ConfigError, match="choose sampler: adaptive"):
        curate.Pipeline.from_text("curate: 1\nfeed: {adaptive: {floor: 0}}")


def test_following_recall_lifts_the_worst_class():
    import torch

    rng = np.random.default_rng(0)
    counts = (900, 60, 40)
    of = plan_of(counts)
    middles = np.array([[0, 0], [1.6, 0], [0, 1.6]])
    codes = np.repeat([0, 1, 2], counts)
    inputs = torch.tensor(rng.normal(size=(1000, 2)) + middles[codes], dtype=torch.float32)
    held_codes = np.repeat([0, 1, 2], 500)
    held = torch.tensor(rng.normal(size=(1500, 2)) + middles[held_codes], dtype=torch.float32)

    def worst_recall(mode, **options):
        torch.manual_seed(0)
        model = torch.nn.Linear(2, 3)
        optimiser = torch.optim.SGD(model.parameters(), lr=0.5)
        sampler = Sampler(of, mode, batch_size=50, seed=1, **options)
        recall = {}
        for epoch in range(8):
            for batch in sampler.batches():
                loss = torch.nn.functional.cross_entropy(model(inputs[batch]), torch.tensor(codes[batch]))
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            found = model(held).argmax(1).numpy()
            recall = {name: float((found[held_codes == k] == k).mean()) for k, name in enumerate("abc")}
            if mode == "adaptive":
                sampler.report(epoch, classes=recall)
        return min(recall.values())

    shuffled = worst_recall("shuffled")
    adaptive = worst_recall("adaptive", adaptive={"follows": "recall", "start_from": "lines", "floor": 0.0})
    even = worst_recall("adaptive", adaptive={"follows": "recall"})
    assert shuffled < 0.5
    assert adaptive > shuffled + 0.15
    assert even > 0.6
