"""Files that hold something else than when the data were read are rows that can't be read."""

import numpy as np
import pytest
import soundfile
from PIL import Image

import curate
from curate.errors import DataError

WORKERS = [
    {},
    {"num_workers": 1},
    {"num_workers": 1, "workers": "threads"},
    {"num_workers": 1, "multiprocessing_context": "spawn"},
]


def pictured(folder, rows=8):
    for i in range(rows):
        own = folder / "ab"[i % 2]
        own.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (10 * i, 0, 0)).save(own / f"{i}.png")
    return curate.Pipeline([]).run(curate.load(folder), cache=False)


def drawn(loader):
    return sorted(row for batch in loader for row in batch["row_id"])


@pytest.mark.parametrize("options", WORKERS)
def test_a_changed_picture_is_left_out_counted_and_named(tmp_path, options):
    curated = pictured(tmp_path / "data")
    curated = curate.open(curated.save(tmp_path / "result").folder)
    loader = curated.loader(batch_size=4, **options)
    assert len(drawn(loader)) == 8
    Image.new("RGB", (8, 8)).save(tmp_path / "data" / "a" / "2.png")
    loader.set_epoch(1)
    assert len(drawn(loader)) == 7
    ((row, reason),) = loader.skipped.items()
    assert curated.table.dataset[curated.table.row_ids.tolist().index(row)]["image"]["path"] == "a/2.png"
    assert "'a/2.png' has changed since the data were read; run again" in reason


def test_it_is_replaced_or_raised_as_asked(tmp_path):
    curated = pictured(tmp_path)
    Image.new("RGB", (8, 8)).save(tmp_path / "a" / "2.png")
    replaced = curated.loader(batch_size=4, on_error="replace")
    assert len(drawn(replaced)) == 8
    assert len(replaced.skipped) == 1
    with pytest.raises(DataError, match=r"a/2\.png' has changed"):
        drawn(curated.loader(batch_size=4, on_error="raise"))


def test_a_file_that_was_only_touched_or_copied_is_the_same(tmp_path):
    curated = pictured(tmp_path)
    for file in tmp_path.rglob("*.png"):
        data = file.read_bytes()
        file.unlink()
        file.write_bytes(data)
    assert len(drawn(curated.loader(batch_size=4, on_error="raise"))) == 8


def test_a_changed_recording(tmp_path):
    for i in range(4):
        (tmp_path / "ab"[i % 2]).mkdir(exist_ok=True)
        soundfile.write(tmp_path / "ab"[i % 2] / f"{i}.wav", np.sin(np.arange(800) * (i + 1) / 9), 8000)
    curated = curate.Pipeline([]).run(curate.load(tmp_path), cache=False)
    soundfile.write(tmp_path / "a" / "0.wav", np.zeros(800), 8000)
    loader = curated.loader(batch_size=4)
    assert len(drawn(loader)) == 3
    assert "has changed since the data were read" in next(iter(loader.skipped.values()))
