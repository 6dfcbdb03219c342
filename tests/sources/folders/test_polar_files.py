"""Files that are classes by their names, and several tables of texts and labels."""

from collections import Counter

import pytest

import curate


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode("latin-1"))
    return folder


def labels(table):
    return Counter(table.column(table.task.label).to_pylist())


LINES = "\n".join(f"a film of {k} scenes , and caf\xe9s ." for k in range(6)) + "\n"


@pytest.mark.parametrize("names", [("rt-polarity.pos", "rt-polarity.neg"), ("pos.txt", "neg.txt")])
def test_a_file_per_class(tmp_path, names):
    table = curate.load(write(tmp_path, **dict.fromkeys(names, LINES), readme="about"))
    assert (labels(table), table.task.text) == ({"pos": 6, "neg": 6}, "text")


def test_other_files_of_one_text_each_stay_texts(tmp_path):
    table = curate.load(write(tmp_path, **{"one.txt": "a\nb\n", "two.txt": "c\nd\n"}))
    assert (len(table), table.task.label) == (2, None)


def test_tables_per_class(tmp_path):
    rows = "title,text,subject\n" + "".join(f"a title,some words of text {k},News\n" for k in range(6))
    table = curate.load(write(tmp_path, **{"Fake.csv": rows, "True.csv": rows}))
    assert (labels(table), table.task.text) == ({"Fake": 6, "True": 6}, "text")
    own = "text,label\n" + "".join(f"some words of text {k},{k % 2}\n" for k in range(6))
    with pytest.raises(curate.errors.ConfigError, match="holds several tables"):
        curate.load(write(tmp_path / "own", **{"Fake.csv": own, "True.csv": own}))


def test_tables_between_tabs_of_one_form(tmp_path):
    rows = "".join(f"a sentence that tells of {k} things\t{k % 2}\n" for k in range(12))
    names = ["amazon_cells_labelled.txt", "imdb_labelled.txt", "yelp_labelled.txt"]
    table = curate.load(write(tmp_path, **dict.fromkeys(names, rows), **{"readme.txt": "about"}))
    assert (len(table), labels(table)) == (36, {"0": 18, "1": 18})
    assert any("are read as parts of one table" in note for note in table.notes)
