"""Generated rows, plans and models that train in a second."""

import numpy as np
import pyarrow as pa
import small_tables
import torch

from curate.feed import make_loader

CLASSES = ("c0", "c1", "c2")


def table_and_plan(n=120, held_out=40, kind="classification", seed=0, uneven=False):
    """Rows whose label the features tell; the last ones are the validation split."""
    rng = np.random.default_rng(seed)
    codes = np.minimum(rng.geometric(0.55, n) - 1, 2) if uneven else rng.integers(0, 3, n)
    features = rng.normal(size=(n, 4)).astype(np.float32)
    features[np.arange(n), codes] += 2.0
    labels = {
        "classification": [CLASSES[code] for code in codes],
        "multilabel": [[CLASSES[k] for k in range(3) if features[i, k] > 0.7] for i in range(n)],
        "regression": (features @ [1.0, -2.0, 0.5, 0.0] + rng.normal(0, 0.1, n)).tolist(),
    }[kind]
    arrow = {"regression": pa.float64(), "multilabel": pa.list_(pa.string())}.get(kind, pa.string())
    names = {} if kind == "regression" else {"label_names": CLASSES}
    split = ["train"] * (n - held_out) + ["validation"] * held_out
    columns = {
        "x": pa.array(features.tolist(), pa.list_(pa.float32())),
        "label": pa.array(labels, arrow),
        "split": split,
        "source": ["phone" if i % 4 == 0 else "camera" for i in range(n)],
    }
    table = small_tables.table(columns, kind=kind, features="x", label="label", split="split", **names)
    weights = np.linspace(0.5, 1.5, n)
    return table, small_tables.plan(table, labels=labels, kind=kind, split=split, weight=weights)


class Result:
    """What `curate.fit` asks of a curated result."""

    def __init__(self, **options):
        self.table, self.plan = table_and_plan(**options)
        self.label_names = list(self.table.task.label_names)

    def loader(self, **options):
        return make_loader(self.table, self.plan, label_names=self.label_names, seed=options.pop("seed", 3), **options)

    def loss(self, **options):
        from curate.feed import make_loss

        return make_loss(self.table.task.kind, label_names=self.label_names, **options)


def network(outputs=3, dropout=0.3):
    """A model with dropout and batch norm, so that random numbers and buffers matter."""
    layers = [torch.nn.Linear(4, 16), torch.nn.BatchNorm1d(16), torch.nn.ReLU(), torch.nn.Dropout(dropout)]
    return torch.nn.Sequential(*layers, torch.nn.Linear(16, outputs))


def parameters(model):
    """All of a model's state as one vector."""
    return torch.cat([v.flatten().double() for v in model.state_dict().values()])
