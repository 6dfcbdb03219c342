"""Parts that end behind their file are found; whole files are not judged."""

import numpy as np
import pytest
import soundfile

import curate
from curate.errors import ConfigError


def load(folder, ends):
    soundfile.write(folder / "a.wav", np.linspace(0, 0.5, 80_000), 8_000)
    times = {"start": [float(k) for k in range(len(ends))], "end": ends}
    return curate.load({"audio": ["a.wav"] * len(ends), **times, "label": ["x", "y"] * (len(ends) // 2)}, root=folder)


def test_parts_that_end_behind_their_file_are_shorter_than_said(tmp_path):
    table = load(tmp_path, [1.0, 2.0, 12.5, 4.0, 10.05, 6.0])
    found = curate.audit(table, checks=["segment_bounds"], cache=False).findings
    assert found["is_issue"].to_pylist() == [False, False, True, False, False, False]
    assert found["score"].to_pylist()[2] == 0.5
    assert found["reason"][2].as_py() == "'start' and 'end': the part ends at 12.5 s, and the file at 10.00 s"


def test_whole_files_are_not_judged(tmp_path):
    load(tmp_path, [1.0, 2.0])
    table = curate.load({"audio": ["a.wav"] * 2, "label": ["x", "y"]}, root=tmp_path)
    with pytest.raises(ConfigError, match="judges parts of files"):
        curate.audit(table, checks=["segment_bounds"], cache=False)
