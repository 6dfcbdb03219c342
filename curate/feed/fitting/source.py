"""Where the batches of a fit come from: a curated result, or loaders that were made already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curate.errors import ConfigError, nearest
from curate.feed.fitting.processes import rank_and_world
from curate.feed.loader import Loader
from curate.feed.losses.making import LOSSES, make_loss
from curate.feed.losses.multilabel import SoftBinaryCrossEntropy
from curate.feed.losses.regression import WeightedRegression
from curate.feed.losses.row_loss import ClassLoss, RowLoss
from curate.feed.sampling.options import for_held_out


@dataclass
class Source:
    """Loaders by split, and what they hold.

    Attributes:
        data: a curated result, or the loader of the training batches.
        validation: name of a split, a loader, None for the split ``validation`` where there is one, False for none.
        batch_size: of the loaders of a curated result.
        options: of the loaders of a curated result.
    """

    data: Any
    validation: Any = None
    batch_size: int = 32
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ConfigError for data that are neither, and for a split that there is not."""
        self.curated = callable(getattr(self.data, "loader", None))
        if isinstance(self.data, str | Path):
            raise ConfigError(f"data is the path {str(self.data)!r}: pass what it holds, curate.open(path)")
        if not self.curated and not hasattr(self.data, "__iter__"):
            raise ConfigError(
                "data must be a curated result (curate.open, Pipeline.run) or a loader of its batches, not"
                f" {type(self.data).__name__}"
            )
        if not self.curated and self.options:
            raise ConfigError("loader_options are for a curated result; the loader that was given has its own")
        if not self.curated and self.validation is None:
            self.validation = False
        if self.curated and self.validation is None:
            self.validation = "validation" if "validation" in self.splits else False
        if isinstance(self.validation, str):
            self._check(self.validation)

    @property
    def splits(self) -> list[str]:
        """Names of the splits of a curated result."""
        if not self.curated:
            return []
        import pyarrow as pa
        import pyarrow.compute as pc

        return sorted(str(name) for name in pc.unique(self.data.plan["split"].cast(pa.string())).to_pylist())

    def _check(self, split: str) -> None:
        if not self.curated:
            raise ConfigError(f"the split {split!r} can't be found in a loader: pass the loader of its batches")
        if split not in self.splits:
            known = ", ".join(self.splits)
            raise ConfigError(f"the result has no split {split!r}{nearest(split, self.splits)}; it has {known}")

    def training(self, device: Any) -> Any:
        """The training batches of this process; those of a curated result are on the device already."""
        if not self.curated:
            return self.placed(self.data, device)
        rank, world = rank_and_world()
        fixed = {"batch_size": self.batch_size, "rank": rank, "world_size": world}
        return self.data.loader(**fixed | dict(self.options)).prefetch_to(device)

    def held_out(self, device: Any, split: Any = None) -> Any:
        """The batches of a split (of the validation rows if left out), every row once; None where there is none."""
        split = self.validation if split is None else split
        if split is False:
            return None
        if not isinstance(split, str):
            return self.placed(split, device)
        self._check(split)
        rank, world = rank_and_world()
        fixed = {"split": split, "batch_size": self.batch_size, "rank": rank, "world_size": world}
        return self.data.loader(**for_held_out(self.options) | fixed | {"sampler": "sequential"}).prefetch_to(device)

    @staticmethod
    def placed(batches: Any, device: Any) -> Any:
        """A curated loader's batches on the device, where pixels that come as bytes are scaled; others as they are."""
        return batches.prefetch_to(device) if isinstance(batches, Loader) else batches

    def loss(self, loader: Any, given: RowLoss | None) -> RowLoss:
        """The loss: the one given, that of the result, or the default of the loader's kind.

        Raises:
            ConfigError: there is none for this kind, or the one given is no loss of this library, or reduced otherwise.
        """
        if given is None and self.curated:
            given = self.data.loss()
        elif given is None:
            inner = itself(loader)
            kind = self.kind(loader, None)
            if kind not in LOSSES:
                raise ConfigError("pass loss=...: batches that no curated loader makes do not say what they hold")
            weights = None if kind == "regression" else getattr(inner, "class_weights", None)
            given = make_loss(kind, class_weights=weights, label_names=self.names(loader, None))  # type: ignore[assignment]
        if not isinstance(given, RowLoss):
            raise ConfigError(f"loss must be one of curate.losses, which weigh every row, not {_shown(given)}")
        if given.reduction != "mean":
            raise ConfigError(f"the loss must have the reduction 'mean', not {given.reduction!r}")
        return given

    def kind(self, loader: Any, loss: RowLoss | None) -> str | None:
        """The kind of task: the result's, the loader's, or what the loss is for."""
        if self.curated:
            return self.data.table.task.kind
        inner = itself(loader)
        targets = getattr(getattr(inner, "dataset", None), "targets", None)
        if targets is not None:
            return targets.kind
        by_loss = {ClassLoss: "classification", SoftBinaryCrossEntropy: "multilabel", WeightedRegression: "regression"}
        return next((kind for cls, kind in by_loss.items() if isinstance(loss, cls)), None)

    def names(self, loader: Any, loss: RowLoss | None) -> tuple[str, ...]:
        """The K classes, as far as they are known."""
        if self.curated:
            return tuple(self.data.label_names)
        inner = itself(loader)
        return tuple(getattr(inner, "label_names", None) or getattr(loss, "label_names", ()))


def _shown(given: Any) -> str:
    """What was given in the place of a loss, and what to give instead."""
    if isinstance(given, str):
        return f"{given!r}: pass curated.loss(name={given!r})"
    if isinstance(given, type) and issubclass(given, RowLoss):
        return f"the class {given.__name__}: pass what it makes, {given.__name__}(...)"
    return f"{getattr(given, '__name__', type(given).__name__)}: pass curated.loss(), or leave it out"


def itself(loader: Any) -> Any:
    """The loader of batches that are on a device, or what was given."""
    return getattr(loader, "loader", loader)
