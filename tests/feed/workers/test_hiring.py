"""How workers are asked for."""

from __future__ import annotations

import pytest

from curate.errors import ConfigError
from curate.feed.workers.hiring import Hiring


def test_a_number_of_workers_is_num_workers() -> None:
    with pytest.raises(ConfigError, match="not 4; how many is num_workers"):
        Hiring(workers=4)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigError, match=r"not 'fibres'$"):
        Hiring(workers="fibres")  # pyright: ignore[reportArgumentType]
