"""The report as terminal text."""

from io import StringIO

import numpy as np
from rich.console import Console

from curate.findings import Findings
from curate.report import Report, render
from curate.task import Task


def printed(report, width=80):
    out = StringIO()
    render(report, Console(file=out, width=width, color_system=None))
    return out.getvalue()


def test_text_fits_80_columns_and_says_the_figures(animals, findings):
    text = str(Report(animals, findings, notes=["a note " * 40], seconds=2.0))
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "4 of 10 rows (40.0%) have at least one issue" in text
    assert "looks like a fish" in text
    assert "dog → fish" in text
    cells = [line.split() for line in text.splitlines()]
    assert ["label_errors", "label_error", "9", "2", "22.2%"] in cells
    assert ["text_quality", "shouting", "9", "0", "0.0%"] in cells


def test_markup_and_control_characters_are_shown_not_obeyed(make_table):
    hostile = ["[/bold]x", "[red]y", "\x1b[2Jz", "a\x00b\x9bc", "\u202egnp.exe", "[link=file:///etc]p[/link]"]
    names = tuple(hostile)
    task = Task(kind="classification", text="text", label="label", label_names=names)
    table = make_table({"text": hostile, "label": hostile}, task, ids=hostile, source="[bold]\x1b]0;s\x07")
    six = np.arange(6)
    found = Findings.of(
        "[i]check",
        "issue\x1b[0m",
        six,
        table.row_ids,
        np.zeros(6),
        np.ones(6, bool),
        suggested_label=hostile[::-1],
        reason=[f"because {text}" for text in hostile],
    )
    text = printed(Report(table, found, notes=["\x1b[31m[/]"]), width=300)
    assert not any(ord(c) < 32 and c != "\n" for c in text)
    assert "\x9b" not in text
    assert "\u202e" not in text
    for shown in ("[/bold]x", "[red]y", "\\x1b[2Jz", "[i]check", "[bold]\\x1b]0;s\\x07", "\\x1b[31m[/]"):
        assert shown in text


def test_accounts_and_decisions(animals, findings):
    from curate.ledger import Decisions

    decisions = Decisions.of("label_errors", "drop", ["r1", "r3"], "wrong label")
    accounts = [{"split": "train", "read": 7, "kept": 5, "dropped": 2, "unreadable": 0}]
    cells = [
        line.split() for line in str(Report(animals, findings, decisions=decisions, accounts=accounts)).split("\n")
    ]
    assert ["train", "7", "5", "2", "0"] in cells
    assert ["label_errors", "drop", "2"] in cells


def test_many_quiet_issues_share_a_line(animals, findings):
    n = len(animals)
    quiet = [
        Findings.of("image_quality", f"kind_{i}", np.arange(n), animals.row_ids, np.ones(n), np.zeros(n, bool))
        for i in range(12)
    ]
    lines = " ".join(str(Report(animals, Findings.join([findings, *quiet]))).split())
    assert "label_errors label_error 9 2 22.2%" in lines
    assert "nothing found: text_quality; image_quality (kind_0, kind_1," in lines


def test_the_worst_rows_of_an_issue_are_shown_once(animals):
    n = len(animals)
    parts = [
        Findings.of("missing_values", issue, np.arange(n), animals.row_ids, np.arange(n) / n, np.arange(n) == 1 + k)
        for k, issue in enumerate(("missing_label", "missing_cells", "disguised_missing"))
    ]
    text = str(Report(animals, Findings.join(parts)))
    assert text.count(": worst rows") == 3


def test_all_columns_are_counted(make_table):
    names = tuple(f"f{k}" for k in range(300))
    task = Task(kind="unlabeled", features=names)
    table = make_table({name: [1.0, 2.0] for name in names}, task)
    none = Findings.of("outliers", "outlier", np.arange(2), table.row_ids, np.ones(2), np.zeros(2, bool))
    assert "features = 300 columns" in printed(Report(table, none), width=200)


def test_columns_are_no_rows(animals):
    n = len(animals)
    found = Findings.of("column_quality", "id_column", np.arange(n), animals.row_ids, np.ones(n), np.arange(n) == 3)
    assert "Leave out columns that say nothing (1 column)" in str(Report(animals, found))
