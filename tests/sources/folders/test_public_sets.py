"""Folders as public sets come, whose layout is their own: CheXpert, LJSpeech, MVTec AD, Dogs vs. Cats, HAM10000."""

from collections import Counter

import numpy as np
import pytest
import soundfile
from PIL import Image

import curate


def image(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(path)


def values(table, role):
    return Counter(table.column(getattr(table.task, role)).to_pylist())


def test_a_table_below_the_one_folder_that_holds_everything(tmp_path):
    home = tmp_path / "CheXpert-v1.0-small"
    lines = ["Path,Sex,Edema"]
    for k in range(8):
        name = f"train/patient{k:05d}/study1/view1_frontal.jpg"
        image(home / name, k)
        lines.append(f"{home.name}/{name},Female,{k % 2}.0")
    (home / "train.csv").write_text("\n".join(lines))
    table = curate.load(tmp_path)
    assert (table.task.image, table.task.label, len(table.problems)) == ("Path", "Edema", 0)
    with pytest.raises(curate.errors.DataError, match="name that folder as the data"):
        curate.load(home)


def test_ljspeech(tmp_path):
    (tmp_path / "wavs").mkdir()
    lines = []
    for k in range(6):
        soundfile.write(tmp_path / "wavs" / f"LJ001-000{k}.wav", np.linspace(0, 0.1 * k, 800), 8_000)
        lines.append(f"LJ001-000{k}|in the year 1{k}, {'at last, ' * k}|in the year ten and {k}, {'at last, ' * k}")
    (tmp_path / "metadata.csv").write_text("\n".join(lines) + "\n")
    table = curate.load(tmp_path)
    assert table.column_names == ["file_name", "transcription", "normalized_text"]
    assert (table.task.kind, table.task.transcript) == ("transcription", "transcription")


def test_mvtec_without_its_masks(tmp_path):
    for k in range(4):
        image(tmp_path / "train" / "good" / f"00{k}.png", k)
        image(tmp_path / "test" / ("good" if k % 2 else "crack") / f"00{k}.png", 10 + k)
        if not k % 2:
            image(tmp_path / "ground_truth" / "crack" / f"00{k}_mask.png", 20 + k)
    table = curate.load(tmp_path)
    assert (values(table, "label"), values(table, "split")) == ({"good": 6, "crack": 2}, {"train": 4, "test": 4})
    assert any("2 masks left out" in note for note in table.notes)


def test_numbered_splits_are_no_classes(tmp_path):
    for k in range(12):
        image(tmp_path / "train" / f"{['cat', 'dog'][k % 2]}.{k // 2}.jpg", k)
    image(tmp_path / "test1" / "1.jpg", 20)
    table = curate.load(tmp_path)
    assert values(table, "split") == {"train": 12, "test": 1}
    assert values(table, "label") == {"cat": 6, "dog": 6, None: 1}


def test_ham10000(tmp_path):
    lines = ["lesion_id,image_id,dx,dx_type,age,sex"]
    for k in range(8):
        image(tmp_path / f"HAM10000_images_part_{k % 2 + 1}" / f"ISIC_{k:07d}.jpg", k)
        lines.append(f"HAM_{k // 2},ISIC_{k:07d},{['bkl', 'nv'][k % 2]},histo,{40 + k},{['male', 'female'][k // 4]}")
    (tmp_path / "HAM10000_metadata.csv").write_text("\n".join(lines))
    table = curate.load(tmp_path)
    assert (table.task.image, table.task.label) == ("image_id", "dx")


def test_several_ids_are_no_labels():
    rows = {
        "user_id": [f"u{k % 3}" for k in range(20)],
        "business_id": [f"b{k % 4}" for k in range(20)],
        "text": [f"what was said of the place number {k}" for k in range(20)],
    }
    assert curate.load(rows).task.label is None
