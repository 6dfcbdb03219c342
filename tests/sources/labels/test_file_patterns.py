"""Columns and roles by what the names of files say."""

import pytest

import curate
from curate.cli import invoke
from curate.errors import ConfigError


def columns(table, *names):
    return list(zip(*(table.column(name).to_pylist() for name in names), strict=True))


def test_fields_become_columns_and_roles(fill):
    folder = fill("a/living_room_anna_01.wav", "b/hall_ben_7.wav")
    table = curate.load(folder, file_names="{label}_{group}_{take:d}")
    assert (table.task.kind, table.task.label, table.task.group) == ("classification", "label", "group")
    assert columns(table, "label", "group", "take") == [("living_room", "anna", "01"), ("hall", "ben", "7")]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("{label}.{_}", ["cat", "dog"]),
        ("{label}.{_:d}.jpg", ["cat", "dog"]),
        ("{_}.{label:d}", ["0", "12"]),
        ("{label}/{_}", ["x", "y"]),
        ("{_}/{label}.{_}", ["cat", "dog"]),
    ],
)
def test_patterns(fill, pattern, found):
    table = curate.load(fill("x/cat.0.jpg", "y/dog.12.jpg"), file_names=pattern)
    assert [str(value) for value in table.column("label").to_pylist()] == found
    assert table.labels.names == tuple(found)


def test_a_field_before_digits_ends_where_these_begin(fill):
    table = curate.load(fill("cat12.jpg", "dog3.jpg"), file_names="{label}{take:d}")
    assert columns(table, "label", "take") == [("cat", 12), ("dog", 3)]


def test_names_that_do_not_fit_say_nothing_and_are_told_of(fill):
    table = curate.load(fill("cat.0.jpg", "dog.1.jpg", "noise.jpg"), file_names="{label}.{_:d}")
    assert table.column("label").to_pylist() == ["cat", "dog", None]
    assert any("1 of 3 names does not fit the pattern '{label}.{_:d}'" in n and "'noise.jpg'" in n for n in table.notes)


def test_names_in_a_column(fill):
    folder = fill("cat.0.jpg", "dog.1.jpg")
    (folder / "list.csv").write_text("file,split\ndog.1.jpg,test\ncat.0.jpg,train\n")
    table = curate.load(folder / "list.csv", file_names="{label}.{_}")
    assert columns(table, "file", "label")[0][1] == "dog"
    assert (table.task.image, table.task.label, table.task.split) == ("file", "label", "split")


def test_labels_of_names_stand_before_those_of_folders(fill):
    folder = fill("Actor_1/x-angry.wav", "Actor_2/y-calm.wav")
    assert curate.load(folder).task.label_names == ("Actor_1", "Actor_2")
    table = curate.load(folder, file_names="{take}-{emotion}", label="emotion")
    assert (table.task.label, table.task.label_names) == ("emotion", ("angry", "calm"))


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("label_x", "has no field, or one twice"),
        ("{a}_{a}", "has no field, or one twice"),
        ("{label_{x}", "has a brace that is part of no field"),
        ("{1st}_{x}", "can't begin with a digit as '1st' does"),
        ("{label}+{x}", "no name fits the pattern '{label}+{x}', 'cat.0.jpg' first. Write for example"),
        ("{image}.{_}", "the field 'image' is the column of the files"),
    ],
)
def test_wrong_patterns(fill, pattern, message):
    with pytest.raises(ConfigError) as told:
        curate.load(fill("cat.0.jpg", "dog.1.jpg"), file_names=pattern)
    assert message in str(told.value)


def test_rows_that_are_no_files():
    with pytest.raises(ConfigError, match="the rows name none"):
        curate.load({"text": ["a", "b"]}, text="text", file_names="{label}")


def test_the_command_and_the_pipeline_file_take_a_pattern(fill, tmp_path, capsys):
    folder = fill(*(f"{'good' if k % 2 else 'bad'}-{k}.txt" for k in range(8)))
    assert invoke(["init", str(folder), "--out", str(tmp_path / "p.yaml"), "--file-names", "{label}-{_:d}"]) == 0
    assert "label: column 'label', classification, 2 classes (bad, good)" in "".join(capsys.readouterr())
    pipeline = curate.Pipeline.from_yaml(tmp_path / "p.yaml")
    assert pipeline.task.file_names == "{label}-{_:d}"
    curated = pipeline.run(cache=False)
    new = fill("later/1.txt", "later/2.txt") / "later"
    assert curated.transform(str(new)).task.label is not None


@pytest.mark.parametrize("pattern", ["label_x", "{label}_{label}", "{label", "{label:s}", "{2}", ""])
def test_a_wrong_pattern_is_refused_before_there_are_files(pattern, tmp_path, capsys):
    file = tmp_path / "p.yaml"
    file.write_text(f"curate: 1\nsource: {{path: files}}\ntask:\n  file_names: '{pattern}'\nsteps: []\n")
    assert invoke(["validate", str(file)]) == 2
    told = "".join(capsys.readouterr())
    assert f"{file}:4:" in told
    assert "Write for example" in told
    with pytest.raises(ConfigError, match="file_names"):
        curate.Task(file_names=pattern)


def test_a_pattern_of_many_fields_takes_no_more_time_than_a_few(tmp_path):
    (tmp_path / ("a_" * 110 + ".wav")).write_bytes(b"RIFF")
    with pytest.raises(ConfigError, match="no name fits"):
        curate.load(tmp_path, file_names="_".join(f"{{f{i}}}" for i in range(30)) + "_{n:d}")
