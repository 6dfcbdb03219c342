"""Delimited text: every record is a row; what is wrong with one stays with that one, by file and line."""

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import curate
from curate.errors import DataError
from curate.sources.delimited.delimited import read_careful, read_delimited
from curate.sources.delimited.headers import read_header
from curate.sources.delimited.quick_csv import read_quick
from curate.sources.delimited.sniffing import sniff
from curate.sources.encodings import decode


@pytest.fixture
def read(tmp_path):
    def call(data, name="d.csv", **options):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return read_delimited(path, **options)

    return call


def rows(raw):
    return [tuple(row.values()) for row in raw.columns.to_pylist()]


def lines(raw):
    return raw.origin["line"].to_pylist()


def both(path, delimiter):
    """The same file read fast and carefully; the fast way may be None."""
    decoded = decode(path)
    header = read_header(decoded.text, delimiter, "d.csv")
    known = header.names, header.lines, delimiter, header.padded
    quick = None if decoded.broken else read_quick(decoded.text, *known)
    return quick, read_careful(decoded, *known, "d.csv")


def same(quick, careful):
    assert quick.columns.equals(careful.columns.combine_chunks()) or quick.columns.to_pydict() == (
        careful.columns.to_pydict()
    )
    assert quick.lines.tolist() == careful.lines.tolist()
    assert quick.blank == careful.blank
    assert not careful.unreadable


def test_ragged_lines_become_unreadable_rows_with_their_lines(read):
    raw = read("a,b\n1,2\n1,2,3\n4\n\n5,6\n")
    assert rows(raw) == [("1", "2"), (None, None), (None, None), ("5", "6")]
    assert lines(raw) == [2, 3, 4, 6]
    assert "d.csv, line 3: 3 fields, more than the 2" in raw.unreadable[1]
    assert "d.csv, line 4: 1 fields, fewer than the 2" in raw.unreadable[2]
    assert raw.records[1] == b"1,2,3\n"
    assert any("1 blank line" in note for note in raw.notes)


@pytest.mark.parametrize("after", ["7,8\n", '7,"8"\n', '"7","8"\n9,"1"\n'])
def test_an_unclosed_quote_costs_one_row(read, after):
    raw = read('a,b\n1,2\n3,"4\n5,6\n' + after)
    assert list(raw.unreadable) == [1]
    assert "line 3" in raw.unreadable[1]
    assert "quote" in raw.unreadable[1]
    assert rows(raw)[2] == ("5", "6")
    assert len(raw) == 3 + after.count("\n")


def test_text_after_a_closing_quote_costs_one_row(read):
    raw = read('a,b\n1,2\n"3"x,4\n5,6\n')
    assert list(raw.unreadable) == [1]
    assert rows(raw)[2] == ("5", "6")


def test_nul_bytes_cost_their_row(read):
    raw = read(b"a,b\n1,2\n3,\x004\n5,6\n")
    assert raw.unreadable == {1: "d.csv, line 3: a NUL byte"}


def test_quoted_line_breaks_delimiters_and_quotes(read):
    raw = read('a,b\n"x\ny","1,2"\n"say ""hi""",z\n')
    assert rows(raw) == [("x\ny", "1,2"), ('say "hi"', "z")]
    assert lines(raw) == [2, 4]


def test_words_for_nothing_stay_text(read):
    raw = read("a,b\nNA,null\nNone,nan\n,-\n")
    assert rows(raw) == [("NA", "null"), ("None", "nan"), (None, "-")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(read, end):
    raw = read(end.join(["a,b", "1,2", "", "3,4"]).encode())
    assert rows(raw) == [("1", "2"), ("3", "4")]
    assert lines(raw) == [2, 4]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_marked_encodings(read, encoding):
    raw = read("näme,b\nß,日本\n".encode(encoding))
    assert raw.columns.to_pydict() == {"näme": ["ß"], "b": ["日本"]}
    assert not raw.unreadable
    assert not raw.remarks


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_noticed(read, encoding):
    assert rows(read("a,b\nhello,world\n".encode(encoding))) == [("hello", "world")]
    assert rows(read("a,b\nhello,wörld\n日本,x\n".encode(encoding))) == [("hello", "wörld"), ("日本", "x")]


def test_latin1_is_read_with_a_remark_on_its_row(read):
    raw = read("a,b\n1,2\ncafé,3\n4,5\n".encode("cp1252"))
    assert rows(raw)[1] == ("café", "3")
    assert [(row, issue) for row, issue, _ in raw.remarks] == [(1, "encoding")]
    assert "line 3" in raw.remarks[0][2]
    assert any("cp1252" in note for note in raw.notes)


def test_broken_bytes_among_valid_utf8_cost_their_row(read):
    raw = read("a,b\né,1\nü,2\n".encode() + b"\xff\xfe bad,3\n" + "ñ,4\n".encode())
    assert list(raw.unreadable) == [2]
    assert "line 4" in raw.unreadable[2]
    assert [row[0] for row in rows(raw)] == ["é", "ü", None, "ñ"]


def test_named_encoding_that_does_not_fit_or_exist(read):
    with pytest.raises(DataError, match="not valid utf-8"):
        read(b"a,b\n\xff,1\n", encoding="utf-8")
    with pytest.raises(DataError, match="no encoding"):
        read(b"a,b\n1,1\n", encoding="klingon")


@pytest.mark.parametrize(("text", "delimiter"), [
    ("a,b\n1,2\n", ","), ("a;b\n1,5;2\n3,5;4\n", ";"), ("a\tb\n1,2\t3\n", "\t"), ("a|b\n1|2\n", "|"),
    ("text\nhello, world\nfine\n", "\t"), ('text,label\n"a; b; c",x\n"d; e; f",y\n', ","),
])  # fmt: skip
def test_delimiter_is_found(text, delimiter):
    assert sniff(text) == delimiter


def test_one_column_of_sentences(read):
    assert rows(read("text\nhello, world\nplain\n")) == [("hello, world",), ("plain",)]


def test_padded_delimiters_are_stripped_when_the_header_has_them(read):
    raw = read("a, b, c\n1, , x y\n2, z,  w\n")
    assert rows(raw) == [("1", None, "x y"), ("2", "z", "w")]


@pytest.mark.parametrize(("text", "words"), [
    ("a,b,a\n1,2,3\n", "'a' more than once"), ("a,\n1,2\n", "column 2 of the header has no name; write one"),
    ('a,"b" c\n1,2\n', "line 1: the header can't be read"), ('a,"b\n1,2\n', "no header"),
    ("a,b\n", "no rows"), ("\n\n", "no header"), ("a,,\n1,2,3\n", "columns 2, 3 of the header have no name"),
])  # fmt: skip
def test_bad_headers_are_one_error(read, text, words):
    with pytest.raises(DataError, match=words):
        read(text)


def test_columns_become_numbers_only_without_loss(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text(
        "whole,part,zip,phone,word,big,label\n1,0.50,01234,+49,few,12345678901234567890,a\n-2,,2,1,1,1,b\n3,1e3,3,2,2,2,a\n"
    )
    columns = curate.load(path).dataset.with_format("arrow")[:]
    types = {name: str(columns.schema.field(name).type) for name in columns.column_names}
    assert types["whole"] == "int64"
    assert types["part"] == "double"
    assert all("string" in types[name] for name in ("zip", "phone", "word", "big"))
    assert columns["part"].to_pylist() == [0.5, None, 1000.0]


CELL = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=12), st.sampled_from([",", ";", "\t", "|"]))
def test_what_csv_writes_is_read_back(tmp_path, table, delimiter):
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([("one", "two", "three"), *table])
    path = tmp_path / "round.csv"
    path.write_bytes(stream.getvalue().encode())
    raw = read_delimited(path, delimiter=delimiter)
    assert rows(raw) == [tuple(cell or None for cell in row) for row in table]
    quick, careful = both(path, delimiter)
    if quick is not None:
        same(quick, careful)


MESS = st.text(st.sampled_from('ab ,"\n\r;é'), max_size=60)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
@given(MESS)
def test_the_fast_way_agrees_with_the_careful_one_or_steps_aside(tmp_path, body):
    path = tmp_path / "mess.csv"
    path.write_bytes(("one,two\n" + body).encode())
    quick, careful = both(path, ",")
    assert len(careful.lines) == careful.columns.num_rows
    if quick is not None:
        same(quick, careful)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("quote", [False, True])
def test_the_fast_way_is_taken_for_plain_files(tmp_path, quote, end):
    path = tmp_path / "plain.csv"
    cell = '"a, ""b""\nc"' if quote else "abc"
    path.write_bytes(("one,two" + end + "".join(f"{i},{cell}{end}" for i in range(2000))).encode())
    quick, careful = both(path, ",")
    same(quick, careful)


def test_files_without_faults_are_read_the_fast_way_alone(read, monkeypatch):
    monkeypatch.setattr("curate.sources.delimited.delimited.read_careful", None)
    assert rows(read("a,b\n1,2\n\n3,\n")) == [("1", "2"), ("3", None)]
    with pytest.raises(TypeError):
        read("a,b\n1,2,3\n", delimiter=",")


def test_blocks_of_records_are_one_table(read, monkeypatch):
    text = "a,b\n" + "\n".join(f"{i},x" if i % 7 else f"{i},x,y" for i in range(1, 50)) + "\n"
    whole = read(text)
    monkeypatch.setattr("curate.sources.delimited.delimited.BLOCK_ROWS", 4)
    blocks = read(text)
    assert rows(blocks) == rows(whole)
    assert blocks.unreadable == whole.unreadable
    assert list(whole.unreadable) == [6, 13, 20, 27, 34, 41, 48]


def test_blanks_alone_are_no_record_of_several_fields_and_one_of_one(read):
    raw = read("a,b\n1,2\n \t \n3,4,5\n", delimiter=",")
    assert rows(raw) == [("1", "2"), (None, None)]
    assert any("1 blank line is no row" in note for note in raw.notes)
    assert rows(read('a\n"1" x\n  \n2\n', delimiter=",")) == [(None,), ("  ",), ("2",)]


def test_counts_add_up_over_many_faults(read):
    good = [f"row {i},x" for i in range(300)]
    bad = ["a,b,c", "lonely", '"open,x', '"cut"off,x', "nul\0,x"]
    text = "text,label\n" + "\n".join(good[:100] + bad + good[100:]) + "\n"
    raw = read(text)
    assert len(raw) == 305
    assert list(raw.unreadable) == [100, 101, 102, 103, 104]
    assert [int(why.split("line ")[1].split(":")[0]) for why in raw.unreadable.values()] == [102, 103, 104, 105, 106]


def test_words_for_missing_values_among_numbers(tmp_path):
    (tmp_path / "rows.csv").write_text(
        "age,pay,zip,code,version,label\n"
        "NA,1.5,01234,NA,1.2.3,a\n31,-,null,DE,NA,b\n32,2,50667,FR,1.2.4,a\n33,NaN,50668,NA,1.2.5,b\n"
    )
    table = curate.load(tmp_path / "rows.csv")
    assert table.column("age").to_pylist() == [None, 31, 32, 33]
    assert table.column("pay").to_pylist() == [1.5, None, 2.0, None]
    assert table.column("zip").to_pylist()[1] == "null"
    assert table.column("code").to_pylist()[0] == "NA"
    assert table.column("version").to_pylist()[1] == "NA"
    assert table.notes == ("'age', 'pay': read as numbers; 3 cells with a word such as 'NA' are missing there",)


@pytest.mark.parametrize("word", ["unknown", "Not available", "#DIV/0!", ".", "---", "empty", "TBD"])
def test_whatever_people_write_for_a_missing_value_is_none_among_numbers(tmp_path, word):
    (tmp_path / "rows.csv").write_text(f"age,text,label\n31,{word},a\n{word},word,b\n33,other,a\n")
    table = curate.load(tmp_path / "rows.csv")
    assert table.column("age").to_pylist() == [31, None, 33]
    assert table.column("text").to_pylist()[0] == word
    assert any(f"1 cell with a word such as {word!r} is missing there" in note for note in table.notes)


def test_words_for_missing_values_among_numbers_with_decimal_commas(tmp_path):
    (tmp_path / "rows.csv").write_text("size;y\n1,5;a\nNA;b\n2,25;a\n")
    assert curate.load(tmp_path / "rows.csv", label="y").column("size").to_pylist() == [1.5, None, 2.25]


GERMAN = ("Größe (cm);Umsatz;PLZ;Datum;Menge;Klasse", "179,9;1.234,50;01234;01.02.2020;1,234;a", "80;-0,5;50667;;2;b")


def test_numbers_with_a_decimal_comma_between_semicolons(tmp_path):
    (tmp_path / "excel.csv").write_bytes(("\r\n".join(GERMAN) + "\r\n").encode("utf-8-sig"))
    table = curate.load(tmp_path / "excel.csv", label="Klasse")
    assert table.column("Größe (cm)").to_pylist() == [179.9, 80.0]
    assert table.column("Umsatz").to_pylist() == [1234.5, -0.5]
    assert table.column("PLZ").to_pylist() == ["01234", "50667"]
    assert table.column("Datum").to_pylist() == ["01.02.2020", None]
    assert table.column("Menge").to_pylist() == [1.234, 2.0]
    assert table.decimal_commas == ("Größe (cm)", "Umsatz", "Menge")
    [note] = table.notes
    assert note == (
        "'Größe (cm)', 'Umsatz', 'Menge': read as numbers with a decimal comma (179,9 as 179.9; in 'Menge', as in the"
        " rest of the file, 1,234 as 1.234)"
    )


def test_points_between_thousands_in_a_file_with_decimal_commas(tmp_path):
    (tmp_path / "rows.csv").write_text("size;people;n;y\n1,5;1.000;1;a\n2,5;12.500;2;b\n")
    table = curate.load(tmp_path / "rows.csv", label="y")
    assert table.column("people").to_pylist() == [1000.0, 12500.0]
    assert table.column("n").to_pylist() == [1, 2]
    assert "in 'people', as in the rest of the file, 1.000 as 1000" in table.notes[0]


@pytest.mark.parametrize(
    "text",
    ["size;y\n1,234;a\n2,500;b\n", 'size,y\n"1,234",a\n7,b\n', 'size,y\n"1,234.5",a\n7,b\n', 'size,y\n"1,5",a\n7,b\n'],
)
def test_numbers_whose_commas_could_mean_either_stay_text_and_are_told_of(tmp_path, text):
    (tmp_path / "rows.csv").write_text(text)
    table = curate.load(tmp_path / "rows.csv", label="y")
    assert table.column("size").to_pylist()[0] in ("1,234", "1,234.5", "1,5")
    assert any(note.startswith("'size': taken as text, as a comma in numbers such as '1,") for note in table.notes)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ('name,x,label\na,"1,5",u\nb,"2,25",v\n', {"features": ["name", "x"]}),
        ("name;x;label\na;1,5;u\nb;2,25,1;v\n", {"features": ["name", "x"]}),
        ("name;x;label\na;1,5;u\nb;2,25;v\n", {"text": "x"}),
        ("name;x\na;1,5\nb;2,2\n", {"label": "x", "kind": "multilabel", "features": ["name"]}),
    ],
)
def test_other_commas_stay(tmp_path, text, options):
    (tmp_path / "rows.csv").write_text(text)
    table = curate.load(tmp_path / "rows.csv", **options)
    assert str(table.dataset.features["x"].dtype if options.get("kind") is None else "string") in (
        "string",
        "large_string",
    )
    assert not any("decimal comma" in note for note in table.notes)


def test_a_target_with_a_decimal_comma_is_regressed(tmp_path):
    (tmp_path / "rows.csv").write_text("x;y\n" + "".join(f"{i};{i},{i}5\n" for i in range(30)))
    table = curate.load(tmp_path / "rows.csv", label="y")
    assert (table.task.kind, table.column("y")[3].as_py()) == ("regression", 3.35)


def test_the_line_that_tells_excel_the_delimiter_is_no_row(tmp_path):
    (tmp_path / "rows.csv").write_bytes("sep=;\r\nName;Wert;label\r\na;1,5;x\r\nb;2,5;y\r\n".encode("utf-8-sig"))
    table = curate.load(tmp_path / "rows.csv")
    assert table.column_names == ["Name", "Wert", "label"]
    assert table.column("Wert").to_pylist() == [1.5, 2.5]
    assert table.origin["line"].to_pylist() == [3, 4]
    (tmp_path / "tabs.csv").write_text("SEP=\t\ntext\tlabel\na;b;c\tx\nd\ty\n")
    assert curate.load(tmp_path / "tabs.csv").column("text").to_pylist() == ["a;b;c", "d"]


def test_a_quote_that_never_closes_does_not_hide_the_delimiter(tmp_path):
    (tmp_path / "rows.csv").write_text('text,label\n"unclosed,a\nfoo,b\nbar,a\n')
    table = curate.load(tmp_path / "rows.csv")
    assert table.column_names == ["text", "label"]
    assert table.unreadable.tolist() == [True, False, False]


def test_quotes_that_would_join_lines_are_letters_between_tabs(tmp_path):
    lines = [
        f'{k}\t"he said {k}\t{"ab"[k % 2]}' if k % 5 == 0 else f'{k}\tanother "line" {k}"\t{"ab"[k % 2]}'
        for k in range(30)
    ]
    (tmp_path / "rows.tsv").write_text("\n".join(["id\tsentence\tlabel", *lines]))
    table = curate.load(tmp_path / "rows.tsv")
    assert len(table) == 30
    assert not table.unreadable.any()
    assert table.column("sentence").to_pylist()[:2] == ['"he said 0', 'another "line" 1"']
    assert any("quotes are taken as letters" in note for note in table.notes)


def test_one_broken_quote_among_fields_that_are_quoted_costs_one_row(tmp_path):
    lines = [f'"row ""{k}"" is fine"\t"{"ab"[k % 2]}"' for k in range(40)]
    lines[20] = '"broken\t"a"'
    (tmp_path / "rows.tsv").write_text("\n".join(['"text"\t"label"', *lines]))
    table = curate.load(tmp_path / "rows.tsv")
    assert table.unreadable.sum() == 1
    assert table.column("text")[0].as_py() == 'row "0" is fine'
