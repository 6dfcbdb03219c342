"""Content hashes: equal inputs and only these are equal, however they are stored and wherever they stand."""

import datasets
import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

import curate
from curate.errors import DataError
from curate.media.content import content_hashes, rehash, row_ids

MEDIA = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def hashes(*columns, **options):
    return content_hashes([pa.chunked_array([c]) for c in columns], **options).content


def keys(content):
    return [tuple(row) for row in content.tolist()]


@given(st.lists(st.one_of(st.none(), st.text()), min_size=1, max_size=30), st.integers(0, 29))
def test_texts_are_equal_exactly_if_their_hashes_are(texts, cut):
    cut = min(cut, len(texts))
    whole = keys(hashes(pa.array(texts, pa.string())))
    chunked = pa.chunked_array([pa.array(texts[:cut], pa.string()), pa.array(texts[cut:], pa.string())])
    assert keys(content_hashes([chunked]).content) == whole
    assert keys(hashes(pa.array(texts, pa.large_string()))) == whole
    assert keys(hashes(pa.array(texts, pa.string()).dictionary_encode())) == whole
    for a, x in zip(texts, whole):
        for b, y in zip(texts, whole):
            assert (a == b) == (x == y)


def test_a_text_hash_is_xxh3_of_its_utf8():
    assert hashes(pa.array(["käse"])).tobytes() == xxhash.xxh3_128_digest("käse".encode())


def test_numbers_are_equal_across_types_and_large_integers_stay_apart():
    ints, floats = hashes(pa.array([1, 2, None])), hashes(pa.array([1.0, 2.0, None]))
    assert keys(ints) == keys(floats)
    assert len(set(keys(hashes(pa.array([2**60, 2**60 + 1, -(2**60)]))))) == 3
    assert len(set(keys(hashes(pa.array([0.0, -0.0]))))) == 1
    assert len(set(keys(hashes(pa.array([0.0, None, float("nan")]))))) == 3


def test_scalar_columns_of_a_table_count_together():
    a = hashes(pa.array(["x", "x", "y", None]), pa.array([1, 2, 1, 1]))
    assert len(set(keys(a))) == 4
    assert keys(hashes(pa.array(["ab", "a"]), pa.array(["c", "bc"])))[0] != keys(
        hashes(pa.array(["a"]), pa.array(["bc"]))
    )[0]  # fmt: skip


def test_vectors_hash_the_same_as_lists_of_either_kind_and_in_slices():
    values = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    fixed = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), 4)
    loose = pa.array(values.tolist(), pa.list_(pa.float32()))
    assert keys(hashes(fixed)) == keys(hashes(loose))
    assert keys(hashes(fixed.slice(2, 3))) == keys(hashes(fixed))[2:5]
    assert keys(hashes(loose.slice(2, 3))) == keys(hashes(fixed))[2:5]


def test_series_of_other_shape_differ():
    two_by_three = pa.array([[[1.0, 2, 3], [4, 5, 6]], None, []])
    three_by_two = pa.array([[[1.0, 2], [3, 4], [5, 6]], None, []])
    a, b = keys(hashes(two_by_three)), keys(hashes(three_by_two))
    assert a[0] != b[0]
    assert a[1:] == b[1:]
    assert keys(hashes(two_by_three.slice(1))) == a[1:]


def test_media_hash_the_same_from_file_and_from_bytes(tmp_path):
    data = np.random.default_rng(0).bytes(3_000_000)  # more than one block
    (tmp_path / "a.bin").write_bytes(data)
    (tmp_path / "none.bin").write_bytes(b"")
    values = [{"bytes": None, "path": p} for p in ("a.bin", "gone.bin", "none.bin", "../x")]
    column = pa.array([*values, {"bytes": data, "path": None}, None], MEDIA)
    found = content_hashes([pa.chunked_array([column])], tmp_path, workers=2)
    assert found.content[0].tolist() == found.content[4].tolist()
    assert found.content[0].tobytes() == xxhash.xxh3_128_digest(data)
    assert sorted(found.failures) == [1, 2, 3]
    assert len(set(keys(found.content))) == 5


def test_no_rows_at_all():
    assert hashes(pa.array([], pa.string())).shape == (0, 2)


def test_unreadable_rows_stay_distinct():
    found = hashes(pa.array([None, None, None], pa.string()), records={0: b"line a", 2: b"line b"})
    assert len(set(keys(found))) == 3


def test_equal_rows_get_ordinals_and_label_group_split_count():
    content = hashes(pa.array(["a", "a", "a", "b"]))
    ids = row_ids(content).tolist()
    assert len(ids[0]) == 20
    assert ids[1:3] == [f"{ids[0]}-1", f"{ids[0]}-2"]
    labels = row_ids(content, label=pa.array(["x", "y", None, "x"])).tolist()
    assert not any("-" in name for name in labels)
    assert row_ids(content, split=pa.array(["x", "y", None, "x"])).tolist() != labels


def frame(texts):
    return {"text": texts, "label": ["ab"[len(t) % 2] for t in texts]}


def test_appending_and_reordering_keep_ids():
    texts = [f"row number {i} of the set" for i in range(50)] + ["twice the same", "twice the same"]
    table = curate.load(frame(texts))
    longer = curate.load(frame([*texts, "a new one at the end"]))
    assert longer.row_ids[:52].tolist() == table.row_ids.tolist()
    order = np.random.default_rng(0).permutation(52)
    mixed = curate.load(frame([texts[i] for i in order]))
    assert sorted(mixed.row_ids.tolist()) == sorted(table.row_ids.tolist())
    known = dict(zip(table.row_ids.tolist(), texts))
    assert [known[i] for i in mixed.row_ids.tolist()] == [texts[i] for i in order]


def test_id_column_must_be_complete_and_unique():
    assert curate.load({"key": ["b", "a"], "text": ["x y", "z"]}, id="key").row_ids.tolist() == ["b", "a"]
    with pytest.raises(DataError, match="'k' in 2 rows"):
        curate.load({"key": ["k", "k"], "text": ["x y", "z"]}, id="key")
    with pytest.raises(DataError, match="no value in row 1"):
        curate.load({"key": ["k", None], "text": ["x y", "z"]}, id="key")


def test_rehash_follows_the_inputs_and_leaves_unreadable_rows(tmp_path):
    (tmp_path / "d.csv").write_text("text,label\none two,a\nbroken\nthree,b\n")
    table = curate.load(tmp_path / "d.csv")
    changed = datasets.Dataset.from_dict(
        {"text": ["one two", None, "four"], "label": ["a", None, "b"]}, features=table.dataset.features
    )
    content = rehash(table, changed)
    assert (content == table.content).all(1).tolist() == [True, True, False]
    assert len(rehash(table, changed.select([0, 0, 2, 2]))) == 4


def test_the_hash_of_a_series_does_not_depend_on_gaps_of_other_rows():
    alone = content_hashes([pa.array([[1.0, 2.0]], pa.list_(pa.float32()))]).content
    beside = content_hashes([pa.array([[1.0, 2.0], [None, 2.0], []], pa.list_(pa.float32()))]).content
    assert alone[0].tolist() == beside[0].tolist()
    assert len({tuple(one) for one in beside.tolist()}) == 3


def test_ids_that_repeat_are_refused_with_what_to_do():
    with pytest.raises(DataError, match=r"'0' in 2 rows \(1 more value repeats\).*leave id out of .*group: name"):
        curate.load({"name": [0, 0, 1, 1], "text": ["a b", "c d", "e f", "g h"]}, id="name")
