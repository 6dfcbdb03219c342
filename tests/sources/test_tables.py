"""Several tables of one folder: put together where they go together, else a question that names them."""

import pytest

import curate
from curate.errors import ConfigError, DataError


@pytest.fixture
def folder(tmp_path):
    def call(**files):
        for name, text in files.items():
            file = tmp_path / "set" / (name.replace("__", "/") + ".csv")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return tmp_path / "set"

    return call


ROWS = "text,label\nsome text of a row,a\nanother text of a row,b\n"


def test_tables_named_after_splits_are_one_set_and_others_are_left_out_with_a_note(folder):
    table = curate.load(folder(train=ROWS, test=ROWS.replace("row", "test"), deep__sizes="name,size\nx,1\n"))
    assert table.splits.tolist() == ["train"] * 2 + ["test"] * 2
    said = [note for note in table.notes if "go together" in note]
    assert said == ["train.csv, test.csv go together; left out, with other columns: deep/sizes.csv"]


def test_folders_named_after_splits_count_as_well(folder):
    table = curate.load(folder(train__part=ROWS, val__part=ROWS.replace("row", "other")))
    assert sorted(table.splits.tolist()) == ["train"] * 2 + ["validation"] * 2


def test_a_column_of_splits_outranks_the_names_of_files(folder):
    own = "text,label,split\none text of a row,a,test\nother text of a row,b,train\n"
    table = curate.load(folder(train=own, test=own.replace("text of", "words of")))
    assert sorted(table.splits.tolist()) == ["test", "test", "train", "train"]


def test_tables_that_do_not_go_together_are_a_question(folder):
    there = folder(a=ROWS, sub__b="words,kind\nsome text,x\n")
    with pytest.raises(ConfigError, match=r"several tables \(a.csv, sub/b.csv\); name the file"):
        curate.load(there)
    with pytest.raises(ConfigError, match=r"different columns \(a.csv; .*b.csv\); name the file that is meant"):
        curate.load([there / "a.csv", there / "sub" / "b.csv"])


def test_labels_that_are_hardly_classes_are_noted(tmp_path):
    def notes(labels):
        rows = "".join(f"some text number {n},{label}\n" for n, label in enumerate(labels))
        (tmp_path / "d.csv").write_text("text,label\n" + rows)
        return " ".join(curate.load(tmp_path / "d.csv", text="text", label="label", kind="classification").notes)

    assert "every label is 'same'" in notes(["same"] * 6)
    unlike = [f"c{n}" for n in range(120)]
    assert "'label' has 120 different values in 200 rows: hardly classes" in notes(unlike + ["c0"] * 80)
    assert "'label' has 120 different values in 200 rows: hardly classes" in notes(unlike + ["c0"] * 80 + [""] * 100)
    assert "hardly" not in notes(unlike + ["c0"] * 120)
    assert "hardly" in notes(unlike[:20])
    assert "hardly" not in notes(unlike[:19])


@pytest.mark.parametrize(
    ("name", "says"), [("t.xlsx", ": save the sheet"), ("t.csv.gz", ": unpack it"), ("t.txt", ": rename a table")]
)
def test_formats_that_are_not_read_come_with_a_way_out(tmp_path, name, says):
    (tmp_path / name).write_text("x")
    with pytest.raises(DataError, match=f"is no format that is read here{says}"):
        curate.load(tmp_path / name)
