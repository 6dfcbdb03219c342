import datetime as dt
import json

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from curate.errors import DataError
from curate.transforms.regularize_series import RegularizeSeries

NAN = float("nan")


def made(table, **settings):
    step = RegularizeSeries(**settings)
    return step.apply(table, json.loads(json.dumps(step.fit(table))))


def series(table, **settings):
    return made(table, **settings).column("series").to_pylist()


GAPS = [[1.0, NAN, NAN, 4.0, NAN], [NAN, 2.0, None, 8.0, 8.0]]


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, [[1, 2, 3, 4, 4], [2, 2, 5, 8, 8]]),
        ({"fill": "previous"}, [[1, 1, 1, 4, 4], [2, 2, 2, 8, 8]]),
        ({"fill": "nearest"}, [[1, 1, 4, 4, 4], [2, 2, 8, 8, 8]]),
        ({"max_gap": 1}, [[1, NAN, NAN, 4, 4], [2, 2, 5, 8, 8]]),
        ({"fill": "none"}, [[1, NAN, NAN, 4, NAN], [NAN, 2, NAN, 8, 8]]),
    ],
)
def test_gaps_of_even_samples(table_of, settings, wanted):
    found = series(table_of({"series": [GAPS, [[0.0], [1.0]], None]}, series="series"), **settings)
    np.testing.assert_array_equal(np.array(found[0], dtype=float), wanted)
    assert found[1:] == [[[0.0], [1.0]], None]


def test_what_was_filled_is_said(table_of):
    table = made(table_of({"series": [GAPS, [[0.0], [1.0]]]}, series="series"), counts=True, length=6)
    assert table.column("series_filled").to_pylist() == [5, 0]
    assert table.column("series_padded").to_pylist() == [1, 5]
    assert table.notes[-1] == (
        "regularize_series: 5 numbers filled in 1 series; 6 places padded in 2 series (of 2 rows)"
    )


def test_splines_go_through_curves(table_of):
    line = np.sin(np.arange(30) / 3)
    gone = line.copy()
    gone[[5, 6, 17]] = np.nan
    found = series(table_of({"series": [gone.tolist(), [1.0, 2.0]]}, series="series"), fill="spline")
    known = np.flatnonzero(np.isfinite(gone))
    np.testing.assert_allclose(found[0], CubicSpline(known, line[known])(np.arange(30)), rtol=1e-5)
    assert np.abs(np.array(found[0]) - line).max() < 0.01


def test_times_in_any_order_come_to_the_median_step(table_of):
    times = [[0.0, 1.0, 2.0, 5.0], [10.0, 12.0, 11.0, 11.0], [0.0, 1.0]]
    values = [[0.0, 10.0, 20.0, 50.0], [0.0, 4.0, 1.0, 3.0], [5.0, 6.0]]
    table = made(table_of({"series": values, "at": times}, series="series"), time="at")
    assert table.column("series").to_pylist() == [[0, 10, 20, 30, 40, 50], [0, 2, 4], [5, 6]]
    assert table.column("at").to_pylist() == [[0, 1, 2, 3, 4, 5], [10, 11, 12], [0, 1]]
    assert "1 series with times out of order" in table.notes[-1]


def test_longest_gaps_are_counted_in_steps(table_of):
    at = [0.0, 10.0, 30.0, 60.0, 70.0]
    table = table_of({"series": [at, at], "at": [at, at]}, series="series")
    found = made(table, time="at", step=10, max_gap=1).column("series").to_pylist()[0]
    np.testing.assert_array_equal(np.array(found, dtype=float), [0, 10, 20, 30, NAN, NAN, 60, 70])


def test_dates_and_times_in_seconds(table_of):
    start = dt.datetime(2024, 2, 28, 23, 59)
    times = [[start + dt.timedelta(seconds=s) for s in (0, 60, 180)]] * 2
    table = made(table_of({"series": [[0.0, 1.0, 3.0]] * 2, "at": times}, series="series"), time="at", step=30)
    assert table.column("series").to_pylist()[0] == [0, 0.5, 1, 1.5, 2, 2.5, 3]
    assert table.column("at").to_pylist()[0] == [start + dt.timedelta(seconds=30 * i) for i in range(7)]


def test_many_samples_per_step_are_averaged_unless_told_otherwise(table_of):
    table = table_of({"series": [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 1.0]]}, series="series")
    noisy = table_of({"series": [(np.arange(1000) * 0 + (-1.0) ** np.arange(1000)).tolist()] * 2}, series="series")
    assert series(table, step=3, average=False)[0] == [0.0, 3.0, 6.0]
    assert np.abs(series(noisy, step=20)[0][1:-1]).max() <= 0.1
    assert np.abs(series(noisy, step=20, average=False)[0]).min() == 1


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"length": 2}, [[1, 2], [5, 6]]),
        ({"length": 2, "keep": "end"}, [[3, 4], [5, 6]]),
        ({"length": 2, "keep": "middle"}, [[2, 3], [5, 6]]),
        ({"length": 4}, [[1, 2, 3, 4], [5, 6, 6, 6]]),
        ({"length": 4, "pad": "zero", "side": "start"}, [[1, 2, 3, 4], [0, 0, 5, 6]]),
        ({"length": "longest", "pad": "mean", "side": "both"}, [[1, 2, 3, 4], [5.5, 5, 6, 5.5]]),
        ({"length": "median", "pad": "missing"}, [[1, 2, 3], [5, 6, NAN]]),
    ],
)
def test_lengths(table_of, settings, wanted):
    table = table_of({"series": [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0]]}, series="series")
    np.testing.assert_array_equal(np.array(series(table, **settings), dtype=float), wanted)


def test_length_and_step_are_learned_from_training_rows(table_of):
    columns = {"series": [[1.0] * 3, [1.0] * 3, [1.0] * 9], "at": [[0.0, 2.0, 4.0]] * 2 + [list(range(9))]}
    table = table_of({**columns, "split": ["train", "train", "test"]}, series="series", split="split")
    assert RegularizeSeries(time="at", length="longest").fit(table) == {"step": 2.0, "length": 3}


def test_rows_whose_times_do_not_fit_can_not_be_read_any_more(table_of):
    columns = {
        "series": [[1.0, 2.0], [1.0, 2.0], [3.0, 4.0], [[1.0, 2.0]][0]],
        "at": [[0.0, 1.0], [0.0], None, [NAN, NAN]],
    }
    table = table_of(columns, series="series")
    done = made(table, time="at")
    assert done.unreadable.tolist() == [False, True, True, True]
    assert done.problems["reason"].to_pylist() == [
        "at: 1 times for 2 samples",
        "at: no times for 2 samples",
        "at: no sample has a time",
    ]
    assert done.column("series").to_pylist() == [[1.0, 2.0], None, None, None]
    assert (done.content == table.content).all()


def test_errors_say_what_to_do(table_of):
    table = table_of({"series": [[1.0], [2.0]], "at": [[0.0], [1.0]], "w": ["x", "y"]}, series="series")
    with pytest.raises(DataError, match="name the step"):
        made(table, time="at")
    with pytest.raises(DataError, match="did you mean 'at'"):
        made(table, time="att")
    with pytest.raises(DataError, match="'w' holds string"):
        made(table, time="w")
