"""Cross-entropy on soft labels, with weights that don't move the optimum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.nn import functional

from curate.feed.losses.row_loss import ClassLoss, cross_entropy


class SoftCrossEntropy(ClassLoss):
    """Cross-entropy on soft labels, in which class weight and row weight multiply the loss of the whole row.

    With logits z, soft label q, row weight w and class weight c of row i::

        loss = sum_i w_i c_i CE(q_i, softmax(z_i)) / sum_i w_i c_i

    c_i is the class weight of the row's hard label. It does not depend on the logit, so for rows that look alike the
    optimum is the soft label whatever the weights are. (torch's ``CrossEntropyLoss(weight, label_smoothing)`` weights
    each term of the inner sum instead, which moves the optimum to q * weight, normalised.) The hard label and not the
    soft one chooses the class weight because class weights are made from the counts of hard labels: with smoothing,
    ``q @ class_weights`` would give back part of what they were to even out. Where two rows are mixed (the batch has
    ``partner_labels`` and ``share``) the class weights of both are mixed with the same shares; a row that has a soft
    label alone takes ``q @ class_weights``.

    Rows without any label (-100, and a soft label of all 0) count for nothing; a batch of such rows alone gives 0.
    Computed in float32 at least, under autocast too. All other losses over classes treat weights and rows without
    label in the same way.

    Args:
        class_weights: (K,) weights, 1 for every class if left out.
        label_names: for messages about a wrong number of logits.
        reduction: ``mean`` (divided by the sum of the weights), ``sum``, or ``none`` ((B,) weighted losses).
    """

    def row_losses(self, logits: torch.Tensor, soft: torch.Tensor, batch: Mapping[str, Any]) -> torch.Tensor:
        """(B,) cross-entropies."""
        return cross_entropy(functional.log_softmax(logits, dim=1), soft)
