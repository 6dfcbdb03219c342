"""spurious_correlations: planted shortcuts are found, on real evidence of images and texts."""

import io

import numpy as np
import pytest

import curate
from curate.checks.sets.shortcuts import class_aurocs
from curate.checks.spurious_correlations import SpuriousCorrelations
from curate.evidence import Evidence, EvidenceSettings


def images(levels, seed=0):
    from PIL import Image

    rng = np.random.default_rng(seed)
    found = []
    for level in levels:
        out = io.BytesIO()
        pixels = np.clip(rng.normal(level, 30, (16, 16, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(out, "PNG")
        found.append({"bytes": out.getvalue(), "path": None})
    return found


def evidence(columns, **roles):
    return Evidence(curate.load(columns, **roles), EvidenceSettings(encoder="classic", workers=1))


def test_a_class_of_dark_images_is_found_and_its_rows_flagged():
    rng = np.random.default_rng(0)
    label = rng.choice(["cat", "dog", "owl"], 240)
    level = np.where(label == "owl", 60, 150) + rng.normal(0, 12, 240)
    data = evidence({"image": images(level), "label": label.tolist()}, image="image", label="label")
    found = SpuriousCorrelations().find(data)
    assert set(found.flagged["row"].to_pylist()) == set(np.flatnonzero(label == "owl").tolist())
    shortcut = found.facts["spurious_correlations"]["shortcuts"][0]
    assert (shortcut["measure"], shortcut["class"]) == ("image.brightness", "owl")
    assert shortcut["auroc"] >= 0.98
    assert "image.brightness" in found.flagged["reason"][0].as_py()
    assert any("shortcuts?" in note for note in data.notes)


def test_without_a_shortcut_none_is_found_over_seeds():
    flagged = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        label, level = rng.choice(["a", "b", "c"], 90), 120 + rng.normal(0, 25, 90)
        found = SpuriousCorrelations().find(
            evidence({"image": images(level, seed), "label": label.tolist()}, image="image", label="label")
        )
        flagged += len(found.flagged)
    assert flagged == 0


def test_what_tells_texts_apart_is_told_but_no_row_is_flagged():
    rng = np.random.default_rng(1)
    label = rng.choice(["short", "long"], 300)
    texts = [
        " ".join(rng.choice(["ab", "cde", "fg"], 4 if one == "short" else 25)) + f" {i}" for i, one in enumerate(label)
    ]
    found = SpuriousCorrelations().find(evidence({"text": texts, "label": label.tolist()}, text="text", label="label"))
    assert not len(found.flagged)
    assert found.facts["spurious_correlations"]["answer"].startswith("Perhaps: text.")
    assert "no row is flagged" in found.facts["spurious_correlations"]["answer"]


def test_aurocs_of_bins_are_those_of_scikit_learn():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(2)
    codes, fold = rng.integers(0, 3, 600), rng.integers(0, 5, 600)
    bins = np.clip(codes + rng.integers(-1, 2, 600), 0, 3)
    auroc, low, high = class_aurocs(bins, codes, fold)
    for code in range(3):
        probability = np.empty(600)
        for k in range(5):
            learn = fold != k
            for b in range(4):
                inside = (codes[learn & (bins == b)] == code).sum()
                usual = (codes[learn] == code).mean() * 3
                total = (learn & (bins == b)).sum() + 3
                probability[(fold == k) & (bins == b)] = (inside + usual) / total
        assert auroc[code] == pytest.approx(roc_auc_score(codes == code, probability), abs=0.01)
        assert low[code] < auroc[code] < high[code]


@pytest.mark.parametrize("labels", [["a"] * 40, [None] * 40, ["a", "b"] * 3])
def test_one_class_no_labels_and_few_rows_say_so(labels):
    texts = [f"text {i} {'x' * i}" for i in range(len(labels))]
    task = {"text": "text", "label": "label", "label_names": ["a", "b"], "kind": "classification"}
    found = SpuriousCorrelations().find(evidence({"text": texts, "label": labels}, **task))
    assert not len(found.flagged)
    assert "Too few" in found.facts["spurious_correlations"]["answer"]
