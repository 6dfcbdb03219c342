"""The stand-in for the evidence (planted.py), as fixtures."""

import importlib.util
from pathlib import Path

import pytest


def _planted():
    file = Path(__file__).parents[1] / "checks" / "planted.py"
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
