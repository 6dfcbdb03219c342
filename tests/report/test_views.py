"""What the evidence looks like: histograms with bounds, the sample and the map."""

import base64
import gzip
import json

import numpy as np
import pytest

from curate.findings import Findings
from curate.report import Report
from curate.report.charts import measures
from curate.report.listing import block, listing
from curate.report.model import Bound, Measured
from curate.report.views import MOST_POINTS, Views, project, sample


def opened(made):
    return json.loads(gzip.decompress(base64.b64decode(block(made))))


def test_a_sample_prefers_flagged_rows():
    flagged = np.zeros(10_000, bool)
    flagged[:100] = True
    rows = sample(np.arange(10_000), flagged)
    assert len(rows) == MOST_POINTS
    assert flagged[rows].sum() == 100
    assert (np.diff(rows) > 0).all()
    flagged[:] = True
    assert len(sample(np.arange(10_000), flagged)) == MOST_POINTS
    assert sample(np.arange(5), flagged).tolist() == [0, 1, 2, 3, 4]


def test_the_map_keeps_neighbours_together_and_is_repeatable():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 16))
    kind = np.arange(90) % 3
    vectors = (centres[kind] + 0.05 * rng.normal(size=(90, 16))).astype(np.float32)
    flat = project(vectors)
    assert flat.shape == (90, 2)
    assert flat.min() == 0
    assert flat.max() == 1
    assert np.array_equal(flat, project(vectors))
    near = ((flat[:, None] - flat[None]) ** 2).sum(-1) + np.eye(90) * 9
    assert (kind[near.argmin(1)] == kind).all()


@pytest.mark.parametrize("shape", [(0, 4), (1, 4), (2, 1), (5, 3), (40, 1)])
def test_the_map_of_few_or_equal_rows(shape):
    assert np.isfinite(project(np.ones(shape, np.float32))).all()
    assert project(np.ones(shape, np.float32)).shape == (shape[0], 2)


def test_measures_come_from_an_audit_with_the_bounds_of_its_checks():
    import curate

    rng = np.random.default_rng(0)
    words = ["card", "cash", "rate", "euro", "bank", "fee", "lost", "atm"]
    texts = [" ".join(rng.choice(words, 8)) + f" {i}" for i in range(40)] + ["a"]
    report = curate.audit({"text": texts, "label": ["x", "y"] * 20 + ["x"]}, checks=["text_quality"], cache=False)
    found = report.document().measures["text.characters"]
    assert found.rows == 41
    assert sum(found.counts) == 41
    [bound] = [bound for bound in found.bounds if bound.setting == "min_characters"]
    assert bound.issue == "too_short"
    assert found.flagged[0] == sum(found.flagged) == 1


def test_a_bound_is_drawn_where_it_lies():
    one = Measured(
        rows=4,
        mean=1,
        std=1,
        quantiles=[0, 0, 1, 2, 3, 4, 4],
        low=0,
        high=4,
        counts=[4] + [0] * 39,
        flagged=[1] + [0] * 39,
        bounds=[
            Bound(check="audio_quality", issue="low_snr", setting="min_snr_db", value=1.0),
            Bound(check="audio_quality", issue=None, setting="max_snr_db", value=99.0),
        ],
    )
    [chart], others = measures({"audio.snr_db": one})
    assert others == []
    assert [(line.left, line.text) for line in chart.lines] == [
        (25.0, "low snr: min_snr_db 1 dB"),
        (None, "audio quality: max_snr_db 99 dB"),
    ]
    assert chart.median == "2 dB"


def test_the_list_holds_every_flagged_row(animals, findings):
    views = Views(rows=np.arange(9), vectors=np.eye(9, dtype=np.float32))
    made = opened(listing(Report(animals, findings, views=views).material))
    assert made["rows"]["id"] == [f"r{i}" for i in range(10)]
    assert [made["rows"]["id"][at] for at in made["findings"]["at"]] == ["r1", "r3", "r2", "r9"]
    assert made["issues"] == [
        ["label_errors", "label_error"],
        ["exact_duplicates", "exact_duplicate"],
        ["unreadable", "unreadable"],
    ]
    assert made["labels"][made["findings"]["to"][0]] == "dog"
    assert made["rows"]["where"][1] == "animals.csv:3"
    assert len(made["map"]["at"]) == len(made["map"]["x"]) == 9
    assert made["left"] == 0


def test_a_list_that_is_cut_says_so(animals, monkeypatch):
    monkeypatch.setattr("curate.report.listing.MOST_FINDINGS", 3)
    n = np.arange(10)
    found = Findings.of("outliers", "outlier", n, animals.row_ids, n[::-1] / 10, np.ones(10, bool))
    made = listing(Report(animals, found).material)
    assert (made["left"], made["rows"]["row"]) == (7, [7, 8, 9])
    assert made["map"] is None
