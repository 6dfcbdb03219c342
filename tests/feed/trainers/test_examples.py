"""The examples run as they stand, and learn."""

import importlib.util
import warnings
from pathlib import Path

import pytest

import curate

EXAMPLES = Path(__file__).parents[3] / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
    with warnings.catch_warnings():
        # Deprecations within the trainers.
        warnings.simplefilter("ignore")
        found = example(name).main(str(tmp_path))
    assert found[figure] > 0.9
    assert "accuracy" in capsys.readouterr().out


def test_the_plain_loop_trains_on_classes_alone(tmp_path, capsys):
    columns = {"features": [[float(i % 2), 1.0] for i in range(24)], "y": [i % 2 for i in range(24)]}
    for kind in ("classification", "regression"):
        task = {"kind": kind, "features": "features", "label": "y"}
        curate.Pipeline([]).run(curate.load(columns, task=task), out=tmp_path / kind, cache=None)
    plain = example("plain_pytorch")
    plain.main(str(tmp_path / "classification"))
    assert capsys.readouterr().out.startswith("24 rows, 2 classes: loss")
    with pytest.raises(SystemExit, match=r"trains on a class per row, and the task of .*regression is regression"):
        plain.main(str(tmp_path / "regression"))
