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


def test_a_kept_audit_loads_no_pipeline_no_check_and_nothing_remote(tmp_path):
    lines = "".join(f"word {i % 7} and {i % 5},{i % 2}\n" for i in range(40))
    (tmp_path / "a.csv").write_text("text,label\n" + lines)
    asked = ["audit", str(tmp_path / "a.csv"), "--cache", str(tmp_path / "cache"), "--checks", "exact_duplicates"]
    code = f"from curate.cli import invoke; assert invoke({asked}) == 0; import sys; print('LOADED', *sys.modules)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    first, second = (set(run.stdout.split("LOADED")[1].split()) for run in runs)
    of_work = {"curate.checks.exact_duplicates", "curate.evidence.evidence"}
    assert of_work <= first
    unasked = {"curate.pipeline.pipeline", "curate.feed", "curate.sources.remote", "pyarrow.dataset", "yaml"}
    assert not (of_work | unasked) & second


def test_every_public_name_exists():
    import curate

    for name in curate.__all__:
        assert getattr(curate, name) is not None
    assert set(curate.__all__) <= set(dir(curate))
