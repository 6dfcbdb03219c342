"""Labels, soft labels and weights of planned draws as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.arrow import texts, valid, values_of
from curate.errors import ConfigError, nearest

MISSING = -100
"""The label of a row that has none, as torch's losses take it."""


@dataclass(frozen=True)
class Targets:
    """Makes the targets of a task.

    Attributes:
        kind: classification, multilabel, regression; any other kind has no targets.
        names: the K classes.
        weighted: whether rows keep their weights (not where they are drawn in proportion to them).
    """

    kind: str | None
    names: tuple[str, ...]
    weighted: bool = True

    @classmethod
    def of(cls, kind: str | None, names: Sequence[str], plan: pa.Table, weighted: bool) -> Targets:
        """For a plan. Raises ConfigError if the plan has labels that `names` does not know."""
        if kind in ("classification", "multilabel"):
            labels = pc.list_flatten(plan["label"]) if kind == "multilabel" else plan["label"]
            names_found = {name for chunk in labels.chunks for name in pc.unique(chunk).to_pylist()}
            found = texts(sorted(str(name) for name in names_found if name is not None))
            unknown = found.filter(pc.invert(pc.is_in(found, value_set=texts(names))))
            if len(unknown):
                name = unknown[0].as_py()
                raise ConfigError(f"the plan has the label {name!r}{nearest(name, names)}, which label_names lack")
        return cls(kind, tuple(names), weighted)

    def arrays(self, lines: pa.Table) -> dict[str, np.ndarray]:
        """`labels`, `soft_labels` and `weights` of m planned draws.

        ==============  ============================  =========================================================
        kind            labels                        soft_labels
        ==============  ============================  =========================================================
        classification  (m,) int64, -100 if missing   (m, K) float32, rows sum to 1 (all 0 where the label is missing)
        multilabel      (m, K) float32 of 0 and 1,    (m, K) float32 in [0, 1]
                        -100 if missing
        regression      (m,) float32, NaN if missing  none; where rows are mixed, (m,) float32 mixed values
        others          (m,) int64, all -100          none; masks, boxes, tags and transcripts come with the inputs
        ==============  ============================  =========================================================
        """
        m, k = lines.num_rows, len(self.names)
        ones = np.ones(m, np.float32)
        found: dict[str, np.ndarray] = {
            "weights": values_of(lines["weight"], 1.0).astype(np.float32) if self.weighted else ones
        }
        if self.kind == "classification":
            codes = self._codes(lines["label"])
            known = codes >= 0
            hard = np.zeros((m, k), np.float32)
            hard[known, codes[known]] = 1.0
            found["labels"] = np.where(known, codes, MISSING)
            found["soft_labels"] = self._soft(lines, hard)
        elif self.kind == "multilabel":
            lists = lines["label"].combine_chunks()
            parent = values_of(pc.list_parent_indices(lists))
            sets = np.zeros((m, k), np.float32)
            sets[parent, self._codes(pc.list_flatten(lists))] = 1.0
            found["soft_labels"] = self._soft(lines, sets)
            sets[~valid(lists)] = MISSING
            found["labels"] = sets
        elif self.kind == "regression":
            found["labels"] = values_of(lines["label"].cast(pa.float64()), np.nan).astype(np.float32)
        else:
            found["labels"] = np.full(m, MISSING, np.int64)
        return found

    @staticmethod
    def joined(targets: dict[str, np.ndarray], entries: dict[str, Any]) -> dict[str, Any]:
        """A batch of what inputs and targets gave.

        Masks, boxes, tags and transcripts come as `labels` from the inputs, in place of those of the row. Rows without
        an annotation (`annotated` False) have the weight 0.
        """
        batch = entries | {name: value for name, value in targets.items() if name not in entries}
        annotated = batch.pop("annotated", None)
        if annotated is not None:
            batch["weights"] = np.where(annotated, batch["weights"], np.float32(0))
        return batch

    def mixable(self, targets: dict[str, np.ndarray]) -> np.ndarray:
        """(m,) bool: draws that have a target to be mixed, and count for something."""
        counts = targets["weights"] > 0
        if self.kind == "regression":
            return counts & np.isfinite(targets["labels"])
        if self.kind == "classification":
            return counts & (targets["soft_labels"].sum(1) > 0)
        return counts & (targets["labels"].reshape(len(counts), -1) != MISSING).all(1)

    def mixed(self, own: dict[str, np.ndarray], partner: dict[str, np.ndarray], share: np.ndarray) -> None:
        """Mix targets of m draws in place: weights and soft labels by (m,) `share`; `labels` stay the own ones.

        Adds `share`, and for classes `partner_labels`, so that a loss can mix class weights as well; where the share is
        1 the partner counts for nothing.
        """
        column = share[:, None]
        own["weights"] = (share * own["weights"] + (1 - share) * partner["weights"]).astype(np.float32)
        if self.kind == "regression":
            value = np.where(share < 1, share * own["labels"] + (1 - share) * partner["labels"], own["labels"])
            own["soft_labels"] = value.astype(np.float32)
        elif "soft_labels" in own:
            own["soft_labels"] = (column * own["soft_labels"] + (1 - column) * partner["soft_labels"]).astype(
                np.float32
            )
        if self.kind == "classification":
            own["partner_labels"] = np.where(share < 1, partner["labels"], own["labels"])
        own["share"] = share.astype(np.float32)

    def _codes(self, labels: pa.ChunkedArray | pa.Array) -> np.ndarray:
        return values_of(pc.index_in(labels.cast(pa.string()), value_set=texts(self.names)), -1).astype(np.int64)

    def _soft(self, lines: pa.Table, hard: np.ndarray) -> np.ndarray:
        """(m, K): the plan's soft label where a line has one, else the hard one."""
        lists = lines["soft_label"].combine_chunks()
        given = valid(lists)
        if not given.any():
            return hard
        lengths = values_of(pc.list_value_length(lists).drop_null())
        if (lengths != len(self.names)).any():
            raise ConfigError(
                f"the plan has a soft label of {lengths[lengths != len(self.names)][0]} numbers for"
                f" {len(self.names)} classes"
            )
        soft = hard.copy()
        soft[given] = values_of(pc.list_flatten(lists)).reshape(-1, len(self.names))
        return soft
