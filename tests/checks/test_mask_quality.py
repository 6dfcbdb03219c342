"""mask_quality: folders of images and masks with planted faults, from the files on."""

import io

import numpy as np
import pytest
from PIL import Image

import curate
from curate.checks.mask_quality import MaskQuality
from curate.evidence import Evidence, EvidenceSettings

SIZE = (96, 64)
ROWS = 60


def photo(rng):
    small = Image.fromarray(rng.integers(0, 255, (8, 12, 3), dtype=np.uint8))
    out = io.BytesIO()
    small.resize(SIZE, Image.Resampling.BICUBIC).save(out, "JPEG")
    return out.getvalue()


def blob(rng, values=(0, 255), size=SIZE):
    mask = np.full((size[1], size[0]), values[0], np.uint8)
    x, y = rng.integers(2, size[0] // 2), rng.integers(2, size[1] // 2)
    w, h = rng.integers(size[0] // 6, size[0] // 2), rng.integers(size[1] // 6, size[1] // 2)
    mask[y : y + h, x : x + w] = rng.choice(values[1:])
    return mask


def png(mask, kind="PNG", **options):
    out = io.BytesIO()
    Image.fromarray(mask).save(out, kind, **options)
    return out.getvalue()


@pytest.fixture
def folder(tmp_path):
    """(masks by stem, images) -> a folder of 60 pairs with these in place of the usual ones."""

    def make(masks, values=(0, 255), images=None, ending="png"):
        rng = np.random.default_rng(0)
        for kind in ("images", "masks"):
            (tmp_path / kind).mkdir()
        for row in range(ROWS):
            stem = f"{row:03d}"
            usual = photo(rng), png(blob(rng, values))
            (tmp_path / "images" / f"{stem}.jpg").write_bytes((images or {}).get(row, usual[0]))
            mask = masks.get(row, usual[1])
            if mask is not None:
                (tmp_path / "masks" / f"{stem}.{ending}").write_bytes(mask)
        return tmp_path

    return make


def judged(data, check=None, **roles):
    table = curate.load(data, **roles)
    found = (check or MaskQuality()).find(Evidence(table, EvidenceSettings(encoder="classic", workers=1)))
    flagged = {}
    for line in found.flagged.to_pylist():
        flagged.setdefault(line["issue"], {})[line["row"]] = line["reason"]
    return flagged, found, table


def test_planted_faults_of_a_binary_set_are_found_and_nothing_else(folder):
    rng = np.random.default_rng(1)
    whole = png(blob(rng))
    same = png(blob(rng))
    data = folder(
        {
            1: None, 2: whole[: len(whole) // 2], 3: b"<html>not found</html>",
            4: png(np.zeros(SIZE[::-1], np.uint8)), 5: png(np.full(SIZE[::-1], 255, np.uint8)),
            6: png(blob(rng, size=(48, 32))), 7: png(blob(rng).T), 8: png(blob(rng, (0, 1))),
            9: png(blob(rng), "JPEG", quality=60), 10: same, 11: same,
            12: png(np.pad([[255]], ((0, 63), (0, 95))).astype(np.uint8)),
        }
    )  # fmt: skip
    flagged, found, table = judged(data)
    assert (table.task.kind, table.task.mask, len(table)) == ("segmentation", "mask", ROWS)
    rows = {issue: set(lines) for issue, lines in flagged.items()}
    assert rows == {
        "missing_mask": {1}, "unreadable_mask": {2, 3}, "empty": {4}, "covers_image": {5}, "size_mismatch": {6, 7},
        "unknown_values": {8, 9}, "lossy": {9}, "repeated_mask": {10, 11}, "tiny": {12},
    }  # fmt: skip
    assert flagged["size_mismatch"][6] == "the mask is 48 x 32 px, the image 96 x 64 px"
    assert flagged["unknown_values"][8] == "the mask holds 1; the masks of the set hold 0 and 255"
    assert "cut off" in flagged["unreadable_mask"][2]
    assert "HTML" in flagged["unreadable_mask"][3]
    assert "0.016% of the pixels are objects (least 0.050%)" in flagged["tiny"][12]
    judged_rows = {issue: line["rows"] for issue, line in found.summary["mask_quality"].items()}
    assert judged_rows["missing_mask"] == ROWS
    assert judged_rows["empty"] == ROWS - 3


def test_classes_say_which_values_may_stand(folder):
    rng = np.random.default_rng(2)
    names = ["road", "car", "person"]
    palette = (
        Image.fromarray(blob(rng, (0, 2)), "P") if hasattr(Image, "_never") else Image.fromarray(blob(rng, (0, 2)))
    )
    palette = palette.convert("P")
    palette.putdata(blob(rng, (0, 2)).ravel().tolist())
    palette.putpalette([0, 0, 0, 200, 0, 0, 0, 200, 0])
    out = io.BytesIO()
    palette.save(out, "PNG")
    ignored = blob(rng, (0, 1, 2))
    ignored[:3] = 255
    data = folder({1: png(blob(rng, (0, 7))), 2: png(blob(rng, (0, 1)).astype(np.uint16) * 300), 3: out.getvalue(),
                   4: png(ignored)}, values=(0, 1, 2))  # fmt: skip
    flagged, _, _ = judged(data, label_names=names)
    assert set(flagged["unknown_values"]) == {1, 2}
    assert flagged["unknown_values"][1] == "the mask holds 7; 0 and the 3 classes"
    assert "values from 0 to 300" in flagged["unknown_values"][2]
    flagged, _, _ = judged(data, MaskQuality(classes=8))
    assert set(flagged["unknown_values"]) == {2}
    flagged, _, _ = judged(data)  # three values and no names: nothing says what may stand
    assert "unknown_values" not in flagged


def test_masks_of_half_size_throughout_are_meant(folder):
    rng = np.random.default_rng(3)
    data = folder({row: png(blob(rng, size=(48, 32))) for row in range(1, ROWS)})
    flagged, _, _ = judged(data)
    assert set(flagged["size_mismatch"]) == {0}
    assert "where most masks are 0.50 times the size of their images" in flagged["size_mismatch"][0]


def test_an_image_that_exif_turns_beside_a_mask_that_is_not(folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8)).save(out, "JPEG", exif=exif)
    flagged, _, _ = judged(folder({}, images={5: out.getvalue()}))
    assert "turned upright by its EXIF tag (6), the mask is not" in flagged["size_mismatch"][5]


def test_a_table_names_images_and_masks(folder, tmp_path):
    data = folder({4: png(np.zeros(SIZE[::-1], np.uint8))})
    lines = [f"images/{row:03d}.jpg,masks/{row:03d}.png" for row in range(ROWS)]
    (data / "data.csv").write_text("image,mask\n" + "\n".join(lines) + "\n")
    flagged, _, table = judged(data / "data.csv")
    assert (table.task.image, table.task.mask, table.task.kind) == ("image", "mask", "segmentation")
    assert {issue: set(rows) for issue, rows in flagged.items()} == {"empty": {4}}


def test_digits_as_masks_of_themselves_raise_no_alarm(tmp_path):
    from sklearn.datasets import load_digits

    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    for row, digit in enumerate(load_digits().images[:200]):
        picture = (np.kron(digit, np.ones((4, 4))) * 15.9).astype(np.uint8)
        (tmp_path / "images" / f"{row}.png").write_bytes(png(picture))
        (tmp_path / "masks" / f"{row}_mask.png").write_bytes(png((picture > 100).astype(np.uint8) * 255))
    flagged, _, _ = judged(tmp_path)
    assert sum(map(len, flagged.values())) <= 4


def test_tasks_without_masks_are_refused():
    assert "names no column of them" in MaskQuality().refuses(curate.Task(image="image"))


def test_two_kinds_of_objects_one_per_mask_are_no_foreign_values(folder):
    rng = np.random.default_rng(4)
    masks = {row: png(blob(rng, values=(0, 1 + (row % 5 < 2)))) for row in range(ROWS)}
    flagged, _, _ = judged(folder(masks))
    assert "unknown_values" not in flagged
