"""importance_weights on sms_spam: the shares of the classes in rows whose labels are not looked at."""

import numpy as np
import pytest

import curate
from curate.balance.importance_weights import ImportanceWeights
from curate.evidence import Evidence, EvidenceSettings


@pytest.fixture(scope="module")
def shifted(shared_data):
    """Training rows with 9 % of spam, and 500 rows of another split with 60 %."""
    table = curate.load(shared_data / "sms_spam" / "sms.parquet")
    texts, codes = table.column(table.task.text).to_pylist(), table.labels.codes
    rng = np.random.default_rng(0)
    spam = rng.permutation(np.flatnonzero(codes == table.labels.names.index("spam")))
    ham = rng.permutation(np.flatnonzero(codes == table.labels.names.index("ham")))
    rows = np.concatenate([spam[300:], ham[200:], spam[:300], ham[:200]])
    columns = {
        "text": [texts[row] for row in rows],
        "label": [table.labels.names[codes[row]] for row in rows],
        "split": ["train"] * (len(rows) - 500) + ["test"] * 500,
    }
    task = {"kind": "classification", "text": "text", "label": "label", "split": "split", "target": "test"}
    return Evidence(curate.load(columns, task=task), EvidenceSettings(), seed=0)


@pytest.mark.parametrize("method", ["bbse", "em"])
def test_the_share_of_spam_is_found(shifted, method):
    decided = ImportanceWeights(method=method).decide(shifted.labels, shifted, np.random.default_rng(0)).table
    row = {str(row_id): place for place, row_id in enumerate(shifted.table.row_ids)}
    weights = np.array([float(after) for after in decided["after"].to_pylist()])
    codes = shifted.labels.codes[[row[row_id] for row_id in decided["row_id"].to_pylist()]]
    is_spam = codes == shifted.labels.names.index("spam")
    assert is_spam.mean() == pytest.approx(0.09, abs=0.01)
    assert weights[is_spam].sum() / weights.sum() == pytest.approx(0.6, abs=0.03)
