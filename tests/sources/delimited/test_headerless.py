"""Delimited text without a header: rows stay rows, columns get names, and numbers the names of a list beside them."""

import pytest

import curate
from curate.sources.delimited.headerless import is_row, sampled
from curate.sources.delimited.sniffing import sniff

N = 40
TEXTS = [f"a text that tells of {k} things in row {k}" for k in range(N)]


def write(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def labels(table):
    return table.column(table.task.label).to_pylist()


@pytest.mark.parametrize(
    ("name", "line", "names"),
    [
        ("ag.csv", '"{c}","A title {k}","{text}"', ["label", "column_2", "text"]),
        ("yelp.csv", '"{c}","{text}"', ["label", "text"]),
        ("sms.tsv", "{word}\t{text}", ["label", "text"]),
        ("sent.csv", '"{c}","{id}","Mon Apr 06 2009","NO_QUERY","user{k}","{text}"',
         ["label", "column_2", "column_3", "column_4", "column_5", "text"]),
    ],
)  # fmt: skip
def test_texts_and_labels_without_a_header(tmp_path, name, line, names):
    rows = [
        line.format(c=k % 2 + 1, word=["ham", "spam"][k % 2], id=10_000 + k, k=k, text=t) for k, t in enumerate(TEXTS)
    ]
    table = curate.load(write(tmp_path / name, rows))
    assert (len(table), table.column_names) == (N, names)
    assert (table.task.text, table.task.label) == ("text", "label")
    assert table.column("text")[0].as_py() == TEXTS[0]
    assert f"{name}: its first line is a row, no header" in " ".join(table.notes)
    assert table.origin["line"][0].as_py() == 1


@pytest.mark.parametrize(
    ("first", "rows"),
    [
        (["country", "2019", "2020"], [["Peru", "1.5", "2"], ["Chile", "3", "4"], ["Cuba", "5", "6"]]),
        (["400.5", "401.0"], [["0.1", "0.2"], ["0.3", "0.4"], ["0.5", "0.6"]]),
        (["How many hours do you sleep?", "Other"], [["about eight of them or so", "Other"]] * 4),
        (["first name", "second"], [["a", "b"], ["c", "d"], ["e", "f"]]),
        (["a text of several words", "x"], [["another text of several words", "x"]] * 2),
    ],
)
def test_headers_stay_headers(first, rows):
    assert not is_row(first, rows)


def test_files_of_irvine_have_no_header_and_names_beside_them(tmp_path):
    work, pay = ["Private", "State-gov"], ["<=50K", ">50K"]
    write(tmp_path / "adult.data", [f"{20 + k}, {work[k % 3 == 0]}, {1000 + k}, {pay[k % 2]}" for k in range(N)])
    about = ["| about", ">50K, <=50K.", "", "age: continuous.", "workclass: Private, State-gov.", "fnlwgt: continuous."]
    write(tmp_path / "adult.names", about)
    table = curate.load(tmp_path)
    assert (len(table), table.task.features, table.task.label) == (N, ("age", "workclass", "fnlwgt"), "class")
    iris = curate.load(write(tmp_path / "iris" / "iris.data", [f"5.{k % 10},3.5,Iris-{'ab'[k % 2]}" for k in range(N)]))
    assert (len(iris), iris.task.label, iris.task.label_names) == (N, "label", ("Iris-a", "Iris-b"))
    wine = curate.load(write(tmp_path / "wine" / "wine.data", [f"{k % 3 + 1},14.{k},2.5" for k in range(N)]))
    assert (len(wine), wine.task.label) == (N, None)


@pytest.mark.parametrize("start", [0, 1])
def test_numbers_have_the_names_of_a_list_beside_them(tmp_path, start):
    names = ["World", "Sports", "Business", "Sci/Tech"]
    write(tmp_path / "classes.txt", names)
    for split, count in (("train", N), ("test", 6)):
        write(tmp_path / f"{split}.csv", [f'"{k % 4 + start}","{text}"' for k, text in enumerate(TEXTS[:count])])
    table = curate.load(tmp_path)
    assert table.task.label_names == tuple(names)
    assert labels(table)[:5] == [*names, "World"]
    assert table.splits.tolist() == ["train"] * N + ["test"] * 6
    assert f"the numbers of 'label' are the lines of classes.txt: {start} is 'World'" in table.notes
    assert labels(curate.load(tmp_path / "train.csv"))[:2] == names[:2]


def test_a_list_that_does_not_fit_names_nothing(tmp_path):
    write(tmp_path / "classes.txt", ["a", "b", "c"])
    table = curate.load(write(tmp_path / "d.csv", [f'"{k % 2 + 1}","{text}"' for k, text in enumerate(TEXTS)]))
    assert table.task.label_names == ("1", "2")


def test_numbers_between_commas_are_sets_of_labels(tmp_path):
    """GoEmotions: ``text<TAB>2,14<TAB>id``; small splits follow the first in their names."""
    for split, count in (("train", N), ("dev", 5)):
        lines = [f"{text}\t{k % 3}{',3' if k % 4 == 0 else ''}\ted{k:04x}" for k, text in enumerate(TEXTS[:count])]
        write(tmp_path / f"{split}.tsv", lines)
    write(tmp_path / "emotions.txt", ["joy", "anger", "fear", "neutral"])
    table = curate.load(tmp_path)
    assert (table.task.kind, len(table)) == ("multilabel", N + 5)
    assert labels(table)[:2] == [["joy", "neutral"], ["anger"]]
    assert table.column_names == ["text", "label", "column_3", "split"]
    assert not [note for note in table.notes if "column_2" in note]


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ('text,label\n"an open quote,pos\none,two,three\n', ","),
        ("text;label\na;b;c\nd;e;f;g\n", ";"),
        ("text,label\nHello, world, it is me,pos\nHi, you,neg\n", ","),
        ("text\nhello, world, and you\nplain, too\n", "\t"),
        ("One sentence, as a header\nhello, world, and you\nplain\n", "\t"),
    ],
)
def test_a_header_of_names_tells_the_delimiter_of_lines_of_unlike_length(text, delimiter):
    assert sniff(text) == delimiter


def test_lines_of_unlike_length_are_rows_with_reasons(tmp_path):
    table = curate.load(
        write(tmp_path / "d.csv", ["text,label", '"an open quote,pos', "one,two,three", "good film,neg"])
    )
    assert table.column_names == ["text", "label"]
    assert table.problems["reason"].to_pylist() == [
        "d.csv, line 2: a quote opens and never closes",
        "d.csv, line 3: 3 fields, more than the 2 of the header",
    ]


@pytest.mark.parametrize("count", [0, 1, 5, 5000])
def test_lines_are_taken_evenly(count):
    text = "a,b\r\n" + "".join(f"{k},x\r\n" for k in range(count))
    places = [int(row[0]) for row in sampled(text, 1, ",", 2)]
    assert places == sorted(set(places))
    assert len(places) == count if count < 100 else 150 < len(places) < 310
    assert not count or places[-1] > 0.9 * count - 1
