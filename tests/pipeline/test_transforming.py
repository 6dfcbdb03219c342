"""New rows go through what a run's transforms learned."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import curate
from curate.errors import DataError

STEPS = {
    "mixed": [
        {"impute": {"numbers": "knn", "indicators": True}},
        {"scale": {"methods": {"size": "quantile"}, "method": "robust"}},
        "exact_duplicates",
    ],
    "iterative": [{"impute": {"numbers": "iterative", "rounds": 30}}, {"scale": {"method": "min_max"}}],
    "text": [{"clean_text": {"case": "truecase", "urls": "<url>"}}, {"slice_text": {"tokens": 5, "by": "sentence"}}],
    "summary": [{"summarize_text": {"sentences": 1}}, {"slice_text": {"tokens": 3, "label": "first"}}],
    "fused": ["impute", {"fuse": {"encoders": {"text": "ngrams"}}}, "class_weights"],
    "labels": [{"encode_labels": {"method": "ordinal"}}, {"scale": {"columns": ["size"]}}],
    "series": [{"regularize_series": {"length": "median"}}, {"scale": {"method": "standard"}}],
}


def columns(name, n=60):
    rng = np.random.default_rng(4)
    sizes = [None if i % 7 == 3 else float(v) for i, v in enumerate(rng.normal(5, 2, n))]
    found = {"size": sizes, "width": (rng.normal(size=n) * 9).tolist()}
    found["kind"] = [None if i % 11 == 2 else str(v) for i, v in enumerate(rng.choice(["r", "g", "b"], n))]
    if name in ("text", "summary", "fused"):
        words = ["Anna", "saw", "rain", "on", "the", "hill.", "Then", "www.a.org", "今天很好。", "Paris"]
        found["text"] = [" ".join(rng.choice(words, 9)) for _ in range(n)]
    if name == "series":
        lengths = rng.integers(3, 9, n)
        found["series"] = [[None if v > 1.5 else float(v) for v in rng.normal(size=k)] for k in lengths]
    return found


@pytest.fixture(scope="module")
def curated():
    made = {}

    def make(name):
        if name not in made:
            table = columns(name) | {"label": ["a", "b"] * 30, "split": ["train"] * 40 + ["test"] * 20}
            roles = {"text": {"text": "text"}, "summary": {"text": "text"}, "series": {"series": "series"}}
            features = ("size", "width") if name == "iterative" else ("size", "width", "kind")
            given = roles.get(name, {"features": features} | ({"text": "text"} if name == "fused" else {}))
            loaded = curate.load(table, label="label", split="split", **given)
            made[name] = curate.Pipeline(steps=STEPS[name]).run(loaded, cache=None)
        return made[name]

    return make


def new_rows(name, rows=slice(40, 60)):
    return {column: values[rows] for column, values in columns(name).items()}


def held_out(result):
    return result.table.content[~result.table.training]


@pytest.mark.parametrize("name", STEPS)
def test_unlabelled_new_rows_become_what_held_out_rows_became(curated, name, tmp_path):
    result = curated(name)
    made = result.transform(new_rows(name))
    np.testing.assert_array_equal(made.content, held_out(result))
    assert not made.labels.known.any()
    there, apart = result.table.dataset.column_names, ("label", "_parent", "_ordinal")
    shared = [column for column in made.dataset.column_names if column in there and not column.endswith(apart)]
    wanted = result.table.rows(np.flatnonzero(~result.table.training), shared)
    assert repr(made.rows(range(len(made)), shared).to_pydict()) == repr(wanted.to_pydict())
    again = curate.open(result.save(tmp_path / "out").folder).transform(new_rows(name))
    np.testing.assert_array_equal(again.content, made.content)
    assert again.row_ids.tolist() == made.row_ids.tolist()


@pytest.mark.parametrize("name", STEPS)
def test_one_row_alone_becomes_the_same(curated, name):
    result = curated(name)
    together = result.transform(new_rows(name))
    for row in (40, 45, 46):
        alone = result.transform(new_rows(name, slice(row, row + 1)))
        family = together.row_ids if together.parents is None else together.parents
        wanted = together.content[np.strings.startswith(family, str(alone.row_ids[0]).split("#")[0])]
        assert alone.content.tolist() == wanted.tolist()


def test_every_kind_of_source(curated, tmp_path):
    result, rows = curated("mixed"), new_rows("mixed")
    frame = pd.DataFrame(rows)
    frame.to_csv(tmp_path / "new.csv", index=False)
    (tmp_path / "new.jsonl").write_text("".join(json.dumps(dict(zip(rows, r))) + "\n" for r in zip(*rows.values())))
    loaded = curate.load(rows, features=("size", "width", "kind"))
    for source in (frame, pa.table(rows), tmp_path / "new.csv", str(tmp_path / "new.jsonl"), loaded):
        np.testing.assert_array_equal(result.transform(source).content, held_out(result))


def test_labels_splits_and_ids_that_are_there_are_kept(curated):
    made = curated("mixed").transform(new_rows("mixed", slice(0, 4)) | {"label": ["b", "a", None, "b"]})
    assert made.column("label").to_pylist() == ["b", "a", None, "b"]
    assert made.task.label_names == ("a", "b")
    named = curate.load(columns("text") | {"id": [f"r{i}" for i in range(60)]}, text="text", id="id", kind="unlabeled")
    result = curate.Pipeline(steps=STEPS["text"]).run(named, cache=None)
    made = result.transform({"text": ["short"], "id": ["mine"]})
    assert made.row_ids.tolist() == ["mine"]


def test_a_row_of_nulls_is_filled(curated):
    made = curated("mixed").transform({"size": [None], "width": [None], "kind": ["g"]})
    assert np.isfinite([made.column("size").to_pylist()[0], made.column("width").to_pylist()[0]]).all()
    assert made.column("size_missing").to_pylist() == [1]


def test_missing_columns_are_one_sentence(curated):
    with pytest.raises(
        DataError, match=r"lack the columns 'size', 'kind' \(did you mean 'sizes'\?\).*'sizes', 'width'$"
    ):
        curated("mixed").transform({"sizes": [1.0, 2.0], "width": [1.0, 2.0]})
    with pytest.raises(DataError, match="'size' holds string, in the run it held double"):
        curated("mixed").transform({"size": ["tall"], "width": [1.0], "kind": ["g"]})


def test_nothing_is_changed_by_it(curated):
    result = curated("mixed")
    before = result.table.content.copy(), json.dumps(result.facts["fitted"])
    result.transform(new_rows("mixed"))
    assert (result.table.content == before[0]).all()
    assert json.dumps(result.facts["fitted"]) == before[1]


def test_new_rows_with_decimal_commas_are_read_as_the_run_s_were(tmp_path):
    body = "".join(f"{i},5;1.{i:03d},25;{'ab'[i % 2]}\n" for i in range(20))
    (tmp_path / "old.csv").write_text("size;price;label\n" + body)
    curated = curate.Pipeline([]).run(curate.load(tmp_path / "old.csv"), cache=False)
    (tmp_path / "new.csv").write_text("size;price\n2;1.500,75\n3;900\n")
    made = curated.transform(tmp_path / "new.csv")
    assert made.column("size").to_pylist() == [2.0, 3.0]
    assert made.column("price").to_pylist() == [1500.75, 900.0]


def test_points_between_thousands_are_read_as_in_the_run_also_without_any_comma(tmp_path):
    (tmp_path / "old.csv").write_text("n;price;label\n" + "".join(f"{i};{i},25;{'ab'[i % 2]}\n" for i in range(20)))
    curated = curate.Pipeline([]).run(curate.load(tmp_path / "old.csv"), out=tmp_path / "result", cache=False)
    (tmp_path / "new.csv").write_text("n;price\n2.000;1.000\n3;900\n")
    for result in (curated, curate.open(tmp_path / "result")):
        made = result.transform(tmp_path / "new.csv")
        assert made.column("price").to_pylist() == [1000.0, 900.0]
        assert made.column("n").to_pylist() == [2000.0, 3.0]


def test_words_for_missing_values_in_new_rows(tmp_path):
    (tmp_path / "old.csv").write_text("size,label\n" + "".join(f"{i}.5,{'ab'[i % 2]}\n" for i in range(20)))
    curated = curate.Pipeline(["impute"]).run(curate.load(tmp_path / "old.csv"), cache=False)
    (tmp_path / "new.csv").write_text("size\nNA\n")
    assert curated.transform(tmp_path / "new.csv").column("size").to_pylist() == [10.0]
