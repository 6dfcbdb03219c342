"""The page about all steps: every step stands in it, with its settings, and the file is the code's."""

from pathlib import Path

from curate import registry
from curate.pipeline import reference

FILE = Path(__file__).parents[2] / "docs" / "steps.md"


def test_every_step_stands_in_it_with_every_setting():
    lines = {line.split("|")[1].strip(" `"): line for line in reference.page().splitlines() if line.startswith("| `")}
    for name in registry.step_names():
        assert name in lines
        for field in registry.step(name).model_fields:
            assert f"`{field}" in lines[name], (name, field)


def test_a_line_is_as_long_as_its_heading():
    for line in reference.page().splitlines():
        if line.startswith("|"):
            assert line.replace("\\|", "").count("|") == 6, line


def test_sources_are_read_from_docstrings():
    assert "ftfy" in reference.source(registry.step("clean_text"))
    assert reference.source(registry.step("unreadable")) == reference.OWN


def test_the_file_is_in_sync():
    """`make docs` writes it."""
    assert FILE.read_text(encoding="utf-8") == reference.page()
