"""`curate compare`, as a person types it."""

import json

import pytest

from curate.cli import invoke


@pytest.fixture
def reports(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = [f"text number {i},{'ab'[i % 2]}" for i in range(12)]
    for name, rows in (("a", lines), ("b", [*lines, lines[0]])):
        (tmp_path / f"{name}.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
        checks = "--checks", "exact_duplicates,text_quality"
        assert invoke(["audit", f"{name}.csv", *checks, "--no-cache", "--findings", f"{name}.parquet", "--json"]) == 0
        (tmp_path / f"{name}.json").write_text(capsys.readouterr().out)


def test_text_json_and_page(reports, capsys, tmp_path):
    assert invoke(["compare", "a.parquet", "b.parquet", "--html", "c.html"]) == 0
    out = capsys.readouterr().out
    assert "12 → 13 rows, 1 gained, 0 lost" in out
    assert "exact_duplicates.exact_duplicate" in out
    page = (tmp_path / "c.html").read_text()
    assert "<script" not in page
    assert "12 → 13 rows" in page
    assert invoke(["compare", "a.json", "b.json", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"] == dict.fromkeys(("first_kept", "second_kept", "gained", "lost")) | {"first": 12, "second": 13}
    assert {one["name"]: (one["first"], one["second"]) for one in found["classes"]} == {"a": (6, 7), "b": (6, 6)}


def test_what_can_not_be_compared(reports, capsys):
    assert invoke(["compare", "a.json"]) == 2
    assert invoke(["compare", "a.json", "a.csv"]) == 3
    assert invoke(["compare", "a.json", "nothing"]) == 3
    assert "there is no such file" in capsys.readouterr().err
