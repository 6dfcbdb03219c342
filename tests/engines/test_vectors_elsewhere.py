"""What is made of vectors is made where they lie: hashes, neighbours, clusters, pairs, and heads of few wide rows."""

import numpy as np
import pytest
from fake_ray import FakeRay
from test_balance_elsewhere import labelled
from test_pairs_elsewhere import Watching, same
from test_parts import lying as lying_in_parts
from test_parts import unit

from curate.checks.diversity import Diversity
from curate.checks.learning_curve import LearningCurve
from curate.checks.sets import slices
from curate.checks.weak_slices import WeakSlices
from curate.engines.engine import LOCAL, using
from curate.engines.ray_engine import RayEngine
from curate.evidence import exact_search, neighbours
from curate.evidence.cell_search import LEAST_RECALL
from curate.evidence.encoders.vectors import unit as of_length_1
from curate.evidence.estimates import LEFT_BACK
from curate.evidence.evidence import Evidence
from curate.evidence.exact_search import Chosen
from curate.evidence.neighbours import nearest_neighbours
from curate.evidence.pairs import embedding
from curate.evidence.parts.left import PlacedRows
from curate.evidence.parts.rows import UnitRows
from curate.evidence.settings import EvidenceSettings


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return labelled(tmp_path_factory.mktemp("labelled") / "own", ("many", "many", "few"), "classification", 150)


def evidence_of(table, cache=None):
    return Evidence(table, EvidenceSettings(encoder="classic"), cache=cache)


@pytest.fixture
def here(table):
    """What a function of the evidence gives in this process."""

    def asked(of):
        with using(LOCAL):
            return of(evidence_of(table))

    return asked


@pytest.fixture
def lying(table, tmp_path, monkeypatch):
    """The engine, and evidence whose embedding lies in parts; nothing was read here of it."""
    monkeypatch.setattr(neighbours, "BLOCK_ROWS", 16)
    monkeypatch.setattr(exact_search, "QUERIES", 32)
    monkeypatch.setattr(embedding, "BLOCK_ROWS", 16)
    monkeypatch.setattr(slices, "BLOCK_ROWS", 16)
    ray = Watching(monkeypatch, kind=UnitRows)
    with using(RayEngine(ray)):
        evidence = evidence_of(table, tmp_path)
        assert isinstance(evidence.embedding().vectors, UnitRows)
        ray.read = ray.read_here = 0
        yield ray, evidence


def test_neighbours(here, lying):
    ray, evidence = lying
    found, expected = evidence.neighbours(5), here(lambda own: own.neighbours(5))
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_array_equal(found.similarity, expected.similarity)
    assert ray.read
    assert not ray.read_here


def test_neighbours_by_cells(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    middles = unit(60, 24)[rng.integers(0, 60, 4_000)]
    lying = lying_in_parts(tmp_path, of_length_1((middles + 0.15 * rng.normal(size=middles.shape)).astype(np.float32)))
    everyone = np.ones(len(lying), dtype=bool)
    monkeypatch.setattr(neighbours, "MOST_PRODUCTS", 0)
    monkeypatch.setattr(neighbours, "BLOCK_ROWS", 512)
    expected = nearest_neighbours(np.asarray(lying), everyone, everyone, 5)
    ray = Watching(monkeypatch, kind=UnitRows)
    with using(RayEngine(ray)):
        found = nearest_neighbours(lying, everyone, everyone, 5)
    assert not ray.read_here
    assert LEAST_RECALL < found.recall < 1
    assert found.recall == expected.recall
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_array_equal(found.similarity, expected.similarity)


def test_equal_vectors(table, here, lying):
    ray, evidence = lying
    places = np.arange(len(table)) // 3 * 3

    def groups(of):
        return neighbours._equal_vectors(Chosen(of.embedding().vectors, places))

    found, expected = groups(evidence), here(groups)
    assert len(found[1]) == 50
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not ray.read_here


def test_pairs_by_the_embedding(here, lying):
    ray, evidence = lying
    same(evidence.near_pairs("embedding", 0.5), here(lambda own: own.near_pairs("embedding", 0.5)))

    def alike(of):
        return embedding.compare(of, np.arange(40), np.arange(40, 80))

    np.testing.assert_array_equal(alike(evidence), here(alike))
    assert not ray.read_here


def test_clusters(table, here, lying, monkeypatch):
    monkeypatch.setattr(slices, "CLUSTER_ROWS", 60)
    ray, evidence = lying

    def clusters(of):
        rows = np.arange(120) % len(table)
        return slices.cluster_slices(Chosen(of.embedding().vectors, rows), np.ones(120, dtype=bool), str, 0)

    found, expected = clusters(evidence), here(clusters)
    assert len(found) == 2
    for one, other in zip(found, expected, strict=True):
        assert one.name == other.name
        np.testing.assert_array_equal(one.members, other.members)
    assert not ray.read_here


@pytest.mark.parametrize("check", [Diversity(), LearningCurve(), WeakSlices(min_rows=5)], ids=lambda check: check.name)
def test_findings_about_the_set(here, lying, check):
    ray, evidence = lying
    evidence.neighbours(10, training=True)
    evidence.probabilities()
    ray.read = 0
    found, expected = check.find(evidence), here(check.find)
    assert found.table.equals(expected.table)
    assert found.facts == expected.facts
    assert ray.read
    assert not ray.read_here


def test_heads_of_few_wide_rows_travel_without_them(table, here, lying):
    ray, evidence = lying
    assert evidence.embedding().vectors.shape[1] > 4 * len(table)  # so that they are turned
    found, expected = evidence.probabilities(), here(lambda own: own.probabilities())
    assert isinstance(found.values, PlacedRows)
    np.testing.assert_array_equal(np.asarray(found.values), expected.values)
    turned = 4 * 120 * 120
    assert max(ray.sent) < turned
    assert max(ray.back) < turned
    assert not ray.read_here


@pytest.mark.parametrize("done", [2, 12])
def test_heads_of_few_wide_rows_whose_inputs_are_gone(table, tmp_path, done):
    class Harming(FakeRay):
        def get(self, ref):
            made = super().get(ref)
            if self.done == since + done:
                for path in tmp_path.rglob("left.*/*.npy"):
                    path.unlink()
            return made

    expected, ray, since = evidence_of(table).probabilities(), Harming(), np.inf
    with using(RayEngine(ray)):
        evidence = evidence_of(table, tmp_path)
        evidence.embedding()
        since = ray.done
        found = evidence.probabilities()
    np.testing.assert_array_equal(np.asarray(found.values), expected.values)
    assert LEFT_BACK in evidence.notes
