"""ARFF: typed attributes, dense and sparse rows, and lines that are none."""

import numpy as np
import pytest
from scipy.io import arff as scipy_arff

import curate
from curate.errors import ConfigError, DataError

HEAD = r"""% a table of flowers
@RELATION 'iris of mine'

@ATTRIBUTE sepallength REAL
@attribute 'petal length' NUMERIC   % centimetres
@ATTRIBUTE note string
@ATTRIBUTE seen DATE "yyyy-MM-dd"
@ATTRIBUTE kind {Iris-setosa, 'Iris, other', "Iris\"quoted\""}

@DATA
"""


def write(path, text):
    path.write_text(text)
    return path


def test_attributes_and_values(tmp_path):
    rows = [
        "5.1,3,'it\\'s a note, with a comma',\"2020-01-01\",Iris-setosa",
        "% a comment",
        "4.9 , ? , ?,2020-01-02, 'Iris, other'",
        "",
        '6,4,plain words,2020-01-03,"Iris\\"quoted\\"", {2.5}',
    ]
    table = curate.load(write(tmp_path / "iris.arff", HEAD + "\n".join(rows)))
    assert table.column_names == ["sepallength", "petal length", "note", "seen", "kind"]
    assert table.column("sepallength").to_pylist() == [5.1, 4.9, 6.0]
    assert table.column("petal length").to_pylist() == [3, None, 4]
    assert table.column("note").to_pylist() == ["it's a note, with a comma", None, "plain words"]
    assert table.column("kind").to_pylist() == ["Iris-setosa", "Iris, other", 'Iris"quoted"']
    assert (table.task.label, table.task.label_names) == ("kind", ("Iris-setosa", "Iris, other", 'Iris"quoted"'))
    assert table.origin["line"].to_pylist() == [11, 13, 15]


def test_lines_that_do_not_fit_are_rows_with_reasons(tmp_path):
    rows = [
        "1,2,a,2020-01-01,Iris-setosa", "1,2,a", "x,2,a,2020-01-01,Iris-setosa", "1,2,a,2020-01-01,Tulip",
        "1,2,'open,2020-01-01,Iris-setosa", "{0 1, 9 2}", "{0 1",
    ]  # fmt: skip
    table = curate.load(write(tmp_path / "d.arff", HEAD + "\n".join(rows)))
    assert table.problems["reason"].to_pylist() == [
        "d.arff, line 12: 3 values, fewer than the 5 attributes",
        "d.arff, line 13: 'x' is no number, as 'sepallength' wants",
        "d.arff, line 14: 'Tulip' is none of the values of 'kind'",
        "d.arff, line 15: a quote does not close, or text follows one",
        "d.arff, line 16: no number of an attribute and a value: '9 2'",
        "d.arff, line 17: a row in braces that does not close",
    ]


def test_sparse_rows_say_what_is_not_zero(tmp_path):
    head = (
        "@relation s\n"
        + "".join(f"@attribute w{k} numeric\n" for k in range(3))
        + "@attribute class {a,'b c'}\n@data\n"
    )
    table = curate.load(write(tmp_path / "s.arff", head + "{1 2.5, 3 'b c'}\n{}\n{0 ?, 2 7}\n"))
    assert table.column("w1").to_pylist() == [2.5, 0, 0]
    assert table.column("w0").to_pylist() == [0, 0, None]
    assert table.column("class").to_pylist() == ["b c", "a", "a"]


def test_the_label_is_the_attribute_called_so_or_the_last_nominal_one(tmp_path):
    rows = "".join(f"{'ab'[k % 2]},{k},{'xy'[k % 2]}\n" for k in range(20))
    head = "@relation d\n@attribute {} {{a,b}}\n@attribute n integer\n@attribute last {}\n@data\n"
    assert curate.load(write(tmp_path / "1.arff", head.format("Class", "{x,y}") + rows)).task.label == "Class"
    assert curate.load(write(tmp_path / "2.arff", head.format("first", "{x,y}") + rows)).task.label == "last"
    assert curate.load(write(tmp_path / "3.arff", head.format("first", "string") + rows)).task.label is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("@relation a\n@attribute x numeric\n", "no line @data"),
        ("@relation a\n@attribute x numeric\n@data\n% nothing\n", "there are no rows"),
        ("@relation a\n@attribute x relational\n@data\n1\n", "line 2: attributes of the type relational"),
        ("@relation a\n@attribute x\n@data\n1\n", "line 2: no attribute with a name and a type"),
        ("@relation a\n@attribute x real\n@attribute x real\n@data\n1,2\n", "'x' is the name of several"),
        ("@relation a\n@attribute x {a,'b}\n@data\na\n", "line 2"),
    ],
)
def test_files_that_are_no_arff_are_one_error(tmp_path, text, says):
    with pytest.raises(DataError, match=says):
        curate.load(write(tmp_path / "d.arff", text))


def test_numbers_and_classes_are_those_of_scipy(tmp_path):
    rng = np.random.default_rng(0)
    rows = "".join(
        f"{a!r},{b},{'xyz'[c]}\n" for a, b, c in zip(rng.normal(size=50).tolist(), range(50), rng.integers(0, 3, 50))
    )
    path = write(
        tmp_path / "d.arff",
        "@relation d\n@attribute a real\n@attribute b integer\n@attribute c {x,y,z}\n@data\n" + rows,
    )
    table, (data, _) = curate.load(path), scipy_arff.loadarff(path)
    assert table.column("a").to_pylist() == data["a"].tolist()
    assert table.column("c").to_pylist() == [value.decode() for value in data["c"]]


KEEL = """@relation bands
@attribute Type{a, b}
@attribute Width real[0.0,1.5]
@attribute Count integer [0, 9]
@attribute Kind {band, no_band}
@inputs Width, Count, Kind
@outputs type
@data
"""


def test_tables_of_keel(tmp_path):
    table = curate.load(
        write(tmp_path / "bands.dat", KEEL + "a, 0.5, 3, band\nb, <null>, 4, no_band\na, 1.5, <null>, ?\n")
    )
    assert (table.task.kind, table.task.label, table.task.label_names) == ("classification", "Type", ("a", "b"))
    assert table.task.features == ("Width", "Count", "Kind")
    assert table.column("Width").to_pylist() == [0.5, None, 1.5]
    assert table.column("Count").to_pylist() == [3, 4, None]
    assert table.column("Kind").to_pylist() == ["band", "no_band", None]


def test_a_fold_of_keel(tmp_path):
    for split, rows in (("tra", "a, 0.5, 3, band\nb, 1, 4, band\n"), ("tst", "a, 0.1, 3, band\n")):
        write(tmp_path / f"bands-5-1{split}.dat", KEEL + rows)
    assert curate.load(tmp_path).splits.tolist() == ["train", "train", "test"]
    assert curate.load(str(tmp_path / "*.dat")).splits.tolist() == ["train", "train", "test"]
    for split in ("tra", "tst"):
        write(tmp_path / f"bands-5-2{split}.dat", KEEL + "a, 0.5, 3, band\n")
    with pytest.raises(ConfigError, match="holds several tables"):
        curate.load(tmp_path)
    assert len(curate.load(str(tmp_path / "*-2*.dat"))) == 2
