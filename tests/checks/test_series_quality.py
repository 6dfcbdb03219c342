"""Planted faults in real series are found, untouched series are not flagged, and nothing odd is an exception."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

import curate
from benchmarks import audio_series_faults as faults
from curate.checks.series.points import point_series
from curate.checks.series_quality import SeriesQuality
from curate.errors import ConfigError
from curate.evidence import Evidence, EvidenceSettings
from curate.evidence.measures.series import SeriesStatistics
from curate.evidence.measures.series_marks import SeriesMarks

SETS = ("GunPoint", "BasicMotions", "ItalyPowerDemand")
DEFECTS = {"GunPoint": {47, 100}, "BasicMotions": {40}, "ItalyPowerDemand": set()}
"""Rows with real errors of the sensors: single samples far off (GunPoint) and a start-up pulse (BasicMotions)."""


@pytest.fixture(scope="module")
def sets(shared_data):
    """Name -> series and labels."""
    found = {}
    for name in SETS:
        arrays = np.load(shared_data / "timeseries_classification" / f"{name}.npz")
        items = np.concatenate([arrays["X_train"], arrays["X_test"]]).astype(np.float32)[:400]
        found[name] = list(items), np.concatenate([arrays["y_train"], arrays["y_test"]]).astype(str)[:400].tolist()
    return found


def measured(items):
    return SeriesStatistics().measure(items) | SeriesMarks().measure(items)


def found_in(table_of, evidence_of, values, labels=None, **settings):
    n = len(values["series.length"])
    columns = {"series": [[float(i)] for i in range(n)]} | ({"label": labels} if labels else {})
    table = table_of(columns, series="series", **({"label": "label"} if labels else {}))
    return SeriesQuality(**settings).find(evidence_of(table, measures=values))


@pytest.mark.parametrize("name", SETS)
def test_untouched_series_are_not_flagged(name, sets, table_of, evidence_of):
    items, labels = sets[name]
    found = found_in(table_of, evidence_of, measured(items), labels).flagged.to_pylist()
    alarms = {}
    for line in found:
        if line["row"] not in DEFECTS[name]:
            alarms[line["issue"]] = alarms.get(line["issue"], 0) + 1
    assert all(count <= 0.02 * len(items) for count in alarms.values()), alarms
    assert {line["row"] for line in found} >= DEFECTS[name]


@pytest.mark.parametrize("fault", faults.SERIES_FAULTS)
@pytest.mark.parametrize("name", SETS)
def test_planted_faults_are_found(name, fault, sets, table_of, evidence_of):
    items, labels = sets[name]
    rng = np.random.default_rng(1)
    rows = np.sort(rng.choice(len(items), len(items) // 10, replace=False))
    broken = measured([faults.SERIES_FAULTS[fault](items[row], rng) for row in rows])
    values = measured(items) if (name, "clean") not in CLEAN else CLEAN[name, "clean"]
    CLEAN[name, "clean"] = values
    values = {field: column.copy() for field, column in values.items()}
    for field, column in values.items():
        column[rows] = broken[field]
    lines = found_in(table_of, evidence_of, values, labels).only(issue=fault.partition(" ")[0]).flagged
    flagged = set(lines["row"].to_pylist())
    assert len(flagged & set(rows.tolist())) >= 0.95 * len(rows)
    assert len(flagged - set(rows.tolist()) - DEFECTS[name]) <= 0.02 * len(items)
    assert all(";" in reason or "as " in reason for reason in lines["reason"].to_pylist())


CLEAN = {}


@pytest.mark.parametrize("fault", ["spike", "level_shift", "unit_jump", "unit_jump (inside)"])
def test_faults_are_found_in_a_set_that_mixes_rest_and_motion(fault, sets, table_of, evidence_of):
    items, _ = sets["BasicMotions"]
    found, planted, alarms = 0, 0, 0
    for seed in range(3):
        rng = np.random.default_rng(seed)
        rows = rng.choice(len(items), len(items) // 10, replace=False).tolist()
        changed = list(items)
        for row in rows:
            changed[row] = faults.SERIES_FAULTS[fault](items[row], rng)
        lines = found_in(table_of, evidence_of, measured(changed)).only(issue=fault.partition(" ")[0]).flagged
        flagged = set(lines["row"].to_pylist())
        found, planted = found + len(flagged & set(rows)), planted + len(rows)
        alarms += len(flagged - set(rows) - DEFECTS["BasicMotions"])
    assert found >= 0.95 * planted
    assert alarms <= 0.03 * 3 * len(items)


def test_reasons_name_places_and_bounds(table_of, evidence_of):
    rng = np.random.default_rng(0)
    items = [np.sin(np.arange(120) / 9 + rng.uniform(0, 6))[None].astype(np.float32) * 5 + 20 for _ in range(40)]
    items[0] = items[0].copy()
    items[0][0, 30:45] = np.nan
    items[1] = items[1].copy()
    items[1][0, 60:100] = items[1][0, 60]
    items[2] = items[2] * 1000
    items[3] = items[3] * 1.8 + 32
    items[4] = items[4][:, :70]
    items[5] = items[5].copy()
    items[5][0, 50:] += 40
    found = found_in(table_of, evidence_of, measured(items)).flagged.to_pylist()
    said = {(line["row"], line["issue"]): line["reason"] for line in found}
    assert said[0, "gap"] == "15 values are missing or not finite in a row, places 30-44 of 120; allowed: 0"
    assert "one value 40 times in a row, places 60-99 of 120 (33%); allowed: 10%" in said[1, "flat_run"]
    assert "by a factor of a thousand" in said[2, "unit_jump"]
    assert "degrees Fahrenheit among Celsius" in said[3, "unit_jump"]
    assert said[4, "wrong_length"] == "70 values, as 2.5% of the set; 98% have 120"
    assert "at place 50 of 120 and stays" in said[5, "level_shift"]


def test_padding_at_the_end_is_no_gap_but_a_length(table_of, evidence_of):
    items = [np.random.default_rng(i).normal(size=(2, 50)).astype(np.float32) for i in range(30)]
    items[3] = items[3].copy()
    items[3][:, 20:] = np.nan
    found = found_in(table_of, evidence_of, measured(items)).flagged.to_pylist()
    assert [(line["row"], line["issue"]) for line in found] == [(3, "wrong_length")]
    assert found[0]["reason"] == "20 values before 30 missing ones at the end, as 3.3% of the set; 97% have 50"


def test_a_decaying_transient_is_no_spike_and_a_single_value_is_one(table_of, evidence_of):
    rng = np.random.default_rng(3)
    items = [np.sin(np.arange(120) / 9 + rng.uniform(0, 6))[None] + 0.05 * rng.normal(size=(1, 120)) for _ in range(40)]
    items[0][0, 60:64] += [9, 6, 4, 2]
    items[1][0, 60] += 9
    found = found_in(table_of, evidence_of, measured([item.astype(np.float32) for item in items]))
    assert found.only(issue="spike").flagged["row"].to_pylist() == [1]


def test_settings_that_are_null_are_not_looked_for(table_of, evidence_of):
    off = dict.fromkeys(
        ("max_gap", "max_flat_fraction", "max_spike", "max_shift", "min_unit_factor", "min_length_share")
    )
    items = [np.full((1, 9), np.inf, np.float32)] * 3
    found = found_in(table_of, evidence_of, measured(items), **off)
    assert set(found.table["issue"].to_pylist()) == {"not_finite"}
    assert len(found.flagged) == 3


@pytest.mark.parametrize(
    "items",
    [
        [np.zeros((1, n), np.float32) for n in (1, 2, 3, 1)],
        [np.full((1, 3), np.nan, np.float32), np.ones((1, 3), np.float32)],
        [np.ones((1, 100), np.float32)] * 5,
        [np.random.default_rng(0).normal(size=(32, 60)).astype(np.float32)],
        [np.random.default_rng(n).normal(size=(1 + n % 2, 5 + 7 * n)).astype(np.float32) for n in range(20)],
        [np.full((1, 40), 1e38, np.float32) * (-1) ** np.arange(40) for _ in range(9)],
    ],
)
def test_odd_series_are_no_exceptions(items, table_of, evidence_of):
    found = found_in(table_of, evidence_of, measured([item.astype(np.float32) for item in items]))
    score = found.table["score"].to_numpy()
    assert np.isfinite(score).all()
    assert len(found) == len(items) * len(set(found.table["issue"].to_pylist()))


def long_series(n=2000, step="300s", **columns):
    rng = np.random.default_rng(0)
    values = 20 + 5 * np.sin(np.arange(n) * 2 * np.pi / 96) + rng.normal(0, 0.3, n)
    times = np.datetime64("2024-03-01T00:00:00") + np.arange(n) * np.timedelta64(int(step[:-1]), "s")
    return {"timestamp": times, "value": values, **columns}


def audit_points(columns, tmp_path, **settings):
    """The check on a CSV file of points."""
    texts = {
        name: [str(v).replace("T", " ") for v in column] if np.asarray(column).dtype.kind == "M" else column
        for name, column in columns.items()
    }
    path = tmp_path / "points.csv"
    pa.csv.write_csv(pa.table({name: pa.array(v, from_pandas=True) for name, v in texts.items()}), path)
    evidence = Evidence(curate.load(path), EvidenceSettings(workers=1))
    return SeriesQuality(**settings).find(evidence)


def rows_by_issue(findings):
    found = {}
    for line in findings.flagged.to_pylist():
        found.setdefault(line["issue"], set()).add(line["row"])
    return found


def test_points_of_a_long_series(tmp_path):
    clean = long_series()
    assert rows_by_issue(audit_points(clean, tmp_path)) == {}
    columns = long_series()
    values = columns["value"]
    values[100:110] = np.nan
    values[300:340] = values[300]
    values[500] += 60
    values[700:760] *= 100
    values[1500:] += 30
    keep = np.ones(2000, dtype=bool)
    keep[900:905] = False
    times = columns["timestamp"].copy()
    times[1200] = times[1199]
    columns = {"timestamp": times[keep], "value": values[keep]}
    found = rows_by_issue(audit_points(columns, tmp_path))
    assert found["gap"] >= set(range(100, 110)) | {900}
    assert found["flat_run"] == set(range(300, 340))
    assert 500 in found["spike"]
    assert found["unit_jump"] >= set(range(702, 758))
    assert found["unit_jump"] <= set(range(690, 770))
    assert found["level_shift"] - found["unit_jump"] <= {1495, 760}
    assert 1495 in found["level_shift"]
    assert 1195 in found["irregular_step"]
    assert sum(map(len, found.values())) < 150


def test_reasons_of_points_name_times_and_bounds(tmp_path):
    columns = long_series()
    columns["value"][40:44] = np.nan
    found = audit_points(columns, tmp_path).flagged.to_pylist()
    assert {line["reason"] for line in found} == {
        "value is missing 4 times in a row, from 2024-03-01 03:20:00 to 2024-03-01 03:35:00; allowed: 0"
    }


@pytest.mark.parametrize("name", ["nyc_taxi", "ambient_temperature_system_failure", "art_daily_small_noise"])
def test_real_long_series_have_few_alarms_and_known_gaps(name, shared_data):
    evidence = Evidence(curate.load(shared_data / "nab_anomaly" / f"{name}.csv"), EvidenceSettings(workers=1))
    found = rows_by_issue(SeriesQuality().find(evidence))
    assert len(found.pop("gap", ())) == {"ambient_temperature_system_failure": 10}.get(name, 0)
    assert sum(map(len, found.values())) <= 0.002 * len(evidence.table)


def test_repeated_times_of_a_real_series(shared_data):
    path = shared_data / "nab_anomaly" / "ec2_request_latency_system_failure.csv"
    findings = SeriesQuality().find(Evidence(curate.load(path), EvidenceSettings(workers=1)))
    steps = findings.only(issue="irregular_step").flagged["reason"].to_pylist()
    assert sum("repeats" in reason for reason in steps) == 11


def test_planted_faults_in_real_points(shared_data):
    """One of each fault at 4 random places of each of two series: found at that place."""
    rng = np.random.default_rng(2)
    tried = {"gap": 0, "flat_run": 0, "spike": 0, "level_shift": 0, "unit_jump": 0}
    hits = dict.fromkeys(tried, 0)
    for name in ("nyc_taxi", "ambient_temperature_system_failure"):
        table = curate.load(shared_data / "nab_anomaly" / f"{name}.csv")
        [series] = point_series(table, np.ones(len(table), dtype=bool))
        [values] = series.values
        for issue in tried:
            for at in rng.integers(500, len(values) - 500, 4).tolist():
                planted = values.copy()
                span = float(np.ptp(values))
                if issue == "gap":
                    planted[at : at + 5] = np.nan
                elif issue == "flat_run":
                    planted[at : at + 40] = planted[at]
                elif issue == "spike":
                    planted[at] += 3 * span
                elif issue == "level_shift":
                    planted[at:] += 2 * span
                else:
                    planted[at : at + 200] *= 100
                flagged = set()
                for event in SeriesQuality().events(replace(series, values=planted[None])):
                    if event.issue == issue:
                        flagged |= set(event.places.tolist())
                tried[issue] += 1
                hits[issue] += bool(flagged & set(range(at - 1, at + 3)))
    assert hits == tried


def test_a_table_of_records_with_dates_is_no_series(tmp_path):
    rng = np.random.default_rng(0)
    days = np.datetime64("2020-01-01") + rng.integers(0, 900, 400).astype("timedelta64[D]")
    columns = {"date": days, "age": rng.integers(18, 90, 400), "spent": rng.exponential(30, 400)}
    findings = audit_points(columns, tmp_path)
    assert not len(findings)
    with pytest.raises(ConfigError, match="does not grow by one usual step"):
        audit_points(columns, tmp_path, time="date")
    with pytest.raises(ConfigError, match=r"no column 'tyme'"):
        audit_points(columns, tmp_path, time="tyme")


def test_several_series_below_each_other_are_told_apart(tmp_path):
    one, two = long_series(600), long_series(600)
    two["value"][100] = np.nan
    columns = {name: np.concatenate([one[name], two[name]]) for name in one}
    columns["sensor"] = ["a"] * 600 + ["b"] * 600
    findings = audit_points(columns, tmp_path)
    assert rows_by_issue(findings) == {"gap": {700}}
    assert findings.facts["series_quality"]["series"] == 2
    assert rows_by_issue(audit_points(columns, tmp_path, by="sensor")) == {"gap": {700}}


def test_points_in_another_order_are_the_same_points(tmp_path):
    columns = long_series(600)
    columns["value"][100] = np.nan
    order = np.random.default_rng(0).permutation(600)
    findings = audit_points({name: column[order] for name, column in columns.items()}, tmp_path)
    assert rows_by_issue(findings) == {"gap": set(np.flatnonzero(order == 100).tolist())}


def test_other_tables_are_refused_with_a_reason():
    assert SeriesQuality().refuses(curate.Task(text="text", kind="unlabeled"))
    assert SeriesQuality().refuses(curate.Task(features=("age", "income"), kind="unlabeled"))
    assert SeriesQuality().refuses(curate.Task(features=("time", "value"), kind="unlabeled")) is None
    assert SeriesQuality().refuses(curate.Task(series="series", kind="unlabeled")) is None


def test_lists_of_times_beside_series():
    rng = np.random.default_rng(0)
    items = rng.normal(size=(30, 40)).tolist()
    times = [(np.arange(40) * 0.5 + i).tolist() for i in range(30)]
    times[4][20:] = [t + 7 for t in times[4][20:]]
    times[9][10] = times[9][9]
    for form in (times, [[f"2024-01-01T00:{int(t) % 60:02d}:{int(t % 1 * 60):02d}" for t in row] for row in times]):
        columns = {"series": items, "timestamp": form, "id": [f"r{i:02d}" for i in range(30)]}
        table = curate.load(columns, task=curate.Task(series="series", id="id", kind="unlabeled"))
        findings = SeriesQuality().find(Evidence(table, EvidenceSettings(workers=1))).only(issue="irregular_step")
        assert {4, 9} <= set(findings.flagged["row"].to_pylist())
        assert len(findings.flagged) <= 3
    assert "place 10" in {line["row"]: line["reason"] for line in findings.flagged.to_pylist()}[9]
    with pytest.raises(ConfigError, match="no column 'when' with a list of times"):
        SeriesQuality(time="when").find(Evidence(table, EvidenceSettings(workers=1)))


def test_channels_that_are_not_judged_are_counted(table_of, evidence_of):
    items = [np.random.default_rng(n).normal(size=(20, 60)).astype(np.float32) for n in range(4)]
    facts = found_in(table_of, evidence_of, measured(items)).facts["series_quality"]
    assert facts["rows_with_channels_beyond_the_first_16"] == 4


def test_a_column_that_tells_series_apart_is_no_channel_of_them():
    rng = np.random.default_rng(0)
    station, hour = np.repeat(np.arange(6), 60), np.tile(np.arange(60), 6)
    columns = {"station": station, "time": hour, "depth": np.repeat([3.5] * 3 + [8.5] * 3, 60)}
    table = curate.load({**columns, "value": np.sin(hour / 4) + rng.normal(0, 0.1, 360)}, kind="unlabeled")
    active = np.ones(len(table), dtype=bool)
    assert {series.channels for series in point_series(table, active)} == {("value",)}
    assert not rows_by_issue(SeriesQuality().find(Evidence(table, EvidenceSettings(workers=1)))).get("flat_run")
    [alone] = point_series(table.select(np.arange(60)), active[:60])
    assert alone.channels == ("station", "depth", "value")


def test_a_column_of_times_that_is_not_there_is_named():
    table = curate.load({"when": list(range(60)), "value": [float(k % 7) for k in range(60)]})
    with pytest.raises(ConfigError, match=r"time: 'wen' is none of .* \(did you mean 'when'\?\); they are"):
        curate.audit(table, checks=[SeriesQuality(time="wen")], cache=False)
