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
    ("name", "says"), [("t.xlsx", ": save the sheet"), ("t.csv.gz", ": unpack it"), ("t.mat", ": write it to Parquet")]
)
def test_formats_that_are_not_read_come_with_a_way_out(tmp_path, name, says):
    (tmp_path / name).write_text("x")
    with pytest.raises(DataError, match=f"is no format that is read here{says}"):
        curate.load(tmp_path / name)


def test_rows_of_a_contest_that_lack_the_label_are_of_the_same_set(folder):
    """Kaggle's Titanic: ``train.csv``, ``test.csv`` without the label, and a form for the submission."""
    train = "id,Survived,Age,Fare\n" + "".join(f"{k},{k % 2},{k + 20},{k}.5\n" for k in range(30))
    test = "id,Age,Fare\n" + "".join(f"{k},{k + 20},{k}.5\n" for k in range(30, 40))
    table = curate.load(folder(train=train, test=test, gender_submission="id,Survived\n30,0\n31,1\n"))
    assert (table.task.label, table.task.kind, table.task.features) == ("Survived", "classification", ("Age", "Fare"))
    assert table.splits.tolist() == ["train"] * 30 + ["test"] * 10
    assert table.column("Survived").null_count == 10
    assert "test.csv has no 'Survived'" in table.notes


def test_splits_that_lack_more_columns_than_they_have_stay_apart(folder):
    there = folder(train="text,label,a,b\nx y z,a,1,2\n", test="text\nx y w\n")
    with pytest.raises(ConfigError, match="tables with different columns"):
        curate.load(there)


COMMON_VOICE = "client_id\tpath\tsentence\tup_votes\tage\tlocale\tsegment"


@pytest.mark.parametrize("durations", [True, False])
def test_tables_beside_those_of_splits_do_not_double_rows(tmp_path, durations):
    """Common Voice: splits, ``validated`` which holds them all, and what was not validated."""
    (tmp_path / "clips").mkdir()
    rows = []
    for k in range(30):
        (tmp_path / "clips" / f"common_voice_de_{k:08d}.mp3").write_text(f"clip {k}")
        rows.append(f"c{k % 7}\tcommon_voice_de_{k:08d}.mp3\tein Satz mit {k} Worten\t2\t\tde\t")
    parts = {"train": rows[:10], "dev": rows[10:15], "test": rows[15:20], "validated": rows[:24],
             "invalidated": rows[24:27], "other": rows[27:]}  # fmt: skip
    for name, part in parts.items():
        (tmp_path / f"{name}.tsv").write_text("\n".join([COMMON_VOICE, *part]) + "\n")
    if durations:
        (tmp_path / "clip_durations.tsv").write_text("clip\tduration[ms]\ncommon_voice_de_00000000.mp3\t3456\n")
    table = curate.load(tmp_path)
    assert table.splits.tolist() == ["train"] * 10 + ["validation"] * 5 + ["test"] * 5
    assert table.task.transcript == "sentence"
    told = " ".join(table.notes)
    assert "train.tsv, dev.tsv, test.tsv go together; left out, named after no split" in told
    assert "invalidated.tsv, other.tsv, validated.tsv" in told
    named = curate.load(
        [tmp_path / "train.tsv", tmp_path / "test.tsv", tmp_path / "other.tsv"], root=tmp_path / "clips"
    )
    assert len(named) == 18


def test_splits_of_genres_and_columns_that_others_have_not(tmp_path):
    """MultiNLI: two sets for validation, with the labels of each annotator."""
    lines = [f"fiction\tthe first of {k}\tthe second of {k}" for k in range(10)]
    for name, more in (("train", ""), ("dev_matched", "\tneutral"), ("dev_mismatched", "\tneutral")):
        header = "kind\tsentence1\tsentence2\tgold_label" + "\tlabel1" * bool(more)
        rows = [f"{line}\t{['entailment', 'neutral'][k % 2]}{more}" for k, line in enumerate(lines)]
        (tmp_path / f"{name}.tsv").write_text("\n".join([header, *rows]) + "\n")
    table = curate.load(tmp_path)
    assert table.splits.tolist() == ["train"] * 10 + ["validation"] * 20
    assert (table.task.label, table.task.label_names) == ("gold_label", ("entailment", "neutral"))


def test_parts_of_one_table_are_named(folder):
    table = curate.load(folder(ETTh1=ROWS, ETTh2=ROWS.replace("row", "other")))
    assert "ETTh1.csv, ETTh2.csv are read as parts of one table" in table.notes


def test_ids_are_no_labels_where_others_may_be(tmp_path):
    from PIL import Image

    for k in range(12):
        Image.new("RGB", (8, 8), (k, k, k)).save(tmp_path / f"ISIC_{k}.png")
    rows = [f"HAM_{k // 2},ISIC_{k},{['nv', 'mel'][k % 2]}" for k in range(12)]
    (tmp_path / "HAM10000_metadata.csv").write_text("\n".join(["lesion_id,image_id,dx", *rows]) + "\n")
    assert curate.load(tmp_path).task.label == "dx"
