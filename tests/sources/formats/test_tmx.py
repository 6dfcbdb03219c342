"""Translation memories: units in several languages, codes aside; entities are refused."""

import pytest

import curate
from curate.errors import DataError

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<tmx version="1.4"><header/><body>\n'
UNIT = (
    '<tu><tuv xml:lang="en-US"><seg>The house {k} is <bpt i="1">&lt;b&gt;</bpt><hi>quite</hi><ept i="1">x</ept>'
    ' red.</seg></tuv><tuv xml:lang="DE"><seg>Das Haus {k}\n ist rot.</seg></tuv></tu>\n'
)
LONE = '<tu><tuv xml:lang="en"><seg>Alone</seg></tuv></tu>'


def write(path, text):
    path.write_text(text)
    return path


def test_units_are_rows(tmp_path):
    units = "".join(UNIT.format(k=k) for k in range(4))
    table = curate.load(write(tmp_path / "a.tmx", HEAD + units + LONE + "</body></tmx>").parent)
    assert table.column("translation")[2].as_py() == {"en": "The house 2 is quite red.", "de": "Das Haus 2 ist rot."}
    assert table.column(table.task.text)[2].as_py() == "The house 2 is quite red.\n\nDas Haus 2 ist rot."
    assert "a.tmx: 1 unit in one language alone left out" in table.notes


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (HEAD.replace('SYSTEM "tmx14.dtd"', '[<!ENTITY a "b">]') + UNIT + "</body></tmx>", "defines entities"),
        (HEAD + LONE + "</body></tmx>", "no unit in two languages"),
        (HEAD + UNIT, "can't be read"),
    ],
)
def test_what_is_no_memory_is_refused(tmp_path, text, why):
    with pytest.raises(DataError, match=why):
        curate.load(write(tmp_path / "a.tmx", text))
