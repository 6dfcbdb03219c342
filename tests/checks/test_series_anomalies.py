"""Windows and points that are unlike the rest are found, in one long series and among series; usual ones are not."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

import curate
from curate.checks.series.long import score_series
from curate.checks.series.season import period
from curate.checks.series.windows import core, deviations, window_starts
from curate.checks.series_anomalies import SeriesAnomalies
from curate.evidence import Evidence, EvidenceSettings

NAB = ("nyc_taxi", "ec2_request_latency_system_failure", "ambient_temperature_system_failure", "art_daily_small_noise")


def audit(table, **settings):
    return SeriesAnomalies(**settings).find(Evidence(table, EvidenceSettings(workers=1)))


def series_table(items, labels=None):
    columns = {"series": [np.asarray(item).tolist() for item in items], "id": [f"r{i:04d}" for i in range(len(items))]}
    roles = {"series": "series", "id": "id", "kind": "unlabeled"}
    if labels is not None:
        columns["label"], roles["kind"], roles["label"] = labels, "classification", "label"
    return curate.load(columns, task=curate.Task(**roles))


def points_table(values, **columns):
    times = np.datetime64("2024-03-01T00:00:00") + np.arange(len(values)) * np.timedelta64(600, "s")
    return curate.load({"timestamp": [str(t).replace("T", " ") for t in times], "value": values, **columns})


@pytest.mark.parametrize("name", NAB)
def test_labelled_windows_of_real_series(name, shared_data):
    folder = shared_data / "nab_anomaly"
    windows = json.loads((folder / "labels.json").read_text())[f"{name}.csv"]["windows"]
    table = curate.load(folder / f"{name}.csv")
    times = table.column("timestamp").to_pylist()
    flagged = np.zeros(len(table), dtype=bool)
    found = audit(table)
    flagged[found.flagged["row"].to_numpy()] = True
    inside = np.zeros(len(table), dtype=bool)
    hits = 0
    for begin, end in windows:
        own = np.array([begin <= time <= end for time in times])
        inside |= own
        hits += bool(flagged[own].any())
    assert hits >= len(windows) - (name == "nyc_taxi")
    assert flagged[~inside].mean() <= 0.02
    for line in found.flagged.to_pylist():
        assert times[line["row"]][:4] in line["reason"]
        assert "is odd" in line["reason"]


@pytest.mark.parametrize("kind", ["noise", "smooth", "walk", "seasonal", "steps", "constant"])
def test_usual_series_have_hardly_any_alarms(kind):
    flagged = 0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        noise = rng.normal(size=3000)
        values = {
            "noise": noise,
            "smooth": np.convolve(noise, np.ones(20) / 20, "same"),
            "walk": np.cumsum(noise),
            "seasonal": 10 * np.sin(np.arange(3000) * 2 * np.pi / 144) + noise,
            "steps": np.where(np.arange(3000) % 200 < 80, 5.0, 0.0) + 0.1 * noise,
            "constant": np.full(3000, 7.0),
        }[kind]
        scored = score_series(values[None], 3.5)
        flagged += sum(s.last - s.first + 1 for s in scored.stretches) + int((scored.points > 8).sum())
    # A random walk comes to levels that it never visits again: odd windows by any measure.
    assert flagged <= {"walk": 0.05, "smooth": 0.02}.get(kind, 0.001) * 5 * 3000


@pytest.mark.parametrize("fault", ["flat", "noise", "reversed", "missing_peak", "faster"])
def test_planted_windows_are_found(fault):
    hits, outside = 0, 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        time = np.arange(4000)
        shape = np.sin(time * 2 * np.pi / 96) + 0.6 * np.abs(np.sin(time * 2 * np.pi / 192 + 0.4))
        values = shape + 0.05 * rng.normal(size=4000)
        at = int(rng.integers(500, 3400))
        own = slice(at, at + 72)
        values[own] = {
            "flat": np.full(72, values[at]) + 0.05 * rng.normal(size=72),
            "noise": values[own] + rng.normal(size=72),
            "reversed": -values[own],
            "missing_peak": np.minimum(values[own], np.quantile(values, 0.3)),
            "faster": np.sin(time[own] * 2 * np.pi / 24),
        }[fault]
        scored = score_series(values[None], 3.5)
        inside = np.zeros(4000, dtype=bool)
        inside[at - 48 : at + 120] = True
        flagged = np.zeros(4000, dtype=bool)
        for stretch in scored.stretches:
            flagged[stretch.first : stretch.last + 1] = True
        hits += bool(flagged[own].any())
        outside += int(flagged[~inside].sum())
    assert hits >= 19
    assert outside <= 0.005 * 20 * 4000


def test_points_are_found_with_their_value():
    rng = np.random.default_rng(0)
    values = np.sin(np.arange(2000) / 20) + 0.02 * rng.normal(size=2000)
    values[700] += 1.5
    found = audit(points_table(values)).only(issue="point_anomaly").flagged.to_pylist()
    assert [line["row"] for line in found] == [700]
    assert "2024-03-05 20:40:00" in found[0]["reason"]


def test_odd_windows_are_listed_and_each_has_one_worst_point():
    rng = np.random.default_rng(0)
    values = np.sin(np.arange(3000) * 2 * np.pi / 60) + 0.05 * rng.normal(size=3000)
    values[1000:1050] = 0.0
    values[2000:2050] *= -1
    found = audit(points_table(values))
    facts = found.facts["series_anomalies"]
    lines = found.only(issue="window_anomaly").flagged.to_pylist()
    listed = [set(range(window["first_row"], window["last_row"] + 1)) for window in facts["oddest"]]
    assert facts["windows"] == len(listed) >= 2
    assert set().union(*listed) == {line["row"] for line in lines}
    worst = [line["row"] for line in sorted(lines, key=lambda line: line["score"])[: len(listed)]]
    assert all(len(window & set(worst)) == 1 for window in listed)


@pytest.mark.parametrize("name", ["GunPoint", "BasicMotions", "ItalyPowerDemand"])
def test_real_sets_have_few_alarms_and_planted_windows_are_found(name, shared_data):
    arrays = np.load(shared_data / "timeseries_classification" / f"{name}.npz")
    items = list(np.concatenate([arrays["X_train"], arrays["X_test"]])[:300])
    labels = np.concatenate([arrays["y_train"], arrays["y_test"]]).astype(str)[:300].tolist()
    assert len(audit(series_table(items, labels)).flagged) <= 0.02 * len(items)
    rng = np.random.default_rng(0)
    rows = rng.choice(len(items), len(items) // 25, replace=False)
    for row in rows:
        item = items[row] = items[row].copy()
        n = item.shape[1]
        start = int(rng.integers(0, n - n // 4))
        own = item[:, start : start + n // 4]
        own += 6 * item.std(1, keepdims=True) * rng.choice([-1, 1], own.shape)
    flagged = set(audit(series_table(items, labels)).flagged["row"].to_pylist())
    assert len(flagged & set(rows.tolist())) >= 0.9 * len(rows)


def test_order_of_rows_changes_nothing():
    rng = np.random.default_rng(0)
    items = [np.sin(np.arange(64) / 5 + rng.uniform(0, 6)) + 0.1 * rng.normal(size=64) for _ in range(50)]
    items[7][20:40] = 3.0
    table = series_table(items)
    first = {line["row_id"]: line["score"] for line in audit(table).table.to_pylist()}
    moved = audit(table.select(rng.permutation(50)))
    for line in moved.table.to_pylist():
        assert line["score"] == pytest.approx(first[line["row_id"]], abs=1e-6)
    assert moved.flagged["row_id"].to_pylist() == ["r0007"]
    assert "of 64" in moved.flagged["reason"][0].as_py()


def test_few_long_series_are_compared_with_themselves():
    rng = np.random.default_rng(0)
    usual = np.sin(np.arange(2000) * 2 * np.pi / 50) + 0.05 * rng.normal(size=2000)
    odd = usual.copy()
    odd[900:940] = 0
    found = audit(series_table([usual, odd])).flagged.to_pylist()
    assert [line["row"] for line in found] == [1]
    assert "of 2000 are unlike the rest of the series" in found[0]["reason"]


@pytest.mark.parametrize(
    "items",
    [
        [[1.0], [1.0, 2.0], [1.0, 2.0, 3.0]],
        [[0.0] * 50] * 20,
        [[float("nan")] * 50] * 12,
        [np.random.default_rng(n).normal(size=3 + 5 * n) for n in range(30)],
        [np.random.default_rng(n).normal(size=(32, 40)) for n in range(10)],
        [np.random.default_rng(n).normal(size=40) * 1e30 for n in range(10)],
    ],
)
def test_odd_series_are_no_exceptions(items):
    found = audit(series_table(items))
    assert len(found) == len(items)
    assert np.isfinite(found.table["score"].to_numpy()).all()


def test_settings_do_something():
    rng = np.random.default_rng(0)
    values = np.sin(np.arange(3000) * 2 * np.pi / 60) + 0.05 * rng.normal(size=3000)
    values[1000:1030] = 0.0
    values[2500] = 9.0
    table = points_table(values)
    assert len(audit(table, max_share=0).flagged) == 0
    assert not len(audit(table, threshold=50).only(issue="window_anomaly").flagged)
    assert not len(audit(table, point_threshold=1e4).only(issue="point_anomaly").flagged)
    assert audit(table, window=20).facts["series_anomalies"]["window"] == 20
    assert audit(table).facts["series_anomalies"]["period"] == 60


def test_a_file_of_points_is_audited_unasked(tmp_path):
    rng = np.random.default_rng(0)
    values = np.sin(np.arange(1500) * 2 * np.pi / 60) + 0.05 * rng.normal(size=1500)
    values[500:540] = 0.0
    times = [
        str(np.datetime64("2024-03-01T00:00:00") + i * np.timedelta64(600, "s")).replace("T", " ") for i in range(1500)
    ]
    pa.csv.write_csv(pa.table({"timestamp": times, "value": values}), tmp_path / "sensor.csv")
    summary = curate.audit(tmp_path / "sensor.csv").summary
    assert 0 < summary["series_anomalies"]["window_anomaly"]["issues"] <= 75
    assert summary["series_quality"]["gap"]["issues"] == 0


def test_parts():
    assert period(np.sin(np.arange(1000) * 2 * np.pi / 25)) == 25
    assert period(np.random.default_rng(0).normal(size=1000)) == 0
    assert period(np.ones(100)) == 0
    assert window_starts(10, 4, 3).tolist() == [0, 3, 6]
    assert window_starts(11, 4, 3).tolist() == [0, 3, 6, 7]
    assert not len(window_starts(3, 4, 1))
    assert core(np.array([0, 0, 5, 5, 0, 0], np.float32), np.zeros(6, np.float32), 1) == (2, 4)
    assert deviations(np.array([np.nan, np.nan])).tolist() == [0, 0]
