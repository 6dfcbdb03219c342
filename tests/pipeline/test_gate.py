"""Gates: their grammar, what they count, and what they refuse."""

import datasets
import numpy as np
import pyarrow as pa
import pytest

from curate.errors import ConfigError
from curate.findings import Findings
from curate.pipeline.gate import Gate, judge
from curate.table import Table
from curate.task import Task


@pytest.fixture(scope="module")
def table():
    """Twenty rows, the last five of them test."""
    columns = {"text": [f"t{i}" for i in range(20)], "split": ["train"] * 15 + ["test"] * 5}
    ids = np.array([f"r{i}" for i in range(20)], dtype=np.dtypes.StringDType())
    content = np.arange(40, dtype=np.uint64).reshape(-1, 2)
    return Table(datasets.Dataset(pa.table(columns)), Task(kind="unlabeled", text="text", split="split"), ids, content)


@pytest.fixture(scope="module")
def findings(table):
    """image_quality: rows 0 and 16 blurry, row 0 dark too; class_imbalance flags everything."""
    rows = np.arange(20)

    def of(check, issue, flagged):
        flags = np.isin(rows, flagged)
        return Findings.of(check, issue, rows, table.row_ids, np.where(flags, 0.0, 1.0), flags)

    return Findings.join(
        [of("image_quality", "blurry", [0, 16]), of("image_quality", "dark", [0]), of("class_imbalance", "rare", rows)]
    )


@pytest.mark.parametrize(
    ("text", "flagged", "rows", "failed"),
    [
        ("image_quality > 1", 2, 20, True),
        ("image_quality > 2", 2, 20, False),
        ("image_quality >= 2", 2, 20, True),
        ("image_quality > 9.9%", 2, 20, True),
        ("image_quality > 10%", 2, 20, False),
        ("image_quality >= 10 %", 2, 20, True),
        ("image_quality.dark > 0", 1, 20, True),
        ("image_quality.dark[test] > 0", 0, 5, False),
        (" image_quality . blurry".replace(" . ", ".") + " [ test ]>19.5%", 1, 5, True),
        ("image_quality[train] > 0", 1, 15, True),
        ("any > 10%", 2, 20, False),
        ("any[test] > 0", 1, 5, True),
        ("class_imbalance > 50%", 20, 20, True),
    ],
)
def test_gates_count_rows_once(findings, table, text, flagged, rows, failed):
    found = Gate.parse(text).judge(findings, table)
    assert (found.flagged, found.rows, found.failed) == (flagged, rows, failed)
    assert f"{flagged} of {rows} rows" in found.sentence
    assert ("failed" in found.sentence) == failed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("label_errors", "can't read"),
        ("label_errors < 3", "can't read"),
        ("label_errors > -3", "can't read"),
        ("label_errors > 2%%", "can't read"),
        ("label_errors > 1e3", "can't read"),
        ("label_erors > 2", "did you mean 'label_errors'"),
        ("label_errors[] > 2", "names no split"),
        ("any.blurry > 2", "stands for all checks"),
        ("label_errors > 101%", "can never fail"),
    ],
)
def test_wrong_gates(text, words):
    with pytest.raises(ConfigError, match=words):
        Gate.parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("outliers > 0", "judged no row; judged were image_quality, class_imbalance"),
        ("image_quality.blury > 0", "did you mean 'blurry'"),
        ("image_quality[tset] > 0", "did you mean 'test'"),
    ],
)
def test_gates_about_nothing(findings, table, text, words):
    with pytest.raises(ConfigError, match=words):
        Gate.parse(text).judge(findings, table)


def test_only_new_findings_count(findings, table):
    new = np.zeros(len(findings), bool)
    new[16] = True  # row 16, blurry
    found = Gate.parse("image_quality > 0").judge(findings, table, new)
    assert (found.flagged, found.failed) == (1, True)
    assert "1 new of 20 rows" in found.sentence
    assert not Gate.parse("image_quality.dark > 0").judge(findings, table, new).failed


def test_a_gate_on_a_check_that_could_not_run_is_never_passed(findings, table):
    gates = [Gate.parse("outliers > 5%"), Gate.parse("image_quality > 5")]
    outcomes, unjudged = judge(gates, findings, table, skipped={"outliers": "a package is missing"})
    assert [one.failed for one in outcomes] == [False]
    assert unjudged == ["gate not judged: outliers > 5%: outliers could not run: a package is missing"]
