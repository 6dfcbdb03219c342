"""Pictures and labels as arrays: idx files, binary batches, files of Matlab. No pickle is read."""

import gzip
import io
import pickle
import struct

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

import curate
from curate.errors import DataError

RNG = np.random.default_rng(0)


def idx(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def pixels(table, row):
    return np.asarray(Image.open(io.BytesIO(table.column("image")[row].as_py()["bytes"])))


def mnist(folder, packed=False):
    folder.mkdir(parents=True, exist_ok=True)
    images = RNG.integers(0, 256, (30, 28, 28)).astype(np.uint8)
    for split, count in (("t10k", 10), ("train", 30)):
        for what, array in (("images-idx3", images[:count]), ("labels-idx1", np.arange(count) % 10)):
            data = gzip.compress(idx(array)) if packed else idx(array)
            (folder / f"{split}-{what}-ubyte{'.gz' if packed else ''}").write_bytes(data)
    return images


@pytest.mark.parametrize("packed", [False, True])
def test_idx_files_of_mnist(tmp_path, packed):
    images = mnist(tmp_path / "MNIST" / "raw", packed)
    table = curate.load(tmp_path)
    assert table.splits.tolist() == ["train"] * 30 + ["test"] * 10
    assert table.column("label").to_pylist()[:11] == [str(k % 10) for k in range(11)]
    assert (pixels(table, 4) == images[4]).all()


def test_files_that_lie_there_packed_as_well_count_once(tmp_path):
    mnist(tmp_path)
    mnist(tmp_path, packed=True)
    assert len(curate.load(tmp_path)) == 40


@pytest.mark.parametrize("damage", ["cut", "kind", "few", "gzip"])
def test_damaged_idx_files_are_one_error(tmp_path, damage):
    mnist(tmp_path, packed=damage == "gzip")
    ending = ".gz" if damage == "gzip" else ""
    path = tmp_path / f"train-labels-idx1-ubyte{ending}"
    data = path.read_bytes()
    path.write_bytes({
        "cut": data[:-1], "kind": b"\0\0\x0b" + data[3:], "few": idx(np.zeros(3)), "gzip": data[:-4]
    }[damage])  # fmt: skip
    with pytest.raises(DataError, match=r"no idx file|30 images and 3 labels|cut off"):
        curate.load(tmp_path)


def test_binary_batches_of_cifar(tmp_path):
    images = RNG.integers(0, 256, (12, 32, 32, 3)).astype(np.uint8)
    rows = [bytes([k % 3]) + image.transpose(2, 0, 1).tobytes() for k, image in enumerate(images)]
    (tmp_path / "data_batch_1.bin").write_bytes(b"".join(rows[:8]))
    (tmp_path / "test_batch.bin").write_bytes(b"".join(rows[8:]))
    (tmp_path / "batches.meta.txt").write_text("airplane\nautomobile\nbird\n\n")
    table = curate.load(tmp_path)
    assert (table.task.label_names, table.splits.tolist()) == (
        ("airplane", "automobile", "bird"),
        ["train"] * 8 + ["test"] * 4,
    )
    assert (pixels(table, 9) == images[9]).all()
    (tmp_path / "test_batch.bin").write_bytes(b"".join(rows[8:])[:-1])
    with pytest.raises(DataError, match="no whole pictures of 3,073"):
        curate.load(tmp_path)


def test_the_fine_labels_of_cifar_100(tmp_path):
    for split in ("train", "test"):
        (tmp_path / f"{split}.bin").write_bytes(b"".join(bytes([7, k]) + RNG.bytes(3072) for k in range(4)))
    (tmp_path / "coarse_label_names.txt").write_text("\n".join(f"c{k}" for k in range(20)))
    (tmp_path / "fine_label_names.txt").write_text("\n".join(f"f{k}" for k in range(4)))
    assert curate.load(tmp_path).column("label").to_pylist() == ["f0", "f1", "f2", "f3"] * 2


def test_pickles_of_cifar_are_not_read(tmp_path):
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps({b"labels": [0, 1]}))
    with pytest.raises(DataError, match=r"none that can be read as data \(no ending 1\); pickles are never read"):
        curate.load(tmp_path)


def test_cropped_digits_of_svhn(tmp_path):
    images = RNG.integers(0, 256, (32, 32, 3, 12)).astype(np.uint8)
    for split in ("train", "test"):
        savemat(tmp_path / f"{split}_32x32.mat", {"X": images, "y": (np.arange(12) % 10 + 1)[:, None].astype(np.uint8)})
    table = curate.load(tmp_path)
    assert table.splits.tolist() == ["train"] * 12 + ["test"] * 12
    assert table.column("label").to_pylist()[8:11] == ["9", "0", "1"]
    assert (pixels(table, 3) == images[..., 3]).all()
    (tmp_path / "test_32x32.mat").write_bytes(b"no matlab at all")
    with pytest.raises(DataError, match="no pictures and labels as SVHN"):
        curate.load(tmp_path)
