"""`curate audit`: formats, gates, baselines and exit codes."""

import json
import subprocess
import sys
from xml.etree import ElementTree as xml

import pytest

from curate.checks.exact_duplicates import ExactDuplicates
from curate.cli import invoke
from curate.errors import MissingPackage

CHECKS = ("--checks", "exact_duplicates,missing_values")


@pytest.fixture
def cli(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        code = invoke(["audit", *map(str, arguments), "--no-cache"])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def data(tmp_path):
    """Ten texts; line 4 repeats line 2, and line 11 (of split test) line 3."""
    lines = [f"text number {i},{'ab'[i % 2]},train" for i in range(8)]
    lines.insert(2, lines[0])
    lines.append(lines[1].replace("train", "test"))
    (tmp_path / "d.csv").write_text("text,label,split\n" + "\n".join(lines) + "\n")
    return tmp_path / "d.csv"


def test_every_format_is_on_standard_output_alone(cli, data):
    for name, parse in (
        ("json", json.loads),
        ("jsonl", lambda out: [json.loads(line) for line in out.splitlines()]),
        ("junit", xml.fromstring),
    ):
        code, out, err = cli(data, *CHECKS, "--format", name)
        assert (code, err) == (0, "")
        assert parse(out) is not None
    assert "::warning file=d.csv,line=4," in cli(data, *CHECKS, "--format", "github")[1]
    assert "# Data quality" in cli(data, *CHECKS, "--format", "markdown")[1]
    assert json.loads(cli(data, *CHECKS, "--json")[1])["schema_version"] == 1
    assert cli(data, *CHECKS, "--json", "--format", "junit")[0] == 2
    assert cli(data, *CHECKS, "--format", "xml")[0] == 2


def test_json_lines_have_file_and_line(cli, data):
    found = [json.loads(line) for line in cli(data, *CHECKS, "--format", "jsonl")[1].splitlines()]
    assert {(line["file"], line["line"], line["split"]) for line in found} == {
        ("d.csv", 4, "train"),
        ("d.csv", 3, "train"),
    }


@pytest.mark.parametrize(
    ("gates", "code"),
    [
        (["exact_duplicates > 1"], 1),
        (["exact_duplicates > 2"], 0),
        (["exact_duplicates > 19%", "missing_values > 0"], 1),
        (["exact_duplicates > 20%", "missing_values > 0"], 0),
        (["exact_duplicates[test] > 0", "any[train] > 50%"], 0),
        (["outliers > 0"], 2),
        (["exact_duplicates[dev] > 0"], 2),
        (["exact_duplicates > many"], 2),
    ],
)
def test_exit_codes_of_gates(cli, data, gates, code):
    arguments = [part for gate in gates for part in ("--fail-on", gate)]
    found, _, err = cli(data, *CHECKS, *arguments)
    assert found == code, err
    assert ("gate failed" in err) == (code == 1)


def test_files_beside_the_output(cli, data, tmp_path):
    code, _, err = cli(
        data, *CHECKS, "--html", "r.html", "--findings", "f.parquet", "--markdown", "c.md", "--croissant", "c.json"
    )
    assert code == 0
    assert err.count("written: ") == 4
    assert {"r.html", "f.parquet", "c.md", "c.json"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("form", ["json", "parquet"])
def test_a_baseline_fails_only_on_what_is_new(cli, data, tmp_path, form):
    out = cli(data, *CHECKS, "--json", "--findings", "before.parquet")[1]
    (tmp_path / "before.json").write_text(out)
    gate = ("--fail-on", "exact_duplicates > 0")
    before = ("--baseline", f"before.{form}")
    assert cli(data, *CHECKS, *gate)[0] == 1
    code, _, err = cli(data, *CHECKS, *gate, *before)
    assert code == 0
    assert "0 new, 2 known, 0 gone" in err
    with data.open("a") as file:
        file.write("text number 7,b,train\n")
    code, out, err = cli(data, *CHECKS, *gate, *before, "--json")
    assert code == 1
    assert "1 new, 2 known, 0 gone" in err
    assert json.loads(out)["baseline"]["new"] == 1
    assert json.loads(out)["gates"][0]["failed"]
    assert cli(data, *CHECKS, *before)[0] == 1, "without a gate, any new finding fails"
    assert cli(data, *CHECKS, *before, "--fail-on", "exact_duplicates > 1")[0] == 0


def test_a_baseline_that_is_none(cli, data, tmp_path):
    (tmp_path / "odd.json").write_text("{}")
    assert cli(data, *CHECKS, "--baseline", "odd.json")[0] == 3
    assert cli(data, *CHECKS, "--baseline", "nothing.json")[0] == 3


@pytest.fixture
def incomplete(monkeypatch):
    """A check that lacks a package; only it and missing_values run by default."""
    from curate import registry

    def find(self, evidence):
        raise MissingPackage("faiss", "text", "exact duplicates")

    names = {name: registry.step_names()[name] for name in ("exact_duplicates", "missing_values")}
    monkeypatch.setattr(registry, "step_names", lambda: names)
    monkeypatch.setattr(ExactDuplicates, "find", find)


def test_an_incomplete_audit_never_exits_with_0(cli, data, incomplete):
    code, out, err = cli(data)
    assert code == 3
    assert "exact_duplicates could not run" in err
    assert "not all was judged" in out.lower()
    assert cli(data, "--allow-incomplete")[0] == 0
    assert cli(data, "--fail-on", "missing_values > 0")[0] == 3
    assert cli(data, "--allow-incomplete", "--fail-on", "missing_values > 0")[0] == 0
    assert cli(data, "--allow-incomplete", "--fail-on", "exact_duplicates > 0")[0] == 3
    assert json.loads(cli(data, "--json")[1])["skipped"]["exact_duplicates"].startswith("exact duplicates needs")


def test_unreadable_rows_and_checks_that_do_not_apply_are_not_incomplete(cli, tmp_path):
    (tmp_path / "d.csv").write_text("text\n" + "\n".join(f"text number {i}" for i in range(9)) + "\nragged,line,here\n")
    code, _, err = cli("d.csv", "--checks", "unreadable,exact_duplicates")
    assert code == 0, err


def test_help_says_what_exit_codes_mean():
    done = subprocess.run(
        [sys.executable, "-m", "curate", "audit", "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    text = " ".join(done.stdout.split())
    assert "--allow-incomplete" in text
    assert "3 the data can't be read" in text


def test_votes_of_several_annotators(cli, tmp_path):
    lines = [f"text number {i},{'ab'[i % 2]},{'ab'[i % 2]},{'ab'[i % 3 % 2]}" for i in range(30)]
    (tmp_path / "v.csv").write_text("text,rater_1,rater_2,rater_3\n" + "\n".join(lines) + "\n")
    code, _, err = cli("v.csv", "--checks", "exact_duplicates")
    assert (code, "--annotators rater_1,rater_2,rater_3" in err) == (2, True)
    code, out, _ = cli("v.csv", "--checks", "missing_values", "--annotators", "rater_1, rater_2,rater_3", "--json")
    assert (code, json.loads(out)["task"]["roles"]["label"]) == (0, "consensus")


def test_a_check_that_judged_nothing_says_why(cli, data):
    out = cli(data, "--checks", "class_overlap", "--encoder", "classic")[1]
    said = " ".join(out.split())
    assert "class_overlap judged no row: it compares three classes or more of at least 10 training rows" in said


def test_findings_are_parquet_and_are_not_written_under_another_ending(cli, data, tmp_path):
    code, out, err = cli(data, "--findings", tmp_path / "findings.csv")
    assert (code, out) == (2, "")
    assert f"name the file {tmp_path / 'findings.parquet'}" in err


def test_a_wrong_format_is_said_in_plain_words(cli, data):
    code, _, err = cli(data, "--format", "xml")
    assert (code, "'xml' is not one of 'text'" in err, "Value error" in err) == (2, True, False)


def test_a_mistyped_gate_is_refused_before_anything_is_read(cli, tmp_path):
    code, out, err = cli(tmp_path / "nothing.csv", "--fail-on", "image_quality.blury > 1%")
    assert (code, out) == (2, "")
    assert "did you mean 'blurry'" in err
    assert "nothing.csv" not in err


def test_a_gate_on_a_split_that_is_not_there_is_refused_before_the_audit(cli, data, monkeypatch):
    monkeypatch.setattr("curate.pipeline.auditing.audit", None)
    code, _, err = cli(data, "--fail-on", "exact_duplicates[tset] > 0")
    assert code == 2
    assert "names the split 'tset'" in err
