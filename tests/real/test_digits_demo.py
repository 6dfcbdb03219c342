"""The demo on a part of its training: the same data, pipeline and figures, one short run per network."""

import importlib
import re
from pathlib import Path

import pytest

import curate

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def demo():
    """The modules of `examples.digits`, which is no installed package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        names = ("make_data", "compare", "train", "__main__")
        yield {name: importlib.import_module(f"examples.digits.{name}") for name in names}


@pytest.fixture(scope="module")
def digits(demo, tmp_path_factory):
    """Folder, result of the quickstart pipeline, and truth."""
    folder = tmp_path_factory.mktemp("digits")
    demo["make_data"].make_data(folder)
    pipeline = curate.Pipeline.from_yaml(ROOT / "pipelines" / "quickstart.yaml")
    curated = pipeline.run(str(folder / "train"), folder / "curated", cache=None)
    return folder, curated, demo["compare"].Truth.read(folder / "truth.csv", curated)


@pytest.fixture(scope="module")
def found(demo, digits):
    _, curated, truth = digits
    return {line.fault: line for line in demo["compare"].detections(curated, truth)}


def test_equal_seeds_write_equal_bytes(demo, digits, tmp_path):
    demo["make_data"].make_data(tmp_path)
    first = {p.relative_to(digits[0]): p.read_bytes() for p in (digits[0] / "train").rglob("*") if p.is_file()}
    second = {p.relative_to(tmp_path): p.read_bytes() for p in (tmp_path / "train").rglob("*") if p.is_file()}
    assert first == second
    assert (tmp_path / "truth.csv").read_bytes() == (digits[0] / "truth.csv").read_bytes()


def test_faults_are_planted_as_promised(demo, digits):
    _, _, truth = digits
    genuine = (truth.fault == "") | (truth.fault == "flipped")
    sizes = [int((genuine & (truth.true == str(digit))).sum()) for digit in range(10)]
    assert (sizes[0], sizes[9]) == (140, 14)
    assert sizes == sorted(sizes, reverse=True)
    assert (truth.fault == "flipped").sum() == pytest.approx(0.12 * genuine.sum(), abs=2)
    look_alikes = demo["make_data"].LOOK_ALIKES
    assert all(
        int(given) in look_alikes[int(true)]
        for given, true in zip(truth.given[truth.fault == "flipped"], truth.true[truth.fault == "flipped"])
    )


def test_no_training_picture_is_tested_on(digits):
    folder, _, _ = digits
    trained = {path.read_bytes() for path in (folder / "train").rglob("*.png")}
    tested = [path.read_bytes() for path in (folder / "test").rglob("*.png")]
    assert len(tested) > 800
    assert not trained & set(tested)


def test_flipped_labels_are_found(found):
    assert found["flipped"].recall >= 0.85
    assert found["flipped"].precision >= 0.85


@pytest.mark.parametrize("fault", ["exact_copy", "conflicting_copy", "blank", "noise", "truncated"])
def test_what_is_certain_is_found_without_exception(found, fault):
    assert found[fault].found == found[fault].planted > 0
    assert found[fault].false_alarms == 0


def test_edited_copies_are_found(found):
    assert found["edited_copy"].recall >= 0.7
    assert found["edited_copy"].precision >= 0.7


def test_no_picture_is_lost_and_wrong_labels_become_rare(digits):
    _, curated, truth = digits
    kept = curated.plan["row"].to_numpy()
    genuine = truth.fault == ""
    assert set(truth.image[genuine]) - set(truth.image[kept]) == set()
    labels = [curated.label_names[code] for code in curated.verdict.codes[kept]]
    wrong = sum(label != true for label, true in zip(labels, truth.true[kept]))
    assert wrong <= 0.02 * len(kept)


def test_accounts_balance(digits):
    _, curated, truth = digits
    [account] = curated.accounts
    assert account["read"] == len(truth.fault) == account["kept"] + account["dropped"] + account["unreadable"]
    assert account["unreadable"] == (truth.fault == "truncated").sum()


def test_curated_training_beats_raw(demo, digits):
    folder, curated, truth = digits
    accuracies = demo["train"].accuracies(curated, folder, truth, seeds=1, steps=80)
    assert set(accuracies) == {"raw", "curated", "clean"}
    assert accuracies["curated"].mean() > accuracies["raw"].mean() + 0.01
    assert demo["compare"].recovered(accuracies) > 0.4


def test_a_broken_promise_is_said_and_ends_the_demo_with_1(demo, tmp_path, capsys):
    code = demo["__main__"].main(["--out", str(tmp_path), "--rows", "100", "--seeds", "1", "--steps", "1"])
    said = capsys.readouterr().out
    assert code == 1
    assert re.search(r"lost accuracy recovered.*broken", said)
    assert re.search(r"exact copies found.*100.0%.*holds", said)
    assert (tmp_path / "curated" / "report.html").is_file()
