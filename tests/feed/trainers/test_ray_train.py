"""A real run of a `TorchTrainer`: two workers, each of which opens the result and draws its own share."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ray")


@pytest.mark.slow
def test_two_workers_of_ray_train_draw_each_row_once(tmp_path):
    script = Path(__file__).parent / "ray_train.py"
    ran = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=500,
    )
    assert ran.returncode == 0, ran.stdout
    told = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    for epoch in range(2):
        one, other = (worker["drawn"][epoch] for worker in told)
        assert len(one) == len(other) == 30
        assert len({*one, *other}) == 60
    assert told[0]["drawn"][0] != told[0]["drawn"][1]
    # Workers that step together have the same gradient, and weights of class_weights average to 1.
    assert told[0]["gradient"] == told[1]["gradient"]
    assert all(worker["state"]["epoch"] == 2 for worker in told)  # both epochs came to their end
    told = [json.loads((tmp_path / f"adaptive{rank}.json").read_text()) for rank in range(2)]
    reports = [worker["state"]["reports"] for worker in told]
    assert reports[0] == reports[1]
    assert [epoch for epoch, _ in reports[0]["recent"]] == [0, 1]
    assert all(len(needs) == 2 and min(needs) > 0 for _, needs in reports[0]["recent"])
