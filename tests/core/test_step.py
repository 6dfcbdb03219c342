"""What every step refuses: settings that can't mean anything."""

import pytest

from curate import registry
from curate.cli import invoke
from curate.errors import ConfigError
from curate.step import Check
from curate.steps import ConflictingLabels, Drift
from curate.task import Task

CHECKS = sorted(name for name, where in registry.step_names().items() if where.startswith("curate.checks."))
SUGGESTING = {"annotators", "class_overlap", "conflicting_labels", "label_errors", "label_spelling"}
FLAGLESS = {"learning_curve", "order_dependence"}


@pytest.mark.parametrize("issue", ["exat", ["near", "exat"]])
def test_a_mistyped_issue_of_a_fix_is_refused_with_the_nearest(issue):
    for fix in ({"drop": {"issue": issue}}, {"drop": {"issue": "near"}, "otherwise": {"review": {"issue": issue}}}):
        with pytest.raises(
            ConfigError, match=r"finds no issue 'exat' \(did you mean 'exact'\?\); it finds exact, near"
        ):
            ConflictingLabels(fix=fix)


def test_one_issue_needs_no_list():
    assert ConflictingLabels(fix={"drop": {"issue": "near"}}).fix == {"drop": {"issue": "near"}}


@pytest.mark.parametrize("name", CHECKS)
def test_a_fix_that_can_change_nothing_is_refused(name):
    check = registry.step(name)
    refused = set()
    for fix in registry.fix_names():
        try:
            check(fix=fix)
        except ConfigError:
            refused.add(fix)
    assert ("relabel" in refused) == (name not in SUGGESTING)
    if name in FLAGLESS:
        assert refused == set(registry.fix_names())
    elif name == "unreadable":
        assert refused == {"relabel", "soften", "weight"}
    else:
        assert "review" not in refused


@pytest.mark.parametrize(
    ("name", "fix", "why"),
    [
        ("annotators", {"relabel": {"issue": "disputed_label"}}, "suggests no labels but for outvoted_label"),
        ("label_errors", {"drop": {}, "otherwise": "review"}, "the fix review never gets a row"),
        (
            "annotators",
            {"drop": {"issue": ["outvoted_label"]}, "otherwise": {"relabel": {"issue": "outvoted_label"}}},
            "the fix relabel never gets a row",
        ),
        ("expectations", {"keep": {}, "otherwise": "drop"}, "the fix drop never gets a row"),
        ("drift", {"drop": {"issue": "foreign"}}, "held-out splits, which no fix touches"),
    ],
)
def test_conditions_that_leave_a_fix_nothing_are_refused(name, fix, why):
    with pytest.raises(ConfigError, match=why):
        registry.step(name)(fix=fix)


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("annotators", {"drop": {"issue": "outvoted_label"}, "otherwise": "review"}),
        ("label_errors", {"drop": {"max_score": 0.1}, "otherwise": "review"}),
        ("label_errors", {"relabel": {}, "otherwise": "soften"}),
        ("expectations", {"drop": {"issue": "a_rule"}, "otherwise": "review"}),
        ("drift", {"drop": {"issue": ["foreign", "unlike_target"]}}),
    ],
)
def test_fixes_that_leave_each_other_rows_are_taken(name, fix):
    assert registry.step(name)(fix=fix).fix == fix


def test_a_check_of_another_package_may_suggest_labels():
    class Foreign(Check):
        """Finds nothing in particular."""

    assert Foreign(fix="relabel").fix == "relabel"


def test_a_fix_of_held_out_rows_alone_is_refused_for_the_task():
    assert "no fix touches" in Drift(fix="drop").refuses(Task(text="text", split="split"))
    assert Drift(fix="drop").refuses(Task(text="text", split="split", target="test")) is None
    assert Drift().refuses(Task(text="text", split="split")) is None


def test_validate_says_where_a_fix_can_do_nothing(tmp_path, capsys):
    file = tmp_path / "p.yaml"
    file.write_text("curate: 1\nsteps:\n  - exact_duplicates: {fix: drop}\n  - exact_duplicates: {fix: relabel}\n")
    assert invoke(["validate", str(file)]) == 2
    said = "".join(capsys.readouterr())
    assert f"{file}:4:" in said
    assert "exact_duplicates suggests no labels, so that the fix relabel can do nothing" in said
