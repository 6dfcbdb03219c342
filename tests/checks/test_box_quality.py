"""box_quality: detection sets with planted faults, in the forms in which boxes are written."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import curate
from curate.checks.box_quality import BoxQuality
from curate.checks.regions.box_arrays import twins
from curate.evidence import Evidence, EvidenceSettings

WIDTH, HEIGHT, ROWS = 120, 80, 60
FAULTS = {
    1: ("degenerate", [30, 30, 30, 50]), 2: ("degenerate", [60, 40, 20, 10]), 3: ("out_of_frame", [100, 60, 140, 70]),
    4: ("out_of_frame", [-15, 5, 20, 30]), 5: ("tiny", [10, 10, 11, 40]), 6: ("covers_image", [0, 0, 120, 80]),
    7: ("malformed", None), 8: ("malformed", [1, 2, float("nan"), 9]),
}  # fmt: skip


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("detection")
    rng = np.random.default_rng(0)
    (folder / "images").mkdir()
    for row in range(ROWS):
        small = Image.fromarray(rng.integers(0, 255, (10, 15, 3), dtype=np.uint8))
        small.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(folder / "images" / f"{row:03d}.jpg")
    return folder


@pytest.fixture(scope="module")
def annotations():
    """Corners and class of the boxes of each image, with one fault in each of the rows 1 to 13."""
    rng = np.random.default_rng(1)
    rows = []
    for _ in range(ROWS):
        left, top = rng.uniform(2, 60, 3), rng.uniform(2, 40, 3)
        right, bottom = left + rng.uniform(10, 50, 3), top + rng.uniform(10, 35, 3)
        labels = rng.choice(["cat", "dog"], 3).tolist()
        boxes = np.stack([left, top, right, bottom], 1).round(2).tolist()
        keep = [0, *(i for i in (1, 2) if abs(boxes[i][0] - boxes[0][0]) > 6)][: int(rng.integers(1, 4))]
        rows.append([(boxes[i], labels[i]) for i in keep])
    for row, (_, box) in FAULTS.items():
        rows[row] = [rows[row][0], (box, "cat")]
    box, label = rows[9][0]
    rows[9].append(([v + 0.2 for v in box], label))
    box, label = rows[10][0]
    rows[10].append((box, "dog" if label == "cat" else "cat"))
    rows[11][0] = (rows[11][0][0], None)
    rows[12] = []
    rows[13][0] = (rows[13][0][0], "unicorn")
    return rows


EXPECTED = {
    "degenerate": {1, 2}, "out_of_frame": {3, 4}, "tiny": {5}, "covers_image": {6}, "malformed": {7, 8},
    "duplicate_boxes": {9}, "conflicting_boxes": {10}, "missing_label": {11}, "no_boxes": {12}, "unknown_label": {13},
}  # fmt: skip


def judged(data, check=None, **roles):
    table = curate.load(data, **roles)
    found = (check or BoxQuality()).find(Evidence(table, EvidenceSettings(encoder="classic", workers=1)))
    flagged = {}
    for line in found.flagged.to_pylist():
        flagged.setdefault(line["issue"], {})[line["row"]] = line["reason"]
    return flagged, found, table


def rows_of(flagged):
    return {issue: set(rows) for issue, rows in flagged.items()}


def test_lists_in_json_lines(images, annotations):
    lines = [
        {"image": f"images/{row:03d}.jpg", "boxes": [[*(box or [1, 2, "x", 9]), label] for box, label in boxes]}
        for row, boxes in enumerate(annotations)
    ]
    (images / "lists.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    flagged, found, table = judged(images / "lists.jsonl", label_names=["cat", "dog"])
    assert rows_of(flagged) == EXPECTED
    assert (table.task.kind, table.task.boxes, table.task.box_format) == ("detection", "boxes", "xyxy")
    assert any("boxes: read as xyxy" in note and "box_format" in note for note in table.notes)
    assert flagged["degenerate"][1] == "box 2 of 2 (cat) is 0 x 20 px, read as xyxy"
    assert "leaves the image of 120 x 80 px by 20.0 px (at most 1 px), 50.0% of its area" in flagged["out_of_frame"][3]
    assert "box 1 of 2 (unicorn) has a class that is not" in flagged["unknown_label"][13]
    assert found.facts["box_quality"]["box_format"] == "xyxy"
    assert next(r for r in table.problems.to_pylist() if r["issue"] == "box_format")["row"] == 7


def test_coco(images, annotations):
    entries = []
    for row, boxes in enumerate(annotations):
        for box, label in boxes:
            a, b, c, d = box or (None,) * 4
            numbers = None if box is None else [a, b, c - a, d - b]
            number = {"cat": 3, "dog": 7, "unicorn": 99, None: None}[label]
            entries.append({"id": len(entries), "image_id": row, "bbox": numbers, "category_id": number})
    entries.append({"id": 999, "image_id": 12345, "bbox": [0, 0, 1, 1], "category_id": 3})
    document = {
        "images": [{"id": row, "file_name": f"{row:03d}.jpg"} for row in range(ROWS)],
        "annotations": entries,
        "categories": [{"id": 3, "name": "cat"}, {"id": 7, "name": "dog"}],
    }
    (images / "annotations").mkdir(exist_ok=True)
    (images / "annotations" / "instances.json").write_text(json.dumps(document))
    flagged, _, table = judged(images / "annotations" / "instances.json")
    assert rows_of(flagged) == EXPECTED
    assert (table.task.box_format, table.task.label_names) == ("xywh", ("cat", "dog"))
    assert any("1 annotation of images that are not listed left out" in note for note in table.notes)


@pytest.mark.parametrize("style", ["mappings", "side_by_side", "relative", "middle"])
def test_other_forms_in_parquet(style, images, annotations):
    names, values, roles = [], [], {"label_names": ["cat", "dog"]}
    for row, boxes in enumerate(annotations):
        names.append(str(images / "images" / f"{row:03d}.jpg"))
        nan = [float("nan")] * 4
        numbers = [list(map(float, box or nan)) for box, _ in boxes]
        labels = [label for _, label in boxes]
        if style == "mappings":
            values.append([dict(zip(("xmin", "ymin", "xmax", "ymax"), n), label=c) for n, c in zip(numbers, labels)])
        elif style == "side_by_side":
            values.append({"bbox": [[n[0], n[1], n[2] - n[0], n[3] - n[1]] for n in numbers], "category": labels})
            roles["box_format"] = "xywh"
        elif style == "relative":
            values.append([{"bbox": [n[0] / WIDTH, n[1] / HEIGHT, n[2] / WIDTH, n[3] / HEIGHT], "label": c}
                           for n, c in zip(numbers, labels)])  # fmt: skip
        else:
            middles = [((n[0] + n[2]) / 2, (n[1] + n[3]) / 2, n[2] - n[0], n[3] - n[1]) for n in numbers]
            values.append([dict(zip(("cx", "cy", "w", "h"), m), label=c) for m, c in zip(middles, labels)])
    path = images / f"{style}.parquet"
    pq.write_table(pa.table({"image": names, "objects": pa.array(values)}), path)
    flagged, _, table = judged(path, boxes="objects", **roles)
    assert rows_of(flagged) == EXPECTED
    told = {"mappings": "xyxy", "side_by_side": "xywh", "relative": "xyxy_relative", "middle": "cxcywh"}
    assert table.task.box_format == told[style]


def test_boxes_read_in_the_wrong_format_show(images):
    rng = np.random.default_rng(0)
    boxes = np.stack(
        [rng.uniform(40, 70, 60), rng.uniform(20, 40, 60), rng.uniform(10, 30, 60), rng.uniform(9, 30, 60)], 1
    )
    data = {
        "image": [str(images / "images" / f"{r:03d}.jpg") for r in range(60)],
        "boxes": [[b] for b in boxes.tolist()],
    }
    flagged, _, table = judged(data, root=images)
    assert table.task.box_format == "xywh"  # nine in ten would end before they start
    assert not flagged
    flagged, _, table = judged(data, root=images, box_format="xyxy")
    assert len(flagged["degenerate"]) > 50


def test_twins_equal_a_comparison_of_all_pairs():
    rng = np.random.default_rng(0)
    corner = rng.integers(0, 12, (400, 2)).astype(float)
    box = np.hstack([corner, corner + rng.integers(3, 9, (400, 2))])
    row = np.sort(rng.integers(0, 12, 400))
    twin, overlap = twins(box, row, 0.7)
    inner = np.minimum(box[:, None, 2:], box[None, :, 2:]) - np.maximum(box[:, None, :2], box[None, :, :2])
    shared = np.maximum(inner, 0).prod(2)
    area = (box[:, 2:] - box[:, :2]).prod(1)
    iou = shared / (area[:, None] + area - shared)
    np.fill_diagonal(iou, 0)
    close = (iou >= 0.7) & (row[:, None] == row)
    for place in np.flatnonzero(twin >= 0):
        assert close[place, twin[place]]
        assert overlap[place] == pytest.approx(iou[place, twin[place]])
    lone = (twin < 0) & ~np.isin(np.arange(400), twin)
    assert not close[lone].any()  # who has a near one is a twin or has one
    assert (twin >= 0).sum() > 20


def test_ten_thousand_boxes_on_one_spot_end():
    box = np.tile([[0.0, 0.0, 10.0, 10.0]], (10_000, 1))
    twin, _ = twins(box, np.zeros(10_000, np.int64), 0.9)
    assert (twin >= 0).sum() == 9_999


def test_tasks_without_boxes_are_refused():
    assert "names no column of them" in BoxQuality().refuses(curate.Task(image="image"))
