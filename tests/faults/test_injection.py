"""Text that would steer what shows it: rows, labels, names of columns, classes, files; in every form of report."""

import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from xml.etree import ElementTree as xml

import numpy as np
import pytest

import curate
from curate.evidence import EvidenceSettings

CLASSIC = EvidenceSettings(encoder="classic")
MARK = "pwned"
PAYLOADS = [
    f"<script>document.documentElement.dataset.{MARK}=1</script>",
    f"<img src=x onerror=document.documentElement.dataset.{MARK}=1>",
    f"</script><script>document.documentElement.dataset.{MARK}=1</script>",
    f"</textarea></style></title><svg onload=document.documentElement.dataset.{MARK}=1>",
    f"\"'><a href=javascript:document.documentElement.dataset.{MARK}=1 autofocus onfocus=document.body.innerHTML=1>x",
    "{{7*7}} {% raw %} ${7*7} #{7*7}",
    "<!--<script>",
    "]]><x/>&lol; <!DOCTYPE x [<!ENTITY lol 'x'>]>",
    "\x1b]0;owned\x07\x1b[2J\x1b[31m",
    "::error file=a::b\n::set-output name=x::y\r\n::stop-commands::z",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "[x](javascript:alert(1)) ![y](http://evil.invalid/z.png) |a|b| `c` <details open>",
    "[bold]x[/italic] [link=http://evil.invalid]y[/link]",
    "\u202eexe.gpj \u2066 \u2028 \u2029 \u0000"[:-1],
    "https://evil.invalid/?q=1 @everyone www.evil.invalid",
]


class Page(HTMLParser):
    """Elements and attributes of a page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.handlers, self.links, self.scripts = [], [], [], 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.scripts += tag == "script"
        for name, value in attrs:
            if name.startswith("on"):
                self.handlers.append((tag, name, value))
            if name in ("src", "href", "action", "formaction", "data", "srcdoc", "xlink:href"):
                self.links.append((tag, name, value or ""))


def texts(attack):
    words = ["card", "payment", "transfer", "refund", "account", "balance", "cash", "machine", "rate", "pin"]
    rng = np.random.default_rng(0)
    rows = [" ".join(rng.choice(words, 6)) for _ in range(40)]
    labels = ["a", "b"] * 20
    if attack:
        rows = [f"{PAYLOADS[i % len(PAYLOADS)]} {row}" for i, row in enumerate(rows)]
        rows[20:] = rows[:20]  # duplicates, so that they are shown
        labels = [PAYLOADS[i % 4] for i in range(40)]
    return rows, labels


def report_of(attack):
    rows, labels = texts(attack)
    text, label, extra = (PAYLOADS[0], PAYLOADS[1], PAYLOADS[12]) if attack else ("text", "label", "extra")
    columns = {
        text: rows,
        label: labels,
        extra: rows,
        "id": [f"{PAYLOADS[1] if attack else 'r'}{i}" for i in range(40)],
    }
    table = curate.load(columns, text=text, label=label, id="id")
    checks = [
        "exact_duplicates",
        "text_quality",
        "label_spelling",
        "class_imbalance",
        "conflicting_labels",
        "unreadable",
    ]
    return curate.audit(table, checks, evidence=CLASSIC, cache=None)


@pytest.fixture(scope="module")
def hostile():
    return report_of(True)


@pytest.fixture(scope="module")
def pages(tmp_path_factory, hostile):
    """The page of the hostile rows, that of plain ones, and that of a folder with hostile names."""
    folder = tmp_path_factory.mktemp("pages")
    hostile.to_html(folder / "hostile.html")
    report_of(False).to_html(folder / "plain.html")
    pictures(folder / "set").to_html(folder / "pictures.html")
    return folder


def pictures(folder):
    from PIL import Image

    rng = np.random.default_rng(0)
    classes = [PAYLOADS[1].replace("/", "-"), "::error::x", "=1+1", "[bold]x"]
    for i in range(24):
        out = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)).save(out, "PNG")
        path = folder / classes[i % 4] / f'{i}"><img src=x onerror=document.documentElement.dataset.{MARK}=1>.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(out.getvalue() if i % 5 else b"<html>")
    return curate.audit(
        curate.load(folder), ["unreadable", "image_quality", "exact_duplicates"], evidence=CLASSIC, cache=None
    )


@pytest.mark.parametrize("name", ["hostile", "pictures"])
def test_the_page_has_no_element_or_handler_of_the_data(pages, name):
    page, plain = Page((pages / f"{name}.html").read_text()), Page((pages / "plain.html").read_text())
    assert page.scripts == plain.scripts
    assert page.handlers == plain.handlers == []
    assert not [link for link in page.links if re.match(r"\s*(javascript|vbscript|https?:|//|file)", link[2], re.I)]
    assert not {"iframe", "object", "embed", "base"} & set(page.tags)
    assert page.tags.count("form") == plain.tags.count("form")


@pytest.mark.parametrize("name", ["hostile", "pictures"])
def test_a_browser_runs_nothing_of_the_data(pages, name, tmp_path):
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no Chromium here")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--dump-dom"]
    address = (pages / f"{name}.html").as_uri()
    shown = subprocess.run(
        [*command, "--virtual-time-budget=1500", address], capture_output=True, text=True, timeout=180
    )
    assert "</html>" in shown.stdout, shown.stderr[-500:]
    assert f"data-{MARK}" not in shown.stdout.split("<body")[0]
    assert MARK in shown.stdout, "the hostile text is shown"


def test_json_and_its_lines(hostile):
    document = json.loads(hostile.to_json())
    assert any(PAYLOADS[0] in json.dumps(issue, ensure_ascii=False) for issue in document["checks"].values())
    for line in hostile.to_jsonl().split("\n")[:-1]:
        assert set(json.loads(line)) >= {"row", "check", "reason"}


def test_junit_is_well_formed_xml(hostile):
    root = xml.fromstring(hostile.to_junit())
    assert {element.tag for element in root.iter()} <= {
        "testsuites",
        "testsuite",
        "testcase",
        "failure",
        "system-out",
        "error",
    }


def test_workflow_commands(hostile):
    lines = hostile.to_github().splitlines()
    assert lines
    for line in lines:
        assert re.match(r"::(error|warning|notice) (file|title|line)=", line), line
        assert not re.search(r"[\x00-\x1f\x7f\u2028\u2029\u202e]", line)
        assert line.split("::", 2)[1].count("::") == 0


def test_markdown_shows_no_markup_of_the_data(hostile):
    text = hostile.to_markdown()
    assert not re.search(r"<(script|img|svg|a|details|style)\b", text)
    assert "](javascript" not in text.replace("\\]", "")
    assert "http://evil" not in text
    assert "@everyone" not in text


def test_the_terminal_is_not_steered(hostile):
    from rich.console import Console

    from curate.report.terminal import render

    out = io.StringIO()
    render(hostile, Console(file=out, width=120, force_terminal=False))
    assert "\x1b" not in out.getvalue()
    assert "\u202e" not in out.getvalue()
    assert "\x07" not in out.getvalue()
