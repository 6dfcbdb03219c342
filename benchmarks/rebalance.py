"""What balancing is worth: macro-F1 of one fixed head on embeddings, for no balancing and for each way of it.

    python -m benchmarks.rebalance [--data ../shared/data] [--only clinc150,sms_spam] [--seeds 5]

Every arm goes through a pipeline of this library: its plan says which rows are drawn how often, its class weights how
they count. The head is a logistic regression on standardised embeddings (MiniLM for texts, EfficientNet-Lite0 for
images; the columns of tables), trained on four fifths or less of the rows and judged on untouched ones. Per seed
another split and other draws; given is the mean over seeds with the half width of its 95 % interval (Student's t), and
the difference to "nothing" on the same splits. In the arm with augmentation every repeated draw is augmented and
embedded anew.
"""

from __future__ import annotations

import argparse
import io
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

import curate
from curate.augment.recipe import Recipe
from curate.evidence import Evidence, EvidenceSettings

ARMS: Mapping[str, list[Any]] = {
    "nothing": [],
    "class_weights inverse": [{"class_weights": {"method": "inverse"}}],
    "class_weights effective_number": [{"class_weights": {"method": "effective_number"}}],
    "oversample majority": ["oversample"],
    "oversample median": [{"oversample": {"to": "median"}}],
    "undersample": ["undersample"],
    "resample smote": [{"resample": {"method": "smote"}}],
    "resample borderline_smote": [{"resample": {"method": "borderline_smote"}}],
    "resample adasyn": [{"resample": {"method": "adasyn"}}],
    "resample tomek_links": [{"resample": {"method": "tomek_links"}}],
    "resample smote_tomek": [{"resample": {"method": "smote_tomek"}}],
}
AUGMENTED = "oversample + augment"
TEXT = [{"swap_words": {"p": 0.5}}, {"delete_words": {"p": 0.5}}]
IMAGE = [
    "HorizontalFlip",
    {"RandomCrop": {"height": 28, "width": 28, "pad_if_needed": True}},
    {"ColorJitter": {"p": 0.5}},
]
FEATURES = [{"jitter": {"max_sigma": 0.1}}]
TAIL = 20


@dataclass
class Set:
    """One set: vectors, labels, and how a seed splits them.

    Attributes:
        name: of the set.
        x: (n, d) float32 embeddings.
        y: (n,) names of classes.
        split: (rng) -> training rows, test rows.
        augmented: (rows, copies, recipe, seed) -> (m, d) embeddings of augmented draws.
        operations: modality -> operations for the arm with augmentation.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    split: Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]
    augmented: Callable[[np.ndarray, np.ndarray, Recipe, int], np.ndarray] | None = None
    operations: dict[str, Any] = field(default_factory=dict)


def embed(columns: dict[str, list[Any]], **roles: str) -> np.ndarray:
    """(n, d) float32 by MiniLM (texts) or EfficientNet-Lite0 (images), which learn nothing from the set."""
    table = curate.load(columns, task=curate.Task(kind="unlabeled", **roles))
    settings = EvidenceSettings(encoder="minilm" if "text" in roles else "efficientnet")
    return np.asarray(Evidence(table, settings, cache=None).embedding().vectors, dtype=np.float32)


def texts(name: str, words: list[str], y: np.ndarray, split: Any) -> Set:
    """A set of texts."""

    def augmented(rows: np.ndarray, copies: np.ndarray, recipe: Recipe, seed: int) -> np.ndarray:
        changed = [
            recipe.apply("text", words[row], seed=seed, epoch=0, row_id=str(row), copy=int(copy))
            for row, copy in zip(rows, copies)
        ]
        return embed({"text": changed}, text="text")

    return Set(name, embed({"text": words}, text="text"), y, split, augmented, {"text": TEXT})


def images(name: str, files: list[Path], y: np.ndarray, split: Any) -> Set:
    """A set of image files."""
    from PIL import Image

    def augmented(rows: np.ndarray, copies: np.ndarray, recipe: Recipe, seed: int) -> np.ndarray:
        changed = []
        for row, copy in zip(rows, copies):
            pixels = np.asarray(Image.open(files[row]).convert("RGB"))
            pixels = recipe.apply("image", pixels, seed=seed, epoch=0, row_id=str(row), copy=int(copy))
            Image.fromarray(pixels).save(buffer := io.BytesIO(), "PNG")
            changed.append({"bytes": buffer.getvalue(), "path": None})
        return embed({"image": changed}, image="image")

    given = [{"bytes": file.read_bytes(), "path": None} for file in files]
    return Set(name, embed({"image": given}, image="image"), y, split, augmented, {"image": IMAGE})


def table_of(data: Set, rows: np.ndarray) -> curate.Table:
    """The training rows as a table of vectors, in the order of `rows`."""
    columns = {
        "features": list(data.x[rows]),
        "label": [str(name) for name in data.y[rows]],
        "id": [str(r) for r in rows],
    }
    return curate.load(columns, task=curate.Task(features="features", label="label", id="id"))


def draws(data: Set, rows: np.ndarray, steps: list[Any], seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vectors, labels and weights that a pipeline trains on."""
    operations = [step["augment"] for step in steps if isinstance(step, dict) and "augment" in step]
    others = [step for step in steps if not (isinstance(step, dict) and "augment" in step)]
    curated = curate.Pipeline(others, seed=seed).run(table_of(data, rows), cache=None)
    plan = curated.plan
    vectors = np.stack(curated.table.column("features").to_numpy(zero_copy_only=False)).astype(np.float32)
    labels = np.array(plan["label"].cast("string").to_pylist())
    weight = dict(zip(curated.label_names, curated.class_weights.tolist()))
    weights = plan["weight"].to_numpy() * np.array([weight[name] for name in labels])
    x = vectors[plan["row"].to_numpy()]
    repeated = np.flatnonzero(plan["copy"].to_numpy() > 0)
    if operations and len(repeated) and data.augmented is not None:
        [modality] = operations[0]
        task = curate.Task(kind="classification", label="label", **{modality: modality})
        recipe = Recipe.from_json(json.dumps([curate.steps.Augment(**operations[0]).recipe(task)]))
        lines = plan.take(repeated)
        own = np.array([int(name) for name in lines["row_id"].to_pylist()])
        x[repeated] = data.augmented(own, lines["copy"].to_numpy(), recipe, seed)
    return x, labels, weights


def macro_f1(data: Set, steps: list[Any], train: np.ndarray, test: np.ndarray, seed: int) -> float:
    """Of the head on the untouched rows; NaN where the step refuses the set."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score
    from sklearn.preprocessing import StandardScaler

    try:
        x, y, weights = draws(data, train, steps, seed)
    except curate.errors.CurateError as error:
        print(f"  {data.name}, {steps}: {error}")
        return float("nan")
    scale = StandardScaler().fit(data.x[train])
    head = LogisticRegression(C=0.1, max_iter=60, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a head that stops at 60 iterations is the same for all arms
        head.fit(scale.transform(x), y, sample_weight=weights)
    return float(f1_score(data.y[test], head.predict(scale.transform(data.x[test])), average="macro"))


def random_split(y: np.ndarray, share: float = 0.3) -> Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]:
    """Stratified split with that share of test rows."""

    def split(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        test = [rng.permutation(rows)[: max(1, round(share * len(rows)))] for rows in by_class(y)]
        held = np.sort(np.concatenate(test))
        return np.setdiff1d(np.arange(len(y)), held), held

    return split


def by_class(y: np.ndarray) -> list[np.ndarray]:
    """Rows of each class."""
    return [np.flatnonzero(y == name) for name in np.unique(y)]


def sets(data: Path, only: set[str]) -> list[Set]:
    """The sets that are there."""
    found: list[Set] = []
    if "clinc150" in only and (data / "clinc150").is_dir():
        found.append(clinc(data / "clinc150"))
    if "sms_spam" in only and (data / "sms_spam").is_dir():
        sms = pq.read_table(data / "sms_spam" / "sms.parquet")
        y = np.array(sms["label"].to_pylist())
        found.append(texts("sms_spam", sms["text"].to_pylist(), y, random_split(y)))
    if "cifar10n" in only and (data / "cifar10n_3000").is_dir():
        found.append(cifar(data / "cifar10n_3000"))
    if "adbench" in only and (data / "adbench_tabular").is_dir():
        found += [tabular(file) for file in sorted((data / "adbench_tabular").glob("*.npz"))]
    return found


def clinc(folder: Path) -> Set:
    """CLINC150's own imbalanced training rows (four fifths of each class per seed), and its test rows, in scope."""
    train, small = (pq.read_table(folder / f"{name}.parquet") for name in ("imbalanced_train", "small"))
    parts = [train, small.filter(pc.equal(small["split"], "test"))]
    train, test = (part.filter(pc.not_equal(part["intent"], "oos")) for part in parts)
    y = np.array(train["intent"].to_pylist() + test["intent"].to_pylist())
    n = train.num_rows

    def split(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        kept = [rng.permutation(rows)[: max(2, round(0.8 * len(rows)))] for rows in by_class(y[:n])]
        return np.sort(np.concatenate(kept)), np.arange(n, len(y))

    return texts("clinc150", train["text"].to_pylist() + test["text"].to_pylist(), y, split)


def cifar(folder: Path) -> Set:
    """CIFAR-10 images with their clean labels, a tail of 1 to 20 in training, as many of each class in testing."""
    import csv

    with (folder / "labels.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    y = np.array([line["clean"] for line in lines])

    def tail(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        rows = [rng.permutation(own) for own in by_class(y)]
        test = min(len(own) for own in rows) // 3
        room = min(len(own) for own in rows) - test
        sizes = [round(room * TAIL ** (-i / (len(rows) - 1))) for i in range(len(rows))]
        train = [own[test : test + size] for own, size in zip(rows, rng.permutation(sizes))]
        return np.sort(np.concatenate(train)), np.sort(np.concatenate([own[:test] for own in rows]))

    return images("cifar10n long tail", [folder / line["file"] for line in lines], y, tail)


def tabular(file: Path) -> Set:
    """Numbers of a table with a rare class."""
    with np.load(file) as arrays:
        x, y = arrays["X"].astype(np.float32), np.where(arrays["y"].ravel() > 0, "rare", "usual")
    if len(y) > 4000:
        rng = np.random.default_rng(0)
        kept = np.sort(
            np.concatenate([rng.permutation(rows)[: round(4000 * len(rows) / len(y))] for rows in by_class(y)])
        )
        x, y = x[kept], y[kept]
    spread = x.std(0) + 1e-9

    def augmented(rows: np.ndarray, copies: np.ndarray, recipe: Recipe, seed: int) -> np.ndarray:
        return np.stack(
            [
                recipe.apply("features", x[row] / spread, seed=seed, epoch=0, row_id=str(row), copy=int(copy)) * spread
                for row, copy in zip(rows, copies)
            ]
        ).astype(np.float32)

    return Set(file.stem, x, y, random_split(y), augmented, {"features": FEATURES})


def interval(values: np.ndarray) -> tuple[float, float]:
    """Mean and half width of the 95 % interval."""
    from scipy import stats

    if len(values) < 2:
        return float(values.mean()), float("nan")
    return float(values.mean()), float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5)


def measure(data: Set, seeds: int) -> dict[str, np.ndarray]:
    """Arm -> (seeds,) macro-F1."""
    arms = dict(ARMS)
    if data.augmented is not None:
        arms[AUGMENTED] = ["oversample", {"augment": data.operations}]
    scores: dict[str, list[float]] = {arm: [] for arm in arms}
    for seed in range(seeds):
        train, test = data.split(np.random.default_rng(seed))
        for arm, steps in arms.items():
            scores[arm].append(macro_f1(data, steps, train, test, seed))
    return {arm: np.array(values) for arm, values in scores.items()}


def show(name: str, scores: dict[str, np.ndarray]) -> None:
    """The table of one set."""
    print(f"\n{name}\n  {'arm':<34}{'macro-F1':>10}{'±':>7}{'against nothing':>18}{'±':>7}")
    for arm, values in scores.items():
        mean, half = interval(values)
        gain, spread = interval(values - scores["nothing"])
        print(f"  {arm:<34}{mean:>10.4f}{half:>7.4f}{gain:>+18.4f}{spread:>7.4f}", flush=True)


def main() -> int:
    """Print a table per set, and for the tables their mean."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", default="clinc150,sms_spam,cifar10n,adbench")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    tables: list[dict[str, np.ndarray]] = []
    for data in sets(arguments.data, set(arguments.only.split(","))):
        scores = measure(data, arguments.seeds)
        show(f"{data.name}: {len(data.y)} rows, {len(np.unique(data.y))} classes", scores)
        if "features" in data.operations:
            tables.append(scores)
    if len(tables) > 1:
        show("adbench, mean over the tables", {arm: np.mean([one[arm] for one in tables], axis=0) for arm in tables[0]})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
