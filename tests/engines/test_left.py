"""What machines say of rows and classes lies in the cache, and is read there; results are those of one process."""

import copy
import pickle

import numpy as np
import pytest
from fake_ray import FakeRay
from test_parts import Weighing, unit
from test_parts import lying as lying_in_parts

import curate
from curate.balance.selection.difficulty import difficulty
from curate.checks.class_overlap import ClassOverlap
from curate.checks.label_errors import LabelErrors
from curate.checks.labels import confident_learning, pruning
from curate.checks.near_duplicates import NearDuplicates
from curate.checks.weak_slices import WeakSlices
from curate.engines.engine import Absent, using
from curate.engines.ray_engine import RayEngine
from curate.evidence import confident
from curate.evidence.answers import Answers
from curate.evidence.cache import Cache
from curate.evidence.chunks import LeftArray
from curate.evidence.estimates import LEFT_BACK, NOT_LEFT, Estimates
from curate.evidence.evidence import Evidence
from curate.evidence.parts import left, lying
from curate.evidence.parts.left import ArrayWriter, PlacedRows
from curate.evidence.probabilities import cross_validated
from curate.evidence.settings import EvidenceSettings

ROWS, CLASSES, WIDTH = 500, 50, 12


def embedded(rows=ROWS, classes=CLASSES, sets=False):
    """Rows around the middles of classes, every 11th label wrong, some copies, some without a label."""
    rng = np.random.default_rng(0)
    middles = rng.normal(size=(classes, WIDTH))
    true = np.arange(rows) % classes
    vectors = (middles[true] + rng.normal(0, 0.6, (rows, WIDTH))).round(4)
    given = np.where(np.arange(rows) % 11 == 4, (true + 1) % classes, true)
    texts = [f"a text with the number {row} and words of its own, of which there are several" for row in range(rows)]
    texts[1::50] = [f"{text} indeed" for text in texts[0::50]]
    names = [f"class {code:02}" for code in given]
    label = [[name, "all"] if row % 2 else [name] for row, name in enumerate(names)] if sets else names
    if not sets:
        label[5::97] = [None] * len(label[5::97])
    kind = "multilabel" if sets else "classification"
    task = curate.Task(kind=kind, text="text", label="label", embedding="vector")
    return curate.load({"text": texts, "label": label, "vector": vectors.tolist()}, task=task)


def evidence_of(table, cache):
    return Evidence(table, EvidenceSettings(), cache=cache)


def estimates(evidence):
    probabilities, noise = evidence.probabilities(), evidence.noise()
    return {
        "probabilities": np.asarray(probabilities.values),
        "valid": probabilities.valid,
        "posterior": np.asarray(noise.posterior),
        "joint": noise.joint,
        "rate": np.array([noise.rate, noise.informed]),
    }


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


@pytest.fixture(scope="module")
def table():
    return embedded()


@pytest.fixture(scope="module")
def here(table):
    return estimates(evidence_of(table, None))


def there(table, cache, ray):
    with using(RayEngine(ray)):
        evidence = evidence_of(table, cache)
        return evidence, estimates(evidence)


def test_what_heads_say_of_rows_and_classes_goes_through_no_other_process(tmp_path, table, here):
    ray = Weighing()
    evidence, found = there(table, tmp_path, ray)
    same(found, here)
    assert isinstance(evidence.probabilities().values, PlacedRows)
    assert isinstance(evidence.noise().posterior, PlacedRows)
    assert not evidence.notes
    assert ray.done >= 17  # ten pairs of folds, five folds, what they come to, the noise
    matrix = here["probabilities"].nbytes
    assert sum(ray.back) < matrix
    voters = 64 * 8 * ROWS
    assert max(ray.sent) < matrix + 100 * ROWS < matrix + voters
    assert Cache(tmp_path).verify() == []
    assert not list(tmp_path.rglob("*.partial"))


def test_without_a_cache_it_comes_back_and_that_is_said(table, here):
    ray = Weighing()
    evidence, found = there(table, None, ray)
    same(found, here)
    assert isinstance(evidence.probabilities().values, np.ndarray)
    assert evidence.notes == [NOT_LEFT]
    assert sum(ray.back) > 4 * here["probabilities"].nbytes


@pytest.mark.parametrize("first", ["here", "there"])
def test_one_process_and_a_cluster_know_each_others_estimates(tmp_path, table, here, first):
    for where in (first, {"here": "there", "there": "here"}[first]):
        ray = FakeRay()
        if where == "here":
            evidence = evidence_of(table, tmp_path)
            same(estimates(evidence), here)
        else:
            evidence, found = there(table, tmp_path, ray)
            same(found, here)
            assert isinstance(evidence.noise().posterior, PlacedRows)
    assert all(fact["from_cache"] for fact in evidence.facts()["estimates"].values())
    assert not ray.done


def test_a_table_in_another_order_has_the_same_rows(tmp_path, table, here):
    there(table, tmp_path, FakeRay())
    order = np.random.default_rng(1).permutation(ROWS)
    ray = FakeRay()
    _, found = there(table.select(order), tmp_path, ray)
    same(found, {name: array[order] if len(array) == ROWS else array for name, array in here.items()})
    assert not ray.done


def test_a_damaged_file_is_noticed_and_made_anew(tmp_path, table, here):
    there(table, tmp_path, FakeRay())
    path = next(tmp_path.rglob("rows_values.npy"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    ray = FakeRay()
    _, found = there(table, tmp_path, ray)
    same(found, here)
    assert ray.done


def test_what_goes_before_it_is_mapped_is_made_anew(tmp_path):
    notes = []

    def compute(writer):
        if writer is None:
            return {"rows_values": np.ones((3, 2))}
        written = writer.written(np.ones((3, 2)))
        written.path.unlink()
        return {"rows_values": written}

    with using(RayEngine(FakeRay())):
        found = Estimates(Cache(tmp_path), np.arange(3), notes.append).left("what", (), compute)
    np.testing.assert_array_equal(found["rows_values"], np.ones((3, 2)))
    assert notes == [LEFT_BACK]


def test_what_goes_from_the_cache_before_it_is_mapped_is_made_anew(tmp_path, monkeypatch, table, here):
    there(table, tmp_path, FakeRay())
    mapped, gone = LeftArray.mapped, []

    def once(self):
        if not gone:
            gone.append(self.path.unlink())
        return mapped(self)

    monkeypatch.setattr(LeftArray, "mapped", once)
    _, found = there(table, tmp_path, FakeRay())
    same(found, here)
    assert gone


def test_machines_that_do_not_share_the_cache_send_it_back(tmp_path, monkeypatch, table, here):
    def moved(self):
        return {"folder": self.folder / "nothing", "said": self.said, "came_back": []}

    monkeypatch.setattr(ArrayWriter, "__getstate__", moved)
    evidence, found = there(table, tmp_path, FakeRay())
    same(found, here)
    assert isinstance(evidence.probabilities().values, np.ndarray)
    assert evidence.notes == [LEFT_BACK]
    same(estimates(evidence_of(table, tmp_path)), here)


@pytest.mark.parametrize("every", [1, 3])
def test_machines_that_can_not_write_send_it_back(tmp_path, monkeypatch, table, here, every):
    tried, written = [], LeftArray.written

    def full(path, array):
        tried.append(path)
        if len(tried) % every == 0 and path.parent.name.startswith("left."):
            raise OSError(28, "No space left on device")
        return written(path, array)

    monkeypatch.setattr(LeftArray, "written", full)
    evidence, found = there(table, tmp_path, FakeRay())
    same(found, here)
    assert evidence.notes == [LEFT_BACK]


@pytest.mark.parametrize("harm", ["gone", "damaged"])
@pytest.mark.parametrize("done", [10, 15])
def test_heads_are_asked_again_where_what_they_said_is_gone(tmp_path, table, here, harm, done):
    class Harming(FakeRay):
        def get(self, ref):
            made = super().get(ref)
            if self.done == done:
                path = max(tmp_path.rglob("left.*/*.npy"), key=lambda path: path.stat().st_mtime_ns)
                path.unlink() if harm == "gone" else path.write_bytes(path.read_bytes()[:-9])
            return made

    evidence, found = there(table, tmp_path, Harming())
    same(found, here)
    assert evidence.notes == [LEFT_BACK]


def test_a_cache_that_takes_nothing_leaves_the_result(tmp_path, monkeypatch, table, here):
    def refuse(folder, arrays):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("curate.evidence.cache.write_arrays", refuse)
    evidence, found = there(table, tmp_path, FakeRay())
    same(found, here)
    assert any("estimates are not kept" in note for note in evidence.notes)
    with using(RayEngine(FakeRay())):
        np.testing.assert_array_equal(
            confident.predicted(evidence.probabilities().values, np.zeros(ROWS, int)).top,
            confident.predicted(here["probabilities"], np.zeros(ROWS, int)).top,
        )


def test_sets_of_labels(tmp_path):
    table = embedded(120, 6, sets=True)
    expected = estimates(evidence_of(table, None))
    _, found = there(table, tmp_path, FakeRay())
    same(found, expected)


def test_one_class_alone_needs_no_other_machine(tmp_path):
    table = embedded(60, 1)
    ray = FakeRay()
    evidence, found = there(table, tmp_path, ray)
    same(found, estimates(evidence_of(table, None)))
    assert not evidence.notes


def test_more_rows_than_heads_learn_from(tmp_path, monkeypatch):
    monkeypatch.setattr("curate.evidence.probabilities.learned_rows", lambda codes: (codes >= 0) & (codes % 7 != 3))
    rng = np.random.default_rng(0)
    vectors, codes = rng.normal(size=(300, 8)).astype(np.float32), np.arange(300) % 10
    folds = (np.arange(300) // 10 % 5).astype(np.int8)
    expected = cross_validated(vectors, codes, 10, folds)
    with using(RayEngine(FakeRay())), left.array_writer(tmp_path) as writer:
        found = cross_validated(vectors, codes, 10, folds, writer=writer)
        assert isinstance(found["rows_values"], LeftArray)
        np.testing.assert_array_equal(found["rows_values"].opened(), expected["rows_values"])
    np.testing.assert_array_equal(found["temperature"], expected["temperature"])
    assert not list(tmp_path.iterdir())


def placed(folder, array, seed=3):
    """The same rows, left in another order."""
    order = np.random.default_rng(seed).permutation(len(array))
    folder.mkdir(exist_ok=True)
    return PlacedRows(LeftArray.written(folder / f"{seed}.npy", array[order]), order)


def test_rows_are_asked_for_as_of_an_array(tmp_path):
    array = np.random.default_rng(0).normal(size=(41, 7)).astype(np.float32)
    rows = placed(tmp_path, array)
    places, columns = np.array([3, 3, -1, 0]), np.array([0, 6, -2, 1])
    for asked in (3, -1, slice(5, 30, 4), np.array([7, 7, -2]), np.arange(41) % 3 == 1):
        np.testing.assert_array_equal(rows[asked], array[asked])
    for asked in (
        (3, 2), (np.int64(4), columns), (slice(2, 9), 1), (slice(2, 9), columns), (places, columns), (places, 2),
        (places[:, None], columns), (array[:, 0] > 0, 1), (..., 1), (places, slice(1, 3)), (None, 3), ()
    ):  # fmt: skip
        np.testing.assert_array_equal(rows[asked], array[asked])
    with pytest.raises(IndexError, match="there are 41"):
        rows[np.array([41]), np.array([0])]


def test_rows_travel_as_the_name_of_their_file(tmp_path):
    array = np.random.default_rng(0).normal(size=(2_000, 50)).astype(np.float32)
    rows = placed(tmp_path, array)
    assert len(pickle.dumps(rows)) < 3 * len(array) < array.nbytes / 10
    np.testing.assert_array_equal(copy.deepcopy(rows)[::7], array[::7])
    (tmp_path / "3.npy").unlink()
    with pytest.raises(Absent):
        copy.deepcopy(rows)[0]
    np.testing.assert_array_equal(rows[::7], array[::7])


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """Probabilities in memory and left in a file of which pieces are small, with labels and an order of rows."""
    monkeypatch.setattr(lying, "PIECE_BYTES", 4 * 9 * 50)
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.full(9, 0.3), 400).astype(np.float32)
    p[::40] = p[0]
    labels = np.where(np.arange(400) % 5 == 0, rng.integers(0, 9, 400), p.argmax(1))
    return p, placed(tmp_path, p), labels, rng.permutation(400)[:333]


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("filter_by", confident_learning.Filter.__args__)
def test_confident_learning_counts_where_the_probabilities_lie(judged, filter_by, whole):
    p, lies, labels, rows = judged
    rows, labels = (None, labels) if whole else (rows, labels[rows])
    ray = Weighing()
    expected = pruning.label_issues(labels, p, filter_by, rows)
    with using(RayEngine(ray)):
        found = pruning.label_issues(labels, lies, filter_by, rows)
    np.testing.assert_array_equal(found.issues, expected.issues)
    for name, array in vars(expected.seen).items():
        np.testing.assert_array_equal(vars(found.seen)[name], array)
        assert vars(found.seen)[name].dtype == array.dtype
    assert ray.done >= 7
    assert max(ray.back) < 50 * 3 * 8 + 500
    joint = confident.estimated_joint(p, labels, rows)
    with using(RayEngine(FakeRay())):
        np.testing.assert_array_equal(confident.estimated_joint(lies, labels, rows), joint)


@pytest.mark.parametrize("missing", [0, 3])
@pytest.mark.parametrize("score", confident_learning.Score.__args__)
def test_scores_and_counts_of_cleanlab(judged, score, missing):
    p, lies, labels, rows = judged
    given = np.where(labels < missing, missing, labels)[rows]
    expected = [
        confident_learning.quality(given, p, score, adjust, rows) for adjust in (False, True)
    ]  # fmt: skip
    with using(RayEngine(FakeRay())):
        for adjust, scores in enumerate(expected):
            np.testing.assert_array_equal(confident_learning.quality(given, lies, score, bool(adjust), rows), scores)
        assert confident_learning.count(given, lies, rows) == confident_learning.count(given, p, rows)
        joint = confident_learning.joint_of_present(given, lies, rows)
    np.testing.assert_array_equal(joint, confident_learning.joint_of_present(given, p, rows))


@pytest.mark.parametrize("by", ["margin", "entropy", "least_confidence", "el2n"])
@pytest.mark.parametrize("sets", [True, False])
def test_difficulty(judged, by, sets):
    p, lies, labels, _ = judged
    of_sets = (np.arange(400)[:, None] + np.arange(9)) % 3 == 0 if sets else None
    given = curate.table.Labels(tuple("abcdefghi"), np.where(np.arange(400) % 13 == 0, -1, labels), sets=of_sets)
    ray = FakeRay()
    with using(RayEngine(ray)):
        found = difficulty(lies, given, by)
    np.testing.assert_array_equal(found, difficulty(p, given, by))
    assert ray.done == 8


CHECKS = [
    *[LabelErrors(method=method) for method in ("ensemble", "noise_model", "confident_learning", "cleanlab")],
    ClassOverlap(min_rows=5),
    WeakSlices(min_rows=5),
    NearDuplicates(),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.name} {getattr(check, 'method', '')}")
def test_findings_are_those_of_one_process(tmp_path_factory, monkeypatch, table, check):
    expected = check.find(evidence_of(table, None))
    monkeypatch.setattr(lying, "PIECE_BYTES", 4 * CLASSES * 100)
    with using(RayEngine(FakeRay())):
        evidence = evidence_of(table, tmp_path_factory.getbasetemp() / "left")
        found = check.find(evidence)
        assert isinstance(evidence.probabilities().values, PlacedRows)
    assert found.table.equals(expected.table)
    assert found.facts == expected.facts


@pytest.mark.parametrize("method", ["ensemble", "confident_learning"])
def test_findings_of_sets_are_those_of_one_process(tmp_path, method):
    table = embedded(120, 6, sets=True)
    check = LabelErrors(method=method)
    expected = check.find(evidence_of(table, None))
    with using(RayEngine(FakeRay())):
        found = check.find(evidence_of(table, tmp_path))
    assert found.table.equals(expected.table)
    assert found.facts == expected.facts


def test_sums_and_lists_of_voters_stay_where_they_are_made(tmp_path):
    rows, width = 600, 200
    codes, folds = np.arange(rows) % 2, (np.arange(rows) // 2 % 5).astype(np.int8)
    vectors = lying_in_parts(tmp_path / "parts", unit(rows, width))
    vectors.finite, ray = np.ones(rows, dtype=bool), Weighing()
    expected = cross_validated(np.asarray(vectors), codes, 2, folds)["rows_values"]
    with using(RayEngine(ray)), left.array_writer(tmp_path) as writer:
        found = cross_validated(vectors, codes, 2, folds, writer=writer)["rows_values"].opened()
        np.testing.assert_array_equal(found, expected)
        assert not writer.came_back
    one_sum, one_list = 8 * (width + 1) ** 2, 64 * 4 * rows
    assert max(ray.sent + ray.back) < 100 * rows < min(one_sum, one_list)


def test_answers_are_all_here_where_one_came_back(tmp_path):
    found = np.random.default_rng(0).random((2, 3, 4)).astype(np.float32)
    with using(RayEngine(FakeRay())), left.array_writer(tmp_path) as writer:
        given = [(np.arange(3), writer.written(found[0])), (np.arange(1, 4), found[1])]
        answers = Answers(iter(given), np.arange(4), 4, 4).all_there(writer)
    assert writer.came_back
    assert all(isinstance(said, np.ndarray) for _, said in answers.given)
    expected = np.stack([found[0, 0], (found[0, 1] + found[1, 0]) / 2, (found[0, 2] + found[1, 1]) / 2, found[1, 2]])
    np.testing.assert_array_equal(answers.mean(), expected)
