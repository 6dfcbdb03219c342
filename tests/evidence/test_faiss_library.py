"""faiss multiplies as fast as NumPy does, and nothing of how that is had stays behind."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from curate.evidence import faiss_library
from curate.evidence.faiss_library import CORES, VARIABLE, processor

SAID = """
import os, sys
from curate.evidence.faiss_library import faiss, processor
print(processor())
assert "faiss" not in sys.modules
faiss().knn
from threadpoolctl import threadpool_info
print([one["architecture"] for one in threadpool_info() if "faiss" in one["filepath"] and "architecture" in one])
print(os.environ.get("OPENBLAS_CORETYPE"))
"""


def said(**more: str) -> list[str]:
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE} | more
    done = subprocess.run([sys.executable, "-c", SAID], capture_output=True, text=True, env=environment, check=True)
    assert not done.stderr
    return done.stdout.splitlines()


def test_faiss_takes_the_processor_for_what_numpy_does() -> None:
    taken, found, left = said()
    if taken not in CORES:
        pytest.skip(f"NumPy takes the processor for {taken}")
    if found == "[]":
        pytest.skip("faiss brings no OpenBLAS here")
    assert found == str([CORES[taken]])
    assert left == "None"


@pytest.mark.skipif(processor() not in CORES, reason="NumPy does not name this processor")
def test_what_the_user_set_stands() -> None:
    _, found, left = said(OPENBLAS_CORETYPE="Nehalem")
    assert found in ("[]", "['Nehalem']")
    assert left == "Nehalem"


@pytest.mark.parametrize("there", [None, "Prescott", "neoversen1"])
def test_other_processors_are_left_to_faiss(there: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(faiss_library, "processor", lambda: there)
    monkeypatch.delitem(sys.modules, "faiss", raising=False)
    with faiss_library._told():
        assert VARIABLE not in os.environ
