"""Unchanged files are not read again to be hashed, and changed ones always are."""

import os

import numpy as np
import pyarrow as pa
import pytest

from curate.evidence.file_stamps import FileStamps
from curate.media import file_hashes as module
from curate.media.content import content_hashes
from curate.media.known_files import remembering, stamps


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Three files that were not changed a moment ago, and the names of those that are read."""
    root = tmp_path / "data"
    root.mkdir()
    for name in "abc":
        (root / name).write_bytes(name.encode() * 100)
    monkeypatch.setattr("curate.media.known_files.SETTLED_NS", -(10**12))
    read, opened = [], module.opened
    monkeypatch.setattr(module, "opened", lambda path, root: read.append(path) or opened(path, root))
    return root, read


def hashed(root, cache, names=("a", "b", "c"), rehash=False):
    paths = pa.array([{"bytes": None, "path": name} for name in names])
    with remembering(FileStamps(cache, rehash)):
        return content_hashes([paths], root).content


def test_unchanged_files_are_not_read_again(files, tmp_path):
    root, read = files
    first = hashed(root, tmp_path / "cache")
    assert sorted(read) == ["a", "b", "c"]
    read.clear()
    assert (hashed(root, tmp_path / "cache") == first).all()
    assert read == []
    hashed(root, tmp_path / "cache", rehash=True)
    assert sorted(read) == ["a", "b", "c"]


def test_without_a_cache_everything_is_read(files):
    root, read = files
    for _ in range(2):
        content_hashes([pa.array([{"bytes": None, "path": "a"}])], root)
    assert read == ["a", "a"]


def test_a_changed_file_is_read_though_its_size_and_time_of_change_are_set_back(files, tmp_path):
    root, read = files
    first = hashed(root, tmp_path / "cache")
    read.clear()
    before = (root / "b").stat()
    (root / "b").write_bytes(b"x" * before.st_size)
    os.utime(root / "b", ns=(before.st_atime_ns, before.st_mtime_ns))
    second = hashed(root, tmp_path / "cache")
    assert read == ["b"]
    assert (first != second).any(axis=1).tolist() == [False, True, False]


def test_a_file_changed_a_moment_ago_is_not_remembered(files, tmp_path, monkeypatch):
    root, read = files
    monkeypatch.setattr("curate.media.known_files.SETTLED_NS", 10**12)
    for _ in range(2):
        hashed(root, tmp_path / "cache", "a")
    assert read == ["a", "a"]


def test_times_in_the_future_and_a_clock_that_jumps_do_no_harm(files, tmp_path, monkeypatch):
    root, read = files
    monkeypatch.setattr("curate.media.known_files.SETTLED_NS", 2 * 10**9)
    monkeypatch.setattr("curate.media.known_files.time.time_ns", lambda: 10**18)  # before the files' own times
    first = hashed(root, tmp_path / "cache")
    second = hashed(root, tmp_path / "cache")
    assert len(read) == 6
    assert (first == second).all()


def test_stamps_tell_roots_apart_and_leave_out_what_is_no_file(files):
    root, _ = files
    (root / "folder").mkdir()
    (root / "empty").touch()
    found, usable = stamps(["a", "folder", "empty", "nothing", "nul\0"], root)
    assert usable.tolist() == [True, False, False, False, False]
    other, _ = stamps([str(root / "a")], root.parent)
    assert (found[0] != other[0]).any()


def test_a_known_file_outside_the_root_is_still_refused(files, tmp_path):
    root, _ = files
    inside = hashed(tmp_path, tmp_path / "cache", [str(root / "a")])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    refused = hashed(elsewhere, tmp_path / "cache", [str(root / "a")])
    assert (inside != refused).any()


def test_an_unwritable_cache_is_said_once_and_everything_is_read(files, tmp_path):
    root, _ = files
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "measures").write_text("in the way")
    known = FileStamps(tmp_path / "cache")
    with remembering(known):
        paths = pa.array([{"bytes": None, "path": name} for name in "abc"])
        found = content_hashes([paths], root)
    assert not found.failures
    assert np.unique(found.content, axis=0).shape == (3, 2)
    assert len(known.notes) == 1
    assert "not remembered" in known.notes[0]
