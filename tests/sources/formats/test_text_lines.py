"""Corpora: a text per line or paragraph, tables and texts of files without a known ending, and parallel texts."""

import pytest

import curate
from curate.errors import DataError

LINES = [f"line {k} of a corpus tells of {k + 3} things" for k in range(20)]


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def texts(table):
    return table.column("text").to_pylist()


@pytest.mark.parametrize("name", ["corpus.txt", "corpus.text", "corpus"])
def test_a_text_per_line(tmp_path, name):
    path = write(tmp_path / name, "\n".join([*LINES[:10], "", "  ", *LINES[10:]]))
    table = curate.load(path)
    assert (texts(table), table.task.kind) == (LINES, "unlabeled")
    assert table.origin["line"].to_pylist()[9:11] == [10, 13]
    assert f"{name}: 20 rows, one per line" in table.notes
    assert texts(curate.load(tmp_path)) == LINES


def test_a_text_per_paragraph(tmp_path):
    path = write(tmp_path / "input.txt", "\n\n".join(f"{LINES[k]}\n{LINES[k + 1]}" for k in range(0, 20, 2)))
    table = curate.load(path)
    assert (len(table), texts(table)[1]) == (10, f"{LINES[2]}\n{LINES[3]}")
    assert table.origin["line"].to_pylist()[:2] == [1, 4]
    long = write(tmp_path / "long.txt", "\n\n".join(f"{'word ' * 60}{k}\n{'more ' * 60}{k}" for k in range(10)))
    assert len(curate.load(long)) == 20


def test_lines_that_are_no_text_are_rows_with_reasons(tmp_path):
    lines = [line.encode() + "ü".encode() for line in LINES]
    lines[4], lines[6] = b"broken \xff\xfe", b"a NUL \0 byte"
    table = curate.load(write(tmp_path / "corpus.txt", b"\n".join(lines)))
    assert [problem["reason"] for problem in table.problems.to_pylist()] == [
        "corpus.txt, line 5: bytes that are not UTF-8", "corpus.txt, line 7: a NUL byte",
    ]  # fmt: skip
    with pytest.raises(DataError, match="blanks alone"):
        curate.load(write(tmp_path / "blank.txt", "  \n\n"))


@pytest.mark.parametrize("stem", ["{}", "ptb.{}", "wiki_{}"])
@pytest.mark.parametrize("ending", [".txt", ".tokens"])
def test_files_of_splits_are_splits(tmp_path, stem, ending):
    for split in ("train", "valid", "test"):
        write(tmp_path / f"{stem.format(split)}{ending}", "\n".join(f"{line} for {split}" for line in LINES))
    table = curate.load(tmp_path)
    assert table.splits.tolist() == ["train"] * 20 + ["validation"] * 20 + ["test"] * 20
    assert len(curate.load(f"{tmp_path}/*{ending}")) == 60


def test_other_files_of_a_folder_are_a_text_each(tmp_path):
    for name in ("one.txt", "two.txt"):
        write(tmp_path / name, "\n".join(LINES) + name)
    assert len(curate.load(tmp_path)) == 2


def test_texts_between_tabs_are_a_table(tmp_path):
    write(
        tmp_path / "SMSSpamCollection", "\n".join(f"{['ham', 'spam'][k % 2]}\t{line}" for k, line in enumerate(LINES))
    )
    write(tmp_path / "readme", "about it")
    for table in (curate.load(tmp_path), curate.load(tmp_path / "SMSSpamCollection")):
        assert (texts(table), table.task.label_names) == (LINES, ("ham", "spam"))


def test_files_without_an_ending_in_folders_of_classes(tmp_path):
    """20 Newsgroups: ``20news-bydate-train/sci.space/59848``."""
    for split in ("train", "test"):
        for label in ("alt.atheism", "sci.space"):
            for k in range(3):
                write(tmp_path / f"20news-bydate-{split}" / label / f"{k}", f"From: {k}\n\n{LINES[k]} {split} {label}")
    write(tmp_path / "20news-bydate-train" / "sci.space" / "cache", b"\x80\x04pickled")
    table = curate.load(tmp_path)
    assert (len(table), table.task.label_names) == (12, ("alt.atheism", "sci.space"))
    assert sorted(set(table.splits)) == ["test", "train"]
    assert any("1 file of other types skipped" in note for note in table.notes)


def parallel(folder, stem="train", **texts):
    for language, lines in texts.items():
        write(folder / f"{stem}.{language}", "\n".join(lines) + "\n")
    return folder


def test_lines_of_one_number_are_translations(tmp_path):
    german = [f"Zeile {k} eines Korpus" for k in range(20)]
    for split in ("train", "valid"):
        parallel(tmp_path, split, en=LINES, de=german)
    table = curate.load(tmp_path)
    assert table.column("translation")[0].as_py() == {"de": german[0], "en": LINES[0]}
    assert table.task.text == "joined_text"
    assert table.column("joined_text")[0].as_py() == f"{german[0]}\n\n{LINES[0]}"
    assert sorted(set(table.splits)) == ["train", "validation"]
    assert len(curate.load([tmp_path / "train.en", tmp_path / "train.de"])) == 20
    assert len(curate.load(f"{tmp_path}/train.*")) == 20


def test_languages_stand_as_in_the_name(tmp_path):
    table = curate.load(parallel(tmp_path, "europarl-v7.en-de", de=["ja"] * 20, en=LINES))
    assert list(table.column("translation")[0].as_py()) == ["en", "de"]


def test_translations_that_lack_a_side_and_those_that_lack_both(tmp_path):
    table = curate.load(parallel(tmp_path, en=[*LINES[:3], "", ""], de=["eins", "", "drei", "vier", ""]))
    assert table.column("translation")[1].as_py() == {"de": None, "en": LINES[1]}
    assert table.problems["reason"].to_pylist() == ["train.de, line 5: a blank line in every language"]


def test_files_that_are_no_translations_of_each_other_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"train.de has 19, train.en has 20 lines"):
        curate.load(parallel(tmp_path, en=LINES, de=LINES[1:]))
    parallel(tmp_path, de=LINES)
    parallel(tmp_path, "test", en=LINES, fr=LINES)
    with pytest.raises(DataError, match="unlike languages"):
        curate.load(tmp_path)
