"""On several processes a fit is that of one process on the larger batch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import fit_ranks
import pytest


def test_two_processes_are_one_with_twice_the_batch(tmp_path):
    script = Path(__file__).with_name("fit_ranks.py")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    running = [
        subprocess.Popen([sys.executable, str(script), str(rank), "2", str(tmp_path)], env=environment)
        for rank in range(2)
    ]
    assert [one.wait(timeout=240) for one in running] == [0, 0]
    both = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    # In the second case one process has no batch for the last step of an epoch.
    for case, rows in {"plain": 80, "tail": 5}.items():
        first, second, alone = both[0][case], both[1][case], fit_ranks.train(case, 1)
        assert first["parameters"] == second["parameters"]
        assert first["parameters"] == pytest.approx(alone["parameters"], abs=2e-5)
        assert first["loss"] == pytest.approx(alone["loss"], abs=1e-5)
        assert first["validation"] == second["validation"] == pytest.approx(alone["validation"], abs=1e-5)
        assert first["rows"] == alone["rows"] == [rows] * 2
        assert first["measured"] == 40
        assert first["accuracy"] == second["accuracy"] == pytest.approx(alone["accuracy"])
        assert len(list((tmp_path / case).glob("checkpoint-*"))) == 2
