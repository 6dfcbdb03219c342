"""What curation is worth when labels are wrong: test accuracy of one head on the same embeddings, by what it learns.

    python -m benchmarks.robust_training [--data ../shared/data] [--only banking,cifar10n] [--seeds 5] [--all]

Arms: the given labels; the given labels without the rows that cleanlab flags (`find_label_issues`, out-of-sample
probabilities of the same head); the plan and the loss of the pipeline that `curate init` drafts; the true labels. All
but the third are trained by plain cross-entropy. The head is a multinomial logistic regression on MiniLM (texts),
EfficientNet-Lite0 (images) or the embedding that `auto` chooses, fitted twice: ``tuned``, with the penalty that makes
a held-out fifth of the arm's own targets likeliest, and ``C = 1``, scikit-learn's default on standardised inputs,
which like a network that is trained for long learns much of the labels by heart. The truth is read only by the last
arm and to judge.

Per seed: other rows to learn from (nine tenths where a set has a test part of its own, else another split, which is
curated anew), and other folds. Given is the mean over seeds with the half width of its 95 % interval (Student's t), the
difference to the given labels on the same rows, and the share of the gap to the true labels that is won back. With
`--all` also sets to see that nothing is lost where labels are right or rows are few.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import curate
from benchmarks._noisy_sets import NoisySet, noisy_sets
from curate.evidence.heads import design, softmax
from curate.pipeline.draft import draft

RAW, DROPPED, CURATED, CLEAN = "given labels", "cleanlab's flags dropped", "curated, default loss", "true labels"
PENALTIES = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003)
"""Of the mean loss of a row; inputs have unit scale."""
HEADS = ("tuned", "C = 1")
DECIDING = ("conflicting_labels", "exact_duplicates", "label_errors")
"""Steps of the draft that bear on wrong labels. What balancing and smoothing are worth is measured elsewhere."""
FIXES: dict[str, object] = {
    "drop": "drop",
    "soften": "soften",
    "relabel, soften": {"relabel": {"min_confidence": 0.9}, "otherwise": "soften"},
    "relabel, drop": {"relabel": {"min_confidence": 0.9}, "otherwise": "drop"},
}
"""Fixes of `label_errors` to compare with `--fixes`."""
Scores = dict[tuple[str, str], list[float]]
"""(arm, head) -> accuracy in percent for each seed."""


@dataclass(frozen=True)
class Lesson:
    """What a head is taught.

    Attributes:
        rows: (m,) rows of the set.
        soft: (m, K) float32 targets.
        codes: (m,) their hard labels, which choose the class weight.
        weights: (m,) float32.
        loss: torch module that takes logits and a batch.
    """

    rows: np.ndarray
    soft: np.ndarray
    codes: np.ndarray
    weights: np.ndarray
    loss: object


Lessons = dict[str, Lesson]


class Head:
    """The head: L-BFGS on the loss of a lesson and the squared norm of the coefficients.

    Args:
        x: (n, d) embedding.
        learned: rows by which it is centred and scaled.
    """

    def __init__(self, x: np.ndarray, learned: np.ndarray) -> None:
        mask = np.zeros(len(x), dtype=bool)
        mask[learned] = True
        self.inputs = design(x, mask)

    def fit(self, lesson: Lesson, kept: np.ndarray, penalty: float, start: np.ndarray | None, steps: int) -> np.ndarray:
        """(d, K) float32 coefficients by the lines `kept` of a lesson."""
        import torch
        from scipy.optimize import minimize

        inputs = torch.from_numpy(self.inputs[lesson.rows[kept]])
        batch = self._batch(lesson, kept)
        shape = (inputs.shape[1], lesson.soft.shape[1])

        def cost(flat: np.ndarray) -> tuple[float, np.ndarray]:
            coefficients = torch.from_numpy(flat.astype(np.float32).reshape(shape)).requires_grad_()
            value = lesson.loss(inputs @ coefficients, batch) + 0.5 * penalty * coefficients.square().sum()
            value.backward()
            return float(value), coefficients.grad.numpy().ravel().astype(np.float64)

        origin = np.zeros(shape[0] * shape[1]) if start is None else start.ravel().astype(np.float64)
        options = {"maxiter": steps, "gtol": 1e-5, "ftol": 1e-7}
        found = minimize(cost, origin, jac=True, method="L-BFGS-B", options=options).x
        return found.astype(np.float32).reshape(shape)

    def penalty(self, lesson: Lesson, seed: int) -> float:
        """The one under which the lesson's own targets of a fifth of its lines, held out, are likeliest."""
        import torch

        order = np.random.default_rng(seed).permutation(len(lesson.rows))
        held, kept = order[: len(order) // 5], order[len(order) // 5 :]
        batch, inputs = self._batch(lesson, held), self.inputs[lesson.rows[held]]
        losses, start = [], None
        for penalty in PENALTIES:
            start = self.fit(lesson, kept, penalty, start, 12)
            losses.append(float(curate.losses.SoftCrossEntropy()(torch.from_numpy(inputs @ start), batch)))
            if losses[-1] > 1.02 * min(losses):
                break
        return PENALTIES[int(np.argmin(losses))]

    def accuracies(self, lesson: Lesson, seed: int, rows: np.ndarray, codes: np.ndarray) -> dict[str, float]:
        """Of both heads on some rows."""
        every = np.arange(len(lesson.rows))
        tuned = self.fit(lesson, every, self.penalty(lesson, seed), None, 40)
        usual = self.fit(lesson, every, 1 / float(lesson.weights.sum()), tuned, 60)
        found = zip(HEADS, (tuned, usual))
        return {name: float(((self.inputs[rows] @ one).argmax(1) == codes).mean()) for name, one in found}

    @staticmethod
    def _batch(lesson: Lesson, kept: np.ndarray) -> dict:
        import torch

        parts = {"labels": lesson.codes, "soft_labels": lesson.soft, "weights": lesson.weights}
        return {name: torch.from_numpy(np.ascontiguousarray(values[kept])) for name, values in parts.items()}


def plain(rows: np.ndarray, codes: np.ndarray, classes: int) -> Lesson:
    """Hard labels and plain cross-entropy."""
    ones = np.ones(len(rows), dtype=np.float32)
    own = codes[rows].astype(np.int64)
    return Lesson(rows, np.eye(classes, dtype=np.float32)[own], own, ones, curate.losses.SoftCrossEntropy())


def flagged_by_cleanlab(data: NoisySet, pool: np.ndarray, codes: np.ndarray, classes: int) -> np.ndarray:
    """(m,) bool of the pool's rows: `find_label_issues` on out-of-sample probabilities of the head, five folds."""
    from cleanlab.filter import find_label_issues

    head, lesson = Head(data.x, pool), plain(pool, codes, classes)
    penalty = head.penalty(lesson, 0)
    folds = np.random.default_rng(0).permutation(len(pool)) % 5
    p = np.zeros((len(pool), classes))
    for fold in range(5):
        found = head.fit(lesson, np.flatnonzero(folds != fold), penalty, None, 40)
        p[folds == fold] = softmax(head.inputs[pool[folds == fold]] @ found)
    with np.errstate(all="ignore"):  # it divides by empty classes
        return np.asarray(find_label_issues(codes[pool], p / p.sum(1, keepdims=True), n_jobs=1), dtype=bool)


def drafted(data: NoisySet, pool: np.ndarray, names: np.ndarray, cache: Path, fix: object = None) -> Lesson:
    """The plan and the default loss of the drafted pipeline, of the pool's rows; with another fix if one is given."""
    table = data.table(pool, data.given[pool])
    pipeline = curate.Pipeline.from_text(draft(table, "train", Path()))
    steps = [step for step in pipeline.steps if step.name in DECIDING]
    if fix is not None:
        other = {"label_errors": {"fix": fix, "limit": 0.75}}
        steps = [other if step.name == "label_errors" else step for step in steps]
    try:
        curated = curate.Pipeline(steps, evidence=data.settings).run(table, cache=cache)
    except curate.errors.LimitExceeded as error:  # the run stops and says so: the user still has the given labels
        print(f"{data.name}: {error}", flush=True)
        return plain(pool, np.searchsorted(names, data.given), len(names))
    plan, place = curated.plan, np.searchsorted(names, curated.label_names)
    own = np.array(plan["label"].cast("string").to_pylist())
    codes = np.searchsorted(names, own)
    soft = np.eye(len(names), dtype=np.float32)[codes]
    for line, given in enumerate(plan["soft_label"].to_pylist()):
        if given is not None:
            soft[line] = 0
            soft[line, place] = given
    rows = np.array([int(name) for name in plan["row_id"].to_pylist()])
    weights = np.ones(len(names), dtype=np.float32)
    weights[place] = curated.class_weights if len(curated.class_weights) else 1.0
    loss = curated.loss(class_weights=weights, label_names=tuple(names.tolist()))
    return Lesson(rows, soft, codes.astype(np.int64), plan["weight"].to_numpy().astype(np.float32), loss)


def only(lesson: Lesson, rows: np.ndarray) -> Lesson:
    """The lines of a lesson that are about some rows."""
    kept = np.isin(lesson.rows, rows)
    parts = (lesson.rows, lesson.soft, lesson.codes, lesson.weights)
    return Lesson(*(part[kept] for part in parts), loss=lesson.loss)


def taught(data: NoisySet, pool: np.ndarray, codes: np.ndarray, names: np.ndarray, cache: Path, fixes: bool) -> Lessons:
    """What all arms but the first and the last are taught of the pool's rows."""
    dropped = pool[~flagged_by_cleanlab(data, pool, codes, len(names))]
    found = {DROPPED: plain(dropped, codes, len(names)), CURATED: drafted(data, pool, names, cache)}
    return found | {name: drafted(data, pool, names, cache, fix) for name, fix in FIXES.items() if fixes}


def measure(data: NoisySet, seeds: int, cache: Path, fixes: bool) -> Scores:
    """(arm, head) -> accuracy for each seed."""
    names, true = np.unique(data.true, return_inverse=True)
    given = np.searchsorted(names, data.given)
    scores: Scores = {}
    known: tuple[bytes, Lessons] = b"", {}
    for seed in range(seeds):
        pool, learned, test = data.split(seed)
        if known[0] != pool.tobytes():
            known = pool.tobytes(), taught(data, pool, given, names, cache, fixes)
        arms = {RAW: plain(learned, given, len(names))}
        arms |= {arm: only(lesson, learned) for arm, lesson in known[1].items()}
        arms[CLEAN] = plain(learned, true, len(names))
        head = Head(data.x, learned)
        for arm, lesson in arms.items():
            for name, accuracy in head.accuracies(lesson, seed, test, true[test]).items():
                scores.setdefault((arm, name), []).append(100 * accuracy)
    return scores


def interval(values: np.ndarray) -> tuple[float, float]:
    """Mean and half width of the 95 % interval."""
    from scipy import stats

    if len(values) < 2:
        return float(values.mean()), float("nan")
    return float(values.mean()), float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5)


def lines_of(scores: Scores) -> Iterator[str]:
    """The table of a set."""
    for head in HEADS:
        raw, clean = (np.array(scores[arm, head]) for arm in (RAW, CLEAN))
        for arm in dict.fromkeys(arm for arm, _ in scores):
            values = np.array(scores[arm, head])
            (mean, half), (gain, spread) = interval(values), interval(values - raw)
            won = f"{(values - raw).mean() / (clean - raw).mean():8.0%}" if (clean - raw).mean() > 0.5 else f"{'-':>8}"
            yield f"  {head:<6}{arm:<26}{mean:7.2f} ±{half:5.2f}{gain:+9.2f} ±{spread:5.2f}{won}"


def main() -> int:
    """Print a table for each set, and on how many sets what holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--only", default="", help="comma-separated beginnings of names of sets")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--all", action="store_true", help="more sets, also with no wrong labels and with few rows")
    parser.add_argument("--fixes", action="store_true", help="also other fixes of label_errors")
    parser.add_argument("--cache", type=Path, help="keep embeddings and estimates here")
    chosen = parser.parse_args()
    wanted = tuple(name for name in chosen.only.split(",") if name)
    results: dict[str, Scores] = {}
    with tempfile.TemporaryDirectory() as folder:
        cache = chosen.cache or Path(folder)
        for data in noisy_sets(chosen.data, cache, chosen.all, wanted):
            began = time.process_time()
            results[data.name] = measure(data, chosen.seeds, cache, chosen.fixes)
            wrong = (data.given != data.true).mean()
            print(
                f"\n{data.name}: {len(data.true)} rows, {wrong:.1%} wrong, {time.process_time() - began:.0f} s of CPU"
            )
            print(f"  {'head':<6}{'learns':<26}{'accuracy':>7}{'to given labels':>23}{'won back':>10}")
            print("\n".join(lines_of(results[data.name])), flush=True)
    for head in HEADS:
        arms = [{arm: np.array(scores[arm, head]) for arm in (RAW, DROPPED, CURATED)} for scores in results.values()]
        better = sum(one[CURATED].mean() > one[DROPPED].mean() for one in arms)
        lost = sum(sum(interval(one[CURATED] - one[RAW])) < 0 for one in arms)
        print(f"\n{head}: better than cleanlab's flags dropped on {better} of {len(arms)} sets; worse than the given")
        print(f"labels by more than the interval on {lost}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
