import datetime

import pytest

import curate
from curate.checks.series.points import read_times
from curate.errors import ConfigError


def days(table, column="date"):
    seconds, dated = read_times(table.column(column), table.task.date_order)
    assert dated
    assert seconds is not None
    return [datetime.datetime.fromtimestamp(s, datetime.UTC).strftime("%Y-%m-%d") for s in seconds]


def load(tmp_path, dates, **said):
    lines = "".join(f"{date},{k + 0.5},{'ab'[k % 2]}\n" for k, date in enumerate(dates))
    (tmp_path / "rows.csv").write_text("date,value,label\n" + lines)
    return curate.load(tmp_path / "rows.csv", **said)


@pytest.mark.parametrize("sign", "/-")
def test_a_column_of_dates_decides_their_order(tmp_path, sign):
    table = load(tmp_path, [f"01{sign}02{sign}2024", f"1{sign}13{sign}2024", f"02{sign}03{sign}2024"])
    assert days(table) == ["2024-01-02", "2024-01-13", "2024-02-03"]
    assert table.notes == ()
    table = load(tmp_path, [f"01{sign}02{sign}2024", f"13{sign}1{sign}2024", f"02{sign}03{sign}2024"])
    assert days(table) == ["2024-02-01", "2024-01-13", "2024-03-02"]
    assert table.notes == ()


def test_dates_that_may_be_either_are_noted_and_can_be_said(tmp_path):
    dates = ["01/02/2024 08:30", "02/03/2024 08:30", "", "03/04/2024 08:30"]
    table = load(tmp_path, dates)
    assert table.notes == (
        "'date': nothing tells whether dates such as '01/02/2024 08:30' put the day or the month first; as times they"
        " are read with the day first. Say which (--date-order month_first, or task: {date_order: month_first}), or"
        " write them as 2024-12-31",
    )
    dates.pop(2)
    assert days(load(tmp_path, dates)) == ["2024-02-01", "2024-03-02", "2024-04-03"]
    said = load(tmp_path, dates, date_order="month_first")
    assert said.notes == ()
    assert days(said) == ["2024-01-02", "2024-02-03", "2024-03-04"]
    assert load(tmp_path, dates, task={"date_order": "day_first"}).notes == ()


def test_what_is_said_of_the_order_gives_way_to_what_the_dates_tell(tmp_path):
    table = load(tmp_path, ["01/02/2024", "13/02/2024"], date_order="month_first")
    assert days(table) == ["2024-02-01", "2024-02-13"]


def test_dates_of_both_orders_are_noted(tmp_path):
    table = load(tmp_path, ["13/02/2024", "02/14/2024", "01/02/2024"])
    assert read_times(table.column("date")) == (None, False)
    assert table.notes == (
        "'date': the day comes first in '13/02/2024' and the month in '02/14/2024', so that no times are read from it:"
        " write its dates as 2024-12-31",
    )


@pytest.mark.parametrize("dates", [["2024-01-02", "2024-02-03"], ["01.02.2024", "03.04.2024"], ["1/2", "3/4"]])
def test_other_columns_are_not_noted(tmp_path, dates):
    assert load(tmp_path, dates, features=["date", "value"]).notes == ()


def test_an_unknown_order_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"date_order.*'day_first' or 'month_first'"):
        load(tmp_path, ["01/02/2024"], date_order="dmy")
