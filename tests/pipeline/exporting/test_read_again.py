"""What was exported is read as what it was."""

import numpy as np
from PIL import Image

import curate


def test_texts_for_the_hub(tmp_path):
    lines = "".join(f"some words number {number},{'ab'[number % 2]}\n" for number in range(12))
    (tmp_path / "texts.csv").write_text("text,label\n" + lines, encoding="utf-8")
    result = curate.Pipeline([]).run(curate.load(tmp_path / "texts.csv"), tmp_path / "out")
    result.to_huggingface(tmp_path / "hub")
    again = curate.load(tmp_path / "hub")
    assert (len(again), again.task.kind, again.task.label) == (12, "classification", "label")


def test_masks_of_an_image_folder(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (tmp_path / "set" / name).mkdir(parents=True)
    for number in range(6):
        pixels = rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "set" / "images" / f"{number}.png")
        Image.fromarray(pixels[:, :, 0] % 3).save(tmp_path / "set" / "masks" / f"{number}.png")
    result = curate.Pipeline([]).run(curate.load(tmp_path / "set"), tmp_path / "out")
    result.to_imagefolder(tmp_path / "folder")
    task = curate.load(tmp_path / "folder").task
    assert (task.kind, task.image, task.mask) == ("segmentation", "file_name", "mask_file_name")
