"""Audit and run on real sets with known truth: rows, seconds, peak memory, and what was found against the truth.

    python -m benchmarks.real_sets [--data ../shared/data] [--only banking77,sms_spam]

Every set goes through the command line as a stranger would use it: `curate audit DATA`, `curate init DATA`, and
`curate run` of the generated file, each in a process of its own, with an empty cache for the set. Where a set has no
faults of its own, faults are planted in a copy (10 % of the labels flipped, seed 0). The truth is read only to judge.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

Judge = Callable[[pd.DataFrame], str]


@dataclass
class Case:
    """One set: what the command line is given, and how its findings are judged."""

    name: str
    data: Path
    judge: Judge
    options: list[str] = field(default_factory=list)


def flagged_rows(findings: pd.DataFrame, check: str) -> set[int]:
    """Rows that a check flags."""
    chosen = findings[(findings.check == check) & findings.is_issue]
    return set(chosen.row.tolist())


def ratio(found: set[int], true: set[int]) -> str:
    """Precision and recall as text."""
    hits = len(found & true)
    return (
        f"found {hits} of {len(true)}, precision {hits / max(len(found), 1):.2f}, recall {hits / max(len(true), 1):.2f}"
    )


def label_errors(true: set[int]) -> Judge:
    """Judge flagged label errors, with the average precision of the scores."""

    def judge(findings: pd.DataFrame) -> str:
        from sklearn.metrics import average_precision_score

        lines = findings[findings.check == "label_errors"]
        ap = average_precision_score(lines.row.isin(true), 1 - lines.score)
        return f"label errors: {ratio(flagged_rows(findings, 'label_errors'), true)}, AP {ap:.3f}"

    return judge


def flipped(labels: pd.Series, share: float = 0.1, seed: int = 0) -> tuple[pd.Series, set[int]]:
    """Labels of which a share is changed to another class, and the changed positions."""
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(labels), int(share * len(labels)), replace=False)
    names, changed = sorted(labels.unique()), labels.copy()
    for row in rows:
        changed.iloc[row] = rng.choice([name for name in names if name != labels.iloc[row]])
    return changed, set(rows.tolist())


def cases(data: Path, work: Path) -> list[Case]:
    """All sets, with copies that carry planted faults under `work`."""
    return [
        _banking(data / "banking77", work, "label_near10"),
        _banking(data / "banking77", work, "label_near25"),
        _sms(data / "sms_spam"),
        _clinc(data / "clinc150", work),
        _cifar(data / "cifar10n_3000"),
        _fsdd(data / "fsdd_600", work),
        _febrl(data / "febrl_dedup"),
        *_adbench(data / "adbench_tabular", work),
        _hospital(data / "hospital_dirty_clean"),
    ]


def _banking(folder: Path, work: Path, column: str) -> Case:
    train, noise = pd.read_parquet(folder / "train.parquet"), pd.read_parquet(folder / "injected_noise.parquet")
    path = work / f"banking77_{column}.csv"
    pd.DataFrame({"text": train.text, "label": noise[column]}).to_csv(path, index=False)
    true = set(np.flatnonzero(noise[column].to_numpy() != train.label.to_numpy()).tolist())
    return Case(f"banking77 {column.removeprefix('label_')}", path, label_errors(true))


def _sms(folder: Path) -> Case:
    texts = pd.read_parquet(folder / "sms.parquet")
    copies = set(np.flatnonzero(texts.duplicated(["text", "label"])).tolist())

    def judge(findings: pd.DataFrame) -> str:
        return f"exact copies: {ratio(flagged_rows(findings, 'exact_duplicates'), copies)}"

    return Case("sms_spam", folder / "sms.parquet", judge)


def _clinc(folder: Path, work: Path) -> Case:
    rows = pd.read_parquet(folder / "small.parquet")
    train = (rows.split == "train").to_numpy()
    changed, places = flipped(rows.intent[train].reset_index(drop=True))
    rows.loc[train, "intent"] = changed.to_numpy()
    path = work / "clinc150.parquet"
    rows.drop(columns="domain").to_parquet(path)
    true = set(np.flatnonzero(train)[sorted(places)].tolist())
    inner = label_errors(true)

    def judge(findings: pd.DataFrame) -> str:
        held_out = findings[~findings.row.isin(np.flatnonzero(train))]
        false = int(held_out[(held_out.check == "label_errors") & held_out.is_issue].row.nunique())
        return (
            inner(findings[findings.row.isin(np.flatnonzero(train))])
            + f" (10 % planted in train; {false} flagged in val, test)"
        )

    return Case("clinc150", path, judge, ["--label", "intent"])


def _cifar(folder: Path) -> Case:
    truth = pd.read_csv(folder / "labels.csv")
    wrong = set(truth.file[truth.random1 != truth.clean].map(lambda f: f.removeprefix("images/")))

    def judge(findings: pd.DataFrame) -> str:
        true = {row for row, file in dict(zip(findings.row, findings.file)).items() if _tail(file) in wrong}
        return label_errors(true)(findings)

    return Case("cifar10n_3000", folder / "images", judge)


def _tail(file: str) -> str:
    return "/".join(Path(file).parts[-2:])


def _fsdd(folder: Path, work: Path) -> Case:
    rows = pd.read_csv(folder / "metadata.csv", dtype={"digit": str})
    copy = work / "fsdd_600"
    shutil.copytree(folder / "recordings", copy / "recordings")
    rows["digit"], true = flipped(rows.digit)
    rows.drop(columns="split").to_csv(copy / "metadata.csv", index=False)
    return Case("fsdd_600", copy / "metadata.csv", label_errors(true), ["--label", "digit"])


def _febrl(folder: Path) -> Case:
    ids = pd.read_csv(folder / "dataset1.csv", skipinitialspace=True, dtype=str).rec_id
    person = ids.str.extract(r"rec-(\d+)-")[0].to_numpy()

    def judge(findings: pd.DataFrame) -> str:
        lines = findings[(findings.check == "near_duplicates") & findings.group.notna()]
        pairs = {pair for _, rows in lines.groupby("group").row for pair in combinations(sorted(set(rows)), 2)}
        hits = sum(person[a] == person[b] for a, b in pairs)
        return f"pairs of records: found {hits} of 500, precision {hits / max(len(pairs), 1):.2f}"

    return Case("febrl_dedup", folder / "dataset1.csv", judge)


def _adbench(folder: Path, work: Path) -> list[Case]:
    """The vectors alone: which row is an anomaly is what is asked."""
    found = []
    for path in sorted(folder.glob("*.npz")):
        held = np.load(path)
        anomalies, copy = held["y"] == 1, work / path.name
        np.savez(copy, X=held["X"])

        def judge(findings: pd.DataFrame, anomalies: np.ndarray = anomalies) -> str:
            from sklearn.metrics import roc_auc_score

            lines = findings[(findings.check == "outliers")].groupby("row").score.min()
            auroc = roc_auc_score(anomalies[lines.index], 1 - lines.to_numpy())
            return f"outliers: AUROC {auroc:.3f} ({anomalies.sum()} anomalies)"

        found.append(Case(f"adbench {path.stem}", copy, judge))
    return found


def _hospital(folder: Path) -> Case:
    dirty, clean = (pd.read_csv(folder / f"{n}.csv", dtype=str, keep_default_na=False) for n in ("dirty", "clean"))
    wrong = set(np.flatnonzero((dirty != clean).any(axis=1)).tolist())

    def judge(findings: pd.DataFrame) -> str:
        found = set(findings[findings.is_issue & ~findings.check.isin(["class_imbalance"])].row.tolist())
        return f"rows with a wrong cell: {ratio(found, wrong)}"

    return Case("hospital_dirty_clean", folder / "dirty.csv", judge)


def measure(arguments: list[str], cache: Path) -> tuple[int, float, float, str]:
    """Run one command in its own process: exit code, seconds, peak memory in MB, its errors."""
    began = time.perf_counter()
    environment = os.environ | {"CURATE_CACHE": str(cache)}
    command = [sys.executable, "-m", "curate", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    return os.waitstatus_to_exitcode(status), time.perf_counter() - began, usage.ru_maxrss / 1024, errors


def with_files(findings: Path, result: Path) -> pd.DataFrame:
    """The findings with the file that each row came from."""
    table = pd.read_parquet(findings)
    if (result / "rows.parquet").exists():
        rows = pq.read_table(result / "rows.parquet")
        if "file" in rows.column_names:
            table["file"] = rows["file"].to_pandas().astype(str).to_numpy()[table.row]
    return table


def take(case: Case, work: Path) -> dict:
    """Audit, init and run one set."""
    cache, out = work / "cache" / case.name, work / "out" / case.name
    findings, drafted = out.with_suffix(".parquet"), out.with_suffix(".yaml")
    out.parent.mkdir(parents=True, exist_ok=True)
    code, seconds, memory, errors = measure(
        ["audit", str(case.data), "--findings", str(findings), *case.options], cache
    )
    line = {"set": case.name, "audit": code, "audit_s": round(seconds, 1), "audit_MB": round(memory)}
    if code:
        return line | {"found": errors.strip().splitlines()[-1] if errors.strip() else ""}
    code, *_, errors = measure(["init", str(case.data), "--out", str(drafted), *case.options], cache)
    if not code:
        code, seconds, memory, errors = measure(["run", str(drafted), "--out", str(out)], cache)
    line |= {"run": code, "run_s": round(seconds, 1), "run_MB": round(memory)}
    if code:
        return line | {"found": errors.strip().splitlines()[-1] if errors.strip() else ""}
    table = with_files(findings, out)
    return line | {"rows": int(table.row.nunique()), "found": case.judge(table)}


def as_text(line: dict) -> str:
    """One line of the table."""
    run = f"run {line.get('run_s', '?'):>6} s {line.get('run_MB', '?'):>5} MB"
    audit = f"rows {line.get('rows', '?'):>6}  audit {line['audit_s']:>6} s {line['audit_MB']:>5} MB"
    return f"{line['set']:<32} {audit}  {run}  exit {line['audit']},{line.get('run', '?')}  {line['found']}"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--only", default="", help="comma-separated beginnings of names")
    parser.add_argument("--json", type=Path, help="also write the lines to this file")
    chosen = parser.parse_args()
    if not chosen.data.is_dir():
        print(f"no data at {chosen.data}", file=sys.stderr)
        return 3
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(chosen.data, Path(folder)):
            if chosen.only and not case.name.startswith(tuple(chosen.only.split(","))):
                continue
            line = take(case, Path(folder))
            lines.append(line)
            print(as_text(line), flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(lines, indent=2) + "\n")
    return int(any(line["audit"] or line.get("run", 1) for line in lines))


if __name__ == "__main__":
    sys.exit(main())
