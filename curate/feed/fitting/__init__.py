"""A compact reference loop: train a torch module on curated batches, with exact resume and metrics.

`fit` is public as `curate.fit`.
"""

from curate.feed.fitting.fitted import Fitted
from curate.feed.fitting.history import Epoch, Event
from curate.feed.fitting.loop import fit
from curate.feed.fitting.predictions import Predictions

__all__ = ["Epoch", "Event", "Fitted", "Predictions", "fit"]
