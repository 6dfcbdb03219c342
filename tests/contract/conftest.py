"""Small tables of each modality in every state that a step must cope with, and the evidence of each, made once."""

import io

import numpy as np
import pytest

import curate
from curate.evidence import Evidence, EvidenceSettings

WORDS = ["the", "cat", "sat", "on", "a", "mat", "while", "dogs", "ran", "far", "away", "from", "big", "red", "barns"]
STATES = ("normal", "empty", "one_row", "tied", "one_class", "no_labels")
MODALITIES = ("text", "features", "mixed", "image", "audio", "series")


def _inputs(modality, rng, n):
    if modality == "text":
        return {"text": [" ".join(rng.choice(WORDS, 6)) for _ in range(n)]}
    if modality == "features":
        return {"features": rng.normal(size=(n, 4)).astype(np.float32)}
    if modality == "series":
        return {"series": rng.normal(size=(n, 40)).cumsum(1).astype(np.float32)}
    if modality == "mixed":
        size = [None if i % 9 == 4 else float(v) for i, v in enumerate(rng.normal(5, 2, n))]
        return {"size": size, "colour": rng.choice(["red", "green", "blue"], n).tolist()}
    return {modality: [{"bytes": _encoded(modality, rng), "path": None} for _ in range(n)]}


def _encoded(modality, rng):
    out = io.BytesIO()
    if modality == "image":
        from PIL import Image

        Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)).save(out, "PNG")
    else:
        import soundfile

        soundfile.write(out, rng.normal(0, 0.1, 2000), 8000, format="WAV")
    return out.getvalue()


def _table(modality, state):
    rng = np.random.default_rng(7)
    n = 12 if modality in ("image", "audio") else 30
    columns = _inputs(modality, rng, n)
    if state == "tied":
        columns = {name: [values[0]] * n for name, values in columns.items()}
    labels = [("a", "a", "a", "b", "b", "c")[i % 6] for i in range(n)]
    if state == "one_class":
        labels = ["a"] * n
    if state == "no_labels":
        labels = [None] * n
    columns |= {"label": labels, "split": ["test" if i % 6 == 5 or i == 6 else "train" for i in range(n)]}
    columns["id"] = [f"row{i:02d}" for i in range(n)]
    role = {"mixed": {"features": ("size", "colour")}}.get(modality, {modality: modality})
    task = curate.Task(
        kind="classification", label="label", label_names=("a", "b", "c"), split="split", id="id", **role
    )
    table = curate.load(columns, task=task)
    return table.select({"empty": [], "one_row": [0]}.get(state, range(n)))


@pytest.fixture(scope="session")
def table_of():
    """(modality, state) -> the table, always the same object."""
    made = {}

    def give(modality, state="normal"):
        if (modality, state) not in made:
            made[modality, state] = _table(modality, state)
        return made[modality, state]

    return give


@pytest.fixture(scope="session")
def fresh_evidence():
    """table -> new evidence of it, without a cache."""
    return lambda table: Evidence(table, EvidenceSettings(encoder="classic", folds=2, workers=1), seed=0)


@pytest.fixture(scope="session")
def evidence_of(table_of, fresh_evidence):
    """(modality, state) -> evidence, whose estimates all steps share."""
    made = {}

    def give(modality, state="normal"):
        if (modality, state) not in made:
            made[modality, state] = fresh_evidence(table_of(modality, state))
        return made[modality, state]

    return give


@pytest.fixture(scope="session")
def reordered(table_of, fresh_evidence):
    """modality -> evidence of the rows in another order."""
    made = {}

    def give(modality):
        if modality not in made:
            table = table_of(modality)
            made[modality] = fresh_evidence(table.select(np.random.default_rng(3).permutation(len(table))))
        return made[modality]

    return give


@pytest.fixture
def untouched(table_of):
    """Fails if a table that the test asked for by `untouched(modality, state)` is not the same afterwards."""
    seen = []

    def give(modality, state="normal"):
        table = table_of(modality, state)
        copies = (table.row_ids.copy(), table.content.copy(), table.labels.codes.copy())
        seen.append((table, table.rows(range(len(table))), copies))
        return table

    yield give
    for table, rows, copies in seen:
        assert table.rows(range(len(table))).equals(rows)
        for before, after in zip(copies, (table.row_ids, table.content, table.labels.codes)):
            np.testing.assert_array_equal(before, after)
