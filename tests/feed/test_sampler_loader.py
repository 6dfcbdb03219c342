"""Samplers in loaders: lengths measured, groups and difficulties found, torchdata's StatefulDataLoader."""

import itertools
import json

import numpy as np
import pytest
import torch
from small_tables import plan as make_plan
from small_tables import table as make_table

from curate.errors import ConfigError
from curate.feed import Sampler, make_loader
from curate.media.audio import encode_wav


def texts(n=60, **columns):
    rng = np.random.default_rng(0)
    words = [" ".join(["word"] * k) for k in np.minimum(1 + rng.lognormal(2, 0.8, n).astype(int), 40).tolist()]
    table = make_table({"text": words, **columns}, kind="classification", text="text", label_names=("a", "b"))
    return table, make_plan(table, ["a", "b", "a"] * (n // 3))


def tokenizer(texts, padding=True, truncation=True, return_tensors="pt", max_length=None, pad_to_multiple_of=1):
    ids = [[1] * min(len(text.split()) + 2, max_length or 10**6) for text in texts]
    width = -(-max(map(len, ids)) // pad_to_multiple_of) * pad_to_multiple_of
    padded = torch.tensor([own + [0] * (width - len(own)) for own in ids])
    return {"input_ids": padded, "attention_mask": padded}


def rows_of(loader):
    return [batch["row_id"] for batch in loader]


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_by_tokens_and_their_resume(workers):
    table, plan = texts()

    def make(**more):
        options = {"batch_tokens": 128, "max_batch": 16, "bucket_window": 2, "tokenizer": tokenizer, **more}
        return make_loader(
            table, plan, num_workers=workers, multiprocessing_context="fork" if workers else None, **options
        )

    loader, used = make(), []
    assert len(loader) == len(list(make()))
    iterator = iter(loader)
    for _ in range(3):
        batch = next(iterator)
        assert batch["input_ids"].numel() <= 128
        used += batch["row_id"]
    state = json.loads(json.dumps(loader.state_dict()))
    rest = [batch["row_id"] for batch in iterator]
    assert sorted(used + list(itertools.chain(*rest))) == sorted(table.row_ids.tolist())
    again = make()
    again.load_state_dict(state)
    assert rows_of(again) == rest
    halves = [make(rank=rank, world_size=2, batch_tokens=100) for rank in range(2)]
    for half in halves:
        half.load_state_dict(state)
    assert sorted(itertools.chain(*rows_of(halves[0]), *rows_of(halves[1]))) == sorted(itertools.chain(*rest))


def test_the_tokenizer_s_own_padding_and_cut_count():
    table, plan = texts()
    options = {"tokenizer": tokenizer, "tokenizer_options": {"pad_to_multiple_of": 8}, "max_tokens": 24}
    loader = make_loader(table, plan, batch_tokens=96, **options)
    shapes = [batch["input_ids"].shape for batch in loader]
    assert all(shape[1] % 8 == 0 and shape.numel() <= 96 for shape in shapes)
    with pytest.raises(ConfigError, match=r"batch_tokens is 20, and .* lines .* longer: the longest, row \S+, has 24"):
        make_loader(table, plan, batch_tokens=20, **options)
    with pytest.raises(ConfigError, match="padding='max_length'"):
        make_loader(table, plan, batch_tokens=96, tokenizer=tokenizer, tokenizer_options={"padding": "max_length"})
    with pytest.raises(ConfigError, match="gives no attention_mask"):
        make_loader(table, plan, batch_tokens=96, tokenizer=lambda texts, **_: {"input_ids": torch.ones(len(texts), 1)})


def test_lengths_by_characters_column_and_seconds():
    table, plan = texts(tokens=list(range(1, 61)))
    by_text = make_loader(table, plan, batch_tokens=300)
    assert all(len(batch["text"]) * max(map(len, batch["text"])) <= 300 for batch in by_text)
    by_column = make_loader(table, plan, batch_tokens=120, length_column="tokens")
    tokens = dict(zip(table.row_ids.tolist(), range(1, 61)))
    assert all(len(rows) * max(tokens[row] for row in rows) <= 120 for rows in rows_of(by_column))
    sounds = [{"bytes": encode_wav(np.zeros((1, 400 * k), np.float32), 4000), "path": None} for k in range(1, 25)]
    sounds[5] = {"bytes": b"no sound", "path": None}
    recordings = make_table({"audio": sounds}, kind="unlabeled", audio="audio")
    loader = make_loader(recordings, make_plan(recordings, kind=None), batch_seconds=4.0, max_batch=6)
    shapes = [batch["input_values"].shape for batch in loader]
    assert all(shape.numel() <= 4 * 4000 and len(shape) == 2 and shape[0] <= 6 for shape in shapes)
    assert sum(shape[0] for shape in shapes) == 23
    assert list(loader.skipped) == ["r5"]
    longer = "batch_seconds is 2.3, and 1 recording of the plan is longer: the longest, row r23, lasts 2.4 s; raise"
    with pytest.raises(ConfigError, match=longer):
        make_loader(recordings, make_plan(recordings, kind=None), batch_seconds=2.3)


@pytest.mark.parametrize(("options", "says"), [
    ({"max_batch": 4}, "max_batch: does nothing without"),
    ({"batch_seconds": 3.0}, "batch_seconds: it is for tasks of audio"),
    ({"batch_tokens": 90, "length_column": "no"}, "no column 'no'"),
    ({"batch_tokens": 90, "length_column": "text"}, "must hold numbers"),
    ({"batch_tokens": 0}, "batch_tokens: .*found 0"),
    ({"sampler": "group_balanced"}, "needs groups"),
    ({"sampler": "group_balanced", "grouping": {"column": "no"}}, "no column 'no'"),
    ({"sampler": "curriculum", "curriculum": {"by": "text"}}, "must hold numbers"),
    ({"sampler": "balanced", "difficulty": [1.0] * 60}, "for the sampler 'curriculum'"),
])  # fmt: skip
def test_options_that_do_not_fit(options, says):
    table, plan = texts()
    from curate.errors import CurateError

    with pytest.raises(CurateError, match=says):
        make_loader(table, plan, **options)


def test_groups_and_difficulty_come_from_columns():
    hard = np.arange(60.0)
    table, plan = texts(place=["north"] * 50 + ["south"] * 10, hardness=hard)
    rows = [int(row[1:]) for ids in rows_of(make_loader(table, plan, sampler="group_balanced",
            grouping={"column": "place"})) for row in ids]  # fmt: skip
    assert sum(row >= 50 for row in rows) == 30
    options = {"sampler": "curriculum", "curriculum": {"by": "hardness", "start": 0.1, "per_class": False}}
    rows = {int(row[1:]) for ids in rows_of(make_loader(table, plan, **options)) for row in ids}
    assert rows == set(range(6))
    options = {"sampler": "curriculum", "curriculum": {"start": 0.1, "per_class": False}, "difficulty": -hard}
    assert {int(row[1:]) for ids in rows_of(make_loader(table, plan, **options)) for row in ids} == set(range(54, 60))


# StatefulDataLoader calls it when it is made.
@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated:UserWarning")
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("kind", ["batches", "buckets", "positions"])
def test_torchdata_stateful_data_loader_goes_on_exactly(workers, kind):
    stateful = pytest.importorskip("torchdata.stateful_dataloader")
    data = list(range(1000, 1103))

    def make():
        options = {"lengths": [k % 30 for k in range(103)]} if kind == "buckets" else {}
        sampler = Sampler(103, batch_size=8, seed=4, **options)
        own = {"sampler": sampler, "batch_size": 8} if kind == "positions" else {"batch_sampler": sampler.batches()}
        context = "fork" if workers else None
        return stateful.StatefulDataLoader(data, num_workers=workers, multiprocessing_context=context, **own)

    whole = [batch.tolist() for batch in make()]
    assert sorted(itertools.chain(*whole)) == data
    loader = make()
    iterator = iter(loader)
    before = [next(iterator).tolist() for _ in range(5)]
    state = loader.state_dict()
    rest = [batch.tolist() for batch in iterator]
    assert before + rest == whole
    again = make()
    again.load_state_dict(state)
    after = [batch.tolist() for batch in again]
    assert after == rest
    second = [batch.tolist() for batch in again]
    assert sorted(itertools.chain(*second)) == data
    assert second != whole


def test_from_a_pipeline_file_by_group_by_tokens_and_by_the_score_of_a_check():
    import curate

    rng = np.random.default_rng(0)
    columns = {
        "features": (rng.normal(size=(60, 3)) + np.repeat([[0, 0, 0], [1, 1, 1]], 30, axis=0)).tolist(),
        "label": ["a"] * 30 + ["b"] * 30,
        "place": ["x"] * 50 + ["y"] * 10,
        "size": rng.integers(1, 20, 60).tolist(),
    }
    task = {"kind": "classification", "features": "features"}

    def curated(feed, steps=""):
        pipeline = curate.Pipeline.from_text(f"curate: 1\n{steps}feed: {feed}")
        assert curate.Pipeline.from_text(pipeline.to_yaml()) == pipeline
        return pipeline.run(curate.load(columns, task=task))

    made = curated("{batch_tokens: 50, length_column: size, sampler: group_balanced, grouping: {column: place}}")
    rows = [made.table.row_ids.tolist().index(row) for batch in made.loader() for row in batch["row_id"]]
    assert len(rows) == 60
    assert sum(row >= 50 for row in rows) == 30
    assert sorted(row for ids in rows_of(made.loader(sampler="shuffled")) for row in ids) == sorted(made.table.row_ids)
    made = curated(
        "{sampler: curriculum, curriculum: {by: label_errors, start: 0.5, per_class: false}}", "steps: [label_errors]\n"
    )
    first = {row for ids in rows_of(made.loader()) for row in ids}
    found = made.findings.to_pandas().query("check == 'label_errors'").groupby("row_id")["score"].min()
    assert len(first) == 30
    others = [row for row in made.table.row_ids.tolist() if row not in first]
    assert found[list(first)].min() >= found[others].max() > found.min()
    with pytest.raises(ConfigError, match="choose sampler: curriculum"):
        curate.Pipeline.from_text("curate: 1\nfeed: {curriculum: {start: 0.5}}")
