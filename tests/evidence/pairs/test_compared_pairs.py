"""Compared pairs are kept by what both rows hold, and a set that has grown gives what a cold one gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import curate
from curate.evidence import Evidence, pairs
from curate.evidence.pairs import compared
from curate.evidence.pairs.compared import kept_similarity
from curate.evidence.pairs.method import Method, Pairs
from curate.evidence.settings import EvidenceSettings


class Counting:
    """A method that says how many pairs it was asked to compare."""

    def __init__(self, version=1):
        self.asked = []
        self.method = Method(
            "likeness of the lengths", version, lambda task: ("text.minhash",), lambda evidence: 0.5, Pairs.of,
            self.compare,
        )  # fmt: skip

    def compare(self, evidence, left, right):
        self.asked.append(len(left))
        lengths = np.array([len(text) for text in evidence.table.column("text").to_pylist()], dtype=np.float32)
        return lengths[left] / (lengths[left] + 2 * lengths[right])


def evidence_of(texts, cache, **settings):
    table = curate.load(pa.table({"text": texts}), task=curate.Task(text="text"))
    return Evidence(table, EvidenceSettings(**settings), cache=cache)


def all_pairs(evidence):
    ids = evidence.table.row_ids
    left, right = np.triu_indices(len(ids), 1)
    swapped = ids[left] > ids[right]
    return np.where(swapped, right, left), np.where(swapped, left, right)


TEXTS = [f"{'word ' * k}number {k * 7919}" for k in range(1, 30)]


def test_only_pairs_with_a_new_row_are_compared_and_all_are_as_in_a_cold_set(tmp_path: Path) -> None:
    """The grown set is in another order, too."""
    first = Counting()
    grown = [*reversed(TEXTS), "one more text"]
    some = evidence_of(TEXTS, tmp_path)
    kept_similarity(some, first.method, *all_pairs(some))
    evidence = evidence_of(grown, tmp_path)
    warm = kept_similarity(evidence, first.method, *all_pairs(evidence))
    assert first.asked == [29 * 28 // 2, 29]
    cold = kept_similarity(evidence_of(grown, None), Counting().method, *all_pairs(evidence))
    assert warm.dtype == cold.dtype == np.float32
    assert np.array_equal(warm, cold)
    again = kept_similarity(evidence, first.method, *all_pairs(evidence))
    assert np.array_equal(again, cold)
    assert len(first.asked) == 2


def test_which_row_is_the_left_one_matters(tmp_path: Path) -> None:
    evidence, counting = evidence_of(TEXTS, tmp_path), Counting()
    left, right = all_pairs(evidence)
    kept_similarity(evidence, counting.method, left, right)
    turned = kept_similarity(evidence, counting.method, right, left)
    assert counting.asked == [len(left)] * 2
    assert np.array_equal(turned, counting.compare(evidence, right, left))


@pytest.mark.parametrize("change", ["version", "unit", "parameters", "decoding"])
def test_what_the_similarity_hangs_on_is_part_of_the_key(tmp_path: Path, change: str) -> None:
    evidence, counting = evidence_of(TEXTS, tmp_path), Counting()
    left, right = all_pairs(evidence)
    kept_similarity(evidence, counting.method, left, right)
    other = {"version": {"version": 2}, "unit": {"unit": "another"}, "parameters": {"parameters": (7,)}}.get(change, {})
    if change == "decoding":  # of images; texts are not decoded
        pictures = replace(counting.method, needs=lambda task: ("image.print",))
        kept_similarity(evidence, pictures, left, right)
        evidence = evidence_of(TEXTS, tmp_path, max_pixels=1_000_000)
        other = {"needs": pictures.needs}
        counting.asked.pop()
    kept_similarity(evidence, replace(counting.method, **other), left, right)
    assert counting.asked == [len(left)] * 2


def test_damaged_files_are_set_aside_and_their_pairs_compared_again(tmp_path: Path) -> None:
    evidence, counting = evidence_of(TEXTS, tmp_path), Counting()
    pairs = all_pairs(evidence)
    whole = kept_similarity(evidence, counting.method, *pairs)
    [file] = (tmp_path / "measures").glob("*/*.arrow")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert np.array_equal(kept_similarity(evidence, counting.method, *pairs), whole)
    assert counting.asked == [len(whole)] * 2
    assert any("damaged" in sentence for sentence in evidence.notes)
    kept_similarity(evidence, counting.method, *pairs)
    assert len(counting.asked) == 2


def test_without_a_cache_and_beyond_the_bound_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evidence, counting = evidence_of(TEXTS, None), Counting()
    pairs = all_pairs(evidence)
    expected = kept_similarity(evidence, counting.method, *pairs)
    monkeypatch.setattr(compared, "MOST_PAIRS", 10)
    assert np.array_equal(kept_similarity(evidence_of(TEXTS, tmp_path), counting.method, *pairs), expected)
    assert not list(tmp_path.rglob("*.arrow"))
    none = np.zeros(0, dtype=np.int64)
    assert kept_similarity(evidence, counting.method, none, none).shape == (0,)


def test_a_cache_that_cannot_be_written_costs_a_note(tmp_path: Path) -> None:
    evidence, counting = evidence_of(TEXTS, tmp_path), Counting()
    (tmp_path / "measures").write_text("a file where a folder is to be")
    found = kept_similarity(evidence, counting.method, *all_pairs(evidence))
    assert np.array_equal(found, counting.compare(evidence, *all_pairs(evidence)))
    assert any("not kept" in sentence for sentence in evidence.notes)


@pytest.mark.parametrize("kept", [True, False])
def test_what_groups_ask_for_is_kept_where_the_method_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept
) -> None:
    evidence, counting = evidence_of(TEXTS, tmp_path), Counting()
    monkeypatch.setattr(pairs, "methods", lambda task, by: [replace(counting.method, kept=kept)])
    left, right = all_pairs(evidence)
    found = pairs.similarity_of(evidence, left, right)
    assert np.array_equal(pairs.similarity_of(evidence, right, left), found)
    assert len(counting.asked) == (1 if kept else 2)
