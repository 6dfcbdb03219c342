"""Files of labelled series (sktime's .ts, UCR tables) and of tagged words (CoNLL, Universal Dependencies)."""

import pytest
from PIL import Image

import curate
from curate.errors import DataError

TS = """# made for a test
@problemName Steps
@timeStamps false
@univariate {univariate}
@classLabel true up down

@data
{rows}
"""


def ts(path, rows, univariate="true", head=TS):
    path.write_text(head.format(univariate=univariate, rows="\n".join(rows)))
    return path


def series(table):
    return table.column("series").to_pylist()


def test_a_ts_file_has_series_and_classes(tmp_path):
    path = ts(tmp_path / "Steps_TRAIN.ts", ["1,2,3.5:up", "3,?,1:down", "2,NaN,1:down"])
    table = curate.load(path)
    assert (table.task.series, table.task.label, table.task.label_names) == ("series", "label", ("down", "up"))
    assert series(table) == [[1, 2, 3.5], [3, None, 1], [2, None, 1]]
    assert table.origin["line"].to_pylist() == [8, 9, 10]
    deep = curate.load(ts(path, ["1,2,3:4,5,6:up", "1,2:7,8:down"], "false"))
    assert series(deep) == [[[1, 2, 3], [4, 5, 6]], [[1, 2], [7, 8]]]


def test_lines_that_are_no_series_are_rows_with_reasons(tmp_path):
    table = curate.load(ts(tmp_path / "a.ts", ["1,2,3:up", "1,x,3:down", "3,2,1:down", "up"]))
    assert table.problems["row"].to_pylist() == [1, 3]
    assert "line 9: could not convert string to float: 'x'" in table.problems["reason"][0].as_py()
    assert "a class and no values" in table.problems["reason"][1].as_py()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("export const a = 1;\n", "line 1 stands before @data"),
        ("@problemName a\n", "there is no line @data"),
        ("@data\n", "there are no rows"),
        (TS.replace("@timeStamps false", "@timeStamps true").format(univariate="true", rows="(0,1),(1,2):up"),
         "not read|could not convert"),
    ],
)  # fmt: skip
def test_other_files_called_ts_are_refused(tmp_path, text, says):
    (tmp_path / "a.ts").write_text(text)
    with pytest.raises(DataError, match=says):
        curate.load(tmp_path / "a.ts")


def test_tables_of_the_ucr_archive_have_no_header(tmp_path):
    rows = ["1\t" + "\t".join("0.5" for _ in range(9)), "2.0\t" + "\t".join([*("1.5" for _ in range(7)), "NaN", "NaN"])]
    for name in ("Steps_TRAIN.tsv", "Steps_TEST.tsv"):
        (tmp_path / name).write_text("\n".join(rows * 3) + "\n")
    table = curate.load(tmp_path)
    assert (len(table), table.task.series, table.task.label_names) == (12, "series", ("1", "2"))
    assert table.splits.tolist() == ["train"] * 6 + ["test"] * 6
    assert [len(row) for row in series(table)[:2]] == [9, 7]
    (tmp_path / "Steps_TEST.tsv").write_text("label\t" + "\t".join(f"t{k}" for k in range(9)) + "\n" + rows[0] + "\n")
    assert curate.load(tmp_path / "Steps_TEST.tsv").task.series is None


CONLL = "-DOCSTART- -X- O\n\nGo VB O\nto TO O\nRome NNP B-LOC\n\n# HASH O\nnow RB O\n\n"


@pytest.mark.parametrize("name", ["a.conll", "a.txt"])
def test_words_and_tags_in_lines(tmp_path, name):
    (tmp_path / name).write_text(CONLL)
    table = curate.load(tmp_path / name)
    assert table.task.kind == "token_classification"
    assert table.column("tokens").to_pylist() == [["Go", "to", "Rome"], ["#", "now"]]
    assert table.column("tags").to_pylist() == [["O", "O", "B-LOC"], ["O", "O"]]
    assert table.column("text").to_pylist() == ["Go to Rome", "# now"]
    assert table.origin["line"].to_pylist() == [3, 7]


def test_a_folder_of_splits_of_tagged_words(tmp_path):
    for name in ("train", "valid", "test"):
        (tmp_path / f"{name}.txt").write_text(CONLL)
    table = curate.load(tmp_path)
    assert table.splits.tolist() == ["train"] * 2 + ["validation"] * 2 + ["test"] * 2
    (tmp_path / "test.txt").write_text("these are\nonly words\n")
    table = curate.load(tmp_path)
    assert table.splits.tolist() == ["train"] * 2 + ["validation"] * 2
    assert "left out, with other columns: test.txt" in " ".join(table.notes)


def test_universal_dependencies_give_parts_of_speech(tmp_path):
    lines = ["# sent_id = 1", "# text = Don't go", "1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\t_"]
    lines += [
        f"{k}\t{word}\t_\t{tag}\t_\t_\t0\troot\t_\t_"
        for k, (word, tag) in enumerate([("Do", "AUX"), ("n't", "PART"), ("go", "VERB")], 1)
    ]
    (tmp_path / "a.conllu").write_text("\n".join([*lines, "", "1\tAlone", "", ""]))
    table = curate.load(tmp_path / "a.conllu")
    assert table.column("tokens").to_pylist() == [["Do", "n't", "go"], None]
    assert table.column("tags").to_pylist() == [["AUX", "PART", "VERB"], None]
    assert table.problems["reason"].to_pylist() == ["a.conllu, line 8: a word and no tag"]


@pytest.mark.parametrize("stems", [("reviews_train", "reviews_test"), ("train", "test")])
def test_files_that_end_in_the_name_of_a_split(tmp_path, stems):
    for stem in stems:
        (tmp_path / f"{stem}.csv").write_text(
            "text,label\n" + "".join(f"some text number {k},{k % 2}\n" for k in range(6))
        )
    assert sorted(set(curate.load(tmp_path).splits)) == ["test", "train"]


def test_files_about_other_things_are_not_thrown_together(tmp_path):
    for stem in ("reviews_train", "tweets_train"):
        (tmp_path / f"{stem}.csv").write_text("text,label\nsome text,1\nmore text,0\n")
    with pytest.raises(curate.errors.ConfigError, match="holds several tables"):
        curate.load(tmp_path)


def test_lines_behind_their_labels(tmp_path):
    lines = [f"__label__{'ham' if k % 2 else 'spam'} some text,  number {k}" for k in range(6)]
    (tmp_path / "train.txt").write_text("\n".join([*lines, "", "no label", "__label__ham"]) + "\n")
    table = curate.load(tmp_path / "train.txt")
    assert (table.task.kind, table.task.label_names, len(table)) == ("classification", ("ham", "spam"), 8)
    assert table.column("text").to_pylist()[::7] == ["some text,  number 0", None]
    assert table.column("label").to_pylist()[5:] == ["ham", None, "ham"]
    (tmp_path / "test.txt").write_text("\n".join(lines) + "\n")
    assert sorted(set(curate.load(tmp_path).splits)) == ["test", "train"]
    (tmp_path / "test.txt").write_text("__label__a __label__b a text\n__label__a a text\n__label__b more\n")
    sets = curate.load(tmp_path / "test.txt")
    assert (sets.task.kind, sets.column("label").to_pylist()[0]) == ("multilabel", ["a", "b"])


@pytest.mark.parametrize(
    ("name", "line"),
    [("a.txt", b"__label__a n\xe9 text \xff"), ("a.conll", b"n\xe9\xff O\n"), ("a_TRAIN.ts", b"1,\xff,3:n\xe9"),
     ("a_TRAIN.tsv", b"1" + b"\t0.5" * 8 + b"\t\xff\xe9")],
)  # fmt: skip
def test_bytes_that_are_no_text_are_said_or_missing(tmp_path, name, line):
    good = {"a.txt": "__label__b größe\n", "a.conll": "größe O\nor O\n\n", "a_TRAIN.ts": "1,2,3:größe\n"}
    begin = "@classLabel true\n@data\n" if name.endswith(".ts") else ""
    usual = good.get(name, "2" + "\t1.5" * 9 + "\n")
    (tmp_path / name).write_bytes((begin + usual * 60).encode() + line + b"\n")
    table = curate.load(tmp_path / name)
    assert len(table) == 61
    said = table.problems["reason"].to_pylist()
    assert not said or ("UTF-8" in said[-1] or "could not convert" in said[-1])


def test_an_encoding_that_is_named_is_used(tmp_path):
    texts = {"a.txt": "__label__größe viel\n__label__b wenig\n", "a.conll": "größe O\nor O\n\n",
             "a.ts": "@classLabel true\n@data\n1,2:größe\n1,3:b\n"}  # fmt: skip
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text.encode("cp850"))
        table = curate.load(tmp_path / name, encoding="cp850")
        assert "größe" in str(table.rows([0], table.column_names).to_pylist())


def test_files_of_typescript_beside_media_are_passed_over(tmp_path):
    for place, name in enumerate("abcd"):
        folder = tmp_path / name[0]
        folder.mkdir()
        Image.new("RGB", (8, 8), (40 * place, 0, 0)).save(folder / "0.png")
    (tmp_path / "index.ts").write_text("export const a = 1\n", encoding="utf-8")
    table = curate.load(tmp_path)
    assert (len(table), table.task.kind) == (4, "classification")
    assert "1 file of other types skipped (.ts 1)" in table.notes
