"""Small sets in memory, with faults in known places, that need no encoder."""

from typing import Any

import numpy as np
import pytest

import curate

NAMES = ("a", "b", "c")


@pytest.fixture
def make_table():
    """Vectors of three well separated classes; options replace or add columns and roles."""

    def make(codes=None, roles=None, seed=0, **columns) -> Any:
        codes = np.arange(60) % 3 if codes is None else np.asarray(codes)
        rng = np.random.default_rng(seed)
        x = (4 * np.eye(6)[codes] + rng.normal(0, 0.3, (len(codes), 6))).astype(np.float32)
        data = {
            "x": list(x),
            "label": [NAMES[code] for code in codes],
            "key": [f"r{row:02d}" for row in range(len(codes))],
        } | columns
        named = {"features": "x", "label": "label", "id": "key"} | (roles or {})
        return curate.load(data, **{role: column for role, column in named.items() if column is not None})

    return make
