"""What holds of every check: the form of its findings, for any state of a table, in any order of its rows."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from curate import findings, registry

NAMES = sorted(name for name, where in registry.step_names().items() if where.startswith("curate.checks."))
STATES = ("normal", "empty", "one_row", "tied", "one_class", "no_labels")
MODALITIES = ("text", "features", "mixed", "image", "audio", "series")


def _check(name, table):
    """The check with its defaults, None where it says that it is not for such a table."""
    check = registry.step(name)()
    reason = check.refuses(table.task)
    assert reason is None or len(reason.split()) > 3
    return None if reason else check


def _by_row(found):
    lines = found.table.drop_columns(["row", "group"]).to_pylist()
    return sorted(lines, key=lambda line: (line["issue"], line["row_id"]))


def _groups(found):
    members = {}
    for line in found.table.to_pylist():
        if line["group"] is not None:
            members.setdefault((line["issue"], line["group"]), set()).add(line["row_id"])
    return sorted((issue, sorted(ids)) for (issue, _), ids in members.items())


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("name", NAMES)
def test_findings_have_the_form_that_was_promised(name, modality, state, untouched, evidence_of):
    table = untouched(modality, state)
    if (check := _check(name, table)) is None:
        return
    evidence = evidence_of(modality, state)
    found = check.find(evidence)

    assert found.table.schema.equals(findings.SCHEMA)
    assert set(found.table["check"].to_pylist()) <= {name}
    rows = found.table["row"].to_numpy()
    assert found.table["row_id"].to_pylist() == table.row_ids[rows].tolist()
    score = found.table["score"].to_numpy()
    assert np.isfinite(score).all()
    assert ((score >= 0) & (score <= 1)).all()
    assert not found.table["is_issue"].null_count
    issues = set(found.table["issue"].to_pylist())
    assert issues <= set(check.issues), f"declare them: issues: ClassVar[tuple[str, ...]] = {tuple(sorted(issues))}"
    for issue in issues:
        own = found.only(issue=issue).table["row"].to_pylist()
        assert len(own) == len(set(own)), f"{issue} has a row twice"
    for line in found.flagged.to_pylist():
        assert line["reason"], f"{line} has no reason"
    lines = found.table.filter(found.table["suggested_label"].is_valid())
    assert set(lines["issue"].to_pylist()) <= set(check.suggests)
    unfixable = found.flagged.filter(
        pc.is_in(found.flagged["issue"], value_set=pa.array(list(check.unfixable), pa.string()))
    )
    assert not table.training[unfixable["row"].to_numpy()].any()
    suggested = set(found.table["suggested_label"].drop_null().to_pylist())
    assert suggested <= set(table.task.label_names)
    for check_facts in found.facts.values():
        assert all(isinstance(key, str) for key in check_facts)


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("name", NAMES)
def test_other_order_of_rows_same_findings(name, modality, table_of, evidence_of, reordered):
    if (check := _check(name, table_of(modality))) is None:
        return
    found, again = check.find(evidence_of(modality)), check.find(reordered(modality))
    assert len(found) == len(again)
    assert _groups(found) == _groups(again)
    for line, other in zip(_by_row(found), _by_row(again)):
        assert line.pop("score") == pytest.approx(other.pop("score"), abs=1e-4)
        assert line == other


@pytest.mark.parametrize("modality", ["text", "mixed"])
@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_findings(name, modality, table_of, evidence_of, fresh_evidence):
    table = table_of(modality)
    if (check := _check(name, table)) is None:
        return
    assert check.find(evidence_of(modality)).table.equals(check.find(fresh_evidence(table)).table)
