"""Files are hashed by other machines, and here where these lack them or have others."""

import pytest
from fake_ray import FakeRay, NodeDiedError

from curate.engines.hashing import FEW_FILES, FileHashes, HashingElsewhere
from curate.engines.ray_engine import RayEngine
from curate.media.file_hashes import file_hashes, hashed_by

FILES = 3 * FEW_FILES


@pytest.fixture
def names(tmp_path):
    """Files below a root; of them one that is not there, one that is empty and one that leads outside."""
    root = tmp_path / "root"
    root.mkdir()
    for number in range(FILES):
        (root / f"{number}.bin").write_bytes(f"content {number}".encode() * number)
    (root / "link.bin").symlink_to(tmp_path / "outside.bin")
    (tmp_path / "outside.bin").write_bytes(b"a secret")
    return [*(f"{number}.bin" for number in range(FILES)), "missing.bin", "link.bin"]


def hashed(names, root, ray):
    with hashed_by(HashingElsewhere(RayEngine(ray))):
        return file_hashes(names, root, 1)


@pytest.mark.parametrize("faults", [[], [NodeDiedError(), None, NodeDiedError()]])
def test_hashes_and_reasons_are_those_of_this_machine(names, tmp_path, faults):
    here, ray = file_hashes(names, tmp_path / "root", 1), FakeRay(faults=faults)
    assert hashed(names, tmp_path / "root", ray) == here
    assert ray.done == 8 + len([fault for fault in faults if fault])
    assert [isinstance(one, str) for one in here] == [True, *[False] * (FILES - 1), True, True]
    assert "leads outside" in here[-1]


def test_few_files_stay_here(names, tmp_path):
    ray = FakeRay()
    assert hashed(names[1:FEW_FILES], tmp_path / "root", ray) == file_hashes(names[1:FEW_FILES], tmp_path / "root", 1)
    assert not ray.done


@pytest.mark.parametrize("there", [{}, {"3.bin": b"another content, of another size", "4.bin": b""}])
def test_files_that_a_machine_lacks_or_has_otherwise_are_read_here(names, tmp_path, there):
    (tmp_path / "theirs").mkdir()
    for name, data in there.items():
        (tmp_path / "theirs" / name).write_bytes(data)

    def moved(value):
        return FileHashes(tmp_path / "theirs") if isinstance(value, FileHashes) else value

    ray = FakeRay(moved=moved)
    assert hashed(names, tmp_path / "root", ray) == file_hashes(names, tmp_path / "root", 1)
    assert ray.done == 8
