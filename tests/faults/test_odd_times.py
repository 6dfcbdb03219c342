"""Columns of times as pandas writes them, times that Python has no value for, and whole numbers beyond 2^53."""

import numpy as np
import pyarrow as pa
import pytest

import curate

ROWS = 80
RNG = np.random.default_rng(0)
NANOSECONDS = [int(value) for value in RNG.integers(15 * 10**17, 17 * 10**17, ROWS)]
COLUMNS = {
    "nanoseconds": pa.array(NANOSECONDS, pa.int64()).cast(pa.timestamp("ns")),
    "durations": pa.array(NANOSECONDS, pa.int64()).cast(pa.duration("ns")),
    "beyond the year 9999": pa.array([*range(ROWS - 1), 2_932_900], pa.int32()).cast(pa.date32()),
    "far beyond it": pa.array([*(value // 1000 for value in NANOSECONDS[1:]), 2**62], pa.int64()).cast(
        pa.timestamp("us")
    ),
    "ids of 64 bits": pa.array(NANOSECONDS, pa.int64()),
}
STEPS = """\
curate: 1
evidence: {encoder: classic}
steps:
  - exact_duplicates
  - outliers
  - scale: {method: standard}
  - resample: {method: smotenc, to: 0.9}
"""


@pytest.fixture(params=COLUMNS)
def table(request):
    columns = {"x": RNG.normal(size=ROWS), "when": COLUMNS[request.param], "c": [str(row % 3) for row in range(ROWS)]}
    label = ["a"] * 60 + ["b"] * 20
    task = curate.Task(features=["x", "when", "c"], label="label")
    return curate.load(pa.table(columns | {"label": label}), task)


def test_every_check_can_run_and_the_page_shows_the_rows(table, tmp_path):
    report = curate.audit(table, evidence={"encoder": "classic"}, cache=None, on_fault="raise")
    report.to_html(tmp_path / "report.html")


def test_a_result_is_fed_and_exported(table, tmp_path):
    from curate.pipeline.pipeline import Pipeline

    if pa.types.is_integer(table.column("when").type):
        pytest.skip("ids are refused by resample")
    curated = Pipeline.from_text(STEPS).run(table, tmp_path / "out", cache=None)
    assert next(iter(curated.loader()))["features"].shape[1] >= 2
    for form in ("parquet", "webdataset"):
        curated.export(tmp_path / form, form)
