"""An audit needs no pandas, and data frames can still be made afterwards."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from curate.cli.frames import without_pandas
without_pandas()
import pyarrow as pa
assert pa.array(["a", None]).null_count == 1
assert "pandas" not in sys.modules
frame = pa.table({"a": [1, None]}).to_pandas()
assert list(frame.columns) == ["a"]
assert pa.Table.from_pandas(frame)["a"].null_count == 1
without_pandas()
import pandas
"""


def test_arrays_are_made_without_pandas_and_frames_with_it() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
