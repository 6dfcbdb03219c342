"""Quality of text and of tables: faults that are planted into real sets, and alarms on the same sets untouched.

    python -m benchmarks.quality_text_tables [--data ../shared/data] [--only text,tables,hospital] [--rows 4000]

Each fault is planted into 2 % of the rows of each set (boilerplate into 5 %), one issue at a time. `found` is the share
of the planted rows that the issue flags, `false` the share of the untouched set's rows that it flags. Alarms on real
texts can be
right: the SMS messages hold telephone numbers, HTML entities and C1 controls, which is what those issues say of them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

import curate
from benchmarks import _planted_tables as tables
from benchmarks._planted_texts import PLANTS
from curate.checks.column_quality import ColumnQuality
from curate.checks.missing_values import MissingValues
from curate.checks.table_quality import TableQuality
from curate.checks.text_quality import TextQuality
from curate.evidence import Evidence
from curate.findings import Findings
from curate.step import Check

LANGUAGE = ("wrong_language", "mixed_language", "gibberish")


def texts(data: Path, most: int) -> dict[str, list[str]]:
    """The real sets of texts, each with at most so many rows."""
    found = {}
    for name, path, column in (
        ("banking77", "banking77/train.parquet", "text"),
        ("clinc150", "clinc150/small.parquet", "text"),
        ("sms_spam", "sms_spam/sms.parquet", "text"),
        ("xsid", "xsid_multilingual/valid.parquet", "text"),
    ):
        if (data / path).exists():
            rows = pd.read_parquet(data / path)[column]
            found[name] = rows.sample(min(most, len(rows)), random_state=0).tolist()
        else:
            print(f"{name}: skipped, there is no {path}", file=sys.stderr)
    return found


def judge(rows: list[str], **settings: float) -> Findings:
    """Findings of text_quality."""
    table = curate.load({"text": rows}, task=curate.Task(text="text", kind="unlabeled"))
    return TextQuality(**settings).find(Evidence(table))


def flagged(found: Findings, issue: str) -> set[int]:
    """Rows that an issue flags."""
    return set(found.only(issue=issue).flagged["row"].to_pylist())


def text_lines(sets: dict[str, list[str]]) -> Iterable[str]:
    """A line per issue: found and false alarms of each set."""
    untouched = {}
    for name, rows in sets.items():
        started = time.perf_counter()
        untouched[name] = judge(rows)
        seconds = time.perf_counter() - started
        yield f"{name}: {len(rows):,} rows, {1000 * seconds / len(rows):.2f} ms a row"
    yield f"{'issue':<20}" + "".join(f"{name:>22}" for name in sets) + "     (found of planted, false alarms)"
    for issue, plant in PLANTS.items():
        cells = []
        for name, rows in sets.items():
            rng = np.random.default_rng(0)
            share = 0.05 if issue == "boilerplate" else 0.02
            places = rng.choice(len(rows), max(50, int(share * len(rows))), replace=False).tolist()
            changed = list(rows)
            for place in places:
                changed[place] = plant(rows[place], rows, rng)
            off: dict[str, float] = {} if issue in LANGUAGE else {"max_language_margin": 0, "max_mixture_margin": 0}
            hits = flagged(judge(changed, **off), issue) & set(places)
            alarms = len(flagged(untouched[name], issue)) / len(rows)
            cells.append(f"{len(hits) / len(places):>13.1%} {alarms:>7.2%} ")
        yield f"{issue:<20}" + "".join(cells)


def table_of(frame: pd.DataFrame) -> curate.Table:
    """The frame as a table whose features are all columns but the label."""
    features = [name for name in frame.columns if name != "label"]
    label = "label" if "label" in frame else None
    return curate.load(frame, task=curate.Task(features=features, label=label, kind=None if label else "unlabeled"))


def run(check: Check, frame: pd.DataFrame) -> Findings:
    """Findings of a check."""
    return check.find(Evidence(table_of(frame)))


def table_lines(frames: dict[str, pd.DataFrame]) -> Iterable[str]:
    """A line per issue and set: found and false alarms."""
    head = ("set", "rows", *tables.PLANTS)
    yield "".join(f"{name:>18}" if k > 1 else f"{name:<18}" for k, name in enumerate(head))
    for name, frame in frames.items():
        base = tables.with_dates(frame, np.random.default_rng(1))
        clean = Findings.join([run(TableQuality(), frame), run(MissingValues(), frame)])
        cells = []
        for issue, plant in tables.PLANTS.items():
            alarms = len(flagged(clean, issue)) / len(frame)
            try:
                changed, places = plant(base, np.random.default_rng(0))
            except (IndexError, ValueError):  # the set has no column for such a fault
                cells.append(f"{'-':>10} {alarms:>7.2%}")
                continue
            check = MissingValues() if issue in ("missing_cells", "disguised_missing") else TableQuality()
            hits = flagged(run(check, changed), issue) & {row for row, _ in places}
            cells.append(f"{len(hits) / max(len(places), 1):>10.1%} {alarms:>7.2%}")
        yield f"{name:<18}{len(frame):<18,}" + "".join(cells)


def column_lines(frames: dict[str, pd.DataFrame]) -> Iterable[str]:
    """A line per set: planted columns that are found, and columns that are flagged besides."""
    yield f"{'set':<18}{'planted columns':>16}{'found':>8}{'others flagged':>40}"
    for name, frame in frames.items():
        changed, wanted = tables.planted_columns(frame, np.random.default_rng(0))
        got = {(c["column"], c["issue"]) for c in run(ColumnQuality(), changed).facts["column_quality"]["columns"]}
        planted = {(column, issue) for issue, many in wanted.items() for column in many}
        others = sorted(
            f"{column} ({issue})" for column, issue in got - planted if column not in {c for c, _ in planted}
        )
        yield f"{name:<18}{len(planted):>16}{len(got & planted):>8}{', '.join(others)[:60]:>40}"


def hospital_lines(data: Path) -> Iterable[str]:
    """Cell-level precision and recall on the dirty table of which the truth is known."""
    folder = data / "hospital_dirty_clean"
    if not folder.exists():
        yield "hospital_dirty_clean: skipped, it is missing"
        return
    dirty, clean = (pd.read_csv(folder / f"{n}.csv", dtype=str, keep_default_na=False) for n in ("dirty", "clean"))
    table = curate.load(folder / "dirty.csv")
    found = TableQuality().find(Evidence(table)).facts["table_quality"]["cells"]
    place = {str(row_id): k for k, row_id in enumerate(table.row_ids)}
    column = {name.strip().lower(): name for name in dirty.columns}
    wrong = {(k, c) for c in column for k in np.flatnonzero((dirty[column[c]] != clean[column[c]]).to_numpy()).tolist()}
    got = {(place[cell["row_id"]], cell["column"]) for cell in found}
    yield f"{'hospital_dirty_clean':<24}{'cells':>8}{'right':>8}{'precision':>11}{'recall':>9}"
    issues = sorted({cell["issue"] for cell in found})
    for issue in [*issues, "all"]:
        some = {(place[c["row_id"]], c["column"]) for c in found if issue in (c["issue"], "all")}
        right = len(some & wrong)
        yield f"{issue:<24}{len(some):>8}{right:>8}{right / max(len(some), 1):>11.3f}{right / len(wrong):>9.3f}"
    suggested = {(place[c["row_id"]], c["column"]): c["suggestion"] for c in found if c["suggestion"] is not None}
    right = sum(value == clean[column[c]].iloc[k] for (k, c), value in suggested.items())
    share = right / max(len(suggested), 1)
    yield f"repairs: {len(suggested)} suggested, {right} right ({share:.3f}), of {len(wrong)} wrong cells"
    rows, found_rows = {k for k, _ in wrong}, {k for k, _ in got}
    right = len(rows & found_rows)
    yield f"rows: {right} of {len(rows)} dirty rows found, precision {right / max(len(found_rows), 1):.3f}"


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--only", default="text,tables,hospital")
    parser.add_argument("--rows", type=int, default=4000, help="most rows of a set of texts")
    chosen = parser.parse_args()
    parts = chosen.only.split(",")
    if "hospital" in parts:
        print("\n".join(hospital_lines(chosen.data)), flush=True)
    if "tables" in parts:
        frames = tables.clean_tables(chosen.data)
        for line in (*table_lines(frames), *column_lines(frames)):
            print(line, flush=True)
    if "text" in parts:
        for line in text_lines(texts(chosen.data, chosen.rows)):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
