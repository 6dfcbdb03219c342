"""Neighbours, probabilities and likeness of texts come out of other machines with the bits that they have here."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from fake_ray import FakeRay

from curate.engines.engine import using
from curate.engines.ray_engine import RayEngine
from curate.evidence.cache import Cache
from curate.evidence.exact_search import QUERIES, Chosen, exact_search
from curate.evidence.lists.neighbours import listed_search
from curate.evidence.measures.audio_prints import FRAMES
from curate.evidence.pairs import _films, _overlap, _pictures, _sent, audio
from curate.evidence.pairs._films import Films
from curate.evidence.pairs._pictures import Pictures
from curate.evidence.parts.rows import Part, PartedRows
from curate.evidence.probabilities import cross_validated


def unit(rows, width, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("search", [exact_search, listed_search])
@pytest.mark.parametrize("width", [8, 48, 256])
@pytest.mark.parametrize("more", [0, 1, 20, 500])
def test_neighbours_by_blocks_of_queries(more, width, search):
    rows = QUERIES + more
    vectors = unit(rows, width)
    given = Chosen(vectors, np.arange(rows)[::-1]), np.arange(0, rows, 2), np.arange(rows), 4
    here, ray = search(*given), FakeRay()
    with using(RayEngine(ray)):
        there = search(*given)
    np.testing.assert_array_equal(here[0], there[0])
    np.testing.assert_array_equal(here[1], there[1])
    assert ray.done == (2 if more else 0)


def test_probabilities_by_fits():
    codes = np.arange(120) % 3
    vectors = unit(120, 6) + np.eye(6, dtype=np.float32)[codes]
    codes = np.where(np.arange(120) % 17 == 5, (codes + 1) % 3, codes)
    folds = (np.arange(120) // 3 % 5).astype(np.int8)
    told, ray = [], FakeRay()
    given = vectors, codes, 3, folds
    here = cross_validated(*given)
    with using(RayEngine(ray)):
        there = cross_validated(*given, progress=lambda *state: told.append(state))
    np.testing.assert_array_equal(here["rows_values"], there["rows_values"])
    assert ray.done == 15  # ten pairs of folds, five folds
    assert told[-1] == (15, 15)


def test_likeness_of_texts_by_blocks_of_pairs(monkeypatch):
    monkeypatch.setattr(_overlap, "SENT_PAIRS", 16)
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(["alpha", "beta", "gamma", "delta", "ökonomie"], 12)) for _ in range(30)]
    column = pa.chunked_array([pa.array(texts[:20]), pa.array([*texts[20:], None])])
    left, right = rng.integers(0, 31, 50), rng.integers(0, 31, 50)
    here, ray = _overlap.text_similarity(column, left, right), FakeRay()
    with using(RayEngine(ray)):
        there = _overlap.text_similarity(column, left, right)
    assert ray.done == 4
    np.testing.assert_array_equal(here, there)


def prints(rows, side=64, seed=0):
    """Prints of which every other one is nearly the one before it."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 30, (rows // 2, 8, 8)).repeat(side // 8, 1).repeat(side // 8, 2)
    return np.clip(coarse.repeat(2, 0) + rng.normal(0, 4, (rows, side, side)), -127, 127).astype(np.int8)


def pictures_():
    return Pictures.of(prints(60), np.full(60, 40, np.float32))


def films():
    moments = np.cumsum(np.random.default_rng(1).normal(0, 20, (60, 6, 16, 16)), axis=1)
    moments[1::2] = moments[::2] + 1
    seconds = np.tile(np.arange(6, dtype=np.float32), (60, 1))
    seconds[::7, 4:] = np.nan
    return Films(np.clip(moments, -127, 127).astype(np.int8), seconds)


def recordings():
    rng = np.random.default_rng(2)
    rise, fall = (rng.integers(0, 1 << 32, (60, FRAMES), dtype=np.uint32) for _ in range(2))
    fall &= ~rise
    rise[1::2], fall[1::2] = rise[::2], fall[::2]
    profile, keys = rng.normal(size=(60, 33)).astype(np.float32), rng.integers(0, 1 << 16, (60, 64), dtype=np.uint32)
    return audio.Recordings((rise, fall, np.full(60, FRAMES, np.int32), profile, keys))


def in_parts(known, folder):
    """The same, with what is wide of it in a chunk of a cache each."""

    def lying(array):
        if not isinstance(array, np.ndarray) or array.ndim < 2 or len(array) != 60:
            return array
        rows = PartedRows("own", (array.dtype.name, array.shape[1:]), 60)
        keys = np.stack([np.arange(60)] * 2, 1).astype(np.uint64)
        rows.lie_in(np.arange(60), Part.of(Cache(folder).append("own", keys, {"own": array}), 60))
        rows.again = lambda some: array[some]
        return rows

    made = {
        name: tuple(map(lying, own)) if isinstance(own, tuple) else own if name == "small" else lying(own)
        for name, own in vars(known).items()
    }
    return replace(known, **made)


@pytest.mark.parametrize("shared", [0, 1 << 30])
@pytest.mark.parametrize(
    ("known", "module", "most"), [(pictures_, _pictures, 256), (films, _films, 100), (recordings, audio, 100)]
)
def test_likeness_of_media_by_blocks_of_pairs(monkeypatch, tmp_path, known, module, most, shared):
    monkeypatch.setattr(module, "SENT_PAIRS", most)
    monkeypatch.setattr(_sent, "SHARED_BYTES", shared)
    known, rng = known(), np.random.default_rng(0)
    left = np.concatenate([np.arange(0, 60, 2), rng.integers(0, 30, 3 * most)])
    right = np.concatenate([np.arange(1, 60, 2), rng.integers(30, 60, 3 * most)])
    here, ray = known.similarity(left, right), FakeRay()
    with using(RayEngine(ray)):
        there = known.similarity(left, right)
    assert ray.done == 4
    np.testing.assert_array_equal(here, there)
    for harm in (False, True):
        lying, ray = in_parts(known, tmp_path), FakeRay()
        if harm:
            next(tmp_path.rglob("*.arrow")).unlink()
        with using(RayEngine(ray)):
            np.testing.assert_array_equal(lying.similarity(left, right), here)
        assert ray.done >= 4
    ray = FakeRay()
    assert (here[:30] > 0.5).all()
    with using(RayEngine(ray)):  # few stay here
        np.testing.assert_array_equal(known.similarity(left[:most], right[:most]), here[:most])
        assert known.similarity(left[:0], right[:0]).shape == (0,)
    assert ray.done == 0
