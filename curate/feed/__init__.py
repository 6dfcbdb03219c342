"""From the plan to batches: samplers, the loader, and losses that know of soft labels and weights.

Names are loaded when they are first used; of these only `Sampler` and `Adaptive` do without torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curate.feed.adaptive import Adaptive
    from curate.feed.device.prefetched import Prefetched
    from curate.feed.fitting import fit
    from curate.feed.loader import Loader
    from curate.feed.losses import SoftBinaryCrossEntropy, SoftCrossEntropy, WeightedRegression, make_loss
    from curate.feed.making import make_loader
    from curate.feed.sampler import Sampler

_PUBLIC = {
    "Adaptive": "adaptive",
    "Loader": "loader",
    "Prefetched": "device.prefetched",
    "Sampler": "sampler",
    "SoftBinaryCrossEntropy": "losses",
    "SoftCrossEntropy": "losses",
    "WeightedRegression": "losses",
    "fit": "fitting",
    "make_loader": "making",
    "make_loss": "losses",
}
_WITHOUT_TORCH = ("adaptive", "sampler")

__all__ = [
    "Adaptive",
    "Loader",
    "Prefetched",
    "Sampler",
    "SoftBinaryCrossEntropy",
    "SoftCrossEntropy",
    "WeightedRegression",
    "fit",
    "make_loader",
    "make_loss",
]


def __getattr__(name: str) -> Any:
    """Load a public name; without torch say which extra brings it."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'curate.feed' has no attribute {name!r}")
    module = _PUBLIC[name]
    if module not in _WITHOUT_TORCH:
        try:
            importlib.import_module("torch")
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            from curate.errors import MissingPackage

            raise MissingPackage("torch", "trainers", f"curate.feed.{name}") from error
    return getattr(importlib.import_module(f"curate.feed.{module}"), name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
