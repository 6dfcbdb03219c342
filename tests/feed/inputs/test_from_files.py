"""From files on disk to batches: COCO's annotations, images beside masks, recordings beside transcripts, tags."""

import json

import numpy as np
import pytest
import torch
from planted_scenes import NAMES, around, picture, seen

import curate
from curate.media.audio import encode_wav
from curate.media.image import encode_png

AUGMENT = {"augment": {"image": [{"HorizontalFlip": {"p": 0.5}}, {"RandomCrop": {"height": 40, "width": 52}}]}}


@pytest.fixture
def folder(tmp_path):
    """A folder whose name says nothing of a split."""
    made = tmp_path / "scenes"
    made.mkdir()
    return made


def planted(folder, n=6):
    """n pictures and masks on disk; their things."""
    rng = np.random.default_rng(5)
    things = []
    for i in range(n):
        pixels, mask, found = picture(rng, 48, 64)
        (folder / f"{i}.png").write_bytes(encode_png(pixels))
        (folder / f"{i}_mask.png").write_bytes(encode_png(mask))
        things.append(found)
    return things


def test_coco(folder):
    things = planted(folder)
    coco = {
        "images": [{"id": i, "file_name": f"{i}.png", "width": 64, "height": 48} for i in range(6)],
        "categories": [{"id": 7, "name": "red"}, {"id": 3, "name": "blue"}],
        "annotations": [
            {"id": 10 * i + k, "image_id": i, "category_id": {"red": 7, "blue": 3}[name], "bbox": [x, y, w, h]}
            for i, found in enumerate(things)
            for k, (x, y, w, h, name) in enumerate(found)
        ],
    }
    (folder / "annotations.json").write_text(json.dumps(coco))
    table = curate.load(folder / "annotations.json")
    assert table.task.kind == "detection"
    curated = curate.Pipeline([AUGMENT, {"class_weights": {}}]).run(table)
    loader = curated.loader(batch_size=6, sampler="sequential")
    assert sorted(loader.label_names) == sorted(NAMES)
    [batch] = loader
    checked = 0
    for pixels, target in zip(batch["pixel_values"], batch["labels"]):
        for code, box in zip(target["labels"].tolist(), target["boxes"].tolist()):
            np.testing.assert_allclose(box, around(seen(pixels, loader.label_names[code - 1])), atol=0.01)
            checked += 1
    assert checked >= 9
    again = next(iter(curated.loader(batch_size=6, sampler="sequential", num_workers=1)))
    assert all(torch.equal(a["boxes"], b["boxes"]) for a, b in zip(batch["labels"], again["labels"]))


def test_masks_beside_images(folder):
    planted(folder)
    lines = [f"{i}.png,{i}_mask.png" for i in range(6)]
    (folder / "rows.csv").write_text("\n".join(["image,mask", *lines]))
    task = {"kind": "segmentation", "image": "image", "mask": "mask", "label_names": list(NAMES)}
    table = curate.load(folder / "rows.csv", task=task)
    text = f"curate: 1\nsteps: {json.dumps([AUGMENT, 'class_weights'])}\nfeed: {{batch_size: 6, pixels: uint8}}"
    curated = curate.Pipeline.from_text(text).run(table)
    [batch] = curated.loader(sampler="sequential")
    assert batch["pixel_values"].dtype == torch.uint8
    assert batch["labels"].shape == (6, 40, 52)
    for pixels, labels in zip(batch["pixel_values"] / 255, batch["labels"].numpy()):
        for code, name in enumerate(NAMES, 1):
            np.testing.assert_array_equal(labels == code, seen(pixels, name))
    logits = torch.zeros(6, 3, 40, 52)
    assert float(curated.loss()(logits, batch)) == pytest.approx(np.log(3), rel=1e-5)


def test_recordings_beside_transcripts(folder):
    rng = np.random.default_rng(0)
    for i in range(4):
        (folder / f"{i}.wav").write_bytes(encode_wav(rng.uniform(-1, 1, (1, 800 + 100 * i)).astype(np.float32), 8000))
    (folder / "rows.csv").write_text("audio,transcript\n" + "\n".join(f"{i}.wav,{'ab' * (i + 1)}" for i in range(4)))
    table = curate.load(folder / "rows.csv", task={"audio": "audio", "transcript": "transcript"})
    assert table.task.kind == "transcription"
    curated = curate.Pipeline([]).run(table)
    [batch] = curated.loader(
        sampler="sequential",
        tokenizer=lambda texts, **_: {"input_ids": [[1 if letter == "a" else 2 for letter in t] for t in texts]},
    )
    assert batch["labels"].tolist()[:2] == [[1, 2, *[-100] * 6], [1, 2, 1, 2, *[-100] * 4]]
    assert batch["attention_mask"].sum(1).tolist() == [800, 900, 1000, 1100]
    assert torch.isfinite(curated.loss()(torch.randn(4, 30, 3), batch))
