"""The page: whole, offline, and deaf to whatever the data say."""

import base64
import hashlib
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest

import curate
from curate.findings import Findings
from curate.ledger import Decisions
from curate.report import Report
from curate.report.augmentation import Augmentation, LabelSafety, OperationEffect, SheetDraw, SheetRow
from curate.report.html import HERE
from curate.report.previews.drawn import drawn_previews
from curate.report.previews.item import Budget
from curate.report.sheet import Augmented
from curate.task import Task

RUN = "document.documentElement.setAttribute('data-pwned',1)"
PAYLOADS = [
    f"<script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f"</style><script>{RUN}</script>",
    f"</title><script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f'" onmouseover="{RUN}" autofocus onfocus="{RUN}" x="',
    f"' onload='{RUN}' x='",
    f"<svg onload={RUN}>",
    f"<a href=javascript:{RUN}>x</a>",
    f"javascript:{RUN}",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'>",
    f"<base href=//evil.invalid><link rel=stylesheet href=//evil.invalid><meta http-equiv=refresh content=0>{RUN}",
    "{{ 7 * 7 }}{% for x in () %}{{ config }}",
    "${7*7} <%= 7*7 %> #{7*7}",
    "\u202eexe.gnp\u2066 \u05e9\u05dc\u05d5\u05dd",
    "nul\x00esc\x1b[2J bell\x07 \x9b31m del\x7f",
    "--><!--><![CDATA[<script>" + RUN + "</script>]]>",
    "<textarea><plaintext><xmp><noscript>",
    f"\u2028<details open ontoggle={RUN}>\u2029",
    f"&lt;script&gt;&#60;script&#62;{RUN}",
]


class Elements(HTMLParser):
    """Every element with its attributes, and the text outside of script and style."""

    def __init__(self, page):
        super().__init__()
        self.found, self.text, self._inside = [], [], None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        self._inside = tag

    def handle_endtag(self, tag):
        self._inside = None

    def handle_data(self, data):
        if self._inside not in ("script", "style"):
            self.text.append(data)


@pytest.fixture
def write(tmp_path):
    def write(report, **options):
        report.to_html(tmp_path / "report.html", **options)
        return (tmp_path / "report.html").read_text(encoding="utf-8")

    return write


@pytest.fixture
def hostile(make_table):
    """Payloads as texts, labels, ids, file names, column names, checks, issues, reasons, notes, facts, decisions."""
    n, names = len(PAYLOADS), tuple(PAYLOADS)
    task = Task(
        kind="classification", text=PAYLOADS[0], features=(PAYLOADS[4], PAYLOADS[5]), label="label", label_names=names
    )
    columns = {PAYLOADS[0]: PAYLOADS, PAYLOADS[4]: PAYLOADS, PAYLOADS[5]: PAYLOADS, "label": PAYLOADS}
    origin = pa.table({"file": pa.array(PAYLOADS).dictionary_encode(), "line": list(range(n))})
    table = make_table(columns, task, ids=PAYLOADS, source=PAYLOADS[1], origin=origin)
    parts = [
        Findings.of(
            check,
            PAYLOADS[place],
            np.arange(n),
            table.row_ids,
            np.linspace(0, 0.5, n),
            np.ones(n, bool),
            suggested_label=PAYLOADS[::-1],
            group=np.arange(n) // 2 if place else None,
            reason=[f"{PAYLOADS[4]} {text}" for text in PAYLOADS],
            facts={
                PAYLOADS[2]: PAYLOADS[3],
                "list": [{PAYLOADS[4]: PAYLOADS[5]}],
                "deep": {"x": [{"y": [PAYLOADS[1]]}]},
            },
        )
        for place, check in enumerate((PAYLOADS[1], PAYLOADS[5]))
    ]
    decisions = Decisions.of(PAYLOADS[0], "drop", PAYLOADS, PAYLOADS, author=PAYLOADS[1])
    accounts = [{"split": PAYLOADS[1], "read": 1, "kept": 1, "dropped": 0, "unreadable": 0}]
    facts = {"encoder": PAYLOADS[2], "surrogate": "\ud800", PAYLOADS[1]: PAYLOADS[1]}
    notes = [*PAYLOADS, "lone surrogate \udcff"]
    return Report(
        table,
        Findings.join(parts),
        notes=notes,
        facts=facts,
        decisions=decisions,
        accounts=accounts,
        pipeline="\n".join(PAYLOADS),
        augmented=hostile_draws(),
    )


def hostile_draws():
    """A contact sheet and its numbers with payloads wherever a text may stand."""
    draws = [SheetDraw(epoch=0, changed=True, done=PAYLOADS), SheetDraw(epoch=1, changed=False, done=[])]
    rows = [
        SheetRow(row=i, row_id=text, label=PAYLOADS[-i], modality=modality, draws=draws)
        for i, (text, modality) in enumerate(zip(PAYLOADS, ["text", "features"] * 10, strict=True))
    ]
    facts = Augmentation(
        pipeline=PAYLOADS[0],
        steps=PAYLOADS[:2],
        seed=0,
        operations=[
            OperationEffect(step=text, place=text, operation=text, modality="text", rows=1, unchanged=1, why=text)
            for text in PAYLOADS
        ],
        label_safety=[
            LabelSafety(
                step=text, operation=text, modality="text", strength=1, draws=9, left=9, share=1, low=0.7, high=1
            )
            for text in PAYLOADS
        ],
        sheet=rows,
        notes=PAYLOADS,
    )
    texts = drawn_previews("text", PAYLOADS[0], [PAYLOADS[4], PAYLOADS[5] + " " + PAYLOADS[0]], Budget(0))
    numbers = drawn_previews("features", np.ones(2), [np.zeros(2), np.ones(2)], Budget(0), PAYLOADS[:2])
    return Augmented(facts, tuple(tuple(texts if row.modality == "text" else numbers) for row in rows))


def assert_inert(page):
    found = Elements(page).found
    assert "data-pwned" not in [name for _, attributes in found for name in attributes]
    tags = [tag for tag, _ in found]
    # Ours, and the block of data, which no browser runs.
    assert [a.get("type") for tag, a in found if tag == "script"] == [None, "application/octet-stream"]
    assert tags.count("style") == 1
    assert not set(tags) & {"iframe", "object", "embed", "link", "base", "textarea", "plaintext", "noscript", "xmp"}
    for tag, attributes in found:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "srcdoc", "action")], tag
        assert attributes.get("href", "#").startswith("#")
        assert tag == "meta" or attributes.get("src", "data:").startswith("data:")


def test_payloads_stay_text(hostile, write):
    page = write(hostile, findings_path=PAYLOADS[1])
    assert_inert(page)
    text = "".join(Elements(page).text)
    for payload in PAYLOADS[:14]:
        assert payload in text
    assert "{{ 7 * 7 }}" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    assert "nul\\x00esc\\x1b[2J" in text
    assert "\\u202eexe.gnp" in text
    assert "lone surrogate \\udcff" in text


@pytest.mark.parametrize("view", ["dark", "rows"])
def test_nothing_runs_in_a_browser(hostile, tmp_path, view):
    browser = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("no Chromium on this machine")
    hostile.to_html(tmp_path / "report.html")
    options = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    options += f" --disable-component-update --disable-sync --user-data-dir={tmp_path / 'profile'}"
    options += " --enable-logging=stderr --v=0 --virtual-time-budget=3000 --dump-dom"
    done = subprocess.run(
        [browser, *options.split(), f"file://{tmp_path / 'report.html'}#{view}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "CONSOLE" not in done.stderr, [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    # Our own script ran (theme by the address, filter filled), theirs did not.
    if view == "dark":
        assert '<html lang="en" data-theme="dark">' in done.stdout
        assert f"{2 * len(PAYLOADS)} rows on this page" in done.stdout
    else:  # the list shows every row once, with payloads as texts, labels, reasons and ids
        assert done.stdout.count('<summary class="line">') == len(PAYLOADS)
        assert ">1–20 of 20<" in done.stdout
        assert "{{ 7 * 7 }}" in done.stdout
    assert_inert(done.stdout)


def test_policy_allows_our_script_and_style_alone(animals, findings, write):
    page = write(Report(animals, findings))
    [policy] = [a["content"] for tag, a in Elements(page).found if a.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        body = re.search(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL).group(1)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "http://" not in page
    assert "https://" not in page


def test_own_script_is_small():
    assert (HERE / "page.js").stat().st_size < 40_000


def test_page_of_an_audit(animals, findings, write):
    page = write(Report(animals, findings, notes=["the note"]), rows_per_issue=1)
    text = " ".join("".join(Elements(page).text).split())
    assert "4 of 10 rows (40.0%) have at least one issue" in text
    assert "this is text number 3" in text
    assert "1 more flagged row is in the list" in text
    assert "Nothing found" in text
    assert "the note" in text
    assert "2 cells where 3 are expected" in text


def test_page_names_where_the_rest_is(animals, findings, write):
    assert "<code>findings.parquet</code>" in write(
        Report(animals, findings), rows_per_issue=1, findings_path="findings.parquet"
    )


@pytest.mark.parametrize("kind", ["regression", "multilabel", "unlabeled"])
def test_other_kinds_of_tasks(make_table, kind, write):
    labels = {"regression": [1.5, float("nan"), 3.0], "multilabel": [["a"], [], ["a", "b"]], "unlabeled": [None] * 3}
    task = Task(
        kind=kind,
        text="text",
        label=None if kind == "unlabeled" else "label",
        label_names=("a", "b") if kind == "multilabel" else (),
    )
    table = make_table({"text": ["x", "y", "z"], "label": labels[kind]}, task)
    found = Findings.of("outliers", "outlier", np.arange(3), table.row_ids, np.zeros(3), np.array([True, False, True]))
    report = Report(table, found)
    page = write(report)
    assert page.count('<article class="row') == 2
    assert (">Classes</a>" in page) == (kind == "multilabel")
    assert ("Histogram of the labels" in page) == (kind == "regression")
    assert str(report)


def test_empty_page(animals, write):
    assert "There are no rows." in write(Report(animals.select([]), Findings.none()))


def test_a_run_says_that_its_map_and_measures_are_of_the_rows_that_are_left(tmp_path):
    texts = [f"a text about the number {i} and no other" for i in range(39)] + [
        "a text about the number 0 and no other"
    ]
    table = curate.load({"text": texts, "label": ["a", "b"] * 20})
    steps = [curate.steps.ExactDuplicates(fix="drop"), curate.steps.TextQuality(), curate.steps.Outliers()]
    for path, made, said in ((tmp_path / "run.html", steps, True), (tmp_path / "audit.html", steps[1:], False)):
        curate.Pipeline(made, evidence={"encoder": "classic"}).run(table, cache=None).report.to_html(path)
        text = " ".join(path.read_text(encoding="utf-8").split())
        assert ("What was measured of each row that is left (39)," in text) == said
        assert ("Rows that are dropped or unreadable are not shown." in text) == said
