"""label_set_weights: rows by the labels that are on them together, on hand-computed numbers."""

import numpy as np
import pytest

import curate
from curate.balance.label_set_weights import LabelSetWeights
from curate.errors import ConfigError
from curate.evidence import Evidence, EvidenceSettings

SETS = [["x"], ["x"], ["x"], ["x", "y"], ["x", "y"], ["z"], [], ["x"]]


def found(settings, sets=SETS):
    columns = {
        "text": [f"text {i}" for i in range(len(sets))],
        "label": sets,
        "id": [f"r{i}" for i in range(len(sets))],
    }
    roles = {"kind": "multilabel", "text": "text", "label": "label", "id": "id", "label_names": ["x", "y", "z"]}
    table = curate.load(columns, task=roles)
    evidence = Evidence(table, EvidenceSettings(encoder="classic", workers=1))
    step = LabelSetWeights(**settings)
    assert step.refuses(table.task) is None
    lines = step.decide(evidence.labels, evidence, np.random.default_rng(0)).table.to_pylist()
    own = {line["row_id"]: float(line["after"]) for line in lines}
    return np.array([own[f"r{i}"] for i in range(len(sets))]), [line["reason"] for line in lines]


# x on 6 of 8 rows, y on 2, z on 1, none on 1
@pytest.mark.parametrize(
    ("settings", "raw"),
    [
        ({"threshold": 0.5}, [1, 1, 1, np.sqrt(2), np.sqrt(2), 2, 1, 1]),
        ({}, [1, 1, 1, 1, 1, np.sqrt(2), 1, 1]),  # the median share is that of y
        ({"method": "mean"}, [1 / 6] * 3 + [(1 / 6 + 1 / 2) / 2] * 2 + [1, 1, 1 / 6]),
        ({"method": "max", "form": "sqrt_inverse"}, [6**-0.5] * 3 + [2**-0.5] * 2 + [1, 1, 6**-0.5]),
        ({"method": "set"}, [1 / 4] * 3 + [1 / 2] * 2 + [1, 1, 1 / 4]),
    ],
)
def test_by_hand(settings, raw):
    weights, reasons = found(settings)
    np.testing.assert_allclose(weights, np.array(raw) / np.mean(raw), rtol=1e-5)
    method = settings.get("method", "repeat_factor")
    assert reasons[3] == f"2 labels, the rarest 'y' on 2 of 8 draws ({method})"
    assert reasons[6] == f"0 labels, the rarest 'none' on 1 of 8 draws ({method})"


def test_objects_by_amount():
    def boxes(*names):
        return [{"box": [1.0, 1.0, 9.0, 9.0], "label": name} for name in names]

    import io

    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(out, "PNG")
    columns = {
        "image": [{"bytes": out.getvalue(), "path": None}] * 5,
        "boxes": [boxes("car", "car", "car"), boxes("car", "dog", "dog", "dog"), boxes("car"), boxes(), None],
    }
    table = curate.load(columns, task={"kind": "detection", "image": "image", "boxes": "boxes"})
    evidence = Evidence(table, EvidenceSettings(encoder="classic", workers=1))
    step = LabelSetWeights(method="amount")
    lines = step.decide(evidence.labels, evidence, np.random.default_rng(0)).table.to_pylist()
    raw = np.array([1 / 3, (1 / 3 + 3 * 1) / 4, 1 / 3, 1])  # the fourth shows none, the last is not annotated
    np.testing.assert_allclose([float(line["after"]) for line in lines], raw / raw.mean(), rtol=1e-5)


def test_refusals():
    task = curate.Task(kind="multilabel", text="text", label="label", label_names=("a",))
    assert "is there or not" in LabelSetWeights(method="amount").refuses(task)
    assert "class_weights" in LabelSetWeights().refuses(task.model_copy(update={"kind": "classification"}))
    with pytest.raises(ConfigError, match="threshold say"):
        LabelSetWeights(method="mean", threshold=0.1)
    with pytest.raises(ConfigError, match="form say"):
        LabelSetWeights(form="sqrt_inverse")
