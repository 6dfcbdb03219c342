"""Pictures of metrics hold the numbers, whatever the classes are called and however many there are."""

import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from curate.metrics import evaluate
from curate.report import plots
from curate.report.plots_page import metrics_page

NASTY = "<script>alert(1)</script>\x1b[31m\u202e"


def measured(k=4, n=300, names=None, **options):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, k, n)
    logits = rng.normal(size=(n, k))
    logits[np.arange(n), labels] += 1.5
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return evaluate(labels, chances, names=names or [f"c{i}" for i in range(k)], **{"resamples": 0} | options)


def points(path):
    return [tuple(map(float, one.split())) for one in re.findall(r"[ML]([\d.]+ [\d.]+)", path)]


def test_curves_run_from_corner_to_corner():
    found = plots.pictures(measured())
    assert [line.name for line in found.roc.lines] == ["macro average", "c0", "c1", "c2", "c3"]
    assert found.roc.lines[0].strong
    for line in found.roc.lines[1:]:
        assert points(line.path)[0] == (0.0, 100.0)
        assert points(line.path)[-1] == (100.0, 0.0)
        assert len(points(line.path)) <= 121
    assert found.roc.diagonal
    assert not found.precision_recall.diagonal


def test_bars_are_worst_first_and_unknown_ones_before_them():
    metrics = evaluate(["a", "a", "b", "b"], ["a", "a", "b", "a"], names=("a", "b", "c"))
    bars = plots.pictures(metrics).classes.bars
    assert [one.name for one in bars] == ["c", "b", "a"]
    assert (bars[0].value, bars[0].text, bars[0].length) == (None, "–", 0.0)
    assert bars[1].length == pytest.approx(100 * 2 / 3)
    many = plots.pictures(measured(k=60, n=2000)).classes
    assert len(many.bars) == plots.MOST_BARS
    assert many.left_out == 20


def test_confusions_by_name_up_to_some_classes_and_as_a_picture_above():
    few = measured()
    drawn = plots.matrix(few)
    assert [[float(cell.text or 0) for cell in cells] for _, cells in drawn.lines] == [list(x) for x in few.confusion]
    given, said, rows = drawn.pairs[0]
    off = np.array(few.confusion) - np.diag(np.diag(few.confusion))
    assert float(rows) == off.max() == few.confusion[int(given[1])][int(said[1])]
    picture = plots.matrix(measured(k=40, n=1500))
    assert picture.lines == ()
    assert sum(right for *_, right in picture.dots) <= 40
    assert len(picture.dots) == np.count_nonzero(measured(k=40, n=1500).confusion)
    most = plots.matrix(measured(k=180, n=4000))
    assert (len(most.names), most.left_out) == (150, 30)


def test_reliability_and_history():
    metrics = measured()
    drawn = plots.pictures(metrics).reliability
    x, y = points(drawn.lines[0].path)[-1]
    last = metrics.reliability[-1]
    assert (x, y) == pytest.approx((100 * last.confidence, 100 - 100 * last.accuracy), abs=0.06)
    assert f"ECE {metrics['ece']:.3f}" == drawn.lines[0].note
    curve = plots.history({"training": [2.0, 1.0, math.nan, 0.0]})
    assert curve.lines[0].path == "M0.0 0.0L33.3 50.0M100.0 100.0"
    assert curve.ticks_y == ("0.000", "2.000")
    assert plots.history({"training": [math.nan]}) is None


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen, self.open = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in ("meta", "path", "rect", "i"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()


@pytest.mark.parametrize("k", [3, 40])
def test_a_page_escapes_what_the_data_say(k):
    names = [NASTY, *(f"c{i}" for i in range(1, k))]
    metrics = measured(k=k, n=600, names=names, slices={NASTY: [NASTY, "b"] * 300})
    text = metrics_page({NASTY: metrics}, NASTY, NASTY, {NASTY: {NASTY: [1.0, 0.5]}})
    tags = Tags()
    tags.feed(text)
    assert "script" not in tags.seen
    assert tags.open == []
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert "style-src &#39;sha256-" in text


def test_a_page_of_numbers_and_of_sets():
    rng = np.random.default_rng(1)
    values = rng.normal(size=50)
    numbers = evaluate(values, values + 0.1, "regression")
    sets = evaluate(rng.random((60, 3)) < 0.4, rng.random((60, 3)), "multilabel", names="abc")
    text = metrics_page({"numbers": numbers, "sets": sets})
    assert "mean absolute error" in text.lower()
    assert "0.100" in text
    assert plots.pictures(numbers).matrix is None
    assert plots.pictures(sets).slices is None
