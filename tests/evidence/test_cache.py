import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.errors import StorageError
from curate.evidence import chunks
from curate.evidence.cache import Cache, Info
from curate.evidence.chunks import file_hash
from curate.evidence.measure import TEXT

FIELDS = {
    "level": ("float32", ()),
    "word": ("str", ()),
    "vector": ("float32", (3,)),
    "grid": ("int16", (2, 2)),
    "flag": ("bool", ()),
    "hash": ("uint64", ()),
}


def made(rows, seed=0):
    """Keys and values of some rows; every tenth level is NaN."""
    rng = np.random.default_rng(seed)
    keys = rng.integers(0, 2**64, (rows, 2), dtype=np.uint64)
    level = rng.normal(size=rows).astype(np.float32)
    level[::10] = np.nan
    words = np.array(["", "é", "词", "a\nb"] * rows, dtype=TEXT)[:rows]
    values = {
        "level": level,
        "word": words,
        "vector": rng.normal(size=(rows, 3)).astype(np.float32),
        "grid": rng.integers(-9, 9, (rows, 2, 2)).astype(np.int16),
        "flag": rng.random(rows) > 0.5,
        "hash": keys[:, 0] ^ keys[:, 1],
    }
    return keys, values


def part(values, rows):
    return {name: array[rows] for name, array in values.items()}


def same(left, right):
    for name in FIELDS:
        assert left[name].dtype == right[name].dtype
        np.testing.assert_array_equal(left[name], right[name])


def test_what_was_stored_is_found_in_any_order(tmp_path):
    keys, values = made(50)
    cache = Cache(tmp_path / "cache")
    cache.append("f", keys[:20], part(values, slice(0, 20)))
    cache.append("f", keys[20:40], part(values, slice(20, 40)))
    order = np.random.default_rng(1).permutation(50)
    found, held, damaged = cache.lookup("f", keys[order], FIELDS)
    assert damaged == 0
    assert np.array_equal(found, order < 40)
    same(part(held, found), part(part(values, order), found))
    assert np.isnan(held["level"][~found]).all()
    assert (held["word"][~found] == "").all()
    assert (held["grid"][~found] == -1).all()


def test_other_fingerprints_and_keys_are_not_found(tmp_path):
    keys, values = made(10)
    cache = Cache(tmp_path)
    cache.append("f", keys, values)
    assert not cache.lookup("g", keys, FIELDS)[0].any()
    assert not cache.lookup("f", keys ^ np.uint64(1), FIELDS)[0].any()
    half = keys.copy()
    half[:, 1] += np.uint64(1)
    assert not cache.lookup("f", half, FIELDS)[0].any()
    assert cache.lookup("f", keys[:0], FIELDS)[0].shape == (0,)


@settings(max_examples=40)
@given(
    st.lists(st.lists(st.integers(0, 30), min_size=1, unique=True), max_size=6),
    st.lists(st.integers(0, 30), unique=True),
)
def test_any_chunks_answer_any_question(chunks, wanted):
    keys, values = made(31)
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(Path(folder))
        for rows in chunks:
            cache.append("f", keys[rows], part(values, rows))
        wanted = np.array(wanted, dtype=np.int64)
        found, held, _ = cache.lookup("f", keys[wanted], FIELDS)
        assert found.tolist() == [row in {r for rows in chunks for r in rows} for row in wanted.tolist()]
        same(part(held, found), part(values, wanted[found]))


def test_every_flipped_byte_and_every_cut_is_noticed(tmp_path):
    keys, values = made(5)
    path = Cache(tmp_path).append("f", keys, values)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for case in range(60):
        raw = bytearray(whole)
        if case % 2:
            raw[int(rng.integers(len(raw)))] ^= int(rng.integers(1, 256))
        else:
            del raw[int(rng.integers(len(raw))) :]
        path.write_bytes(raw)
        cache = Cache(tmp_path)
        assert path in cache.verify()
        found, _, damaged = cache.lookup("f", keys, FIELDS)
        assert not found.any()
        assert damaged == 1
        assert not path.exists()
        assert cache.lookup("f", keys, FIELDS)[2] == 0
    assert len(Cache(tmp_path).verify()) == 60


def test_a_chunk_of_another_measure_is_set_aside(tmp_path):
    keys, values = made(5)
    cache = Cache(tmp_path)
    cache.append("f", keys, values)
    other = cache.append("g", keys, {"content": np.zeros((5, 2), np.uint64)})
    moved = other.rename(tmp_path / "measures" / "f" / other.name)
    found, held, damaged = cache.lookup("f", keys, FIELDS)
    assert found.all()
    same(held, values)
    assert damaged == 1
    assert not moved.exists()


def test_a_damaged_chunk_is_written_again(tmp_path):
    keys, values = made(5)
    cache = Cache(tmp_path)
    path = cache.append("f", keys, values)
    path.write_bytes(b"ARROW1")
    assert cache.append("f", keys, values) == path
    assert cache.verify() == []
    assert cache.lookup("f", keys, FIELDS)[0].all()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of POSIX")
def test_pipes_in_place_of_files_are_damaged_and_nobody_waits(tmp_path):
    keys, values = made(5)
    cache, found = Cache(tmp_path), []
    chunk = cache.append("f", keys, values)
    for key in ("k", "l"):
        cache.put(key, {"a": np.arange(9)})
    pipes = [chunk, tmp_path / "estimates" / "k" / "a.npy", tmp_path / "estimates" / "l" / "manifest.json"]
    for path in pipes:
        path.unlink()
        os.mkfifo(path)

    def look():
        found.append(sorted(cache.verify()) == sorted(pipes))
        found.append(cache.lookup("f", keys, FIELDS)[2])
        found.extend(cache.get(key) for key in ("k", "l"))

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    looking.join(30)
    assert found == [True, 1, None, None]
    assert cache.append("f", keys, values) == chunk
    assert cache.lookup("f", keys, FIELDS)[0].all()


def test_half_written_files_are_never_read(tmp_path):
    keys, values = made(5)
    cache = Cache(tmp_path)
    path = cache.append("f", keys, values)
    path.with_name(f".{path.name}.abc.partial").write_bytes(b"half")
    assert cache.lookup("f", keys, FIELDS)[2] == 0
    assert cache.verify() == []


def test_estimates_come_back_as_they_were(tmp_path):
    cache = Cache(tmp_path)
    arrays = {"vectors": np.eye(3, dtype=np.float32), "folds": np.arange(4, dtype=np.int8), "none": np.empty((0, 2))}
    assert cache.get("k1") is None
    cache.put("k1", arrays)
    found = cache.get("k1")
    assert found is not None
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("harm", ["flip", "cut", "remove", "manifest", "no manifest"])
def test_damaged_estimates_are_set_aside_and_written_again(harm, tmp_path):
    cache = Cache(tmp_path)
    cache.put("k", {"a": np.arange(9)})
    folder = tmp_path / "estimates" / "k"
    file = folder / "a.npy"
    if harm == "flip":
        raw = bytearray(file.read_bytes())
        raw[-1] ^= 1
        file.write_bytes(raw)
    elif harm == "cut":
        file.write_bytes(file.read_bytes()[:-8])
    elif harm == "remove":
        file.unlink()
    elif harm == "manifest":
        (folder / "manifest.json").write_text('{"../../evil": "00"}')
    else:
        (folder / "manifest.json").unlink()
    assert len(cache.verify()) == 1
    assert cache.get("k") is None
    assert not folder.exists()
    cache.put("k", {"a": np.arange(9)})
    found = cache.get("k")
    assert found is not None
    assert found["a"].tolist() == list(range(9))


def test_nothing_is_pickled(tmp_path):
    cache = Cache(tmp_path)
    with pytest.raises(TypeError, match="object"):
        cache.put("k", {"a": np.array([{}], dtype=object)})
    assert cache.info() == Info(0, 0)


@pytest.mark.parametrize("key", ["", "..", "../x", "a/b", ".hidden", "x" * 200, "a\0"])
def test_keys_cannot_leave_the_folder(key, tmp_path):
    cache = Cache(tmp_path / "cache")
    for ask in (lambda: cache.get(key), lambda: cache.put(key, {}), lambda: cache.lookup(key, np.zeros((0, 2)), {})):
        with pytest.raises(ValueError, match="can't name"):
            ask()
    assert list(tmp_path.iterdir()) == []


def test_info_and_clear_touch_only_the_cache(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    cache = Cache(tmp_path)
    assert cache.info() == Info(0, 0)
    cache.append("f", *made(5))
    cache.put("k", {"a": np.arange(3)})
    held = cache.info()
    assert held.files == 3
    assert held.bytes == sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file()) - 4
    assert cache.clear() == held
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_the_cache_is_cleared_while_others_write_and_clear(tmp_path, monkeypatch):
    keys, values = made(5)
    cache = Cache(tmp_path)
    cache.append("f", keys, values)
    (tmp_path / "results").write_text("in the place of a folder")
    remove, faults = shutil.rmtree, [errno.ENOTEMPTY, errno.ENOENT]

    def with_others(folder):
        if faults:
            raise OSError(faults.pop(), "as where others are at work")
        remove(folder)

    monkeypatch.setattr(shutil, "rmtree", with_others)
    cache.clear()
    assert list(tmp_path.iterdir()) == []
    cache.append("f", keys, values)
    faults += [errno.ENOTEMPTY] * 1000
    with pytest.raises(StorageError, match="as where others are at work"):
        cache.clear()


def test_a_file_in_place_of_the_folder_is_said(tmp_path):
    (tmp_path / "cache").write_text("")
    with pytest.raises(StorageError, match="is a file"):
        Cache(tmp_path / "cache")


def test_a_full_disk_is_one_sentence_and_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    cache = Cache(tmp_path)
    keys, values = made(5)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="the disk is full"):
        cache.append("f", keys, values)
    with pytest.raises(StorageError, match="the disk is full"):
        cache.put("k", {"a": np.arange(3)})
    assert cache.info() == Info(0, 0)


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_an_array_that_can_not_be_written_says_why(tmp_path):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(StorageError, match=os.strerror(errno.EFBIG)):
            Cache(tmp_path).put("k", {"a": np.arange(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_an_array_that_goes_while_it_is_checked_is_not_there(tmp_path, monkeypatch):
    cache = Cache(tmp_path)
    cache.put("k", {"a": np.arange(3)})

    def cleared(path):
        path.unlink()
        return file_hash(path)

    monkeypatch.setattr(chunks, "file_hash", cleared)
    assert cache.get("k") is None


def test_two_processes_write_the_same_folder(tmp_path):
    script = """
import sys, numpy as np
from pathlib import Path
from curate.evidence.cache import Cache
cache = Cache(Path(sys.argv[1]))
for i in range(40):
    keys = np.arange(i * 10, i * 10 + 20, dtype=np.uint64).reshape(10, 2)
    cache.append("f", keys, {"v": keys[:, 0].astype(np.float32)})
    cache.put(f"k{i}", {"a": np.full(1000, i)})
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    runs = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    for run in runs:
        assert run.communicate()[1] == b""
        assert run.returncode == 0
    cache = Cache(tmp_path)
    assert cache.verify() == []
    keys = np.arange(0, 400, dtype=np.uint64).reshape(200, 2)
    found, values, damaged = cache.lookup("f", keys, {"v": ("float32", ())})
    assert found.all()
    assert damaged == 0
    assert np.array_equal(values["v"], keys[:, 0].astype(np.float32))
    assert not [p for p in tmp_path.rglob("*") if "partial" in p.name]
    for i in range(40):
        stored = cache.get(f"k{i}")
        assert stored is not None
        assert (stored["a"] == i).all()
