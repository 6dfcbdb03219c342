"""What a `feed:` part asks for and the task can't give is said before anything is measured."""

import inspect
import re

import numpy as np
import pyarrow.compute as pc
import pytest

import curate
from curate.errors import ConfigError
from curate.feed import make_loader
from curate.pipeline.difficulty import by_check
from curate.pipeline.feeding import feed_faults
from curate.pipeline.settings import OF_PYTHON, FeedSettings
from curate.task import Task

TABLE = Task(kind="regression", features=("x", "z"), label="y")
AUDIO = Task(kind="classification", audio="audio", label="label")
TEXT = Task(kind="classification", text="text", label="label")


@pytest.mark.parametrize(
    ("task", "feed", "said"),
    [
        (TABLE, {"sampler": "balanced"}, "feed.sampler: balanced needs classes, and the task is regression"),
        (TABLE, {"sampler": "adaptive"}, "adaptive: {by: rows} follows rows"),
        (TABLE, {"sampler": "adaptive", "adaptive": {"by": "rows"}}, None),
        (TABLE, {"sampler": "curriculum"}, "needs to know how hard each row is"),
        (TABLE, {"sampler": "curriculum", "curriculum": {"by": "zz"}}, "there is no column and no check 'zz'"),
        (TABLE, {"sampler": "curriculum", "curriculum": {"by": "outliers"}}, None),
        (TABLE, {"batch_tokens": 64}, "batches of similar lengths are for texts"),
        (TABLE, {"batch_tokens": 64, "length_column": "z"}, None),
        (TABLE, {"length_column": "zz", "batch_tokens": 9}, "feed.length_column: there is no column 'zz'"),
        (TEXT, {"sampler": "group_balanced"}, "group_balanced needs groups"),
        (TEXT, {"sampler": "group_balanced", "grouping": {"column": "z"}}, None),
        (TEXT, {"batch_seconds": 3.0}, "feed.batch_seconds: it is for tasks of audio alone"),
        (TEXT, {"batch_tokens": 64, "bucket_by_length": True, "max_tokens": 9}, None),
        (TEXT, {"frames": 3}, "feed.frames: 3 says nothing here: it is for video, and the task has text"),
        (TEXT, {}, None),
        (TEXT, {"max_batch": 4}, "feed.max_batch: does nothing without batches by length"),
        (TEXT, {"bucket_by_length": True, "max_batch": 4}, "feed.max_batch: it is for batch_tokens"),
        (TEXT, {"batch_tokens": 9, "batch_seconds": 3.0}, "feed.batch_seconds: batch_tokens says how large"),
        (AUDIO, {"batch_tokens": 9}, "feed.batch_tokens: it is for texts"),
        (AUDIO, {"batch_seconds": 9.0, "length_column": "z"}, "feed.length_column: it counts what batch_tokens"),
        (AUDIO, {"batch_seconds": 9.0, "max_batch": 4}, None),
    ],
)
def test_faults(task, feed, said):
    found = [f"feed.{name}: {why}" for name, why in feed_faults(FeedSettings(**feed), task, ["x", "z", "y"])]
    assert (len(found) == 1 and said in found[0]) if said else found == []


@pytest.mark.parametrize(
    "options",
    [
        {"sampler": "balanced"},
        {"sampler": "group_balanced"},
        {"sampler": "curriculum"},
        {"sampler": "curriculum", "curriculum": {"by": "zz"}},
        {"batch_tokens": 64},
        {"batch_tokens": 64, "length_column": "zz"},
        {"bucket_window": 3},
        {"frames": 3},
    ],
)
def test_the_loader_refuses_the_same_in_the_same_words(options):
    table = curate.load({"x": [1.0, 2.0, 3.5, 7.1], "y": [0.1, 0.2, 0.4, 0.5]}, Task(kind="regression", label="y"))
    curated = curate.Pipeline([]).run(table, cache=None)
    [(_, said)] = feed_faults(FeedSettings(**options), table.task, table.column_names)
    with pytest.raises(ConfigError) as told:
        curated.loader(**options)
    why = said.replace(" and no check", "")
    assert why in str(told.value)


def test_columns_that_transforms_may_add_are_not_asked_for():
    settings = FeedSettings(sampler="curriculum", curriculum={"by": "zz"})
    assert list(feed_faults(settings, TEXT, None)) == []


def test_a_run_is_refused_at_once(tmp_path):
    table = curate.load({"x": [1.0, 2.0, 3.5, 7.1], "y": [0.1, 0.2, 0.4, 0.5]}, Task(kind="regression", label="y"))
    with pytest.raises(ConfigError, match=r"feed\.sampler: balanced needs classes"):
        curate.Pipeline([], feed={"sampler": "balanced"}).run(table, tmp_path / "out", cache=None)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("bach_size", "did you mean 'batch_size'?"),
        ("shuffle", "say sampler: shuffled, or sequential"),
        ("label_names", "it is a part of the task"),
        ("seed", "the pipeline's own seed stands beside feed"),
        ("tokenizer", "it is said in Python: curated.loader(...)"),
    ],
)
def test_options_that_a_file_can_not_have_are_refused_with_what_was_meant(option, hint):
    with pytest.raises(ConfigError, match=re.escape(f"feed.{option}: unknown setting {option!r} ({hint}")):
        curate.Pipeline([], feed={option: 3})


def test_options_that_are_said_in_python_are_options_of_the_loader():
    options = inspect.signature(make_loader).parameters
    assert all(options[name].kind is inspect.Parameter.KEYWORD_ONLY for name in OF_PYTHON)
    assert not set(OF_PYTHON) & set(FeedSettings.model_fields)


def by_a_check(steps, texts, **options):
    table = curate.load({"text": texts, "label": ["a", "b"] * (len(texts) // 2)}, text="text")
    curated = curate.Pipeline(steps, seed=1).run(table, cache=None)
    difficulty = by_check(curated, {"sampler": "curriculum", "curriculum": {"by": "text_quality"}})["difficulty"]
    return curated, dict(zip(curated.table.row_ids.tolist(), difficulty.tolist()))


def test_pieces_of_a_row_are_as_hard_as_the_row():
    texts = [f"{word} " * 30 for word in ("alpha", "beta", "gamma", "delta", "river", "stone")]
    texts += ["A short and quite usual sentence about a river.", "Another one, which is about old stones."]
    steps = [{"text_quality": {}}, {"slice_text": {"tokens": 16}}, {"slice_text": {"tokens": 4}}]
    curated, found = by_a_check(steps, texts)
    scores = curated.findings_.table.filter(pc.equal(curated.findings_.table["check"].cast("string"), "text_quality"))
    worst = {}
    for row_id, score in zip(scores["row_id"].to_pylist(), scores["score"].to_pylist()):
        worst[row_id] = min(score, worst.get(row_id, 1.0))
    assert len(found) > 4 * len(texts)
    assert {row_id: worst[row_id.partition("#")[0]] for row_id in found} == found
    assert len(set(found.values())) > 1
    loader = curated.loader(sampler="curriculum", curriculum={"by": "text_quality", "per_class": False, "start": 0.1})
    easy = max(found.values())
    assert {found[row_id] for batch in loader for row_id in batch["row_id"]} == {easy}


def test_rows_that_were_made_are_as_hard_as_the_row_that_they_came_from():
    rng = np.random.default_rng(0)
    columns = {"x": rng.normal(size=40), "z": rng.normal(size=40), "label": ["a"] * 30 + ["b"] * 10}
    table = curate.load(columns, label="label", features=["x", "z"])
    curated = curate.Pipeline([{"outliers": {}}, {"resample": {"method": "smote"}}]).run(table, cache=None)
    found = by_check(curated, {"sampler": "curriculum", "curriculum": {"by": "outliers"}})["difficulty"]
    made = np.flatnonzero(np.isin(curated.table.row_ids, curated.table.made))
    assert len(made) == 20
    own = dict(zip(curated.table.row_ids.tolist(), found.tolist()))
    assert [own[parent] for parent in curated.table.parents[made].tolist()] == found[made].tolist()
