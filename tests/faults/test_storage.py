"""Full disks, folders that can't be written, two runs at once: one clear error, and earlier results stay whole."""

import errno
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import curate
from curate.cli import invoke
from curate.errors import StorageError
from curate.pipeline import Pipeline
from curate.pipeline.files import folder_aside

pytestmark = pytest.mark.skipif(os.name != "posix", reason="limits and signals of POSIX")

FILES = ("plan.parquet", "ledger.parquet", "findings.parquet", "table.arrow")
PIPELINE = "curate: 1\nsource: {path: d.csv}\nevidence: {encoder: classic}\nsteps: [exact_duplicates, class_weights]\n"


@pytest.fixture
def home(tmp_path):
    """Texts, a pipeline, and its result."""
    lines = ["text,label", *(f"words about {i} and so on,{'ab'[i % 2]}" for i in range(2000))]
    (tmp_path / "d.csv").write_text("\n".join(lines))
    (tmp_path / "p.yaml").write_text(PIPELINE)
    Pipeline.from_yaml(tmp_path / "p.yaml").run(out=tmp_path / "out", cache=tmp_path / "cache")
    return tmp_path


def start(home, *options, largest=None):
    """`curate run` in a process that may write files of at most `largest` bytes."""
    limit = None if largest is None else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    return subprocess.Popen(
        [sys.executable, "-m", "curate", "run", "p.yaml", "--out", "out", "--json", *options],
        cwd=home,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(curate.__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limit,
        start_new_session=True,
    )


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def leftovers(home):
    return [path.name for path in home.iterdir() if path.name.startswith(".out.")]


def test_a_disk_that_is_full_leaves_the_earlier_result(home):
    before = contents(home / "out")
    run = start(home, "--cache", "other", largest=20_000)
    _, said = run.communicate(timeout=120)
    assert run.returncode == 4, said
    assert said.startswith("curate: ")
    assert "can't be written" in said
    assert len(said.splitlines()) == 1
    assert contents(home / "out") == before
    assert not leftovers(home)
    again = start(home, "--cache", "other")
    assert (again.communicate(timeout=120), again.returncode)[1] == 0
    assert all((home / "out" / name).read_bytes() == before[name] for name in FILES)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_folder_that_cannot_be_written_is_one_clear_error(home, number, monkeypatch, capsys):
    before, mkdir = contents(home / "out"), Path.mkdir

    def refused(path, *args, **options):
        if path.name.startswith(".out."):
            raise OSError(number, os.strerror(number), str(path))
        return mkdir(path, *args, **options)

    monkeypatch.setattr(Path, "mkdir", refused)
    monkeypatch.chdir(home)
    assert invoke(["run", "p.yaml", "--out", "out", "--cache", "cache"]) == 4
    said = capsys.readouterr().err
    assert ("the disk is full" if number == errno.ENOSPC else os.strerror(number)) in said
    assert len(said.splitlines()) == 1
    assert contents(home / "out") == before
    assert not leftovers(home)


def test_a_cache_that_cannot_be_written_is_a_note_and_no_more(home):
    (home / "blocked").mkdir()
    for name in ("measures", "estimates", "results"):
        (home / "blocked" / name).write_text("in the way")
    pipeline = Pipeline.from_yaml(home / "p.yaml")
    curated = pipeline.run(out=home / "second", cache=home / "blocked")
    assert any("not kept for the next run" in note for note in curated.notes)
    assert all((home / "second" / name).read_bytes() == (home / "out" / name).read_bytes() for name in FILES)


def test_two_runs_at_once_into_one_folder(home):
    before = contents(home / "out")
    runs = [start(home, "--cache", name) for name in ("one", "one", "two")]
    said = [run.communicate(timeout=240)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], said
    assert all((home / "out" / name).read_bytes() == before[name] for name in FILES)
    assert curate.open(home / "out").plan.num_rows == 2000
    assert not leftovers(home)
    assert invoke(["cache", "verify", "--cache", str(home / "one")]) == 0


def test_whoever_is_last_stays_though_another_run_was_faster(tmp_path):
    out = tmp_path / "out"
    with folder_aside(out) as mine:
        (mine / "manifest.json").write_text('{"curate": 1, "format": 1, "files": {}}')
        (mine / "whose").write_text("mine")
        out.mkdir()
        (out / "whose").write_text("another's")
    assert (out / "whose").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_others_that_are_always_faster_are_one_clear_error(tmp_path, monkeypatch):
    def never(path, target):
        raise OSError(errno.ENOTEMPTY, "Directory not empty")

    with pytest.raises(StorageError, match="name a folder for each run"), folder_aside(tmp_path / "out"):
        monkeypatch.setattr(Path, "rename", never)
    monkeypatch.undo()
    assert not list(tmp_path.iterdir())


def test_an_interrupted_audit_is_resumable(home):
    """Ctrl-C while rows are judged: exit code 130, one sentence, and the next audit ends well."""
    command = [sys.executable, "-m", "curate", "audit", "d.csv", "--cache", "audited", "--json"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(curate.__file__).parents[1])}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    run = subprocess.Popen(command, cwd=home, env=environment, start_new_session=True, **pipes)
    until = time.monotonic() + 120
    while not list((home / "audited").glob("measures/*/*.arrow")):
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < until
    os.killpg(run.pid, signal.SIGINT)
    printed, said = run.communicate(timeout=120)
    assert (run.returncode, printed) == (130, "")
    assert said == "curate: interrupted; what was measured is kept: run the same command again to go on\n"
    assert not list((home / "audited").glob("results/*"))
