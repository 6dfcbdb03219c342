"""Which rows look into which cells: lists and bits say the same, and what is smaller is taken."""

import numpy as np
import pytest

from curate.evidence import cell_search as search_module
from curate.evidence.cell_search import cell_search
from curate.evidence.cell_visits import CELLS_AT_ONCE, Bits, Listed, looks_for
from curate.evidence.encoders.vectors import unit
from curate.evidence.exact_search import Chosen


def looked(rows, cells, share, seed=0):
    near = np.random.default_rng(seed).random((rows, cells)) < share
    near[3] = False  # a row that looks nowhere, and a cell that nobody looks into
    near[:, 5] = False
    return near


@pytest.mark.parametrize("kind", [Listed, Bits])
@pytest.mark.parametrize("cells", [9, CELLS_AT_ONCE, 2 * CELLS_AT_ONCE + 7])
def test_both_give_back_what_was_put_in(kind, cells):
    near = looked(100, cells, 0.05)
    looks = kind(100, cells)
    for begin in range(0, 100, 24):
        looks.add(near[begin : begin + 24])
    for cell in [*range(cells), 5, 0, cells - 1]:
        assert np.array_equal(looks.visitors(cell), np.flatnonzero(near[:, cell]))
    for rows in (np.arange(100), np.array([3]), np.array([99, 0, 3, 41]), np.zeros(0, dtype=np.int64)):
        assert np.array_equal(looks.of(rows), near[rows])


def test_the_smaller_of_the_two_is_taken():
    assert isinstance(looks_for(looked(1000, 400, 0.01), 5000), Listed)
    assert isinstance(looks_for(looked(1000, 400, 0.2), 5000), Bits)


def test_more_cells_than_two_bytes_count_have_four():
    near = np.zeros((2, 70_000), dtype=bool)
    near[1, [0, 65_535, 65_536, 69_999]] = True
    looks = Listed(2, 70_000)
    looks.add(near)
    assert np.array_equal(np.flatnonzero(looks.of(np.array([1]))[0]), [0, 65_535, 65_536, 69_999])
    assert looks.visitors(69_999).tolist() == [1]
    assert looks.visitors(69_998).tolist() == []


def test_a_search_finds_the_same_by_lists_and_by_bits(monkeypatch):
    rng = np.random.default_rng(1)
    centres = rng.standard_normal((60, 48), dtype=np.float32)
    vectors = unit(centres[rng.integers(0, 60, 4000)] + 0.5 * rng.standard_normal((4000, 48), dtype=np.float32))
    every = np.arange(4000)
    found = []
    for kind in (Listed, Bits):
        monkeypatch.setattr(search_module, "looks_for", lambda near, rows, kind=kind: kind(rows, near.shape[1]))
        found.append(cell_search(Chosen(vectors, every), every, every, 10))
    (one, near, told), (other, too, as_well) = found
    assert np.array_equal(one, other)
    assert np.array_equal(near, too)
    assert told == as_well < 1
