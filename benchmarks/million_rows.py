"""A full default audit of a million rows of text and label, from CSV, JSON lines and Parquet: peak memory and CPU.

    python -m benchmarks.million_rows [--rows 1000000] [--formats csv,jsonl,parquet] [--json FILE]

Texts are English words, 8 to 30 of them, drawn by topic; 3 % of the labels are wrong, and one row in a thousand each is
an exact copy, a copy with a word changed, empty, or of another language. The audit is the command line's, without a
cache, in a process of its own. Phases are told apart by wrapping what an audit consists of, so that the peak of each is
known; the largest of them is the peak that has to stay under 3 GB.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as parquet

from benchmarks._phases import MARK

PEAK_GB = 3.0
FORMATS = ("csv", "jsonl", "parquet")
BLOCK = 50_000
FUNCTION = (
    "the of and to in is that it for was on are as with they at be this from have or by one had not but what all "
    "were when we there can an your which their said if do will each about how up out them then she many some so "
    "these would other into has more her two like him see time could no make than first been its who now people "
    "my made over did down only way find use may water long little very after words called just where most know"
)
TOPICS = {
    "banking": "account card payment transfer balance bank loan credit interest deposit fee cash currency branch",
    "travel": "flight hotel airport luggage ticket passport train station booking island beach journey tourist map",
    "cooking": "recipe oven butter flour onion garlic pepper salad kitchen boil sauce cheese bread sugar",
    "sport": "match team goal player coach league score stadium season training referee medal race champion",
    "health": "doctor hospital medicine patient nurse symptom fever treatment surgery vaccine pain clinic diet sleep",
    "weather": "rain storm cloud wind temperature snow forecast sunny degrees thunder humid frost breeze fog",
    "music": "guitar concert singer album piano melody orchestra drum chorus rhythm band lyrics studio violin",
    "computers": "software keyboard server network password screen file program update laptop memory website code bug",
    "gardens": "flower soil seed tree plant leaf water shovel rose grass pot fruit harvest compost",
    "law": "court judge lawyer contract witness trial crime evidence jury verdict police appeal sentence rights",
}
FOREIGN = (
    "Ich möchte gerne wissen, wann meine neue Karte endlich bei mir ankommt und was sie kostet",
    "Je voudrais savoir pourquoi mon paiement a été refusé hier soir au restaurant",
)


def block(rng: np.random.Generator, rows: int) -> tuple[list[str], list[str]]:
    """Texts and labels."""
    names = list(TOPICS)
    topics = rng.integers(0, len(names), rows)
    sizes = rng.integers(8, 31, rows)
    whose = np.repeat(topics, sizes)
    own = np.array([words.split() for words in TOPICS.values()], dtype=object)
    common = np.array(FUNCTION.split(), dtype=object)
    ranks = np.cumsum(1 / np.arange(3, len(common) + 3))
    words = common[np.searchsorted(ranks, rng.random(len(whose)) * ranks[-1])]
    told = rng.random(len(whose)) < 0.3
    words[told] = own[whose[told], rng.integers(0, own.shape[1], told.sum())]
    number = rng.random(len(whose)) < 0.05
    words[number] = rng.integers(2, 100_000, number.sum()).astype(str)
    ends, held = np.cumsum(sizes), words.tolist()
    texts = [" ".join(held[end - size : end]).capitalize() + "." for end, size in zip(ends.tolist(), sizes.tolist())]
    wrong = rng.random(rows) < 0.03
    labels = np.where(wrong, rng.integers(0, len(names), rows), topics)
    for kind, place in enumerate(rng.choice(rows - 1, (4, max(rows // 1000, 1)), replace=False)):
        for at in place.tolist():
            near = texts[at + 1].split(" ")
            near[len(near) // 2] = "however"
            texts[at] = (texts[at + 1], " ".join(near), "", FOREIGN[at % 2] + f" {at}")[kind]
    return texts, [names[label] for label in labels]


def write(folder: Path, rows: int, formats: list[str]) -> dict[str, Path]:
    """The same rows in each format, block by block."""
    paths = {form: folder / f"rows.{form}" for form in formats}
    schema = pa.schema([("text", pa.string()), ("label", pa.string())])
    rng = np.random.default_rng(0)
    opened: dict[str, Any] = {}
    for form, path in paths.items():
        if form == "jsonl":
            opened[form] = path.open("w", encoding="utf-8")
        else:
            opened[form] = csv.CSVWriter(path, schema) if form == "csv" else parquet.ParquetWriter(path, schema)
    for start in range(0, rows, BLOCK):
        texts, labels = block(rng, min(BLOCK, rows - start))
        for form, file in opened.items():
            if form == "jsonl":
                file.writelines(json.dumps({"text": t, "label": k}) + "\n" for t, k in zip(texts, labels))
            else:
                file.write_table(pa.table({"text": texts, "label": labels}, schema))
    for file in opened.values():
        file.close()
    return paths


def audit(path: Path) -> dict[str, Any]:
    """Peak, CPU and phases of one audit."""
    before, began = os.times(), time.perf_counter()
    command = [sys.executable, "-m", "benchmarks._phases", str(path), "--no-cache"]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        child = subprocess.Popen(command, stdout=out, stderr=errors)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        lines, said = out.read().splitlines(), errors.read()
    told = next((line for line in lines if line.startswith(MARK)), None)
    if told is None:
        raise SystemExit(f"the audit of {path.name} ended with {child.returncode}:\n{said[-2_000:]}")
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    found = json.loads(told[len(MARK) :])
    return found | {
        "peak_gb": max(used.ru_maxrss * 1024 / 1e6, *(one["peak_mb"] for one in found["phases"].values())) / 1e3,
        "cpu": cpu,
        "wall": time.perf_counter() - began,
        "said": said.strip(),
        "printed": [line for line in lines if line is not told],
    }


def show(form: str, found: dict[str, Any], rows: int) -> None:
    """The phases of one audit as a table, and its totals."""
    print(f"\n{form}: exit code {found['code']}, {found['printed'][0] if found['printed'] else ''}")
    print(f"  {'phase':<32}{'CPU s':>9}{'wall s':>9}{'us/row':>9}{'peak MB':>9}{'stays MB':>10}")
    for name, one in sorted(found["phases"].items(), key=lambda item: -item[1]["cpu"]):
        if one["cpu"] >= 0.005 * found["cpu"] or one["peak_mb"] >= 0.9 * 1e3 * found["peak_gb"]:
            share = 1e6 * one["cpu"] / rows
            print(
                f"  {name:<32}{one['cpu']:>9.1f}{one['wall']:>9.1f}{share:>9.1f}{one['peak_mb']:>9,.0f}"
                f"{one['stays_mb']:>10,.0f}"
            )
    verdict = "held" if found["peak_gb"] < PEAK_GB else "NOT held"
    print(
        f"  all: {found['cpu']:.0f} CPU s, {found['wall']:.0f} s; peak {found['peak_gb']:.2f} GB (under 3: {verdict})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--formats", default=",".join(FORMATS), help="comma-separated: csv, jsonl, parquet")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    formats = given.formats.split(",")
    if wrong := sorted(set(formats) - set(FORMATS)):
        parser.error(f"unknown format {wrong[0]!r}: one of {', '.join(FORMATS)}")
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for form, path in write(Path(folder), given.rows, formats).items():
            results[form] = audit(path)
            show(form, results[form], given.rows)
    if given.json is not None:
        given.json.write_text(json.dumps({"rows": given.rows, "peak_bound_gb": PEAK_GB, "formats": results}, indent=1))


if __name__ == "__main__":
    main()
