"""A fit that was cut off at any moment ends with the parameters of one that was not."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_fits import Result, network, parameters

import curate

SETTINGS = {"epochs": 3, "batch_size": 16, "learning_rate": 0.02, "device": "cpu", "monitor": "accuracy"}


class Steps:
    """The steps that a fit makes."""

    def __init__(self):
        self.steps = []

    def __call__(self, event):
        if event.kind == "step":
            self.steps.append(event.step)


def cut_off_at(step, kind="step"):
    def cut(event):
        if event.step == step and event.kind == kind:
            raise KeyboardInterrupt

    return cut


@pytest.mark.parametrize("options", [{}, {"ema_decay": 0.9, "accumulate": 2}, {"num_workers": 1}])
def test_resume_in_mid_epoch_is_exact(tmp_path, options):
    workers = {"loader_options": {"num_workers": options.pop("num_workers")}} if "num_workers" in options else {}
    settings = SETTINGS | options | workers
    whole = curate.fit(network, Result(), **settings)
    for step in (3,) if workers else (3, 7):
        folder = tmp_path / str(step)
        with pytest.raises(KeyboardInterrupt):
            curate.fit(network, Result(), **settings, folder=folder, save_every=2, callbacks=[cut_off_at(step)])
        seen = Steps()
        again = curate.fit(network, Result(), **settings, folder=folder, save_every=2, callbacks=[seen])
        assert seen.steps[0] <= step < seen.steps[0] + 2
        assert torch.equal(parameters(whole.model), parameters(again.model))
        assert [one.to_dict() for one in again.history] == [one.to_dict() for one in whole.history]
        assert again.metrics.to_json() == whole.metrics.to_json()


def test_a_loss_and_a_sampler_that_remember_go_on_exactly(tmp_path):
    def parts():
        loader = Result(uneven=True).loader(batch_size=16, sampler="adaptive", adaptive={"floor": 0.1})
        return loader, Result().loss(name="early_learning")

    settings = {"epochs": 3, "device": "cpu", "save_every": 1}
    loader, loss = parts()
    whole = curate.fit(network, loader, loss=loss, folder=tmp_path / "whole", **settings)
    for step in (4, 8):
        folder = tmp_path / str(step)
        loader, loss = parts()
        with pytest.raises(KeyboardInterrupt):
            curate.fit(network, loader, loss=loss, folder=folder, callbacks=[cut_off_at(step)], **settings)
        loader, loss = parts()
        again = curate.fit(network, loader, loss=loss, folder=folder, **settings)
        assert torch.equal(parameters(whole.model), parameters(again.model))


@pytest.fixture
def one_thread():
    """Sums over several threads differ in their last bits from those of the process that is killed, which has one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_killed(tmp_path, one_thread):
    whole = curate.fit(network, Result(), **SETTINGS)
    script = (
        "import os, signal, sys\n"
        f"sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[1])]!r}\n"
        "import curate\n"
        "from tiny_fits import Result, network\n"
        "def kill(event):\n"
        "    if event.step == 8 and event.kind == 'step':\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        f"curate.fit(network, Result(), **{SETTINGS!r}, folder=sys.argv[1], save_every=3, callbacks=[kill])\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == -signal.SIGKILL
    assert [p.name for p in sorted(tmp_path.glob("checkpoint-*"))] == ["checkpoint-00000005", "checkpoint-00000006"]
    # As if the process had died while it wrote.
    (tmp_path / ".writing").mkdir()
    (tmp_path / ".writing" / "model.safetensors").write_bytes(b"half")
    again = curate.fit(network, Result(), **SETTINGS, folder=tmp_path, save_every=3)
    assert torch.equal(parameters(whole.model), parameters(again.model))
    assert not (tmp_path / ".writing").exists()


def test_a_finished_fit_is_not_trained_again(tmp_path):
    first = curate.fit(network, Result(), **SETTINGS, folder=tmp_path)
    steps = []
    again = curate.fit(network, Result(), **SETTINGS, folder=tmp_path, callbacks=[lambda e: steps.append(e.step)])
    assert steps == []
    assert again.best == first.best
    assert torch.equal(parameters(first.model), parameters(again.model))
    best = list(tmp_path.glob("best-*.safetensors"))
    assert [p.name for p in best] == [f"best-{first.best:06d}.safetensors"]
    kept = load_file(best[0])
    assert all(torch.equal(kept[name], value) for name, value in first.model.state_dict().items())


def test_only_the_newest_checkpoints_stay(tmp_path):
    curate.fit(network, Result(), **SETTINGS | {"epochs": 4}, folder=tmp_path, keep=3)
    assert [p.name[-2:] for p in sorted(tmp_path.glob("checkpoint-*"))] == ["10", "15", "20"]


def test_resume_between_the_last_step_of_an_epoch_and_its_end_is_exact(tmp_path):
    """The last group of the epoch has one batch of two, so that the loader is through when the checkpoint is taken."""

    class Held:
        def __init__(self, cut):
            self.cut = cut

        def __iter__(self):
            if self.cut:
                raise KeyboardInterrupt
            return iter(Result().loader(split="validation"))

    settings = {"epochs": 2, "batch_size": 32, "accumulate": 2, "save_every": 1, "device": "cpu"}
    whole = curate.fit(network, Result(), validation=Held(False), **settings, folder=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        curate.fit(network, Result(), validation=Held(True), **settings, folder=tmp_path / "cut")
    resumed = curate.fit(network, Result(), validation=Held(False), **settings, folder=tmp_path / "cut")
    assert [one.rows for one in resumed.history] == [80, 80]
    assert torch.equal(parameters(resumed.model), parameters(whole.model))
