"""Label errors: every method of `label_errors` against cleanlab on the same embeddings and folds.

    python -m benchmarks.label_errors [--data ../shared/data] [--only banking77,fsdd] [--cache FOLDER]

The peer is what cleanlab's Datalab does by default with predicted probabilities: the score is self-confidence, and the
rows that `find_label_issues` names are issues. Its probabilities come from scikit-learn's `LogisticRegression` with its
defaults, cross-validated on the embedding and the folds that `label_errors` uses; a second peer chooses the strength of
the penalty by held-out likelihood, a third gets our own probabilities. Where a set brings probabilities, all share
them. Sets without noise of their own get 10 % of wrong labels, seed 0: any other class, or one of the three nearest
classes by the middles of the embedding. The truth is read only to judge.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

import curate
from curate.checks.label_errors import LabelErrors
from curate.evidence.evidence import Evidence

PEER = "Datalab (C = 1)"
METHODS: dict[str, dict] = {
    "ensemble (default)": {},
    "noise_model": {"method": "noise_model"},
    "confident_learning": {"method": "confident_learning"},
    "cleanlab self_confidence": {"method": "cleanlab"},
    "cleanlab normalized_margin": {"method": "cleanlab", "score": "normalized_margin"},
    "cleanlab weighted_entropy": {"method": "cleanlab", "score": "confidence_weighted_entropy"},
    "neighbours": {"method": "neighbours"},
    "training_dynamics": {"method": "training_dynamics"},
    "training_dynamics in sample": {"method": "training_dynamics", "held_out": False},
}
PENALTIES = (1.0, 10.0, 100.0, 1000.0)


@dataclass
class Case:
    """A set with given labels and the truth about them.

    Attributes:
        name: of the set.
        table: its rows.
        wrong: (n,) bool, rows whose given label is wrong.
    """

    name: str
    table: curate.Table
    wrong: np.ndarray


@dataclass
class Line:
    """What a method makes of a set."""

    precision_of_ranking: float
    precision: float
    recall: float
    flagged: int
    seconds: float
    facts: dict = field(default_factory=dict)


def planted(codes: np.ndarray, vectors: np.ndarray, alike: bool, share: float = 0.1, seed: int = 0) -> np.ndarray:
    """(n,) codes of which a share is changed: to any other class, or to one of the three nearest."""
    rng = np.random.default_rng(seed)
    classes, changed = int(codes.max()) + 1, codes.copy()
    rows = rng.choice(len(codes), int(share * len(codes)), replace=False)
    if not alike:
        changed[rows] = (codes[rows] + rng.integers(1, classes, len(rows))) % classes
        return changed
    middles = np.stack([vectors[codes == k].mean(0) for k in range(classes)])
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    similarity = middles @ middles.T
    np.fill_diagonal(similarity, -np.inf)
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, : min(3, classes - 1)]
    changed[rows] = nearest[codes[rows], rng.integers(0, nearest.shape[1], len(rows))]
    return changed


def cases(data: Path, cache: Path) -> Iterator[Case]:
    """All sets that are there, one after another."""
    makers = {
        "cifar10_test_label_errors": _cifar_test,
        "cifar10n_3000": _cifar_people,
        "banking77": _banking,
        "clinc150": _clinc,
        "fsdd_600": _fsdd,
    }
    for name, make in makers.items():
        if (data / name).is_dir():
            yield from make(data / name, cache)
        else:
            print(f"{name}: skipped, no folder {data / name}", flush=True)


def _cifar_test(folder: Path, cache: Path) -> Iterator[Case]:
    held, review = np.load(folder / "arrays.npz"), pd.read_csv(folder / "human_review.csv")
    names = [str(name) for name in held["class_names"]]
    columns = {
        "features": list(np.log(np.maximum(held["pred_probs"], 1e-6))),
        "p": list(held["pred_probs"]),
        "label": [names[code] for code in held["given_label"]],
    }
    task = curate.Task(
        kind="classification", features="features", label="label", label_names=tuple(names), probabilities="p"
    )
    wrong = np.zeros(len(columns["label"]), dtype=bool)
    wrong[review.id[review.verified_error.astype(bool)]] = True
    yield Case("cifar10_test", curate.load(columns, task), wrong)


def _cifar_people(folder: Path, cache: Path) -> Iterator[Case]:
    labels = pd.read_csv(folder / "labels.csv")
    for column in ("aggregate", "worst"):
        lines = pd.DataFrame({"image": labels.file, "label": labels[column]})
        table = curate.load(lines, curate.Task(kind="classification", image="image", label="label"), root=folder)
        yield Case(f"cifar10n {column}", table, (labels[column] != labels.clean).to_numpy())


def _texts(texts: pd.Series, labels: list[str]) -> curate.Table:
    return curate.load(
        {"text": texts.tolist(), "label": labels}, curate.Task(kind="classification", text="text", label="label")
    )


def _banking(folder: Path, cache: Path) -> Iterator[Case]:
    train, noise = pd.read_parquet(folder / "train.parquet"), pd.read_parquet(folder / "injected_noise.parquet")
    for column in ("label_uniform10", "label_near10", "label_near25"):
        wrong = (noise[column] != train.label).to_numpy()
        yield Case(f"banking {column.removeprefix('label_')}", _texts(train.text, noise[column].tolist()), wrong)


def _clinc(folder: Path, cache: Path) -> Iterator[Case]:
    rows = pd.read_parquet(folder / "small.parquet")
    rows = rows[rows.split == "train"]
    yield from _with_noise("clinc", lambda labels: _texts(rows.text, labels), rows.intent.tolist(), cache)


def _fsdd(folder: Path, cache: Path) -> Iterator[Case]:
    rows = pd.read_csv(folder / "metadata.csv", dtype={"digit": str})

    def table(labels: list[str]) -> curate.Table:
        lines = pd.DataFrame({"audio": rows.file, "label": labels})
        return curate.load(lines, curate.Task(kind="classification", audio="audio", label="label"), root=folder)

    yield from _with_noise("fsdd", table, rows.digit.tolist(), cache)


def _with_noise(name: str, table: Callable[[list[str]], curate.Table], true: list[str], cache: Path) -> Iterator[Case]:
    names, codes = np.unique(true, return_inverse=True)
    vectors = Evidence(table(true), cache=cache).embedding().vectors
    for alike in (False, True):
        given = planted(codes, vectors, alike)
        labels = names[given].tolist()
        yield Case(f"{name} {'near10' if alike else 'uniform10'}", table(labels), given != codes)


def plain_probabilities(evidence: Evidence, penalty: float | None) -> np.ndarray:
    """(n, K) by scikit-learn's logistic regression on the embedding and folds of the evidence.

    Args:
        evidence: of the set.
        penalty: C; None for the one of `PENALTIES` with the best likelihood in the first fold.
    """
    own = evidence.probabilities()
    if evidence.table.task.probabilities is not None:
        return own.values.astype(np.float64)
    from sklearn.linear_model import LogisticRegression

    vectors, codes, folds = evidence.embedding().vectors, evidence.labels.codes, own.folds

    def fitted(fold: int, c: float) -> np.ndarray:
        head = LogisticRegression(C=c, max_iter=1000).fit(vectors[folds != fold], codes[folds != fold])
        values = np.full((int((folds == fold).sum()), own.values.shape[1]), 1e-9)
        values[:, head.classes_] = head.predict_proba(vectors[folds == fold])
        return values

    if penalty is None:
        first = codes[folds == folds.min()]
        likely = [np.log(fitted(folds.min(), c)[np.arange(len(first)), first] + 1e-9).mean() for c in PENALTIES]
        penalty = PENALTIES[int(np.argmax(likely))]
    result = np.empty(own.values.shape)
    for fold in np.unique(folds):
        result[folds == fold] = fitted(fold, penalty)
    return result / result.sum(1, keepdims=True)


def by_datalab(codes: np.ndarray, probabilities: np.ndarray, wrong: np.ndarray, seconds: float) -> Line:
    """What Datalab's label check gives for predicted probabilities: CleanLearning's defaults."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="cleanlab")  # divides by empty classes
        issues = find_label_issues(codes, probabilities, n_jobs=1)
        score = get_label_quality_scores(codes, probabilities)
    return judged(score, issues, wrong, seconds)


def judged(score: np.ndarray, issues: np.ndarray, wrong: np.ndarray, seconds: float, facts: dict | None = None) -> Line:
    """Average precision of the ranking, and precision and recall of what is flagged."""
    from sklearn.metrics import average_precision_score

    hits = int((issues & wrong).sum())
    return Line(
        float(average_precision_score(wrong, -score.astype(np.float64))),
        hits / max(int(issues.sum()), 1),
        hits / max(int(wrong.sum()), 1),
        int(issues.sum()),
        seconds,
        facts or {},
    )


def lines_of(case: Case, cache: Path) -> dict[str, Line]:
    """Every method's line for a set. The first that needs the probabilities pays for them."""
    evidence = Evidence(case.table, cache=cache)
    evidence.embedding()
    found = {}
    for name, settings in METHODS.items():
        began = time.perf_counter()
        findings = LabelErrors(**settings).find(evidence)
        seconds = time.perf_counter() - began
        score, issues = np.ones(len(case.wrong)), np.zeros(len(case.wrong), dtype=bool)
        rows = findings.table["row"].to_numpy()
        score[rows] = findings.table["score"].to_numpy()
        issues[rows] = findings.table["is_issue"].to_numpy(zero_copy_only=False)
        found[name] = judged(score, issues, case.wrong, seconds, dict(findings.facts["label_errors"]))
    codes = evidence.labels.codes
    for name, penalty in ((PEER, 1.0), ("Datalab (C tuned)", None)):
        began = time.perf_counter()
        values = plain_probabilities(evidence, penalty)
        found[name] = by_datalab(codes, values, case.wrong, time.perf_counter() - began)
    ours = evidence.probabilities().values.astype(np.float64)
    found["Datalab (ours)"] = by_datalab(codes, ours / ours.sum(1, keepdims=True), case.wrong, 0.0)
    return found


def table_of_rankings(results: dict[str, dict[str, Line]]) -> list[str]:
    """Average precision by method and set, with the mean of 1 - AP against the peer's."""
    sets = list(results)
    peer = np.array([results[name][PEER].precision_of_ranking for name in sets])
    lines = [f"{'average precision':<28}" + "".join(f"{name[:17]:>18}" for name in sets) + "   1-AP  ratio  worst"]
    for method in results[sets[0]]:
        own = np.array([results[name][method].precision_of_ranking for name in sets])
        ratio = (1 - own).mean() / (1 - peer).mean()
        figures = f"{(1 - own).mean():7.4f} {ratio:6.3f} {(own - peer).min():+6.3f}"
        lines.append(f"{method:<28}" + "".join(f"{value:18.3f}" for value in own) + figures)
    return lines


def table_of_flags(results: dict[str, dict[str, Line]], by: Callable[[Line], str], title: str) -> list[str]:
    """One more table of methods and sets."""
    lines = [f"{title:<28}" + "".join(f"{name[:17]:>18}" for name in results)]
    for method in next(iter(results.values())):
        lines.append(f"{method:<28}" + "".join(f"{by(lines_[method]):>18}" for lines_ in results.values()))
    return lines


def verdict(results: dict[str, dict[str, Line]], wrong: dict[str, float]) -> list[str]:
    """Where the default's flags beat the peer's, and the noise that it estimates."""
    lines, won = [], 0
    for name, found in results.items():
        ours, peer = found["ensemble (default)"], found[PEER]
        better = ours.precision >= peer.precision and ours.recall >= peer.recall
        won += better
        low, high = ours.facts["noise_rate_interval"]
        lines.append(
            f"{name:<24} wrong {wrong[name]:.3f}, estimated {ours.facts['estimated_noise_rate']:.3f}"
            f" [{low:.3f}, {high:.3f}]{'' if low <= wrong[name] <= high else ' (missed)'};"
            f" flags at least as precise and complete as the peer's: {'yes' if better else 'no'}"
        )
    return [*lines, f"flags at least as precise and complete on {won} of {len(results)} sets"]


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--only", default="", help="comma-separated beginnings of names of sets")
    parser.add_argument("--cache", type=Path, help="keep embeddings and estimates here; seconds are then of no use")
    chosen = parser.parse_args()
    results: dict[str, dict[str, Line]] = {}
    wrong: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(chosen.data, chosen.cache or Path(folder)):
            if chosen.only and not case.name.startswith(tuple(chosen.only.split(","))):
                continue
            results[case.name] = lines_of(case, chosen.cache or Path(folder))
            wrong[case.name] = float(case.wrong.mean())
            print(f"{case.name}: {len(case.wrong)} rows, {len(case.table.labels.names)} classes", flush=True)
    if not results:
        print(f"no sets at {chosen.data}", file=sys.stderr)
        return 0
    print("\n" + "\n".join(table_of_rankings(results)))
    title = "precision/recall/flagged"
    print("\n" + "\n".join(table_of_flags(results, lambda x: f"{x.precision:.2f}/{x.recall:.2f}/{x.flagged}", title)))
    print("\n" + "\n".join(table_of_flags(results, lambda x: f"{x.seconds:.1f}", "seconds")))
    print("\n" + "\n".join(verdict(results, wrong)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
