"""Fixtures that many tests share."""

import importlib.util
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for the faults that benchmarks and tests plant alike


settings.register_profile("untimed", deadline=None)  # a busy machine is no fault
settings.load_profile("untimed")


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests never read or write the user's cache."""
    os.environ["CURATE_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets with known ground truth; tests that need it are skipped where it is missing."""
    named = os.environ.get("CURATE_SHARED_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no shared data: set CURATE_SHARED_DATA to the folder of the real data sets")
    return folder


def _planted():
    file = Path(__file__).parent / "checks" / "planted.py"
    spec = importlib.util.spec_from_file_location("planted", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def table_of():
    """`planted.make_table`."""
    return _planted().make_table


@pytest.fixture(scope="session")
def evidence_of():
    """`planted.FakeEvidence`."""
    return _planted().FakeEvidence


@pytest.fixture(scope="session")
def predicted():
    """Makes (probabilities, true, given) of n rows; wrong labels are of the next class if structured, or of any."""

    def make(n, classes, rate=0.15, seed=0, sharpness=4.0, structured=True):
        rng = np.random.default_rng(seed)
        true = rng.integers(0, classes, n)
        logits = rng.normal(size=(n, classes))
        logits[np.arange(n), true] += sharpness
        moved = 1 if structured else rng.integers(1, classes, n)
        given = np.where(rng.random(n) < rate, (true + moved) % classes, true)
        return (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32), true, given

    return make


@pytest.fixture
def brightening():
    """Writes a film of 60 frames, 20 a second, each lighter than the one before."""

    def write(path):
        import av

        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=20)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for k in range(60):
                frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 4 * k, np.uint8), format="rgb24")
                for packet in stream.encode(frame):
                    container.mux(packet)
            for packet in stream.encode(None):
                container.mux(packet)

    return write
