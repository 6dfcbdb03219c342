"""Near-duplicate records: slips are found without labels; tables whose rows are alike by nature give no pairs."""

import random

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from curate.evidence.pairs._record_blocks import record_pairs
from curate.evidence.pairs._record_fields import DIFFERENT, EQUAL, MISSING, SIMILAR, compare_values, encode
from curate.evidence.pairs._record_weights import match_probability
from curate.evidence.pairs.records import MIN_PROBABILITY, link

COLUMNS = ["first", "last", "street", "city", "zip", "born", "email", "amount"]


def linked(frame):
    """The pairs that are found, and their probabilities."""
    fields = [encode(pa.chunked_array([pa.array(frame[name], from_pandas=True)])) for name in frame.columns]
    linkage = link(fields, np.arange(len(frame)))
    if linkage.weights is None:
        return set()
    probability = match_probability(linkage.weights, linkage.fields, linkage.left, linkage.right)
    kept = probability >= MIN_PROBABILITY
    return set(zip(linkage.left[kept].tolist(), linkage.right[kept].tolist(), strict=True))


def syllables(rng, count):
    parts = [consonant + vowel for consonant in "bcdfghklmnprst" for vowel in "aeiou"]
    return ["".join(rng.choices(parts, k=rng.randint(2, 4))) for _ in range(count)]


def people(rng, count):
    names = syllables(rng, 1_500)
    return [
        [
            rng.choice(names[:200]),
            rng.choice(names),
            f"{rng.randint(1, 300)} {rng.choice(names)} street",
            rng.choice(names[:300]),
            str(rng.randint(10_000, 99_999)) if rng.random() > 0.1 else None,
            f"{rng.randint(1930, 2005)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
            f"{rng.choice(names)}@{rng.choice(names[:5])}.com",
            rng.randint(100, 99_999) / 100,
        ]
        for _ in range(count)
    ]


def slip(rng, value):
    text = str(value)
    at, kind = rng.randrange(len(text)), rng.randrange(3)
    if kind == 0 and len(text) > 1:
        return text[:at] + text[at + 1 :]
    other = rng.choice("abcdefgh" if text[at].isalpha() else "0123456789")
    return text[:at] + other + text[at + 1 :] if kind == 1 else text[: at + 1] + text[at:]


def with_copies(rng, count, copies, slips):
    rows = people(rng, count)
    true = set()
    for copy, origin in enumerate(rng.sample(range(count), copies)):
        row = list(rows[origin])
        for place in rng.sample(range(len(row)), slips):
            row[place] = None if rng.random() < 0.2 else row[place] and slip(rng, row[place])
        rows.append(row)
        true.add((origin, count + copy))
    return pd.DataFrame(rows, columns=COLUMNS).astype(object), true


def f1(found, true):
    return 2 * len(found & true) / max(len(found) + len(true), 1)


def test_febrl_is_linked_without_labels(shared_data):
    frame = pd.read_csv(shared_data / "febrl_dedup" / "dataset1.csv", skipinitialspace=True, dtype=str)
    person = frame.pop("rec_id").str.extract(r"rec-(\d+)-")[0].to_numpy()
    true = {tuple(sorted(rows)) for rows in pd.Series(range(len(frame))).groupby(person).apply(list)}
    found = linked(frame)
    assert len(true) == 500
    assert f1(found, true) >= 0.99
    assert not found - true


@pytest.mark.parametrize(("count", "copies", "slips"), [(60, 6, 2), (1_500, 15, 3), (1_500, 600, 2)])
def test_copies_with_slips_are_found_whatever_their_number(count, copies, slips):
    frame, true = with_copies(random.Random(0), count, copies, slips)
    found = linked(frame.map(lambda v: None if v is None else str(v)))
    assert f1(found, true) >= 0.97


def test_hospitals_with_many_measures_are_not_copies(shared_data):
    path = shared_data / "hospital_dirty_clean"
    for name in ("dirty.csv", "clean.csv"):
        frame = pd.read_csv(path / name, dtype=str, keep_default_na=False)
        rows = {row for pair in linked(frame) for row in pair}
        assert len(rows) <= 0.01 * len(frame), name


def test_orders_of_one_customer_are_not_copies_but_an_order_written_twice_is():
    rng = random.Random(0)
    products = syllables(rng, 40)
    rows = [
        [
            *person[:7],
            rng.choice(products),
            rng.randint(1, 5),
            f"2024-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
        ]
        for person in people(rng, 300)
        for _ in range(rng.randint(1, 5))
    ]
    columns = [*COLUMNS[:7], "product", "quantity", "day"]
    assert not linked(pd.DataFrame(rows, columns=columns).astype(object))
    true = set()
    for origin in rng.sample(range(len(rows)), 15):
        row = list(rows[origin])
        place = rng.choice([0, 1, 2, 3, 5, 6])
        row[place] = slip(rng, row[place])
        true.add((origin, len(rows)))
        rows.append(row)
    assert f1(linked(pd.DataFrame(rows, columns=columns).astype(object)), true) >= 0.95


@pytest.mark.parametrize("name", ["4_breastw", "38_thyroid", "23_mammography", "6_cardio"])
def test_tables_of_measurements_give_hardly_any_pair(shared_data, name):
    values = np.unique(np.load(shared_data / "adbench_tabular" / f"{name}.npz")["X"], axis=0)[:1_500]
    frame = pd.DataFrame(values).rename(columns=str)
    rows = {right for _, right in linked(frame)}
    assert len(rows) <= 0.02 * len(frame)


def test_tables_of_few_answers_and_of_random_numbers_give_none():
    rng = np.random.default_rng(0)
    answers = pd.DataFrame({f"q{i}": rng.integers(1, 6, 2_000).astype(str) for i in range(8)})
    assert not linked(answers.drop_duplicates(ignore_index=True))
    assert not linked(pd.DataFrame(rng.normal(size=(1_000, 6)).round(2)).rename(columns=str))
    assert not linked(pd.DataFrame(rng.normal(size=(200, 120)).round(2)).rename(columns=str))


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": ["x", "y"]}),
        pd.DataFrame({"a": ["x", "y", "z"], "b": [None, None, None]}),
        pd.DataFrame({"a": ["x"] * 5, "b": ["y"] * 5}),
        pd.DataFrame({"a": [1, 2, 3, 4], "b": [None, 2.0, float("nan"), 4.0]}),
        pd.DataFrame({"a": ["x", "X "], "b": ["u", "u"]}),
    ],
)
def test_tiny_empty_and_constant_tables_give_no_error(frame):
    assert linked(frame) <= {(0, 1)}


def test_values_compare_as_equal_similar_different_or_missing():
    field = encode(pa.chunked_array([["Smith", "smith ", "smiht", "jones", "n/a", None, "ab", "ax"]]))
    left, right = np.array([0, 0, 0, 0, 0, 6]), np.array([1, 2, 3, 4, 5, 7])
    assert compare_values(field, left, right).tolist() == [EQUAL, SIMILAR, DIFFERENT, MISSING, MISSING, DIFFERENT]


def test_two_values_that_many_rows_have_are_no_slip_of_each_other():
    field = encode(pa.chunked_array([["inf-1"] * 5 + ["inf-2"] * 5 + ["inf-3"]]))
    assert compare_values(field, np.array([0, 0]), np.array([5, 10])).tolist() == [DIFFERENT, SIMILAR]


def test_pairs_do_not_depend_on_the_order_of_rows_or_columns():
    rng = random.Random(3)
    frame, true = with_copies(rng, 300, 40, 2)
    frame = frame.map(lambda v: None if v is None else str(v))
    found = linked(frame)
    assert f1(found, true) >= 0.97
    moved = np.random.default_rng(0).permutation(len(frame))
    again = {tuple(sorted((int(moved[a]), int(moved[b])))) for a, b in linked(frame.iloc[moved].reset_index(drop=True))}
    assert len(again ^ found) <= 1


def test_categories_that_many_rows_share_are_no_reason_to_compare_them():
    rng, colours = np.random.default_rng(0), np.array(["red", "green", "blue", "black"])
    alike = pd.DataFrame({f"c{k}": colours[rng.integers(0, 4, 6_000)] for k in range(3)})
    encoded = [encode(pa.chunked_array([pa.array(alike[name])])) for name in alike.columns]
    left, _ = record_pairs(encoded, len(alike))
    assert len(left) == 0  # 64 combinations of about 94 rows each
    people_too = pd.DataFrame(people(random.Random(0), 800), columns=COLUMNS)
    people_too["first"] = "anna"
    copies = people_too.iloc[:60].copy()
    copies["last"] = copies["last"].str.slice(1)
    assert linked(pd.concat([people_too, copies], ignore_index=True)) == {(k, 800 + k) for k in range(60)}
    few = [encode(pa.chunked_array([pa.array(["a b c d"] * 40 + ["e f g h"] * 60)]))]
    left, right = record_pairs(few, 100)
    assert set(zip(left.tolist(), right.tolist())) == {(i, j) for i in range(40) for j in range(i + 1, 40)}
