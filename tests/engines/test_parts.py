"""Vectors that machines measure lie in the cache, and are read there by whoever works on them; nothing else changes."""

import pickle

import numpy as np
import pytest
from fake_ray import FakeRay

import curate
from curate.engines.engine import using
from curate.engines.ray_engine import RayEngine
from curate.errors import StorageError
from curate.evidence.cache import Cache
from curate.evidence.evidence import Evidence
from curate.evidence.exact_search import QUERIES, Chosen, exact_search
from curate.evidence.lists.neighbours import listed_search
from curate.evidence.measure import Measure
from curate.evidence.measuring import take
from curate.evidence.parts.rows import Part, PartedRows, UnitRows
from curate.evidence.probabilities import cross_validated
from curate.evidence.settings import EvidenceSettings
from curate.evidence.vector_rows import finite_rows

WIDTH, ROWS = 512, 40


class Weighing(FakeRay):
    """Notes how many bytes go out and come back."""

    def __init__(self, **options):
        super().__init__(**options)
        self.sent, self.back = [], []

    def put(self, value):
        self.sent.append(len(pickle.dumps(value)))
        return super().put(value)

    def get(self, ref):
        made = super().get(ref)
        self.back.append(len(pickle.dumps(made)))
        return made


class Vectors(Measure):
    """A vector and a number of each text."""

    name, modality = "test.vectors", "text"
    fields = {"test.vectors": ("float32", (WIDTH,)), "test.length": ("float32", ())}

    def measure(self, items):
        texts = items.to_pylist()
        vectors = [np.random.default_rng([*text.encode()]).normal(size=WIDTH) for text in texts]
        return {"test.vectors": np.array(vectors, np.float32).reshape(-1, WIDTH), "test.length": [*map(len, texts)]}


def writings(rows=ROWS):
    texts = [f"a text with the number {row}" for row in range(rows)] + ["a text with the number 1"]
    return curate.load({"text": texts}, task=curate.Task(text="text"))


def measured(ray, cache, table=None):
    with using(RayEngine(ray)):
        return take(table or writings(), [Vectors()], EvidenceSettings(), cache, parts=True)


HERE = take(writings(), [Vectors()], EvidenceSettings()).values


def right(values):
    for name, array in HERE.items():
        np.testing.assert_array_equal(np.asarray(values[name]), array)
    return True


def chunks(cache):
    return sorted((cache / "measures").glob("*/*.arrow"))


def test_vectors_stay_where_they_were_measured(tmp_path):
    ray = Weighing()
    found = measured(ray, tmp_path)
    rows = found.values["test.vectors"]
    assert isinstance(rows, PartedRows)
    assert rows.shape == HERE["test.vectors"].shape
    assert len(rows.parts) == ray.done > 1
    assert right(found.values)
    assert max(ray.back) < 4 * WIDTH  # a task has 16 rows
    assert not found.notes
    assert not list(tmp_path.rglob("*.partial"))
    assert Cache(tmp_path).verify() == []
    assert Cache(tmp_path).info().files == len(rows.parts)


def test_what_a_cluster_kept_is_known_to_it_and_to_one_process(tmp_path):
    measured(FakeRay(), tmp_path)
    ray = Weighing()
    again = measured(ray, tmp_path)
    assert ray.done == 1  # it looked into the chunks
    assert ray.back[0] < 4 * WIDTH < HERE["test.vectors"].nbytes / 10
    assert again.facts["text"]["hits"] == ROWS
    assert isinstance(again.values["test.vectors"], PartedRows)
    assert right(again.values)
    here = take(writings(), [Vectors()], EvidenceSettings(), tmp_path)
    assert here.facts["text"]["hits"] == ROWS
    assert right(here.values)


def test_what_one_process_kept_is_read_by_a_cluster(tmp_path):
    take(writings(ROWS // 2), [Vectors()], EvidenceSettings(), tmp_path)
    ray = FakeRay()
    found = measured(ray, tmp_path)
    assert found.facts["text"]["hits"] == ROWS // 2
    assert ray.done
    assert right(found.values)


def test_without_a_cache_vectors_come_back_and_that_is_said():
    found = measured(FakeRay(), None)
    assert isinstance(found.values["test.vectors"], np.ndarray)
    assert right(found.values)
    assert "without a cache that all nodes share" in found.notes[0]


def elsewhere(value):
    """As it is where the folder of the cache is another one."""
    from curate.evidence.parcels import SentPass

    if isinstance(value, SentPass):
        object.__setattr__(value._writer, "mark", value._writer.mark.with_name("nothing"))
    return value


def test_nodes_that_do_not_share_the_cache_send_their_vectors_back(tmp_path):
    found = measured(FakeRay(moved=elsewhere), tmp_path)
    assert isinstance(found.values["test.vectors"], np.ndarray)
    assert right(found.values)
    assert [note.partition(" (")[0] for note in found.notes] == ["a node does not share the folder of the cache"]
    assert take(writings(), [Vectors()], EvidenceSettings(), tmp_path).facts["text"]["hits"] == ROWS


def test_a_node_whose_disk_is_full_sends_its_vectors_back(tmp_path, monkeypatch):
    def full(self, *given):
        raise StorageError("the disk is full")

    monkeypatch.setattr(Cache, "append", full)
    found = measured(FakeRay(), tmp_path)
    assert right(found.values)
    assert any("a node can't write into the folder of the cache: the disk is full" in note for note in found.notes)


def test_parts_that_are_not_to_be_seen_here_come_back(tmp_path, monkeypatch):
    monkeypatch.setattr(Part, "is_there", lambda part: False)
    found = measured(FakeRay(), tmp_path)
    assert isinstance(found.values["test.vectors"], np.ndarray)
    assert right(found.values)
    assert "parts of the cache that a node wrote are not to be seen here" in found.notes[0]


def gone(path):
    path.unlink()


def cut(path):
    path.write_bytes(path.read_bytes()[:-9])


def turned(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("harm", [gone, cut, turned])
def test_rows_of_a_part_that_is_gone_or_damaged_are_measured_anew(tmp_path, harm):
    found = measured(FakeRay(), tmp_path)
    harm(chunks(tmp_path)[0])
    assert right(found.values)
    again = measured(FakeRay(), tmp_path)
    assert 0 < again.facts["text"]["measured"] <= 16
    assert right(again.values)
    assert Cache(tmp_path).verify() == list(tmp_path.rglob("*.damaged"))


def test_the_cache_is_kept_within_its_limit_and_cleared(tmp_path):
    found = measured(FakeRay(), tmp_path)
    most = Cache(tmp_path).info().bytes // 2
    assert Cache(tmp_path).trim(most).files >= 1
    assert Cache(tmp_path).info().bytes <= most
    assert right(found.values)
    assert right(measured(FakeRay(), tmp_path).values)
    Cache(tmp_path).clear()
    assert Cache(tmp_path).info().files == 0


def test_rows_are_asked_for_as_of_an_array(tmp_path):
    rows, array = measured(FakeRay(), tmp_path).values["test.vectors"], HERE["test.vectors"]
    for asked in (3, -1, slice(5, 30, 4), slice(None), np.array([7, 7, -2]), np.arange(41) % 3 == 1, [[1, 2], [3, 4]]):
        np.testing.assert_array_equal(rows[asked], array[asked])
    for asked in ((slice(2, 4), 1), ([1, 2], [3, 4]), (..., 0), None):
        np.testing.assert_array_equal(rows[asked], array[asked])
    assert (rows.ndim, rows.size, rows.nbytes, len(rows)) == (2, array.size, array.nbytes, len(array))
    np.testing.assert_array_equal(np.isfinite(rows) & (rows * 2 < 1 - rows), array * 2 < 1 - array)
    np.testing.assert_array_equal(rows.astype(np.float64).mean(1), array.astype(np.float64).mean(1))
    np.testing.assert_array_equal(np.ones(41, np.float32) @ rows, np.ones(41, np.float32) @ array)
    assert not hasattr(rows, "vectors")
    with pytest.raises(IndexError, match="there are 41"):
        rows[np.array([41])]


def lying(folder, vectors, pieces=3):
    """The same rows in some parts."""
    rows = PartedRows("vector", ("float32", vectors.shape[1:]), len(vectors))
    rows.again = lambda some: vectors[some]
    for some in np.array_split(np.random.default_rng(5).permutation(len(vectors)), pieces):
        path = Cache(folder).append("vectors", np.stack([some, some], 1).astype(np.uint64), {"vector": vectors[some]})
        rows.lie_in(some, Part.of(path, len(some)))
    return UnitRows([rows], np.zeros(len(vectors), dtype=bool))


def unit(rows, width, seed=0):
    from curate.evidence.encoders.vectors import unit as of_length_1

    return of_length_1(np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32))


@pytest.mark.parametrize("search", [exact_search, listed_search])
@pytest.mark.parametrize("harm", [None, gone, turned])
def test_neighbours_are_searched_where_the_vectors_lie(tmp_path, harm, search):
    count = QUERIES + 500
    vectors, order = unit(count, 40), np.arange(count)[::-1]
    rows = lying(tmp_path, vectors)
    given = np.arange(0, count, 8), np.arange(count), 5
    here, ray = search(Chosen(np.asarray(rows), order), *given), Weighing()
    if harm:
        harm(chunks(tmp_path)[1])
    with using(RayEngine(ray)):
        there = search(Chosen(rows, order), *given)
    np.testing.assert_array_equal(here[0], there[0])
    np.testing.assert_array_equal(here[1], there[1])
    assert ray.done >= 2
    assert ray.sent[0] < 24 * count < vectors.nbytes / 4
    assert len(ray.sent) == (2 if harm else 1)


@pytest.mark.parametrize(("rows", "width"), [(160, 6), (60, 90)])
@pytest.mark.parametrize("harm", [None, gone, turned])
def test_heads_are_fitted_where_the_vectors_lie(tmp_path, harm, rows, width):
    codes = np.arange(rows) % 3
    vectors = lying(tmp_path, unit(rows, width) + np.eye(3, width, dtype=np.float32)[codes])
    vectors.finite = np.ones(rows, dtype=bool)
    codes = np.where(np.arange(rows) % 17 == 5, (codes + 1) % 3, codes)
    given = codes, 3, (np.arange(rows) // 3 % 5).astype(np.int8)
    here = cross_validated(np.asarray(vectors), *given)["rows_values"]
    told, ray = [], Weighing()
    if harm:
        harm(chunks(tmp_path)[1])
    with using(RayEngine(ray)):
        there = cross_validated(vectors, *given, progress=lambda *state: told.append(state))["rows_values"]
    np.testing.assert_array_equal(here, there)
    assert ray.done >= 16  # what they share, ten pairs of folds, five folds
    assert told[-1] == (15, 15)
    assert len(vectors._vectors[0].parts) == (2 if harm is turned else 3)  # what is gone is still mapped here


def test_inputs_do_not_travel_with_heads(tmp_path):
    rows, width = 600, 200
    codes = np.arange(rows) % 2
    vectors = lying(tmp_path, unit(rows, width))
    vectors.finite, ray = np.ones(rows, dtype=bool), Weighing()
    with using(RayEngine(ray)):
        cross_validated(vectors, codes, 2, (np.arange(rows) // 2 % 5).astype(np.int8))
    products = 5 * 8 * (width + 1) ** 2
    lists = 6 * 64 * rows
    assert max(ray.sent) < products + lists + 200 * rows < products + lists + 4 * width * rows
    assert ray.back[0] < products + lists + 100 * rows


def test_vectors_of_two_encoders_are_joined_row_by_row(tmp_path):
    from curate.evidence.encoders.vectors import joined

    one, two = unit(50, 8) * 3, unit(50, 5, seed=1)
    one[3], two[3:5] = np.nan, np.nan
    gone_ = np.arange(50) == 7
    both = UnitRows([lying(tmp_path, one)._vectors[0], two], gone_)
    expected = joined([one, two])
    expected[7] = np.nan
    np.testing.assert_array_equal(both[np.array([3, 4, 7, 9])], expected[[3, 4, 7, 9]])
    np.testing.assert_array_equal(np.stack([both[row] for row in range(50)]), expected)
    assert both.shape == (50, 13)
    np.testing.assert_array_equal(finite_rows(both), finite_rows(expected))


def pictures(folder):
    from PIL import Image

    rng = np.random.default_rng(0)
    for row in range(60):
        place = folder / ("light" if row % 2 else "dark")
        place.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 120, (24, 24, 3)) + 120 * (row % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(place / f"{row:02}.png")
    (folder / "dark" / "broken.png").write_bytes(b"\x89PNG nothing of the kind")
    return curate.load(str(folder))


@pytest.mark.parametrize("held_out", [True, False])
def test_training_dynamics_of_pictures_are_those_of_one_process(tmp_path, held_out):
    table, ray = pictures(tmp_path / "pictures"), Weighing()
    settings = EvidenceSettings(encoder="classic")
    expected = Evidence(table, settings).dynamics(held_out)
    with using(RayEngine(ray)):
        evidence = Evidence(table, settings, cache=tmp_path / "there")
        evidence.embedding()
        done = ray.done
        found = evidence.dynamics(held_out)
    assert ray.done == done + 1
    for name, array in vars(expected).items():
        np.testing.assert_array_equal(vars(found)[name], array)


def test_predictions_of_pictures_are_those_of_one_process(tmp_path):
    root = pictures(tmp_path / "pictures").root
    paths = sorted(root.rglob("*.png"))
    values = [float(len(path.parent.name) + at % 7) for at, path in enumerate(paths)]
    task = curate.Task(kind="regression", image="image", label="value")
    data, ray = {"image": [str(path.relative_to(root)) for path in paths], "value": values}, Weighing()
    table = curate.load(data, task=task, root=root)
    settings = EvidenceSettings(encoder="classic")
    expected = Evidence(table, settings).predictions()
    with using(RayEngine(ray)):
        evidence = Evidence(table, settings, cache=tmp_path / "there")
        evidence.embedding()
        done = ray.done
        np.testing.assert_array_equal(evidence.predictions(), expected)
    assert np.isfinite(expected).sum() >= 60
    assert ray.done == done + 1


def estimates(table, cache):
    evidence = Evidence(table, EvidenceSettings(encoder="classic"), cache=cache)
    near, embedding = evidence.neighbours(4), evidence.embedding()
    made = embedding.valid, near.indices, near.similarity, evidence.probabilities().values, evidence.noise().joint
    pairs = evidence.near_pairs()
    return evidence, [np.asarray(embedding.vectors), *made, pairs.left, pairs.right, pairs.similarity]


def test_evidence_of_pictures_is_that_of_one_process(tmp_path):
    table = pictures(tmp_path / "pictures")
    here, expected = estimates(table, tmp_path / "here")
    for _ in range(2):  # measured, and from the cache
        with using(RayEngine(FakeRay())):
            there, found = estimates(table, tmp_path / "there")
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_array_equal(one, other)
        assert isinstance(there.embedding().vectors, UnitRows)
        assert there._embedder.key() == here._embedder.key()
        assert there.broken.keys() == here.broken.keys() != set()
        for path in (tmp_path / "there" / "estimates").glob("*/*"):
            path.unlink()
