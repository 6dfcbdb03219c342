"""Hand-made tables and findings, small enough to count by hand."""

import datasets
import numpy as np
import pyarrow as pa
import pytest

from curate.findings import Findings
from curate.table import Table
from curate.task import Task

MEDIA = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@pytest.fixture(scope="session")
def make_table():
    """(columns, task, ...) -> Table with the row ids r0, r1, ..."""

    def make(columns, task, ids=None, **others):
        data = pa.table(columns)
        ids = [f"r{i}" for i in range(data.num_rows)] if ids is None else ids
        content = np.arange(2 * data.num_rows, dtype=np.uint64).reshape(-1, 2)
        return Table(datasets.Dataset(data), task, np.array(ids, dtype=np.dtypes.StringDType()), content, **others)

    return make


@pytest.fixture(scope="session")
def animals(make_table):
    """Ten texts of three classes; rows 7 to 9 are validation, row 9 is unreadable."""
    labels = ["cat", "cat", "cat", "dog", "dog", "dog", "fish", "cat", "dog", None]
    columns = {
        "text": [*(f"this is text number {i}" for i in range(9)), None],
        "label": labels,
        "split": ["train"] * 7 + ["validation"] * 3,
    }
    task = Task(kind="classification", text="text", label="label", split="split", label_names=("cat", "dog", "fish"))
    origin = pa.table({"file": pa.array(["animals.csv"] * 10).dictionary_encode(), "line": list(range(2, 12))})
    problems = pa.table({"row": [9], "issue": ["unreadable"], "reason": ["2 cells where 3 are expected"]})
    return make_table(columns, task, source="animals.csv", origin=origin, problems=problems)


@pytest.fixture(scope="session")
def findings(animals):
    """Two wrong labels (rows 1 and 3), one pair of duplicates (0 and 2), one unreadable row (9)."""
    ids, nine, ten = animals.row_ids, np.arange(9), np.arange(10)
    wrong = np.isin(nine, (1, 3))
    labels = Findings.of(
        "label_errors",
        "label_error",
        nine,
        ids,
        np.where(wrong, [0.9, 0.1, 1, 0.05, 1, 1, 1, 1, 1], 0.9),
        wrong,
        suggested_label=[None, "dog", None, "fish", *[None] * 5],
        reason={1: "looks like a dog", 3: "looks like a fish"},
        facts={"estimated_noise_rate": 0.2, "confusions": [], "odd": float("nan")},
    )
    group = np.full(9, -1)
    group[[0, 2]] = 4
    copies = Findings.of(
        "exact_duplicates",
        "exact_duplicate",
        nine,
        ids,
        np.where(nine == 2, 0.0, 1.0),
        nine == 2,
        group=group,
        reason={2: "has the same content as row r0"},
    )
    broken = Findings.of(
        "unreadable", "unreadable", ten, ids, np.where(ten == 9, 0.0, 1.0), ten == 9, reason={9: "2 cells"}
    )
    fine = Findings.of("text_quality", "shouting", nine, ids, np.ones(9), np.zeros(9, bool))
    return Findings.join([labels, copies, broken, fine])
