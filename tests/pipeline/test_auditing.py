"""Audits go on where a check breaks down, and say so."""

import pytest

import curate
from curate.checks.exact_duplicates import ExactDuplicates
from curate.checks.label_errors import LabelErrors
from curate.errors import ConfigError, MissingPackage, StorageError
from curate.task import Task

DATA = {"text": [f"a text about number {i % 15}" for i in range(20)], "label": ["x", "y"] * 10}


@pytest.fixture
def broken(monkeypatch):
    def make(fault):
        def find(self, evidence):
            raise fault

        monkeypatch.setattr(ExactDuplicates, "find", find)

    return make


@pytest.fixture
def few(monkeypatch):
    """Only three checks run by default, to keep these tests quick."""
    from curate import registry

    names = {
        name: where for name, where in registry.step_names().items() if name in ("exact_duplicates", "missing_values")
    }
    monkeypatch.setattr(registry, "step_names", lambda: names)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (MissingPackage("faiss", "text", "near duplicates"), "needs the package 'faiss'"),
        (TypeError("odd"), "a fault of the check: TypeError: odd"),
        (FileNotFoundError(2, "gone"), "a fault of the check: FileNotFoundError"),
    ],
)
def test_a_check_that_breaks_down_is_skipped_and_named(few, broken, fault, words):
    broken(fault)
    report = curate.audit(DATA, cache=False)
    assert words in report.skipped["exact_duplicates"]
    assert "missing_values" in report.summary
    assert "exact_duplicates" not in report.summary
    assert report.document().skipped == dict(report.skipped)
    assert "not all was judged" in str(report).lower()


def test_faults_of_the_machine_stop_the_audit(few, broken):
    broken(StorageError("the disk is full"))
    with pytest.raises(StorageError):
        curate.audit(DATA, cache=False)


def test_checks_asked_for_by_name_are_never_skipped(broken):
    broken(TypeError("odd"))
    with pytest.raises(TypeError):
        curate.audit(DATA, checks=["exact_duplicates"], cache=False)


def test_faults_can_be_raised(few, broken):
    broken(TypeError("odd"))
    with pytest.raises(TypeError):
        curate.audit(DATA, cache=False, on_fault="raise")


def test_the_report_says_how_long_each_check_took():
    report = curate.audit(DATA, ["exact_duplicates", "unreadable"])
    seconds = report.document().facts["seconds_of_checks"]
    assert set(seconds) == {"exact_duplicates", "unreadable"}
    assert all(value >= 0 for value in seconds.values())


def test_images_are_not_embedded_for_masks_and_boxes():
    check = LabelErrors()
    places = [
        curate.Task(image="i", mask="m", kind="segmentation"),
        curate.Task(image="i", boxes="b", kind="detection"),
    ]
    assert not any(check.wants_embedding(task) for task in places)
    assert check.wants_embedding(curate.Task(image="i", label="l", kind="classification"))


def test_lists_among_several_columns_of_features_are_refused_by_name():
    columns = {"v": [[1.0, 2.0]] * 8, "x": list(range(8)), "y": ["a", "b"] * 4}
    task = Task(features=("v", "x"), label="y")
    with pytest.raises(ConfigError, match=r"the column 'v' holds list<.*double>, and each of several columns"):
        curate.audit(columns, task=task, cache=None)


def test_checks_that_use_up_measures_go_first_and_are_reported_in_their_place(monkeypatch):
    from curate.checks.missing_values import MissingValues
    from curate.checks.near_duplicates import NearDuplicates

    ran = []
    for kind in (ExactDuplicates, MissingValues, NearDuplicates):

        def noted(self, evidence, find=kind.find):
            ran.append(self.name)
            return find(self, evidence)

        monkeypatch.setattr(kind, "find", noted)
    names = ["exact_duplicates", "missing_values", "near_duplicates"]
    report = curate.audit(DATA, names, cache=False)
    assert ran == ["near_duplicates", "exact_duplicates", "missing_values"]
    assert list(report.summary) == names


def test_near_pairs_are_found_before_probabilities_are_held(monkeypatch):
    from curate.evidence.evidence import Evidence

    asked = []
    for name in ("near_pairs", "probabilities"):
        made = getattr(Evidence, name)

        def noted(self, *more, name=name, made=made, **named):
            asked.append(name)
            return made(self, *more, **named)

        monkeypatch.setattr(Evidence, name, noted)
    curate.audit(DATA, ["label_errors", "near_duplicates"], cache=False)
    assert asked.index("near_pairs") < asked.index("probabilities")
