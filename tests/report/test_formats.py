"""The report for other programs: every line parses, says where, and can't be steered by the data."""

import json
import logging
import re
import warnings
from xml.etree import ElementTree as xml

import numpy as np
import pyarrow as pa
import pytest
import yaml

from curate.findings import Findings
from curate.report import Report
from curate.report.formats.github import command
from curate.report.formats.markdown import escaped
from curate.report.model import GateOutcome
from curate.task import Task

HOSTILE = "a,b:c%d\r\n::error::x\x1b[2J \u202e ]]> <script>|`*_ @everyone http://x.invalid \ud800".encode(
    "utf-8", "backslashreplace"
).decode()


def gate(check="label_errors", failed=True, **parts):
    sentence = f"gate {'failed' if failed else 'passed'}: {check} > 1"
    known = {"text": f"{check} > 1", "issue": None, "split": None, "flagged": 2, "rows": 9}
    return GateOutcome(check=check, failed=failed, sentence=sentence, **known | parts)


@pytest.fixture
def report(animals, findings):
    return Report(animals, findings, skipped={"outliers": "needs a package"}, seconds=1.5).judged([gate()])


@pytest.fixture
def hostile(make_table):
    task = Task(kind="classification", text="text", label="label", label_names=(HOSTILE, "b"))
    origin = pa.table({"file": pa.array([HOSTILE] * 3).dictionary_encode(), "line": [1, 2, 3]})
    table = make_table({"text": [HOSTILE] * 3, "label": [HOSTILE] * 3}, task, source=HOSTILE, origin=origin)
    found = Findings.of(
        "outliers",
        HOSTILE,
        np.arange(3),
        table.row_ids,
        np.zeros(3),
        np.ones(3, bool),
        suggested_label=["b"] * 3,
        reason=[HOSTILE] * 3,
        facts={HOSTILE: HOSTILE, "sentence": HOSTILE},
    )
    return Report(table, found, notes=[HOSTILE], skipped={HOSTILE: HOSTILE})


def test_json_lines_hold_every_flagged_finding(report):
    lines = [json.loads(line) for line in report.to_jsonl().splitlines()]
    assert [(line["check"], line["row"], line["line"]) for line in lines] == [
        ("label_errors", 3, 5),
        ("label_errors", 1, 3),
        ("exact_duplicates", 2, 4),
        ("unreadable", 9, 11),
    ]
    assert lines[0]["label"] == "dog"
    assert lines[0]["suggested_label"] == "fish"
    assert lines[3]["split"] == "validation"


def test_json_lines_of_hostile_data(hostile):
    assert [json.loads(line)["reason"] for line in hostile.to_jsonl().split("\n")[:-1]] == [HOSTILE] * 3


def test_annotations_name_file_and_line(report):
    lines = report.to_github().splitlines()
    assert lines[0] == "::error title=curate gate::gate failed: label_errors > 1"
    assert lines[1].startswith("::error title=curate%3A not judged::outliers could not run")
    assert lines[2].startswith(
        "::error file=animals.csv,line=5,title=label_errors/label_error::row r3: looks like a fish"
    )
    assert [line.split(" ")[0] for line in lines[2:]] == ["::error", "::error", "::warning", "::warning"]


def test_annotations_name_the_file_from_the_working_folder(make_table, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("x")
    monkeypatch.chdir(tmp_path)
    origin = pa.table({"file": pa.array(["a.csv"]).dictionary_encode(), "line": [2]})
    task = Task(kind="unlabeled", text="text")
    table = make_table({"text": ["x"]}, task, origin=origin, root=tmp_path / "data")
    found = Findings.of("outliers", "outlier", np.arange(1), table.row_ids, np.zeros(1), np.ones(1, bool))
    assert "file=data/a.csv,line=2," in Report(table, found).to_github()


def test_workflow_commands_can_not_be_injected(hostile):
    lines = hostile.to_github().splitlines()
    assert all(re.match(r"::(error|warning|notice) (file=|title=)", line) for line in lines)
    assert len(lines) == 4
    assert "\x1b" not in "".join(lines)
    assert command("error", "50%\nnext", title="a:b,c", file="f,1", line=3) == (
        "::error file=f%2C1,line=3,title=a%3Ab%2Cc::50%25%0Anext"
    )


def test_many_findings_are_counted_in_a_notice(make_table):
    table = make_table({"text": ["x"] * 80}, Task(kind="unlabeled", text="text"))
    found = Findings.of("outliers", "outlier", np.arange(80), table.row_ids, np.zeros(80), np.ones(80, bool))
    lines = Report(table, found).to_github().splitlines()
    assert len(lines) == 51
    assert lines[-1] == "::notice title=curate::30 more findings are not annotated"


def test_junit_agrees_with_the_gates(report):
    root = xml.fromstring(report.to_junit())
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("6", "2", "1")
    failed = [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None]
    assert failed == ["label_errors > 1", "label_error"]
    assert "animals.csv:5: looks like a fish" in root.find(".//testcase[@name='label_error']/failure").text
    assert "r2" in root.find(".//testcase[@name='exact_duplicate']/system-out").text


def test_junit_without_gates_fails_nothing(animals, findings):
    assert xml.fromstring(Report(animals, findings).to_junit()).get("failures") == "0"


def test_junit_of_hostile_data_is_well_formed(hostile):
    root = xml.fromstring(hostile.to_junit())
    assert root.find(".//testcase[@classname='curate.outliers']").get("name").startswith("a,b:c%d")


def test_markdown_has_a_card_and_tables(report):
    text = report.to_markdown()
    _, front, body = text.split("---\n", 2)
    assert yaml.safe_load(front) == {
        "task_categories": ["text-classification"],
        "size_categories": ["n<1K"],
        "tags": ["data-quality", "curate"],
    }
    assert r"| label\_errors | label\_error | 2 | 9 | 22.2% |" in body
    assert "❌ gate failed" in body
    assert "outliers could not run" in body
    assert "| cat | 4 | 44.4% |" in body


def test_markdown_card_is_what_the_hub_reads(report):
    card = pytest.importorskip("huggingface_hub").DatasetCardData
    front = yaml.safe_load(report.to_markdown().split("---\n")[1])
    assert card(**front).to_dict() == front


def test_markdown_escapes(hostile):
    text = hostile.to_markdown()
    assert "<script" not in text
    assert "@everyone" not in text
    assert "http://" not in text
    assert escaped("a|b`c*[x](y)") == r"a\|b\`c\*\[x\](y)"


@pytest.fixture
def valid():
    """Whether mlcroissant takes a description; gives back the data set it makes of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of mlcroissant's own imports
        mlcroissant = pytest.importorskip("mlcroissant")
    logging.getLogger("absl").setLevel(logging.ERROR)
    return lambda made: mlcroissant.Dataset(jsonld=made)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_croissant_of_a_file_reads_back(tmp_path, valid):
    import curate

    lines = [f"{'a cat sat' if i % 2 else 'a dog ran'} {i},{'cat' if i % 2 else 'dog'}" for i in range(20)]
    (tmp_path / "my data.csv").write_text("what's said,label\n" + "\n".join(lines) + "\n")
    report = Report(curate.load(tmp_path / "my data.csv", {"text": "what's said", "label": "label"}), Findings.none())
    report.to_croissant(tmp_path / "croissant.json")
    made = json.loads((tmp_path / "croissant.json").read_text())
    assert made["conformsTo"][0] == "http://mlcommons.org/croissant/1.1"
    assert len(made["distribution"][0]["sha256"]) == 64
    assert made["prov:wasGeneratedBy"]["name"] == "audit"
    found = valid(str(tmp_path / "croissant.json"))
    first = next(iter(found.records("rows")))
    assert sorted(value.decode() for value in first.values()) == ["a dog ran 0", "dog"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_croissant_of_a_folder_and_of_memory(tmp_path, valid, animals, findings):
    import curate
    from curate.media.image import encode_png

    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for i in range(3):
            (tmp_path / name / f"{i}.png").write_bytes(encode_png(np.full((9, 9, 3), 20 * i, np.uint8)))
    made = json.loads(Report(curate.load(tmp_path), Findings.none()).to_croissant())
    assert made["distribution"][0]["includes"] == ["**/*.png"]
    valid(made)
    made = json.loads(Report(animals, findings).to_croissant())
    assert "label_errors, label_error: 2 of 9 rows (22.2%)" in made["rai:dataLimitations"]
    valid(made)
