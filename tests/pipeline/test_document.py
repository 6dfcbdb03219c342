"""Pipeline files: YAML without surprises, hostile YAML refused, places known."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.errors import ConfigError
from curate.pipeline.document import Document


def value(text):
    return Document(text, "f.yaml").value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x: NO", "NO"),
        ("x: on", "on"),
        ("x: true", True),
        ("x: 1e-3", 0.001),
        ("x: 010", 10),
        ("x: 0x1F", 31),
        ("x: 12:30:00", "12:30:00"),
        ("x: 2026-01-02", "2026-01-02"),
        ("x: ~", None),
        ("x:", None),
        ("x: .inf", math.inf),
        ("x: '5'", "5"),
        ("x: [1, 2.5, a]", [1, 2.5, "a"]),
        ("x: 1_000", "1_000"),
        ("x: =", "="),
    ],
)
def test_plain_scalars_follow_yaml_1_2(text, expected):
    assert value(text) == {"x": expected}


@pytest.mark.parametrize(
    "payload",
    [
        "!!python/object/apply:os.system ['true']",
        "!!python/name:os.system",
        "!!python/module:os",
        "!!python/object:builtins.dict {}",
        "!!python/tuple [1]",
        "!!binary aGk=",
        "!!set {a}",
        "!custom {a: 1}",
        "!!timestamp 2020-01-01",
        "!!python/str x",
        "!x y",
        "!!omap [a: 1]",
    ],
)
def test_tags_are_refused_with_their_line(payload):
    text = f"a: 1\nx: {payload}"
    if "timestamp" in payload:  # on plain text it can't be told from what YAML 1.1 resolves to; it stays text
        assert value(text)["x"] == "2020-01-01"
    else:
        with pytest.raises(ConfigError, match=r"f\.yaml:2"):
            value(text)


def test_duplicate_keys_name_both_lines():
    with pytest.raises(ConfigError, match=r"f\.yaml:3:1: the key 'a' stands twice, first in line 1"):
        value("a: 1\nb: 2\na: 3")


def test_bombs_are_refused():
    with pytest.raises(ConfigError, match="nested deeper"):
        value("[" * 5000 + "]" * 5000)
    laughs = "a0: &a0 [x, x]\n" + "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9))
    with pytest.raises(ConfigError, match="aliases expand"):
        value(laughs)
    with pytest.raises(ConfigError, match="larger than"):
        value("x: " + "y" * (1 << 21))
    with pytest.raises(ConfigError):
        value("a: &a [*a]")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="devices of POSIX")
def test_a_file_without_an_end_is_refused():
    script = """
import resource
from pathlib import Path
from curate.pipeline.document import Document
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))  # who reads on fails at once
Document.read(Path("/dev/zero"))
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert "ConfigError: /dev/zero: larger than" in run.stderr


def test_numbers_that_python_would_not_read():
    with pytest.raises(ConfigError, match=r"f\.yaml:2:4: a number of 5,000 digits"):
        value("a: 1\nb: " + "9" * 5000)


def test_broken_yaml_names_line_and_column():
    with pytest.raises(ConfigError, match=r"f\.yaml:3:1: not valid YAML: .*begins in line 2"):
        value("a: 1\nb: [1, 2\n")


def test_a_tab_is_called_one():
    with pytest.raises(ConfigError, match=r"f\.yaml:2:1: not valid YAML: a tab, where YAML allows blanks alone"):
        value("source:\n\tpath: a\n")


def test_unreadable_files(tmp_path):
    with pytest.raises(ConfigError, match="can't be read"):
        Document.read(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"x: \xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        Document.read(tmp_path / "latin.yaml")
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfx: 1")
    assert Document.read(tmp_path / "bom.yaml").value == {"x": 1}


def test_places():
    document = Document("steps:\n  - a: {b: 1,\n        c: 2}\n", "f.yaml")
    assert document.where(("steps", 0, "a", "c")) == "f.yaml:3:9"
    assert document.where(("steps", 0, "a", "missing")) == "f.yaml:2:5"


@given(st.text(max_size=200))
def test_any_text_is_a_value_or_one_config_error(text):
    said = "f.yaml"
    try:
        value(text)
    except ConfigError as error:
        said = str(error)
    assert said.startswith("f.yaml")


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "folder"])
def test_data_in_place_of_a_pipeline_file_is_told(tmp_path, name):
    (tmp_path / "folder").mkdir()
    if name != "folder":
        (tmp_path / name).write_bytes(b"text,label\ncaf\xe9,a\n")
    with pytest.raises(ConfigError, match=rf"{name}: a pipeline file is needed here.*curate init \S*{name}"):
        Document.read(tmp_path / name)
