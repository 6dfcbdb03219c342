"""Settings that do nothing for the method are refused, and steps that have nothing to do say so."""

import numpy as np
import pytest

import curate
from curate import registry
from curate.errors import ConfigError
from curate.evidence import Evidence, EvidenceSettings

IDLE = [
    ("select", {"rows": 5, "by": "entropy"}, "by is for method: uncertainty"),
    ("select", {"rows": 5, "method": "k_centre", "keep": "easiest"}, "keep is for method: uncertainty"),
    ("select", {"rows": 5, "measure": "text.words"}, "measure is for method: quality"),
    ("select", {"rows": 5, "method": "herding", "similarity": 0.9}, "similarity is for method: diversity"),
    ("select", {"rows": 5, "per_class": True, "min_per_class": 2}, "min_per_class says nothing"),
    ("class_weights", {"beta": 0.9}, "beta is for method: effective_number"),
    ("group_weights", {"beta": 0.9}, "beta is for method: effective_number"),
    ("label_set_weights", {"method": "mean", "beta": 0.9}, "beta says nothing with form: inverse"),
    ("smooth_labels", {"temperature": 0.5}, "temperature is for by: class_similarity"),
    ("pseudo_label", {"method": "fixed", "max_error": 0.1}, "max_error is for method: calibrated"),
    ("pseudo_label", {"min_confidence": 0.8}, "min_confidence is for method: flexible or fixed"),
    ("synthesize", {"epochs": 5}, "epochs is for method: vae"),
    ("synthesize", {"method": "vae", "prompt": "{label}"}, "prompt is for method: transformers"),
    ("synthesize", {"method": "transformers:gpt", "min_distance": 0.1}, "min_distance is for method: gaussian_copula"),
    ("teacher_labels", {"out_of_fold": False}, "out_of_fold is for teacher: python"),
    ("teacher_labels", {"classes": {"a": "b"}}, "classes is for teacher: transformers"),
    ("resample", {"method": "smote", "space": "embedding"}, "no use for space"),
    ("resample", {"method": "random_under", "scale": "standard"}, "no use for scale"),
    ("resample", {"few": "leave"}, "looks at no neighbours"),
    ("resample", {"beta": 0.9}, "beta is for to: effective alone"),
    ("resample", {"method": "mlsmote", "max_ratio": 2.0}, "no use for max_ratio"),
]


@pytest.mark.parametrize(("name", "settings", "message"), IDLE)
def test_what_does_nothing_is_refused(name, settings, message):
    with pytest.raises(ConfigError, match=message):
        registry.step(name)(**settings)


def evidence_of(labels):
    values = np.random.default_rng(0).normal(size=(len(labels), 3)).astype(np.float32)
    task = curate.Task(kind="classification", features="features", label="label", label_names=("a", "b"))
    columns = {"features": values, "label": labels}
    return Evidence(curate.load(columns, task=task), EvidenceSettings(encoder="classic", folds=2, workers=1))


@pytest.mark.parametrize("name", ["oversample", "undersample", "resample", "synthesize", "balanced_ensemble"])
@pytest.mark.parametrize(
    ("labels", "why"), [(["a"] * 12, "class 'a'|1 class"), ([None] * 12, "no training row has a label")]
)
def test_one_class_and_no_rows_are_told(name, labels, why):
    evidence = evidence_of(labels)
    registry.step(name)().decide(evidence.labels, evidence, np.random.default_rng(0))
    [note] = [note for note in evidence.notes if note.startswith(f"{name}: ")]
    assert "nothing to balance" in note
    assert any(part in note for part in why.split("|"))


@pytest.mark.parametrize("name", ["class_weights", "focal_weights", "smooth_labels", "teacher_labels"])
def test_no_labelled_rows_are_told(name):
    evidence = evidence_of([None] * 12)
    assert not len(registry.step(name)().decide(evidence.labels, evidence, np.random.default_rng(0)))
    assert [note for note in evidence.notes if note.startswith(f"{name}: ")]
