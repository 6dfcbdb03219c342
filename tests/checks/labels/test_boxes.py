"""label_errors of bounding boxes: planted faults beside a model's predictions, in all their forms."""

import json

import numpy as np
import pytest
from PIL import Image

import curate
from curate.checks.label_errors import LabelErrors
from curate.checks.labels.boxes import _scenes
from curate.checks.regions.box_scores import average_precision, score_boxes
from curate.errors import ConfigError
from curate.evidence import Evidence, EvidenceSettings

WIDTH, HEIGHT, ROWS = 320, 240, 150
NAMES = ("bird", "cat", "dog")
KINDS = ("overlooked", "badly_located", "swapped")


def scene(rng):
    """A few boxes that hardly touch, one in each of some cells of a grid, and their classes."""
    cells = rng.permutation(12)[: rng.integers(2, 7)]
    boxes, labels = [], []
    for cell in cells.tolist():
        left, top = 80 * (cell % 4) + rng.integers(2, 16), 80 * (cell // 4) + rng.integers(2, 16)
        width, height = rng.integers(30, 62, 2)
        boxes.append([int(left), int(top), int(left + width), int(top + height)])
        labels.append(str(rng.choice(NAMES)))
    return boxes, labels


def predicted(boxes, labels, rng):
    """What a good model finds: places right to some pixels, a few weak false ones, and a few objects unsure."""
    found = []
    for box, label in zip(boxes, labels):
        score = rng.uniform(0.96, 0.999) if rng.random() < 0.9 else rng.uniform(0.3, 0.9)
        found.append({"bbox": (np.array(box) + rng.normal(0, 1.2, 4)).tolist(), "label": label, "score": float(score)})
    if rng.random() < 0.3:
        left, top = rng.uniform(0, 200, 2)
        spot = [left, top, left + 40, top + 30]
        found.append({"bbox": spot, "label": str(rng.choice(NAMES)), "score": float(rng.uniform(0.05, 0.5))})
    return found


def faulty(boxes, labels, found, kind, rng):
    """One fault in a box that the model is sure of; None where it is sure of none."""
    sure = [p for p in range(len(boxes)) if found[p]["score"] > 0.95]
    if not sure:
        return None
    p = int(rng.choice(sure))
    boxes, labels = [list(box) for box in boxes], list(labels)
    if kind == "overlooked":
        del boxes[p], labels[p]
    elif kind == "swapped":
        labels[p] = str(rng.choice([name for name in NAMES if name != labels[p]]))
    else:
        side = boxes[p][2] - boxes[p][0]
        move = int(side * rng.uniform(0.4, 0.8))
        boxes[p] = [boxes[p][0] + move, boxes[p][1], boxes[p][2] + move, boxes[p][3]]
    return boxes, labels


def made(share=0.2, seed=0):
    """Boxes, classes and predictions of the rows; row -> kind of the planted fault."""
    rng = np.random.default_rng(seed)
    rows, wrong = [], {}
    for row in range(ROWS):
        boxes, labels = scene(rng)
        found = predicted(boxes, labels, rng)
        kind = KINDS[len(wrong) % 3]
        if rng.random() < share and (changed := faulty(boxes, labels, found, kind, rng)):
            boxes, labels = changed
            wrong[row] = kind
        rows.append((boxes, labels, found))
    return rows, wrong


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    rng = np.random.default_rng(0)
    for row in range(ROWS):
        small = Image.fromarray(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8))
        small.resize((WIDTH, HEIGHT)).save(folder / f"{row}.jpg")
    return folder


def write(folder, rows, name="data.jsonl", form=lambda found: found, box=lambda box: box):
    lines = []
    for row, (boxes, labels, found) in enumerate(rows):
        objects = [{"bbox": box(b), "label": c} for b, c in zip(boxes, labels)]
        lines.append(json.dumps({"image": f"{row}.jpg", "boxes": objects, "model": form(found)}))
    (folder / name).write_text("\n".join(lines) + "\n")
    return folder / name


def judged(path, **roles):
    table = curate.load(path, **{"probabilities": "model", "box_format": "xyxy", **roles})
    evidence = Evidence(table, EvidenceSettings(encoder="classic", workers=1))
    found = LabelErrors().find(evidence)
    return {line["row"]: line["reason"] for line in found.flagged.to_pylist()}, found, evidence


@pytest.fixture(scope="module")
def planted(folder):
    rows, wrong = made()
    return rows, wrong, *judged(write(folder, rows))


def test_planted_faults_are_found_and_nothing_else(planted):
    _, wrong, flagged, found, _ = planted
    assert len(wrong) >= 24
    assert len(set(flagged) & set(wrong)) >= 0.95 * len(wrong)
    assert len(set(flagged) - set(wrong)) <= 0.02 * ROWS
    for kind, word in (("overlooked", "overlooked"), ("swapped", "swapped class")):
        mine = [row for row in wrong if wrong[row] == kind and row in flagged]
        assert all(word in flagged[row] for row in mine)
    facts = found.facts["label_errors"]
    assert facts["method"] == "cleanlab.object_detection"
    assert (facts["rows"], facts["issues"]) == (ROWS, len(flagged))
    assert facts["not_judged"] == {"rows": 0, "reasons": {}}


def test_scores_are_cleanlab_s(planted):
    from cleanlab.object_detection import filter, rank

    _, _, _, _, evidence = planted
    scenes, names, _, _ = _scenes(evidence)
    labels = [{"bboxes": s.box, "labels": s.label} for s in scenes]
    says = [[np.column_stack([s.found, s.found_score])[s.found_label == k] for k in range(len(names))] for s in scenes]
    theirs = rank.get_label_quality_scores(labels, says, verbose=False)
    np.testing.assert_allclose([s.image for s in score_boxes(scenes)], theirs, atol=1e-6)
    precision = filter._get_per_class_ap(labels, says)
    mine = average_precision(scenes, len(names)) * 0.25
    np.testing.assert_allclose(mine, [float(precision[k]) for k in range(len(names))], atol=1e-4)
    issues = filter.find_label_issues(labels, says)
    flagged = planted[2]
    assert {scenes[p].row for p in np.flatnonzero(issues).tolist()} <= set(flagged)


def side_by_side(found):
    return {
        "boxes": [item["bbox"] for item in found],
        "labels": [NAMES.index(item["label"]) for item in found],
        "scores": [item["score"] for item in found],
    }


def by_class(found):
    return [[[*item["bbox"], item["score"]] for item in found if item["label"] == name] for name in NAMES]


def shares(box):
    left, top, right, bottom = box
    middle = [(left + right) / 2 / WIDTH, (top + bottom) / 2 / HEIGHT]
    return [*middle, (right - left) / WIDTH, (bottom - top) / HEIGHT]


FORMS = {
    "torchvision": (side_by_side, {}),
    "mmdetection": (by_class, {}),
    "json": (json.dumps, {}),
    "keyed": (lambda found: [{**i, "bbox": dict(zip(("x1", "y1", "x2", "y2"), i["bbox"]))} for i in found], {}),
}


@pytest.mark.parametrize("form", FORMS)
def test_predictions_in_many_forms_say_the_same(folder, planted, form):
    rows, _, flagged, *_ = planted
    make, roles = FORMS[form]
    path = write(folder, rows, f"{form}.jsonl", make)
    assert set(judged(path, label_names=NAMES, **roles)[0]) == set(flagged)


def test_shares_of_the_sides_are_brought_to_pixels(folder, planted):
    rows, _, flagged, *_ = planted
    path = write(
        folder, rows, "relative.jsonl", lambda found: [{**i, "bbox": shares(i["bbox"])} for i in found], shares
    )
    again, _, evidence = judged(path, box_format="cxcywh_relative")
    assert set(again) == set(flagged)
    assert LabelErrors().needs(evidence.table.task) == ("image.width", "image.height")


def test_predictions_that_cannot_be_used_are_named_and_the_rest_is_judged(folder, planted):
    rows, wrong, flagged, *_ = planted
    rows = list(rows)
    clean = [row for row in range(ROWS) if row not in wrong][:9]
    box = {"bbox": [1, 2, 30, 40], "label": "cat", "score": 0.9}
    broken = [
        None, "no json", [{**box, "score": None}], [{**box, "score": 7}], [{**box, "bbox": [1, 2]}], 5,
        [{**box, "label": None}], [{**box, "bbox": [1, 2, float("nan"), 5]}], [{**box, "bbox": [50, 2, 30, 5]}],
    ]  # fmt: skip
    for row, value in zip(clean, broken):
        rows[row] = (*rows[row][:2], value)
    path = write(folder, rows, "broken.jsonl", lambda found: found if isinstance(found, str) else json.dumps(found))
    again, found, evidence = judged(path)
    assert set(again) == set(flagged) - set(clean)
    assert len(found) == ROWS - len(broken)
    assert found.facts["label_errors"]["not_judged"]["rows"] == len(broken)
    assert any("9 rows are not judged" in note for note in evidence.notes)
    told = {line["row"]: line["reason"] for line in evidence.table.problems.to_pylist()}
    why = found.facts["label_errors"]["not_judged"]["reasons"]
    assert all(told[row] == why[str(evidence.table.row_ids[row])] for row in clean[1:7])
    for row, part in zip(clean[1:7], ("no JSON", "has no score", "has the score 7", "four numbers", "int", "no class")):
        assert told[row].startswith("predictions: ")
        assert part in told[row]


def test_nothing_predicted_is_no_missing_prediction(folder, planted):
    rows, wrong, *_ = planted
    rows = list(rows)
    row = next(r for r in range(ROWS) if r not in wrong)
    rows[row] = (*rows[row][:2], [])
    again, found, _ = judged(write(folder, rows, "empty.jsonl"))
    assert row not in again  # a model that finds nothing doubts nothing
    assert len(found) == ROWS


def test_one_row_one_class_and_no_boxes(folder):
    boxes, labels = [[10, 10, 50, 60]], ["cat"]
    found = [{"bbox": [11, 10, 50, 61], "label": "cat", "score": 0.99}]
    again, all_found, _ = judged(write(folder, [(boxes, labels, found)], "one.jsonl"))
    assert again == {}
    assert len(all_found) == 1
    assert judged(write(folder, [(boxes, labels, found[0])], "bare.jsonl"))[1].table["score"][0].as_py() > 0.5
    more = [(boxes, labels, found)] * 20 + [([], [], found)]
    again, _, _ = judged(write(folder, more, "few.jsonl"))
    assert list(again) == [20]
    assert again[20] == "a 'cat' at (11, 10)-(50, 61) px (probability 0.99) has no box: overlooked"


def test_classes_that_do_not_fit_are_asked_for(folder, planted):
    rows = planted[0]
    path = write(folder, rows, "numbers.jsonl", side_by_side)
    with pytest.raises(ConfigError, match="predictions are of the classes 0, 1, 2, the boxes of bird, cat, dog"):
        judged(path)
    path = write(folder, rows, "classes.jsonl", by_class)
    again, found, _ = judged(path, label_names=("bird", "cat", "dog", "wolf"))
    assert again == {}
    assert found.facts["label_errors"]["not_judged"]["rows"] == ROWS


def test_what_is_refused_and_what_to_bring():
    task = curate.Task(kind="detection", image="image", boxes="boxes", box_format="xywh_relative")
    assert "name its column in the task's probabilities (lists of box, label and score)" in LabelErrors().refuses(task)
    with_output = task.model_copy(update={"probabilities": "model"})
    assert LabelErrors().refuses(with_output) is None
    assert "which has no min_doubt" in LabelErrors(min_doubt=0.5).refuses(with_output)
    assert "the task has no image" in LabelErrors().refuses(with_output.model_copy(update={"image": None}))


def test_a_run_drops_the_doubted_images(folder, planted, tmp_path):
    rows, _, flagged, *_ = planted
    table = curate.load(write(folder, rows, "run.jsonl"), probabilities="model", box_format="xyxy")
    curated = curate.Pipeline([{"label_errors": {"fix": "drop"}}]).run(table, out=tmp_path / "out", cache=None)
    assert len(curated.dataset) == ROWS - len(flagged)
    kept = curate.open(tmp_path / "out").table
    assert kept.task.probabilities == "model"
    assert set(LabelErrors().find(Evidence(kept)).flagged["row"].to_pylist()) == set(flagged)


def test_results_of_a_model_in_a_coco_file(folder, planted, tmp_path):
    rows, _, flagged, *_ = planted
    images, annotations, results = [], [], []

    def sides(box):
        return [box[0], box[1], box[2] - box[0], box[3] - box[1]]

    for row, (boxes, labels, found) in enumerate(rows):
        images.append({"id": 1000 + row, "file_name": f"{row}.jpg", "width": WIDTH, "height": HEIGHT})
        (tmp_path / f"{row}.jpg").write_bytes((folder / f"{row}.jpg").read_bytes())
        for box, label in zip(boxes, labels):
            numbers = {"id": len(annotations), "image_id": 1000 + row, "category_id": 7 * NAMES.index(label)}
            annotations.append({**numbers, "bbox": sides(box)})
        for item in found:
            one = {"image_id": 1000 + row, "category_id": 7 * NAMES.index(item["label"]), "score": item["score"]}
            results.append({**one, "bbox": sides(item["bbox"])})
    names = [{"id": 7 * code, "name": name} for code, name in enumerate(NAMES)]
    document = {"images": images, "annotations": annotations, "categories": names, "predictions": results}
    (tmp_path / "instances.json").write_text(json.dumps(document))
    table = curate.load(tmp_path / "instances.json")
    assert (table.task.kind, table.task.probabilities) == ("detection", "predictions")
    found = LabelErrors().find(Evidence(table, EvidenceSettings(encoder="classic", workers=1)))
    assert set(found.flagged["row"].to_pylist()) == set(flagged)
