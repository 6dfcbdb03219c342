"""The loss of transcripts that are not aligned with their recordings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.nn import functional

from curate.errors import ConfigError
from curate.feed.losses.row_loss import Reduction, RowLoss, at_least_float32, where_counted, within


class TranscriptLoss(RowLoss):
    """Connectionist temporal classification: of all ways to stretch a transcript over the frames of a recording.

    The loss of a row is divided by the length of its transcript, and weighted by the row. A transcript that is longer
    than its recording has frames for counts 0.

    Source: Graves, Fernández, Gomez, Schmidhuber, Connectionist Temporal Classification, 2006.

    Args:
        blank: the token that stands for no output.
        ignore_index: label behind the end of a transcript, if it is not negative.
        reduction: as in `RowLoss`.
    """

    def __init__(self, blank: int = 0, ignore_index: int = -100, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.ignore_index = ignore_index
        self.blank = int(within("blank", blank, 0))

    def terms(self, logits: torch.Tensor, batch: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,) losses, not weighted, and (B,) weights.

        Args:
            logits: (B, frames, tokens).
            batch: ``labels`` (B, T) int64, negative behind the end; ``weights`` (B,), 1 if left out; ``logit_lengths``
                (B,) frames of each row, or ``attention_mask`` (B, n), of which the frames are the same share.
        """
        labels = batch["labels"].to(logits.device)
        if logits.ndim != 3 or labels.ndim != 2 or len(logits) != len(labels):
            raise ConfigError(
                f"logits must be (rows, frames, tokens) and labels (rows, tokens), not {tuple(logits.shape)} and"
                f" {tuple(labels.shape)}"
            )
        with torch.autocast(device_type=logits.device.type, enabled=False):
            logits = at_least_float32(logits)
            weights = self.row_weights(batch).to(logits)
            log_p = functional.log_softmax(where_counted(logits, weights), dim=-1).transpose(0, 1)
            known = self._known(labels)
            lengths = known.sum(1)
            given = torch.where(known, labels, torch.zeros_like(labels))
            frames = self._frames(logits, batch)
            losses = functional.ctc_loss(
                log_p, given, frames, lengths, self.blank, reduction="none", zero_infinity=True
            )
            losses = losses / lengths.clamp_min(1)
            return torch.where(weights > 0, losses, torch.zeros_like(losses)), weights

    def row_weights(self, batch: Mapping[str, Any]) -> torch.Tensor:
        """(B,) weight of each row, 0 where it has no transcript."""
        known = self._known(batch["labels"]).any(1)
        own = batch.get("weights")
        return known.float() if own is None else at_least_float32(own.to(known.device)) * known

    def _known(self, labels: torch.Tensor) -> torch.Tensor:
        return (labels >= 0) & (labels != self.ignore_index)

    @staticmethod
    def _frames(logits: torch.Tensor, batch: Mapping[str, Any]) -> torch.Tensor:
        most = logits.shape[1]
        if (lengths := batch.get("logit_lengths")) is not None:
            return lengths.to(logits.device)
        if (mask := batch.get("attention_mask")) is None:
            return torch.full((len(logits),), most, device=logits.device)
        share = mask.to(logits.device).sum(1) / mask.shape[1]
        return (share * most).ceil().long().clamp(1, most)
