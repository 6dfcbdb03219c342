"""What an epoch's batches say of loss and recall, and the report of it to the sampler ``adaptive``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from curate.feed.fitting.processes import gathered, summed
from curate.feed.fitting.source import itself


class Tally:
    """Sums over the batches of an epoch: weighted loss, and loss and hits by class or by row where a sampler follows.

    Attributes:
        totals: (2,) float64 weighted loss, and weight.
        drawn: rows.
        classes: (K, 3) float64 loss, hits, rows of each class.
        rows: row id -> (loss, hit) of its last draw.
    """

    def __init__(self, names: Sequence[str], follows: str | None, device: torch.device) -> None:
        self.names, self.follows, self.device = tuple(names), follows, device
        self.totals = torch.zeros(2, dtype=torch.float64, device=device)
        self.drawn = 0
        self.classes = torch.zeros(len(self.names), 3, dtype=torch.float64, device=device)
        self.rows: dict[str, tuple[float, float]] = {}

    @torch.no_grad()
    def add(self, losses: torch.Tensor, weights: torch.Tensor, logits: torch.Tensor, batch: Mapping[str, Any]) -> None:
        """Count (B,) losses with their (B,) weights."""
        losses = losses.detach().double()
        self.totals += torch.stack([(losses * weights).sum(), weights.sum().double()])
        self.drawn += len(losses)
        if self.follows is None:
            return
        labels = batch["labels"].to(self.device)
        if labels.ndim == 1 and not labels.is_floating_point():
            hits = (logits.argmax(1) == labels).double()
            known = labels >= 0
            each = torch.stack([losses, hits, torch.ones_like(losses)], dim=1)[known]
            if self.follows == "classes":
                self.classes.index_add_(0, labels[known], each)
        elif labels.ndim == 2:
            on, said = labels > 0.5, logits > 0
            hits = ((on == said).all(1)).double()
            if self.follows == "classes":
                own = torch.stack([losses.unsqueeze(1).expand_as(on), (on & said).double(), on.double()])
                self.classes += (own * on).sum(1).T
        else:
            hits = torch.zeros_like(losses)
        if self.follows == "rows":
            pairs = torch.stack([losses, hits], dim=1).cpu().tolist()
            self.rows.update({row_id: (one, hit) for row_id, (one, hit) in zip(batch["row_id"], pairs)})

    def mean(self) -> tuple[float, int]:
        """Mean loss and number of rows drawn, over all processes."""
        totals = summed(torch.cat([self.totals.cpu(), torch.tensor([float(self.drawn)], dtype=torch.float64)]))
        return float(totals[0] / totals[1]) if totals[1] > 0 else float("nan"), int(totals[2])

    def report(self, loader: Any, epoch: int) -> None:
        """Tell the sampler what the epoch said of each class or row that it draws."""
        if self.follows is None:
            return
        loader = itself(loader)
        recall = _settings(loader).follows == "recall"
        known = set(loader.requests.sampler.following.reports.names)
        if self.follows == "rows":
            rows = {row_id: pair for own in gathered(self.rows) for row_id, pair in own.items()}
            said = {row_id: pair[1] if recall else pair[0] for row_id, pair in rows.items() if row_id in known}
            if said:
                loader.report(epoch, rows=said)
            return
        sums = summed(self.classes.cpu()).tolist()
        said = {
            name: (hits if recall else loss) / rows
            for name, (loss, hits, rows) in zip(self.names, sums)
            if rows and name in known
        }
        if said:
            loader.report(epoch, classes=said)

    def state(self) -> dict[str, Any]:
        """What `load` takes: of this process."""
        rows = {"row_ids": list(self.rows), "values": torch.tensor(list(self.rows.values()), dtype=torch.float64)}
        return {"drawn": self.drawn, "totals": self.totals.cpu(), "classes": self.classes.cpu(), "rows": rows}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on counting."""
        self.drawn = int(state["drawn"])
        self.totals.copy_(state["totals"])
        self.classes.copy_(state["classes"])
        pairs = state["rows"]["values"].reshape(-1, 2).tolist()
        self.rows = {row_id: (one, hit) for row_id, (one, hit) in zip(state["rows"]["row_ids"], pairs)}


def _settings(loader: Any) -> Any:
    return loader.requests.sampler.following.reports.settings


def follows(loader: Any) -> str | None:
    """Whether the loader's sampler follows ``classes`` or ``rows``; None for other samplers and other loaders."""
    loader = itself(loader)
    sampler = getattr(getattr(loader, "requests", None), "sampler", None)
    return _settings(loader).by if getattr(sampler, "mode", None) == "adaptive" else None
