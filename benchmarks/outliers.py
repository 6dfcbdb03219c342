"""Outliers against PyOD's and scikit-learn's detectors, and out-of-scope rows of a test split judged by training rows.

    python -m benchmarks.outliers [--data ../shared/data] [--skip-clinc] [--scale]

The first table has the AUROC of every detector on the sets of adbench_tabular: ours as an audit gives them, the others
with their defaults on standardised columns, without labels. The second has clinc150: nothing out of scope is trained
on, the texts of the test split are judged by MiniLM embeddings. `--scale` adds the time for 1,000,000 rows of 50.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import warnings
from pathlib import Path

import numpy as np

OURS = ("ensemble", "knn", "lof", "isolation_forest", "ecod", "mahalanobis", "autoencoder")
PEERS = {
    "IForest": {"random_state": 0},
    "KNN": {},
    "LOF": {},
    "ECOD": {},
    "COPOD": {},
    "HBOS": {},
    "PCA": {"random_state": 0},
    "OCSVM": {},
    "MCD": {"random_state": 0},
    "CBLOF": {"random_state": 0},
    "GMM": {"random_state": 0},
    "KDE": {},
    "INNE": {"random_state": 0},
    "LODA": {},
}


def judged(table, method):
    """Anomaly scores and flags of all rows."""
    from curate.checks.outliers import Outliers
    from curate.evidence import Evidence

    lines = Outliers(method=method).find(Evidence(table)).table
    score, flagged = np.zeros(len(table)), np.zeros(len(table), dtype=bool)
    score[lines["row"].to_numpy()] = 1 - lines["score"].to_numpy()
    flagged[lines["row"].to_numpy()] = lines["is_issue"].to_numpy(zero_copy_only=False)
    return score, flagged


def peer(name, settings, values):
    from sklearn.preprocessing import StandardScaler

    np.random.seed(0)
    made = getattr(importlib.import_module(f"pyod.models.{name.lower()}"), name)(**settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.nan_to_num(made.fit(StandardScaler().fit_transform(values)).decision_scores_)


def tabular(folder: Path) -> bool:
    """Print the first table; whether the ensemble's mean is at least that of the best other detector."""
    from sklearn.metrics import roc_auc_score

    import curate

    files = sorted(folder.glob("*.npz"))
    if not files:
        print(f"skipped adbench_tabular: no files in {folder}")
        return True
    sets = {f.stem.split("_", 1)[-1][:11]: np.load(f) for f in files}
    print(f"{'AUROC':<24}" + "".join(f"{name:>12}" for name in sets) + f"{'mean':>9}{'seconds':>9}")
    means = {}
    for method in OURS:
        began, found, flags = time.perf_counter(), [], []
        for held in sets.values():
            values = held["X"].astype(np.float64)
            columns = {f"x{j}": values[:, j] for j in range(values.shape[1])}
            table = curate.load(columns, features=list(columns), kind="unlabeled")
            score, flagged = judged(table, method)
            found.append(roc_auc_score(held["y"], score))
            flags.append((int(flagged.sum()), int((flagged & (held["y"] == 1)).sum())))
        means[f"curate {method}"] = float(np.mean(found))
        _line(f"curate {method}", found, time.perf_counter() - began)
        if method == "ensemble":
            print(f"{'  flagged/anomalies':<24}" + "".join(f"{f'{a}/{b}':>12}" for a, b in flags))
    for name, settings in PEERS.items():
        began = time.perf_counter()
        try:
            found = [roc_auc_score(h["y"], peer(name, settings, h["X"].astype(np.float64))) for h in sets.values()]
        except ImportError as error:
            print(f"skipped PyOD {name}: {error}")
            continue
        means[f"PyOD {name}"] = float(np.mean(found))
        _line(f"PyOD {name}", found, time.perf_counter() - began)
    others = {name: mean for name, mean in means.items() if name.startswith("PyOD")}
    if not others:
        return True
    best = max(others, key=lambda name: others[name])
    print(f"ensemble {means['curate ensemble']:.4f}, best single detector {best} {others[best]:.4f}")
    return means["curate ensemble"] >= others[best]


def _line(name, found, seconds):
    print(f"{name:<24}" + "".join(f"{a:>12.3f}" for a in found) + f"{np.mean(found):>9.4f}{seconds:>9.1f}", flush=True)


def out_of_scope(file: Path) -> bool:
    """Print the second table; whether the AUROC is at least 0.96."""
    import pandas as pd
    from sklearn.metrics import roc_auc_score

    import curate
    from curate.checks.outliers import Outliers
    from curate.evidence import Evidence, EvidenceSettings

    if not file.exists():
        print(f"skipped clinc150: no {file}")
        return True
    rows = pd.read_parquet(file)
    rows = rows[(rows.split == "test") | (rows.intent != "oos")].reset_index(drop=True)
    table = curate.load(rows[["text", "split"]], text="text", split="split", kind="unlabeled")
    evidence = Evidence(table, EvidenceSettings(encoder="minilm"))
    test, val = (rows.split == "test").to_numpy(), (rows.split == "val").to_numpy()
    outside = (rows.intent[test] == "oos").to_numpy()
    print(f"\n{'clinc150 out of scope':<24}{'AUROC':>9}{'recall*':>9}{'rejected*':>10}{'flagged':>9}{'false':>9}")
    best = 0.0
    for method in ("ensemble", "knn", "lof"):
        findings = Outliers(method=method).find(evidence).table
        score = 1 - findings["score"].to_numpy()
        flagged = findings["is_issue"].to_numpy(zero_copy_only=False)[test]
        auroc = roc_auc_score(outside, score[test])
        cut = np.quantile(score[val], 0.95)
        recall, rejected = (score[test][outside] > cut).mean(), (score[test][~outside] > cut).mean()
        print(
            f"{'curate ' + method:<24}{auroc:>9.4f}{recall:>9.1%}{rejected:>10.1%}"
            f"{flagged[outside].mean():>9.1%}{flagged[~outside].mean():>9.2%}",
            flush=True,
        )
        best = max(best, auroc if method == "ensemble" else 0.0)
    print("* at the 5 % quantile of in-scope validation rows; nearest training row by cosine: 0.959, 76.8 %, 4.7 %")
    return best >= 0.96


def scale(rows: int = 1_000_000, columns: int = 50) -> None:
    """Print seconds and memory for a large table."""
    import resource

    from curate.checks.detectors.methods import SCORERS, TABLE_MEMBERS, judge
    from curate.checks.detectors.space import Space

    values = np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in (*TABLE_MEMBERS, "ecod"):
        began = time.perf_counter()
        judge(Space(values, np.ones(rows, dtype=bool), 0, 10), {name: SCORERS[name]})
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seconds, more = time.perf_counter() - began, (peak - before) / 1024
        print(f"{name:<24}{rows:,} x {columns}: {seconds:.1f} s, {more:,.0f} MB more")


def main() -> int:
    """Print the tables; exit code 0 where the promises hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--skip-clinc", action="store_true")
    parser.add_argument("--scale", action="store_true")
    chosen = parser.parse_args()
    held = tabular(chosen.data / "adbench_tabular")
    if not chosen.skip_clinc:
        held &= out_of_scope(chosen.data / "clinc150" / "small.parquet")
    if chosen.scale:
        scale()
    print("\nboth promises hold" if held else "\na promise does not hold")
    return 0


if __name__ == "__main__":
    sys.exit(main())
