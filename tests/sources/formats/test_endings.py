"""Files whose endings name a split, and forms told by what is in them: CoNLL-2003, TREC, fastText, LIBSVM, UCI."""

from collections import Counter

import pytest

import curate
from curate.errors import DataError

CONLL = (
    "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n. . O O\n\nPeter NNP B-NP B-PER\nslept VBD B-VP O\n"
)
NAMES = "| From the census\n>50K, <=50K.\n\nage: continuous.\nsex: Female, Male.\nhours: continuous.\n"


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def splits(table):
    return Counter(table.column(table.task.split).to_pylist())


def labels(table):
    return table.column(table.task.label).to_pylist()


def test_conll_2003_by_its_endings(tmp_path):
    table = curate.load(write(tmp_path, **dict.fromkeys(["eng.train", "eng.testa", "eng.testb"], CONLL)))
    assert splits(table) == {"train": 2, "validation": 2, "test": 2}
    assert (table.task.kind, table.task.label_names) == ("token_classification", ("B-ORG", "B-PER", "O"))
    alone = curate.load(tmp_path / "eng.testa")
    assert (len(alone), alone.task.split) == (2, None)


def test_files_of_one_ending_about_other_things_are_not_thrown_together(tmp_path):
    with pytest.raises(curate.errors.ConfigError, match="holds several tables"):
        curate.load(write(tmp_path, **dict.fromkeys(["eng.train", "deu.train"], CONLL)))


def test_questions_of_trec(tmp_path):
    lines = "DESC:manner How did serfdom develop ?\nHUM:ind Who was it ?\nno class at all\n"
    table = curate.load(write(tmp_path, **{"train_5500.label": lines, "TREC_10.label": "NUM:date When ?\n" * 2}))
    assert splits(table) == {"train": 3, "test": 2}
    assert labels(table) == ["DESC", "HUM", None, "NUM", "NUM"]
    assert table.column("fine_label")[1].as_py() == "HUM:ind"
    assert table.column("text")[0].as_py() == "How did serfdom develop ?"
    assert [p["reason"] for p in table.problems.to_pylist()] == [
        "train_5500.label, line 3: no class before a text (CLASS:finer text)"
    ]
    with pytest.raises(DataError, match="no class before a text"):
        curate.load(write(tmp_path / "none", **{"a.label": "nothing here\n"}) / "a.label")


def test_fasttext_by_its_endings_with_sets_in_one_file(tmp_path):
    files = {
        "cooking.train": "__label__stove __label__oven how to boil\n",
        "cooking.valid": "__label__oven how to bake\n",
    }
    table = curate.load(write(tmp_path, **files))
    assert splits(table) == {"train": 1, "validation": 1}
    assert labels(table) == [["stove", "oven"], ["oven"]]


def test_adult_is_read_with_its_test_file(tmp_path):
    rows = "\n".join(f"{20 + k}, {['Male', 'Female'][k % 2]}, {30 + k}, {['<=50K', '>50K'][k % 2]}" for k in range(12))
    held = "|1x3 Cross validator\n" + rows.replace("50K", "50K.") + "\n\n"
    table = curate.load(write(tmp_path, **{"adult.data": rows, "adult.test": held, "adult.names": NAMES}))
    assert table.column_names[:4] == ["age", "sex", "hours", "class"]
    assert splits(table) == {"train": 12, "test": 12}
    assert table.task.label_names == ("<=50K", ">50K")
    assert any("dots that end the values of 'class' were taken off" in note for note in table.notes)


def test_dots_stay_where_not_every_class_ends_in_one(tmp_path):
    table = curate.load(write(tmp_path, **{"a.data": "1,2,etc.\n3,4,other\n" * 4}) / "a.data")
    assert set(labels(table)) == {"etc.", "other"}


def test_digits_by_their_endings(tmp_path):
    line = "0,1,6,15,12,1,0\n3,0,10,16,6,0,7\n"
    table = curate.load(
        write(tmp_path, **{"optdigits.tra": line * 4, "optdigits.tes": line * 2, "optdigits.names": "x"})
    )
    assert splits(table) == {"train": 8, "test": 4}
    assert len(table.task.feature_columns) == 7


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("housing.data", " 0.006{k}  18.00   2.310  0  0.5380  24.0{k}"),
        ("ecoli.data", "PROT{k}_ECOLI  0.49  0.29  0.48  0.50   cp"),
        ("cars.data", '18.0   8   307.{k}   70  1\t"chevrolet chevelle malibu"'),
        ("seeds_dataset.txt", "15.26\t\t14.8{k}\t0.871\t5.763\t3.312\t1"),
        ("shuttle.trn", "50 21 77 0 28 {k}"),
    ],
)
def test_blanks_between_fields(tmp_path, name, line):
    table = curate.load(write(tmp_path, **{name: "\n".join(line.format(k=k % 10) for k in range(12)) + "\n"}) / name)
    assert (len(table), len(table.column_names)) == (12, 6)
    if name == "cars.data":
        assert set(table.column(table.column_names[5]).to_pylist()) == {"chevrolet chevelle malibu"}


def test_texts_of_as_many_words_and_empty_cells_stay_what_they_are(tmp_path):
    texts = curate.load(write(tmp_path, **{"a.txt": "the cat sat\nthe dog ran\na bird flew\n"}) / "a.txt")
    assert (texts.task.text, len(texts)) == ("text", 3)
    cells = curate.load(write(tmp_path, **{"b.tsv": "a\tb\tc\n" + "1\t\t3\n1\t2\t3\n" * 4}) / "b.tsv")
    assert (len(cells), len(cells.problems)) == (8, 0)


def test_libsvm(tmp_path):
    train, held = "+1 1:0.5 3:2\n-1 2:1e-1 # a comment\n\n-1 5:1 \n", "+1 1:1 2:1\n"
    table = curate.load(write(tmp_path, **{"a9a": train, "a9a.t": held}))
    assert splits(table) == {"train": 3, "test": 1}
    assert table.column("features").to_pylist()[0] == [0.5, 0, 2, 0, 0]
    assert table.column("features").to_pylist()[3] == [1, 1, 0, 0, 0]
    assert (labels(table), table.task.kind) == (["1", "-1", "-1", "1"], "classification")
    assert [row["line"] for row in table.origin.to_pylist()] == [1, 2, 4, 1]


def test_libsvm_of_sets_and_of_too_many_columns(tmp_path, monkeypatch):
    folder = write(tmp_path, **{"yeast.svm": "1,3 1:0.5 2:1\n2 1:0.25\n", "wide.libsvm": "1 1000:1\n-1 7:1\n"})
    table = curate.load(folder / "yeast.svm")
    assert labels(table) == [["1", "3"], ["2"]]
    monkeypatch.setattr("curate.sources.formats.libsvm.MOST_VALUES", 1_000)
    with pytest.raises(DataError, match="too many for vectors"):
        curate.load(folder / "wide.libsvm")


def test_lines_of_numbers_that_are_no_libsvm_stay(tmp_path):
    table = curate.load(write(tmp_path, **{"times.txt": "at 10:30 we met\n7 at 11:45 we left\n"}) / "times.txt")
    assert table.task.text == "text"


def test_movielens(tmp_path):
    ratings = "".join(f"{k % 5 + 1}::{k % 7 + 1}::{k % 5 + 1}::{978300000 + k}\n" for k in range(20))
    movies = "".join(f"{k}::Toy Story {k} (1995)::Animation|Comedy\n" for k in range(1, 9))
    folder = write(tmp_path, **{"ratings.dat": ratings, "movies.dat": movies, "README": "about"})
    with pytest.raises(curate.errors.ConfigError, match=r"movies.dat, ratings.dat.*joined first"):
        curate.load(folder)
    table = curate.load(folder / "ratings.dat")
    assert (len(table), table.column_names) == (20, ["user_id", "movie_id", "rating", "timestamp"])
    assert curate.load(folder / "movies.dat").column_names == ["movie_id", "title", "genres"]
    alone = write(tmp_path / "alone", **{"ratings.dat": ratings})
    assert len(curate.load(alone)) == 20


def test_other_files_of_that_ending_are_no_tables(tmp_path):
    (tmp_path / "model.dat").write_bytes(bytes(range(256)) * 8)
    with pytest.raises(DataError, match="none that can be read as data"):
        curate.load(tmp_path)
    with pytest.raises(DataError, match="is no format that is read here"):
        curate.load(tmp_path / "model.dat")
