"""How large the page of a report is, and how long it takes to make and to open.

Run as ``python -m benchmarks.report_size [ROWS ...]``: made-up texts of 77 classes, every row flagged by at least one
check; opened in headless Chromium where there is one.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa

from curate.findings import Findings
from curate.report import Report
from curate.report.views import MOST_POINTS, Views
from curate.table import Table
from curate.task import Task

SENTENCE = "the card payment was declined and my account shows nothing after a transfer to a bank abroad please help"
WORDS = np.array(SENTENCE.split())


def report(rows: int) -> Report:
    """A report in which every row is flagged."""
    rng = np.random.default_rng(0)
    names = tuple(f"class_{i}" for i in range(77))
    codes = rng.integers(77, size=rows)
    words = WORDS[rng.integers(len(WORDS), size=(rows, 12))]
    columns = {"text": [f"{' '.join(line)} {i}" for i, line in enumerate(words)], "label": [names[c] for c in codes]}
    ids = np.array([rng.bytes(10).hex() for _ in range(rows)], dtype=np.dtypes.StringDType())
    origin = pa.table({"file": pa.array(["train.csv"] * rows).dictionary_encode(), "line": np.arange(2, rows + 2)})
    task = Task(kind="classification", text="text", label="label", label_names=names)
    content = np.arange(2 * rows, dtype=np.uint64).reshape(-1, 2)
    table = Table(datasets.Dataset(pa.table(columns)), task, ids, content, origin=origin, source="train.csv")
    place, chance = np.arange(rows), rng.random(rows)
    doubts = Findings.of(
        "label_errors",
        "label_error",
        place,
        ids,
        chance / 2,
        np.ones(rows, bool),
        suggested_label=[names[c] for c in rng.integers(77, size=rows)],
        reason=[
            f"a model that has not seen the row gives another class {1 - c:.2f}; the label has {c:.2f}" for c in chance
        ],
    )
    short = Findings.of(
        "text_quality",
        "too_short",
        place,
        ids,
        rng.random(rows),
        rng.random(rows) < 0.3,
        reason=[f"{int(c * 30)} words (threshold 5)" for c in chance],
    )
    shown = np.sort(rng.choice(rows, min(rows, MOST_POINTS), replace=False))
    vectors = rng.normal(size=(77, 64))[codes[shown]] + 0.3 * rng.normal(size=(len(shown), 64))
    return Report(table, Findings.join([doubts, short]), views=Views(rows=shown, vectors=vectors.astype(np.float32)))


def opened(page: Path, profile: Path, awaited: str) -> float | None:
    """Seconds that headless Chromium takes from its start until the page shows `awaited`; None without a browser."""
    browser = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    if browser is None:
        return None
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={profile}"]
    started = time.perf_counter()
    done = subprocess.run(
        [browser, *options, "--virtual-time-budget=1000", "--dump-dom", f"{page.as_uri()}#rows"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    seconds = time.perf_counter() - started
    if awaited not in done.stdout:
        raise SystemExit(f"the page did not show {awaited}")
    return seconds


def best(page: Path, profile: Path, awaited: str) -> float | None:
    """The shortest of three times."""
    taken = [opened(page, profile, awaited) for _ in range(3)]
    return min((seconds for seconds in taken if seconds is not None), default=None)


def main(sizes: list[int]) -> None:
    """Print one line per number of rows, with the time that the browser takes for an empty page as a measure."""
    print(f"{'rows':>8}  {'make, CPU s':>11}  {'page, MB':>8}  {'open, s':>8}  {'empty page, s':>13}")
    with tempfile.TemporaryDirectory() as folder:
        page, empty, profile = (Path(folder) / name for name in ("report.html", "empty.html", "profile"))
        empty.write_text("<!doctype html><title>empty</title><p>nothing", encoding="utf-8")
        for rows in sizes:
            made = report(rows)
            started = time.process_time()
            made.to_html(page)
            seconds = time.process_time() - started
            bare, full = best(empty, profile, "nothing"), best(page, profile, 'class="line"')
            shown = "no Chromium" if bare is None else f"{full:8.2f}  {bare:13.2f}"
            print(f"{rows:8,}  {seconds:11.1f}  {page.stat().st_size / 1e6:8.2f}  {shown}")


if __name__ == "__main__":
    main([int(rows) for rows in sys.argv[1:]] or [1_000, 10_000, 50_000])
