"""`import curate` and `curate --help` stay light: which modules they load, not how long they take."""

import subprocess
import sys

import pytest

HEAVY = {
    "torch",
    "pandas",
    "sklearn",
    "datasets",
    "scipy",
    "cv2",
    "cleanlab",
    "albumentations",
    "transformers",
    "numba",
}


def loaded(code):
    code += "; import sys; print('LOADED', *sorted({m.split('.')[0] for m in sys.modules}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split("LOADED")[1].split())


@pytest.mark.parametrize(
    "code",
    [
        "import curate",
        "from curate.cli import invoke; assert invoke(['--help']) == 0",
        "from curate.cli import invoke; assert invoke(['audit', '--help']) == 0",
        "from curate.cli import invoke; assert invoke(['--version']) == 0",
    ],
)
def test_no_heavy_module_is_loaded(code):
    assert not loaded(code) & (HEAVY | {"numpy", "pyarrow"})


def test_validating_a_file_needs_no_heavy_module(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("curate: 1\nsteps: [exact_duplicates, {label_errors: {fix: soften}}]\n")
    assert not loaded(f"from curate.cli import invoke; assert invoke(['validate', {str(path)!r}]) == 0") & HEAVY


def test_every_public_name_exists():
    import curate

    for name in curate.__all__:
        assert getattr(curate, name) is not None
    assert set(curate.__all__) <= set(dir(curate))
