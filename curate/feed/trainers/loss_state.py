"""What a loss has learned (early-learning regularisation remembers rows), beside the checkpoints of a trainer."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.torch import load_file, save_file

from curate.errors import ConfigError
from curate.feed.losses.noise import EarlyLearning
from curate.feed.losses.row_loss import RowLoss

MEMORY, ROWS = "curate_loss.safetensors", "curate_loss_rows.json"


def save_loss(loss: RowLoss, folder: Path) -> None:
    """Write what a loss has learned into a checkpoint; nothing for a loss that learns nothing."""
    if isinstance(loss, EarlyLearning):
        save_file({"memory": loss.memory.contiguous().cpu()}, folder / MEMORY)
        (folder / ROWS).write_text(json.dumps(loss.get_extra_state(), ensure_ascii=False), encoding="utf-8")


def load_loss(loss: RowLoss, folder: Path) -> None:
    """Go on with what was saved.

    Raises:
        ConfigError: the loss remembers rows, and the checkpoint has nothing of that.
    """
    if not isinstance(loss, EarlyLearning):
        return
    if not (folder / MEMORY).is_file() or not (folder / ROWS).is_file():
        raise ConfigError(f"{folder} has no {MEMORY}: it was not saved with early-learning regularisation")
    device = loss.memory.device
    loss.memory = load_file(folder / MEMORY, device="cpu")["memory"].to(device)
    loss.set_extra_state(json.loads((folder / ROWS).read_text(encoding="utf-8")))
