"""unreadable: rows that could not be read, with the reason."""

import numpy as np

from curate.checks.unreadable import Unreadable


def test_unreadable_rows_score_zero_with_what_went_wrong(table_of, evidence_of):
    table = table_of({"image": list("abcd")}, image="image")
    active = np.array([True, True, True, False])
    findings = Unreadable().find(evidence_of(table, broken={1: "the file ends after 12 bytes"}, active=active))
    assert findings.table["row"].to_pylist() == [0, 1, 2]
    assert findings.table["score"].to_pylist() == [1, 0, 1]
    assert findings.flagged["reason"].to_pylist() == ["the file ends after 12 bytes"]
