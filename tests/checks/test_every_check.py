"""What holds of checks on invented evidence: degenerate input, splits, missing labels and vectors, order of rows.

Checks that look into content itself (quality of media, near-duplicates) have real evidence in tests/contract.
"""

import json
import pickle

import numpy as np
import pytest

from curate import registry

NAMES = [
    name
    for name, where in registry.step_names().items()
    if where.startswith("curate.checks.") and name in {
        "class_imbalance", "exact_duplicates", "label_errors", "label_spelling", "missing_values", "outliers",
        "text_quality", "unreadable",
    }
]  # fmt: skip


def measures(n, rng):
    def number(low, high):
        return rng.uniform(low, high, n).astype(np.float32)

    text = {
        "characters": rng.integers(0, 60, n), "words": rng.integers(0, 9, n), "alphabetic_fraction": number(0, 1),
        "digit_fraction": number(0, 1), "symbol_fraction": number(0, 0.1),
        "replacement_characters": rng.integers(0, 2, n),
        "repeated_words": number(0, 1), "repeated_parts": number(0, 1), "longest_run": rng.integers(0, 20, n),
        "emoji_fraction": number(0, 1),
        "markup": rng.integers(0, 2, n), "hidden_characters": rng.integers(0, 2, n), "mojibake": rng.integers(0, 2, n),
        "control_characters": rng.integers(0, 2, n), "lookalike_letters": rng.integers(0, 2, n),
        "language": rng.choice(["en", "de", ""], n).astype(np.dtypes.StringDType()),
        "language_confidence": number(0, 1),
        "second_language": rng.choice(["de", ""], n).astype(np.dtypes.StringDType()),
        "second_margin": number(0, 40), "second_fraction": number(0, 1),
        **{f"{kind}_count": rng.integers(0, 2, n) for kind in ("email", "phone", "iban", "card", "secret")},
    }  # fmt: skip
    return {f"text.{name}": values for name, values in text.items()}


@pytest.fixture
def messy(table_of, evidence_of):
    """Evidence of n rows with doubles, missing labels, rare classes, splits, tied and missing vectors."""

    def build(n, role="text", classes=4, seed=0, labelled=True):
        rng = np.random.default_rng(seed)
        names = np.array(["cat", "dog", "Dog", "owl"][:classes], dtype=object)
        labels = names[rng.choice(len(names), n)] if labelled else np.full(n, None)
        labels[rng.random(n) < 0.1] = None
        texts = [f"some text about thing {i % max(1, n // 3)}" for i in range(n)]
        split = rng.choice(["train", "train", "validation", "test"], n)
        columns = {role: texts, "label": labels.tolist(), "split": split.tolist()}
        table = table_of(columns, **{role: role}, label="label", split="split", label_names=tuple(names))
        vectors = rng.normal(size=(n, 8)).astype(np.float32)
        vectors[n // 2 :] = vectors[: n - n // 2] + 0.01 * rng.normal(size=(n - n // 2, 8))
        p = rng.dirichlet(np.ones(classes), n)
        if n > 4:
            vectors[4], p[3] = np.nan, np.nan
        broken = {1: "cut off"} if n > 4 else {}
        return evidence_of(table, vectors=vectors, probabilities=p, measures=measures(n, rng), broken=broken)

    return build


def lines(findings):
    """Findings as a set of lines without positions."""
    return sorted(map(repr, findings.table.drop_columns(["row"]).to_pylist()))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [0, 1, 3, 60])
@pytest.mark.parametrize("classes", [1, 4])
@pytest.mark.parametrize("labelled", [True, False])
def test_every_size_and_shape_gives_findings_with_reasons(messy, name, n, classes, labelled):
    evidence = messy(n, "text", classes, labelled=labelled)
    findings = registry.step(name)().find(evidence)
    flagged = findings.flagged
    assert all(reason for reason in flagged["reason"].to_pylist())
    unflagged = findings.table.filter(np.logical_not(findings.table["is_issue"].to_numpy(zero_copy_only=False)))
    assert not any(unflagged["reason"].to_pylist())
    json.dumps(findings.facts, allow_nan=False)
    rows = findings.table["row"].to_numpy()
    if name != "unreadable":
        assert evidence.active[rows].all()
    assert set(findings.table["check"].to_pylist()) <= {name}


@pytest.mark.parametrize("name", NAMES)
def test_reordering_rows_reorders_findings_and_changes_nothing_else(messy, name):
    evidence = messy(80, "text")
    step = registry.step(name)()
    order = np.random.default_rng(1).permutation(80)
    moved = evidence.select(order)
    assert lines(step.find(evidence)) == lines(step.find(moved))


@pytest.mark.parametrize("name", NAMES)
def test_finding_twice_is_the_same_and_leaves_the_evidence_alone(messy, name):
    evidence = messy(50, "text")
    before = pickle.dumps((evidence.active, evidence.labels.codes, evidence._probabilities, evidence._vectors))
    step = pickle.loads(pickle.dumps(registry.step(name)()))  # noqa: S301 - our own bytes
    assert step.find(evidence).table.equals(step.find(evidence).table)
    assert before == pickle.dumps((evidence.active, evidence.labels.codes, evidence._probabilities, evidence._vectors))


@pytest.mark.parametrize("name", NAMES)
def test_tied_rows_raise_nothing_and_are_no_outliers(table_of, evidence_of, name):
    n, role = 30, "text"
    table = table_of({role: ["same"] * n, "label": ["a", "b"] * 15}, **{role: role}, label="label")
    rng = np.random.default_rng(0)
    tied = {key: np.repeat(values[:1], n) for key, values in measures(n, rng).items()}
    evidence = evidence_of(table, vectors=np.ones((n, 4)), probabilities=np.full((n, 2), 0.5), measures=tied)
    findings = registry.step(name)().find(evidence)
    assert name != "outliers" or not len(findings.flagged)


@pytest.mark.parametrize("name", NAMES)
def test_settings_have_sentences_and_survive_their_own_dump(name):
    step = registry.step(name)
    assert all(field.description for field in step.model_fields.values())
    assert step(**step(limit=0.25).changed()) == step(limit=0.25)
    assert "score" in (step.__doc__ or "").lower()
    assert "cost" in (step.__doc__ or "").lower()
