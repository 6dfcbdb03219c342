"""Makes the tiny data and models of this folder importable by its tests."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _no_trackers(monkeypatch):
    for name in ("WANDB_DISABLED", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, "1")
