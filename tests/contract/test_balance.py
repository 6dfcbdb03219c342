"""What holds of every balance step: entries that the ledger takes, about active training rows alone."""

import numpy as np
import pytest

from curate import ledger, registry

NAMES = sorted(name for name, where in registry.step_names().items() if where.startswith("curate.balance."))
STATES = ("normal", "empty", "one_row", "tied", "one_class", "no_labels")
SETTINGS = {
    "balanced_ensemble": [
        {"members": 3},
        {"members": 2, "method": "balanced_bagging"},
        {"members": 2, "method": "balanced_forest", "to": "median"},
        {"members": 4, "method": "partition", "to": 2},
    ],
    "class_weights": [
        {},
        {"method": "effective_number"},
        {"method": "median"},
        {"max_ratio": 1.5},
        {"max_weight": 1.2},
        {"method": "cost_matrix", "costs": {"a": {"b": 5}}, "confusions": "estimated"},
        {"method": "values", "values": {"b": 3}},
    ],
    "focal_weights": [{}, {"gamma": 1, "min_posterior": 0, "max_weight": 2}],
    "group_weights": [{"column": "label"}, {"column": "label", "by": "class_and_group", "method": "independence"}],
    "oversample": [{}, {"to": "mean"}, {"to": 40, "max_copies": 2}, {"to": 0.5}],
    "undersample": [{}, {"to": "median"}, {"which": "redundant"}, {"which": "doubtful"}],
    "select": [
        {"share": 0.5},
        {"method": "stratified", "rows": 9},
        {"method": "k_centre", "rows": 6, "min_per_class": 1},
        {"method": "facility_location", "share": 0.4},
        {"method": "herding", "rows": 2, "per_class": True},
        {"method": "uncertainty", "share": 0.3, "by": "entropy"},
        {"method": "uncertainty", "rows": 5, "by": "el2n", "keep": "middle"},
        {"method": "diversity", "tokens": 40},
        {"method": "quality", "rows": 5, "measure": "text.words"},
    ],
    "resample": [
        {},
        {"to": "median", "max_copies": 2},
        {"method": "random_under"},
        {"method": "near_miss", "k": 2},
        {"method": "tomek_links", "to": "all"},
        {"method": "all_knn", "kind_sel": "mode"},
        {"method": "neighbourhood_cleaning_rule"},
        {"method": "one_sided_selection"},
        {"method": "cluster_centroids", "voting": "hard"},
        {"method": "smote"},
    ],
    "smooth_labels": [{}, {"by": "class_similarity"}, {"by": "noise"}, {"by": "noise", "epsilon": "estimated"}],
}
CASES = [(name, settings) for name in NAMES for settings in SETTINGS.get(name, [{}])]


def _decided(name, settings, evidence):
    """What the step decides; nothing where it says that it is not for such a table (`vote_labels` without votes)."""
    step = registry.step(name)(**settings)
    if why := step.refuses(evidence.table.task):
        assert len(why.split()) > 5
        return ledger.Decisions()
    return step.decide(evidence.labels, evidence, np.random.default_rng(5))


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_entries_are_about_active_training_rows_and_classes(name, settings, state, untouched, evidence_of):
    table = untouched("text", state)
    evidence = evidence_of("text", state)
    decided = _decided(name, settings, evidence)

    assert decided.table.schema.equals(ledger.SCHEMA)
    allowed = set(table.row_ids[evidence.active & table.training & table.labels.known].tolist())
    for entry in decided.table.to_pylist():
        assert entry["action"] in ("repeat", "weight", "soften", "drop", "subset", "synthesize")
        assert entry["reason"]
        assert entry["step"] == name
        if entry["row_id"] is None:
            assert entry["before"] in table.task.label_names
        else:
            assert entry["row_id"] in allowed
    verdict = ledger.combine(decided, table.row_ids, table.labels.codes, table.task.label_names)
    assert np.isfinite(verdict.class_weights).all()
    assert (verdict.class_weights > 0).all()
    np.testing.assert_allclose(verdict.class_soft.sum(1), 1, atol=1e-6)
    assert (verdict.repeats >= 0).all()


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_other_order_of_rows_same_entries(name, settings, evidence_of, reordered):
    def entries(decided):
        lines = decided.table.drop_columns(["score", "after"]).to_pylist()
        return sorted(lines, key=lambda line: (line["row_id"] or "", line["before"] or ""))

    here, there = _decided(name, settings, evidence_of("text")), _decided(name, settings, reordered("text"))
    assert entries(here) == entries(there)
    table = evidence_of("text").table
    verdicts = [ledger.combine(d, table.row_ids, table.labels.codes, table.task.label_names) for d in (here, there)]
    np.testing.assert_array_equal(verdicts[0].repeats, verdicts[1].repeats)
    np.testing.assert_allclose(verdicts[0].class_weights, verdicts[1].class_weights)
    np.testing.assert_allclose(verdicts[0].class_soft, verdicts[1].class_soft, atol=1e-5)


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_same_generator_same_entries(name, settings, evidence_of):
    evidence = evidence_of("text")
    assert _decided(name, settings, evidence).table.equals(_decided(name, settings, evidence).table)
