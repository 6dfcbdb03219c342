"""The examples run as they stand, and learn."""

import importlib.util
import warnings
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.mark.parametrize(
    ("name", "needs", "figure"),
    [
        ("transformers_text", "transformers", "eval_balanced_accuracy"),
        ("lightning_images", "pytorch_lightning", "accuracy"),
        ("accelerate_audio", "accelerate", "accuracy"),
        ("plain_video", "av", "accuracy"),
    ],
)
def test_an_example_learns(name, needs, figure, tmp_path, capsys):
    pytest.importorskip(needs)
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        # Deprecations within the trainers.
        warnings.simplefilter("ignore")
        spec.loader.exec_module(module)
        found = module.main(str(tmp_path))
    assert found[figure] > 0.9
    assert "accuracy" in capsys.readouterr().out
