"""What a step says of itself is read from its file, and is what its class says once it is loaded."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys

import pytest

from curate import registry
from curate.errors import ConfigError


def test_docstrings_read_from_files_are_those_of_the_classes() -> None:
    names = sorted(registry.step_names())
    script = (
        "import json, sys; from curate import registry;"
        " said = [registry.docstring(name) for name in json.loads(sys.argv[1])];"
        " print(json.dumps([said, sorted(m for m in sys.modules if m.startswith('curate.checks.'))]))"
    )
    done = subprocess.run([sys.executable, "-c", script, json.dumps(names)], capture_output=True, text=True, check=True)
    said, loaded = json.loads(done.stdout)
    assert not loaded
    assert dict(zip(names, said, strict=True)) == {name: inspect.getdoc(registry.step(name)) or "" for name in names}


def test_an_unknown_step_is_refused() -> None:
    with pytest.raises(ConfigError, match="label_errors"):
        registry.docstring("label_error")
