"""What workers need is loaded and made before they are forked, and given back is what the first batch left behind."""

import json
import multiprocessing
import subprocess
import sys

import numpy as np
import pytest
from small_tables import plan, table

from curate.augment.operations.sounds import noise
from curate.feed import loader as loaders
from curate.feed import make_loader
from curate.feed.workers import process
from curate.media.audio import encode_wav

FORKS = "fork" in multiprocessing.get_all_start_methods()
NOISY = json.dumps([{"step": "augment", "audio": [{"add_noise": {"min_snr_db": 10, "max_snr_db": 20}}]}])


def recordings(**options):
    rng = np.random.default_rng(0)
    cells = [
        {"bytes": encode_wav(rng.normal(0, 0.1, (1, 800 + 10 * n)).astype(np.float32), 8000), "path": None}
        for n in range(12)
    ]
    of = table({"audio": cells}, kind="unlabeled", audio="audio")
    return make_loader(of, plan(of, kind=None, recipe=NOISY), batch_size=3, sampling_rate=8000, **options)


@pytest.mark.skipif(not FORKS, reason="processes are not forked here")
def test_the_noise_of_forked_workers_is_drawn_once():
    noise._pool.cache_clear()
    loader = recordings(num_workers=2, multiprocessing_context="fork")
    assert noise._pool.cache_info().currsize == 0
    assert sum(len(batch["row_id"]) for batch in loader) == 12
    assert noise._pool.cache_info().currsize == 1


LOADED = """
import sys
from types import SimpleNamespace
import pyarrow as pa
from curate.feed.workers.beforehand import prepare

def prepared(modality):
    plan = pa.table({"recipe": pa.nulls(2, pa.string())})
    prepare(SimpleNamespace(
        inputs=[SimpleNamespace(modality=modality)],
        recipes=SimpleNamespace(any=False),
        plan=SimpleNamespace(table=plan),
    ))

sys.modules["soxr"] = None  # a package that is not installed is for the row that needs it
prepared("text")
assert not {"soundfile", "av", "cv2", "simplejpeg"} & sys.modules.keys()
prepared("audio")
assert "soundfile" in sys.modules and "av" not in sys.modules
prepared("video")
assert "av" in sys.modules
"""


def test_what_decodes_the_inputs_is_loaded_and_nothing_else():
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True)
    assert not done.returncode, done.stderr


@pytest.mark.parametrize("options", [{}, {"num_workers": 2, "workers": "threads"}])
def test_memory_is_given_back_after_the_first_batch_alone(monkeypatch, options):
    calls, handed = [], []
    monkeypatch.setattr(loaders, "give_back", lambda: calls.append(len(handed)))
    loader = recordings(**options)
    for _ in range(2):
        for batch in loader:
            handed.append(batch["row_id"])
    assert calls == [1]
    loader.close()


@pytest.mark.skipif(not FORKS, reason="processes are not forked here")
def test_a_worker_gives_back_what_its_first_batch_left_behind(monkeypatch):
    calls = multiprocessing.get_context("fork").Value("i", 0)

    def count():
        with calls.get_lock():
            calls.value += 1

    monkeypatch.setattr(process, "give_back", count)
    loader = recordings(num_workers=1, multiprocessing_context="fork", persistent_workers=True)
    for _ in range(2):
        assert len(list(loader)) == 4
    loader.close()
    assert calls.value == 1
