"""Pipelines of every modality that are killed at random moments: each restart ends as if nothing had been."""

import os
import shutil
import time

import numpy as np
import pytest

from benchmarks import killed
from benchmarks._killed_sets import MODALITIES, make_set

pytestmark = [pytest.mark.skipif(os.name != "posix", reason="signals of POSIX"), pytest.mark.slow]

ROWS = {"image": 24, "text": 60, "audio": 12, "video": 8, "table": 90, "series": 40}
SEED = 20_261_122


@pytest.mark.parametrize("kind", MODALITIES)
def test_killed_twice_and_run_again(kind, tmp_path):
    home, rng = tmp_path / kind, np.random.default_rng((SEED, MODALITIES.index(kind)))
    make_set(kind, home, ROWS[kind], SEED)
    began = time.monotonic()
    assert killed.finished(home, "whole") is None
    seconds = time.monotonic() - began
    for share in rng.uniform((0.1, 0.2), (0.7, 0.9)):
        after = share * seconds
        while not killed.killed(home, "again", after):  # the first run was slower, as a machine with other work is
            assert after > 0.01
            shutil.rmtree(home / "out-again")
            shutil.rmtree(home / "cache-again")
            after /= 2
    assert killed.finished(home, "again") is None
    assert not killed.different(home / "out-whole", home / "out-again")
    assert killed.rows_are_right(home / "out-again")
    assert not [path.name for path in home.iterdir() if path.name.startswith(".out-again.")]
    shutil.rmtree(home)
