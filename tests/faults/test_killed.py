"""Runs that are killed or interrupted: the next run goes on from what was measured and ends as if nothing had been."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

ROWS = 120
RESULTS = ("plan.parquet", "ledger.parquet", "findings.parquet", "table.arrow")
PIPELINE = """\
curate: 1
source: {path: set}
evidence: {encoder: classic, workers: 1}
steps:
  - unreadable
  - image_quality: {fix: review}
  - exact_duplicates: {fix: drop}
  - label_errors: {fix: soften, limit: 1}
  - class_weights
"""
PATIENCE = 120.0
"""Seconds after which a run that shows nothing is given up."""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder of images large enough to be caught while it is measured, its pipeline, and the unkilled result."""
    from PIL import Image

    home = tmp_path_factory.mktemp("killed")
    rng = np.random.default_rng(0)
    for row in range(ROWS):
        path = home / "set" / "ab"[row % 2] / f"{row:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = rng.integers(0, 60, (128, 128, 3), dtype=np.uint8)
        picture[:, :, row % 2] += 120
        Image.fromarray(picture).save(path, compress_level=1)
    (home / "set" / "a" / "cut.png").write_bytes(path.read_bytes()[:999])
    (home / "set" / "b" / "copy.png").write_bytes(path.read_bytes())
    (home / "p.yaml").write_text(PIPELINE)
    assert finish(home, home / "whole").returncode == 0
    return home


def start(home, out, name="once"):
    """`curate run` in a process and a group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "curate", "run", "p.yaml", "--out", str(out), "--cache", str(home / f"cache-{name}")],
        cwd=home,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(home, out, name="once"):
    run = start(home, out, name)
    _, run.errors = run.communicate(timeout=PATIENCE)
    return run


def wait_for(run, sign):
    """Until there is a sign of how far a run has come; False where it ended before."""
    until = time.monotonic() + PATIENCE
    while not sign():
        if run.poll() is not None:
            return False
        assert time.monotonic() < until, "the run shows nothing"
        time.sleep(0.002)
    return True


def end(run, by):
    if run.poll() is None:
        os.killpg(run.pid, by)
    out, errors = run.communicate(timeout=PATIENCE)
    return out, errors


def same(one, other):
    return [name for name in RESULTS if (one / name).read_bytes() != (other / name).read_bytes()]


def leftovers(home, out):
    return [path.name for path in home.iterdir() if path.name.startswith(f".{out.name}.")]


SIGNS = {
    "at its start": lambda cache, aside: True,
    "with measures kept": lambda cache, aside: any(cache.glob("measures/*/*.arrow")),
    "with estimates kept": lambda cache, aside: any(cache.glob("estimates/*/manifest.json")),
    "while it writes": lambda cache, aside: any(True for folder in aside() if any(folder.glob("*.parquet"))),
    "before its last file": lambda cache, aside: any((folder / "report.json").exists() for folder in aside()),
}


@pytest.mark.parametrize("moment", SIGNS)
def test_killed_and_run_again(home, tmp_path, moment):
    name = moment.replace(" ", "-")
    out, cache = home / f"out-{name}", home / f"cache-{name}"
    run = start(home, out, name)
    reached = wait_for(run, lambda: SIGNS[moment](cache, lambda: home.glob(f".{out.name}.*.tmp")))
    end(run, signal.SIGKILL)
    assert reached
    assert run.returncode == -signal.SIGKILL
    assert not out.exists()
    again = finish(home, out, name)
    assert again.returncode == 0, again.errors
    assert not same(home / "whole", out)
    assert not leftovers(home, out)
    assert not list(cache.rglob("*damaged*"))


def test_killed_again_and_again(home):
    """Six kills at moments that are spread over the run; what was measured before a kill is not measured again."""
    out, cache = home / "out-often", home / "cache-often"
    for kills in range(6):
        run = start(home, out, "often")
        until = time.monotonic() + 0.5 + 0.4 * kills
        wait_for(run, lambda until=until: time.monotonic() > until)
        end(run, signal.SIGKILL)
        held = {path: path.stat().st_mtime_ns for path in cache.rglob("*.arrow")} if cache.exists() else {}
    assert finish(home, out, "often").returncode == 0
    assert all(path.stat().st_mtime_ns == written for path, written in held.items())
    assert not same(home / "whole", out)
    assert not leftovers(home, out)


def test_a_kill_leaves_the_old_result(home):
    out = home / "out-old"
    assert finish(home, out, "old").returncode == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    run = start(home, out, "old")
    assert wait_for(run, lambda: any(home.glob(f".{out.name}.*.tmp")))
    end(run, signal.SIGKILL)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert finish(home, out, "old").returncode == 0
    assert not same(home / "whole", out)
    assert not leftovers(home, out)


@pytest.mark.parametrize("moment", ["with measures kept", "while it writes"])
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted(home, moment, by):
    name = f"{by.name}-" + moment.replace(" ", "-")
    out, cache = home / f"out-{name}", home / f"cache-{name}"
    run = start(home, out, name)
    assert wait_for(run, lambda: SIGNS[moment](cache, lambda: home.glob(f".{out.name}.*.tmp")))
    printed, errors = end(run, by)
    assert run.returncode == 128 + by, errors
    assert printed == ""
    said = "interrupted" if by == signal.SIGINT else "asked to end"
    assert errors == f"curate: {said}; what was measured is kept: run the same command again to go on\n"
    assert not out.exists()
    assert not leftovers(home, out)
    assert finish(home, out, name).returncode == 0
    assert not same(home / "whole", out)


def test_the_unkilled_result_is_what_it_should_be(home):
    plan = pq.read_table(home / "whole" / "plan.parquet")
    assert plan.num_rows == ROWS
