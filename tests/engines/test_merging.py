"""Small parts are put together by the machines, and nothing else changes."""

from pathlib import Path

import numpy as np
import pytest
from fake_ray import FakeRay
from test_parts import ROWS, Vectors, chunks, measured, right, writings

from curate.errors import StorageError
from curate.evidence.cache import Cache
from curate.evidence.measuring import take
from curate.evidence.parts import merging
from curate.evidence.parts.rows import Part, PartedRows
from curate.evidence.settings import EvidenceSettings


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(merging, "FEWEST", 3)


def test_many_small_parts_become_one(tmp_path, few):
    ray = FakeRay()
    found = measured(ray, tmp_path)
    assert ray.done == 4  # three tasks of 16 rows or fewer, and one that joins
    assert len(chunks(tmp_path)) == len(found.values["test.vectors"].parts) == 1
    assert right(found.values)
    assert not found.notes
    again = measured(FakeRay(), tmp_path)
    assert again.facts["text"]["hits"] == ROWS
    assert right(again.values)
    assert take(writings(), [Vectors()], EvidenceSettings(), tmp_path).facts["text"]["hits"] == ROWS
    assert Cache(tmp_path).verify() == []


def test_few_parts_stay(tmp_path):
    measured(FakeRay(), tmp_path)
    assert len(chunks(tmp_path)) == 3


@pytest.mark.parametrize(("most", "expected"), [(1_000, 3), (1_000_000, 1)])
def test_large_parts_stay(tmp_path, few, monkeypatch, most, expected):
    monkeypatch.setattr(merging, "JOINED_BYTES", most)
    found = measured(FakeRay(), tmp_path)
    assert len(chunks(tmp_path)) == expected
    assert right(found.values)


def test_groups_have_their_size_and_one_folder():
    sizes = {"a": [9, 9, 9, 9, 30, 9], "b": [9, 9], "c": [9]}
    small = [Part(Path(folder) / str(at), size, 1) for folder, own in sizes.items() for at, size in enumerate(own)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "JOINED_BYTES", 31)
        groups = [[str(part.path) for part in group] for group in merging._groups(small)]
    assert groups == [["a/0", "a/1", "a/2"], ["b/0", "b/1"]]


def test_parts_of_other_rows_that_this_process_holds_stay(tmp_path, few):
    table = writings(20)
    before = measured(FakeRay(), tmp_path, table).values["test.vectors"]
    kept = [part.path for part in before.parts]
    after = measured(FakeRay(), tmp_path)
    assert right(after.values)
    assert all(path.exists() for path in kept)


def test_parts_stay_that_no_machine_can_join(tmp_path, few, monkeypatch):
    append, tried = Cache.append, []

    def full(self, *given):
        tried.append(given)
        if len(tried) > 3:
            raise StorageError("the disk is full")
        return append(self, *given)

    monkeypatch.setattr(Cache, "append", full)
    found = measured(FakeRay(), tmp_path)
    assert len(tried) == 4
    assert len(found.values["test.vectors"].parts) == 3
    assert right(found.values)


def test_rows_of_a_joined_part_that_is_gone_are_measured_anew(tmp_path, few):
    found = measured(FakeRay(), tmp_path)
    chunks(tmp_path)[0].unlink()
    assert right(found.values)


def test_lines_are_found_after_the_join(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 3)).astype(np.float32)
    rows = PartedRows("v", ("float32", (3,)), 40)

    def part(some):
        path = Cache(tmp_path).append("k", np.stack([some, some], 1).astype(np.uint64), {"v": values[some]})
        return Part.of(path, len(some))

    order = rng.permutation(40)
    one, two, three = order[:8], order[8:20], order[20:30]
    parts = [part(one), part(two), part(three)]
    rows.lie_in(one, parts[0])
    rows[order[30:38]] = values[order[30:38]]
    rows.lie_in(two[::-1], parts[1], np.arange(12)[::-1])
    rows.lie_in(three[:5], parts[2], np.arange(5))
    rows.lie_in(three[5:], parts[2], np.arange(5, 10))
    rows.repeat(order[38:], order[:2])
    expected = rows[:].copy()
    np.testing.assert_array_equal(expected[order[:38]], values[order[:38]])
    rows.join([([parts[2], parts[0]], part(np.concatenate([three, one])))])
    for old in (parts[0], parts[2]):
        old.path.unlink()
    np.testing.assert_array_equal(rows[:], expected)
    assert len(rows.parts) == 2
