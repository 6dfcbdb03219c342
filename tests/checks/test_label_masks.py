"""label_errors of segmentation masks: planted faults in masks of digits beside a model's probabilities of their pixels."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

import curate
from curate.checks._label_masks import Masks
from curate.checks.label_errors import LabelErrors
from curate.errors import ConfigError, DataError
from curate.evidence import Evidence, EvidenceSettings

NAMES = ("background", "low", "high")
SIDE = 48
ROWS = 120


def digits(rows=ROWS):
    """Pictures of digits and their true masks: the strokes of 0 to 4 are class 1, of 5 to 9 class 2."""
    from scipy import ndimage
    from sklearn.datasets import load_digits

    data = load_digits()
    for picture, digit in zip(data.images[:rows], data.target[:rows]):
        large = ndimage.zoom(picture, SIDE / 8, order=1)
        yield (large * 15.9).clip(0, 255).astype(np.uint8), np.where(large > 6, 1 + (digit > 4), 0)


def probabilities(mask, rng, classes=3, sure=0.85):
    """What a good model says: right inside, unsure and now and then wrong by a pixel along the edges."""
    from scipy import ndimage

    moved = np.roll(mask, rng.integers(-1, 2, 2), (0, 1))
    hot = np.eye(classes)[moved].transpose(2, 0, 1)
    soft = np.stack([ndimage.gaussian_filter(plane, 0.7) for plane in hot])
    noisy = sure * soft + (1 - sure) / classes + rng.uniform(0, 0.05, soft.shape)
    return (noisy / noisy.sum(0)).astype(np.float32)


def faults(mask, kind, rng):
    if kind == "swapped":
        return np.where(mask > 0, 3 - mask, 0)
    if kind == "shifted":
        return np.roll(mask, (8, -8)[int(rng.integers(2))], int(rng.integers(2)))
    cut = mask.copy()  # missing: the upper half of the strokes is not labelled
    lines = np.flatnonzero(mask.any(1))
    cut[: int(lines.mean())] = 0
    return cut


def png(array):
    out = io.BytesIO()
    Image.fromarray(array.astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def write(folder, planted=(), arrays=None, save=np.save):
    """A set on disk; row -> kind of the planted fault."""
    rng = np.random.default_rng(0)
    for kind in ("images", "masks", "model"):
        (folder / kind).mkdir()
    lines = ["image,mask,model"]
    wrong = {}
    for row, (picture, mask) in enumerate(digits()):
        says = probabilities(mask, rng)
        if row in planted:
            wrong[row] = ("swapped", "shifted", "missing")[len(wrong) % 3]
            mask = faults(mask, wrong[row], rng)
        (folder / "images" / f"{row}.png").write_bytes(png(picture))
        (folder / "masks" / f"{row}.png").write_bytes(png(mask))
        save(folder / "model" / f"{row}.npy", (arrays or {}).get(row, says))
        lines.append(f"images/{row}.png,masks/{row}.png,model/{row}.npy")
    (folder / "data.csv").write_text("\n".join(lines) + "\n")
    return wrong


def judged(path, **roles):
    roles = {"probabilities": "model", "label_names": NAMES, **roles}
    table = curate.load(path, **roles)
    evidence = Evidence(table, EvidenceSettings(encoder="classic", workers=1))
    found = LabelErrors().find(evidence)
    return {line["row"]: line["reason"] for line in found.flagged.to_pylist()}, found, evidence


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    wrong = write(folder, planted=set(range(0, ROWS, 5)))
    return wrong, *judged(folder / "data.csv"), folder


def test_planted_faults_are_found_and_nothing_else(planted):
    wrong, flagged, found, evidence, _ = planted
    assert evidence.table.task.kind == "segmentation"
    assert len(found) == ROWS
    assert len(set(flagged) & set(wrong)) >= 0.95 * len(wrong)
    assert len(set(flagged) - set(wrong)) <= 0.02 * ROWS
    facts = found.facts["label_errors"]
    assert facts["method"] == "cleanlab.segmentation"
    assert facts["issues"] == len(flagged)
    assert facts["pixels"] == ROWS * SIDE * SIDE
    assert facts["not_judged"] == {"rows": 0, "reasons": {}}
    score = dict(zip(found.table["row"].to_pylist(), found.table["score"].to_pylist()))
    print({k: np.mean([score[r] for r in wrong if wrong[r] == k]) for k in ("swapped", "shifted", "missing")},
          np.mean([score[r] for r in score if r not in wrong]))
