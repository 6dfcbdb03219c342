"""Devices by the names that people give them."""

from __future__ import annotations

import torch

from curate.errors import ConfigError, nearest
from curate.wording import counted

USUAL = {"cpu": "cpu", "cuda": "cuda", "gpu": "cuda", "mps": "mps"}
"""What people write -> what torch calls it."""


def device_of(asked: str | int | torch.device | None) -> torch.device:
    """The device of that name, a CUDA device with its number; for None a CUDA device where there is one, else the CPU.

    Raises:
        ConfigError: torch knows no such device, or it is not on this machine.
    """
    if asked is None:
        asked = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(asked)
    except (RuntimeError, TypeError):
        raise ConfigError(
            f"there is no device {asked!r}{_meant(asked)}; say cpu, cuda, or cuda:1 for the second"
        ) from None
    if device.type == "cuda":
        there = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= there:
            found = f"{counted(there, 'CUDA device')}, counted from 0" if there else "no CUDA device"
            raise ConfigError(f"there is no device {asked!r}: torch finds {found}; cpu works everywhere")
        return torch.device("cuda", torch.cuda.current_device()) if device.index is None else device
    try:
        torch.empty(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        why = str(error).partition(". ")[0].splitlines()[0]
        raise ConfigError(f"the device {asked!r} can't be used here ({why:.120}); cpu works everywhere") from None
    return device


def _meant(asked: object) -> str:
    kind = str(asked).partition(":")[0].lower()
    if kind in USUAL:
        return f" (did you mean {USUAL[kind]!r}?)"
    return nearest(kind, USUAL) if kind.isalpha() else ""
