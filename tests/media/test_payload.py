"""Bytes come from the row or from inside the root, and from nowhere else."""

import os

import pytest

from curate.media import payload
from curate.media.payload import UnreadablePayload, confined, read_bytes


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.bin").write_bytes(b"inside")
    (folder / "empty.bin").write_bytes(b"")
    (tmp_path / "secret.bin").write_bytes(b"secret")
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    (folder / "near.bin").symlink_to(folder / "sub" / "a.bin")
    (folder / "away").symlink_to(tmp_path)
    (tmp_path / "root2").mkdir()
    (tmp_path / "root2" / "x.bin").write_bytes(b"neighbour")
    return folder


def test_reads_relative_absolute_and_linked_paths_inside_the_root(root):
    for path in ("sub/a.bin", str(root / "sub" / "a.bin"), "near.bin", "sub/../sub/a.bin"):
        assert read_bytes({"bytes": None, "path": path}, root) == b"inside"


def test_embedded_bytes_win_over_the_path(root):
    assert read_bytes({"bytes": b"x", "path": "nowhere"}, root) == b"x"
    assert read_bytes((b"x", None), None) == b"x"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("../secret.bin", "outside"),
        ("sub/../../secret.bin", "outside"),
        ("link.bin", "outside"),
        ("away/secret.bin", "outside"),
        ("../root2/x.bin", "outside"),
        ("/etc/passwd", "outside"),
        ("none.bin", "does not exist"),
        ("sub", "is a folder"),
        (".", "is a folder"),
        ("empty.bin", "is empty"),
        ("http://127.0.0.1/a.png", "is a URL"),
        ("file:///etc/passwd", "is a URL"),
        ("s3://bucket/key", "is a URL"),
        ("a\0b", "not a file name"),
        ("", "not a file name"),
        ("x" * 5000, "can't be opened"),
    ],
)
def test_everything_else_is_refused_with_the_reason(root, path, why):
    with pytest.raises(UnreadablePayload, match=why):
        read_bytes({"bytes": None, "path": path}, root)


def test_a_pipe_does_not_block(root):
    os.mkfifo(root / "pipe")
    with pytest.raises(UnreadablePayload, match="no regular file"):
        read_bytes((None, "pipe"), root)


def test_limits_hold_for_files_and_embedded_bytes(root):
    assert read_bytes((None, "sub/a.bin"), root, max_bytes=6) == b"inside"
    for value in ((None, "sub/a.bin"), (b"inside", None)):
        with pytest.raises(UnreadablePayload, match="limit of 5"):
            read_bytes(value, root, max_bytes=5)


def test_nothing_and_paths_without_a_root_are_refused(root):
    for value in (None, {"bytes": None, "path": None}, {"bytes": b"", "path": None}):
        with pytest.raises(UnreadablePayload):
            read_bytes(value, root)
    with pytest.raises(UnreadablePayload, match="root="):
        read_bytes("sub/a.bin", None)


def test_a_linked_folder_inside_the_root_is_read_and_one_outside_is_not(root):
    (root / "inner").symlink_to(root / "sub")
    (root / "a..b").mkdir()
    (root / "a..b" / "c.bin").write_bytes(b"dots")
    assert read_bytes((None, "inner/a.bin"), root) == b"inside"
    assert read_bytes((None, "a..b/c.bin"), root) == b"dots"
    with pytest.raises(UnreadablePayload, match="outside"):
        read_bytes((None, "away/secret.bin"), root)


def test_where_the_system_does_not_say_where_a_file_lies_its_path_is_followed(root, monkeypatch):
    def refused(path, **_):
        raise OSError("there is no /proc")

    monkeypatch.setattr(payload.os, "readlink", refused)
    assert read_bytes((None, "sub/a.bin"), root) == b"inside"
    with pytest.raises(UnreadablePayload, match="does not exist"):
        read_bytes((None, "sub/no.bin"), root)


def test_confined_gives_the_real_place(root):
    assert confined("near.bin", root) == os.path.realpath(root / "sub" / "a.bin")
