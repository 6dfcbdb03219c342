"""The cache within a size: what was not used for longest goes first, and nobody meets half of an entry."""

import os
import time

import numpy as np
import pytest

from curate.errors import ConfigError
from curate.evidence.cache import Cache
from curate.pipeline.cache_folder import LIMIT, limit_bytes

FIELDS = {"x": ("float64", ())}


def keys(n, start=0):
    return np.stack([np.arange(start, start + n), np.arange(n)], axis=1).astype(np.uint64)


def aged(path, hours):
    then = time.time() - 3600 * hours
    os.utime(path, (then, then))


@pytest.fixture
def cache(tmp_path):
    """A chunk, an estimate and a result, used two, four and six hours ago."""
    cache = Cache(tmp_path / "cache")
    aged(cache.append("m", keys(50), {"x": np.arange(50.0)}), 2)
    cache.put("e", {"a": np.zeros(500)})
    aged(cache.folder / "estimates" / "e", 4)
    cache.keep("r", b"result" * 300)
    aged(next((cache.folder / "results" / "r").iterdir()), 6)
    return cache


def test_nothing_goes_below_the_limit(cache):
    held = cache.info()
    assert cache.trim(held.bytes).files == 0
    assert cache.info() == held


def test_the_oldest_goes_first(cache):
    removed = cache.trim(cache.info().bytes - 1)
    assert removed.files == 1
    assert cache.kept("r") is None
    assert cache.get("e") is not None
    removed = cache.trim(cache.info().bytes - 1)
    assert cache.lookup("m", keys(50), FIELDS)[0].sum() == (50 if removed.files == 2 else 0)


def test_use_is_noted(cache):
    assert cache.kept("r").to_pybytes() == b"result" * 300
    assert cache.get("e") is not None
    cache.trim(cache.info().bytes - 1)  # the chunk, which was not used, is the oldest now
    assert not cache.lookup("m", keys(50), FIELDS)[0].any()
    assert cache.kept("r") is not None
    assert cache.get("e") is not None


def test_a_limit_of_nothing_leaves_nothing(cache):
    held = cache.info()
    assert cache.trim(0) == held
    assert cache.info().files == 0
    cache.append("m", keys(5), {"x": np.arange(5.0)})
    assert cache.lookup("m", keys(5), FIELDS)[0].all()


def test_half_written_and_damaged_entries_go_first_once_they_are_old(cache):
    half = cache.folder / "measures" / "m" / ".1.partial"
    half.write_bytes(b"half")
    young = cache.folder / "measures" / "m" / ".2.partial"
    young.write_bytes(b"half")
    aged(half, 48)
    assert cache.trim(10**9).files == 1
    assert young.exists()
    assert not half.exists()


def test_a_damaged_result_is_set_aside_and_verified(cache):
    path = next((cache.folder / "results" / "r").iterdir())
    path.write_bytes(b"damaged")
    assert cache.verify() == [path]
    assert cache.kept("r") is None
    assert not path.exists()
    assert len(cache.verify()) == 1  # what was set aside is still named


def test_sizes_are_read(monkeypatch):
    monkeypatch.delenv(LIMIT, raising=False)
    assert limit_bytes() == 20_000_000_000
    monkeypatch.setenv(LIMIT, "1.5 GiB")
    assert limit_bytes() == 3 * 2**29
    assert limit_bytes("500MB") == 500_000_000
    assert limit_bytes("12") == 12
    with pytest.raises(ConfigError, match="'much' is no size"):
        limit_bytes("much")
    monkeypatch.setenv(LIMIT, "-3GB")
    with pytest.raises(ConfigError, match=LIMIT):
        limit_bytes()
