"""Predictions of a model on the batches of a loader."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from curate.feed.fitting.forward import Forward, call, check_width
from curate.feed.fitting.processes import gathered, summed
from curate.feed.losses.row_loss import RowLoss
from curate.feed.targets import MISSING
from curate.feed.tensors import on_device


@dataclass(frozen=True)
class Predictions:
    """What a model says of m rows.

    Attributes:
        row_ids: (m,) `StringDType`, in the order in which the rows came.
        outputs: (m, K) float32 probabilities, or (m,) numbers; of positions logits, NaN behind the end of a batch.
        labels: (m,) or (m, K) as in the batches; below 0, or NaN, where missing.
        loss: mean over the rows by their weights; NaN where nothing counts.
    """

    row_ids: np.ndarray
    outputs: np.ndarray
    labels: np.ndarray
    loss: float


@torch.no_grad()
def predict(
    model: torch.nn.Module,
    batches: Iterable[dict[str, Any]],
    loss: RowLoss,
    kind: str | None,
    device: torch.device,
    forward: Forward | None = None,
    autocast: Any = None,
    names: tuple[str, ...] = (),
) -> Predictions:
    """Predict batch by batch in evaluation mode; of several processes, each its own batches, and all get all."""
    trained, learned = model.training, loss.training
    model.eval()
    loss.eval()
    parts: list[tuple[list[str], np.ndarray, np.ndarray]] = []
    terms = torch.zeros(2, dtype=torch.float64)
    try:
        for batch in batches:
            moved = on_device(batch, device)
            with autocast() if autocast is not None else torch.autocast(device.type, enabled=False):
                logits = call(model, model, moved, forward)
            check_width(logits, kind, names, model)
            losses, weights = loss.terms(logits, moved)
            terms += torch.stack([(losses * weights).sum(), weights.sum()]).double().cpu()
            parts.append(
                (list(batch["row_id"]), _outputs(logits, kind), torch.as_tensor(batch["labels"]).cpu().numpy())
            )
    finally:
        model.train(trained)
        loss.train(learned)
    every = [part for own in gathered(parts) for part in own]
    terms = summed(terms)
    ids = np.array([row_id for part in every for row_id in part[0]], dtype=np.dtypes.StringDType())
    if not every:
        return Predictions(ids, np.zeros((0, len(names)), np.float32), np.zeros(0), float("nan"))
    mean = float(terms[0] / terms[1]) if terms[1] > 0 else float("nan")
    return Predictions(ids, _joined([p[1] for p in every], np.nan), _joined([p[2] for p in every], MISSING), mean)


def _joined(parts: list[np.ndarray], outside: float) -> np.ndarray:
    """The rows of all batches; where batches were padded to other lengths, to the longest, with `outside`."""
    longest = np.array([part.shape[1:] for part in parts], dtype=int).max(axis=0)
    if all(part.shape[1:] == tuple(longest) for part in parts):
        return np.concatenate(parts)
    widths = [[(0, 0), *((0, most - own) for most, own in zip(longest, part.shape[1:]))] for part in parts]
    return np.concatenate([np.pad(part, width, constant_values=outside) for part, width in zip(parts, widths)])


def _outputs(logits: torch.Tensor, kind: str | None) -> np.ndarray:
    values = logits.detach().float()
    if kind == "classification":
        values = values.softmax(1)
    elif kind == "multilabel":
        values = values.sigmoid()
    elif values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    return values.cpu().numpy()
