"""Folders of media and texts, in the layouts that people have them in."""

import os
import sys
from itertools import cycle

import datasets
import numpy as np
import pytest
import soundfile

import curate
from curate.errors import ConfigError, DataError
from curate.evidence import Evidence
from curate.sources.columns.png import png_column

PNG = [
    value["bytes"]
    for value in png_column(np.arange(40 * 64, dtype=np.int64).astype(np.uint8).reshape(40, 8, 8)).to_pylist()
]


@pytest.fixture
def fill(fill):
    """Write files below a folder; content is a PNG, all different, where none is given."""
    pictures = cycle(PNG)

    def call(*paths, content=None):
        for path in paths:
            fill(path, content=next(pictures) if content is None else content)
        return fill()

    return call


def label_of(table):
    return dict(
        zip([p["path"] for p in table.dataset.with_format("arrow")[:]["image"].to_pylist()], table.dataset["label"][:])
    )


def test_folder_per_class(fill):
    table = curate.load(fill("cat/1.png", "cat/deep/er/2.png", "dog/1.JPG", "dog/2.png"))
    assert label_of(table) == {"cat/1.png": "cat", "cat/deep/er/2.png": "cat", "dog/1.JPG": "dog", "dog/2.png": "dog"}
    assert table.task.kind == "classification"
    assert table.task.split is None
    assert isinstance(table.dataset.features["image"], datasets.Image)
    assert table.dataset.features["image"].decode is False


@pytest.mark.parametrize("prefix", ["", "images/", "wrapped/in/two/"])
def test_splits_above_classes(fill, prefix):
    names = [f"{prefix}{s}/{c}/{i}.png" for s in ("train", "val", "testing") for c in ("a", "b") for i in range(2)]
    table = curate.load(fill(*names))
    assert table.task.label_names == ("a", "b")
    assert dict(zip(*np.unique(table.splits, return_counts=True))) == {"test": 4, "train": 4, "validation": 4}


def test_images_folder_is_no_class_and_bare_files_have_no_label(fill):
    assert curate.load(fill("images/a/1.png", "images/b/2.png")).task.label_names == ("a", "b")
    table = curate.load(fill("stray.png", "images2/a/1.png"))
    assert any("1 file in no class folder: without a label" in note for note in table.notes)


def test_flat_folder_is_unlabeled(fill):
    table = curate.load(fill("1.png", "2.png"))
    assert (table.task.kind, table.task.label, table.task.image) == ("unlabeled", None, "image")


def test_hidden_system_and_other_files_are_counted(fill):
    folder = fill("a/1.png", "b/2.png", "a/.hidden.png", "a/Thumbs.db", ".git/x.png", "a/.DS_Store")
    fill("a/read.pdf", "b/x.xyz", "README.md", content=b"x")
    table = curate.load(folder)
    assert len(table) == 2
    assert "4 hidden or system files skipped" in table.notes
    assert any("3 files of other types skipped" in note and ".pdf 1" in note for note in table.notes)


def test_broken_files_are_rows_with_reasons(fill, tmp_path):
    folder = fill("a/1.png", "b/2.png")
    fill("a/empty.png", content=b"")
    outside = tmp_path / "outside.png"
    outside.write_bytes(PNG[9])
    (folder / "b" / "link.png").symlink_to(outside)
    (folder / "b" / "inner.png").symlink_to(folder / "a" / "1.png")
    (folder / "c").symlink_to(tmp_path)
    (folder / "b" / "loop.png").symlink_to(folder / "b" / "loop.png")
    table = curate.load(folder)
    why = {p["row"]: p["reason"] for p in table.problems.to_pylist()}
    assert len(table) == 6
    assert table.unreadable.sum() == 3
    said = " / ".join(sorted(why.values()))
    assert "'a/empty.png' is empty (0 bytes)" in said
    assert "'b/link.png' leads outside" in said
    assert "'b/loop.png' can't be opened" in said
    assert "1 link to folders not followed" in table.notes
    images = table.column("image").to_pylist()
    assert all((images[row] is None) == (row in why) for row in range(6))
    same = [row for row in range(6) if images[row] and images[row]["path"] in ("a/1.png", "b/inner.png")]
    assert table.content[same[0]].tolist() == table.content[same[1]].tolist()


def test_empty_and_useless_folders_are_one_sentence(fill, tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="holds no files"):
        curate.load(tmp_path / "none")
    with pytest.raises(DataError, match="none that can be read"):
        curate.load(fill("x/a.exe", content=b"MZ"))
    with pytest.raises(DataError, match=r"no such file or folder.*did you mean 'none'"):
        curate.load(tmp_path / "nome")


def test_two_kinds_of_media_are_asked_about(fill):
    folder = fill("a/1.png", "b/2.png")
    fill("a/1.wav", content=b"RIFF")
    with pytest.raises(ConfigError, match="2 image files and 1 audio file;"):
        curate.load(folder)


def test_text_files_per_class(fill):
    fill("ham/1.txt", content="grüße aus köln".encode())
    fill("spam/2.txt", content="prix réduit".encode("cp1252"))
    fill("spam/3.txt", content=b"nul\0byte")
    table = curate.load(fill("ham/4.txt", content=b""))
    assert table.dataset["text"][:] == ["grüße aus köln", None, "prix réduit", None]
    assert table.task.text == "text"
    issues = [(p["row"], p["issue"]) for p in table.problems.to_pylist()]
    assert issues == [(1, "unreadable"), (2, "encoding"), (3, "unreadable")]


@pytest.mark.parametrize("name", ["metadata.csv", "labels.jsonl", "anything.tsv", "meta.parquet"])
def test_flat_folder_with_metadata(fill, name):
    folder = fill("recordings/1.png", "recordings/2.png", "recordings/3.png")
    rows = {"file": ["1.png", "recordings/2.png", "3.png"], "kind": ["x", "y", "x"]}
    data = datasets.Dataset.from_dict(rows)
    if name.endswith(".parquet"):
        data.to_parquet(folder / name)
    elif name.endswith(".jsonl"):
        data.to_json(folder / name)
    else:
        data.to_csv(folder / name, sep="\t" if name.endswith("tsv") else ",", index=False)
    for source in (folder, folder / name):
        table = curate.load(source, image="file", label="kind")
        assert [v["path"] for v in table.column("file").to_pylist()] == [f"recordings/{i}.png" for i in (1, 2, 3)]
        assert table.dataset["kind"][:] == ["x", "y", "x"]


def test_metadata_of_stems_only(fill):
    folder = fill("train_images/aa.png", "train_images/bb.png", "train_images/cc.png", "train_images/dd.png")
    (folder / "train.csv").write_text("id_code,diagnosis\naa,0\nbb,1\ncc,1\ndd,0\n")
    table = curate.load(folder)
    assert (table.task.image, table.task.label) == ("id_code", "diagnosis")
    assert table.column("id_code").to_pylist()[0]["path"] == "train_images/aa.png"


def test_metadata_rows_that_lead_nowhere_or_out_are_rows_with_reasons(fill, tmp_path):
    folder = fill("a/1.png", "a/2.png", "b/1.png")
    (tmp_path / "out.png").write_bytes(PNG[0])
    (folder / "dir.png").mkdir()
    bad = ["../out.png", str(tmp_path / "out.png"), "gone.png", "http://x.y/z.png", "dir.png", "1.png", ""]
    lines = [*(f"{p},x" for p in ("a/1.png", "a\\2.png", "b/1.png")), *(f"{p},y" for p in bad)]
    (folder / "m.csv").write_text("file,label\n" + "\n".join(lines) + "\n")
    table = curate.load(folder / "m.csv")
    why = {p["row"]: p["reason"] for p in table.problems.to_pylist()}
    assert sorted(why) == [3, 4, 5, 6, 7, 8, 9]
    for row, word in {
        3: "outside",
        4: "outside",
        5: "does not exist",
        6: "URL",
        7: "folder",
        8: "could be",
        9: "no file is named",
    }.items():
        assert word in why[row]
    assert "m.csv, line 7" in why[5]
    assert table.column("file").to_pylist()[1]["path"] == "a/2.png"
    assert len(set(map(tuple, table.content.tolist()))) == 10


def test_a_column_of_which_no_file_exists_is_one_error(fill):
    folder = fill("m.csv", content=b"file,label\na.png,x\nb.png,y\n")
    with pytest.raises(DataError, match="none of the 2 files in the column 'file' can be used"):
        curate.load(folder / "m.csv")


def test_root_says_where_files_are(fill, tmp_path):
    folder = fill("a/1.png", "a/2.png")
    (tmp_path / "m.csv").write_text("file,label\na/1.png,x\na/2.png,y\n")
    table = curate.load(tmp_path / "m.csv", root=folder)
    assert table.root == folder.resolve()
    assert not table.unreadable.any()
    with pytest.raises(DataError, match="is no folder"):
        curate.load(tmp_path / "m.csv", root=tmp_path / "nope")


def test_metadata_per_split_folder(fill):
    folder = fill("train/1.png", "train/2.png", "test/1.png")
    (folder / "train" / "metadata.csv").write_text("file_name,label\n1.png,a\n2.png,b\n")
    (folder / "test" / "metadata.csv").write_text("file_name,label\n1.png,a\n")
    table = curate.load(folder)
    assert table.splits.tolist() == ["train", "train", "test"]
    assert [v["path"] for v in table.column("file_name").to_pylist()] == ["train/1.png", "train/2.png", "test/1.png"]


def test_media_that_no_row_names_are_counted(fill):
    folder = fill("1.png", "2.png", "3.png")
    (folder / "labels.csv").write_text("file,label\n1.png,a\n2.png,b\n")
    table = curate.load(folder)
    assert len(table) == 2
    assert any(note.startswith("1 of 3 media files is named by no row and left out (3.png)") for note in table.notes)


def test_split_folders_beside_others_are_asked_about(fill):
    folder = fill(*(f"{split}/{name}/1.png" for split in ("train", "test", "extra") for name in ("cat", "dog")))
    with pytest.raises(ConfigError, match="test, train are named after splits and stand beside extra"):
        curate.load(folder)


def test_one_class_may_be_called_train(fill):
    assert curate.load(fill("train/1.png", "car/2.png", "bus/3.png")).task.label_names == ("bus", "car", "train")


def test_every_file_is_named_as_the_origin_of_its_row(tmp_path):
    for name in ("a/one.txt", "b/two.txt", "b/empty.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("" if "empty" in name else "some words")
    table = curate.load(tmp_path)
    assert table.origin["file"].to_pylist() == ["a/one.txt", "b/empty.txt", "b/two.txt"]
    assert table.origin["line"].null_count == 3


def test_a_class_folder_with_nothing_in_it_is_said(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.txt").write_text(f"text of {name}")
    assert not curate.load(tmp_path).notes
    (tmp_path / "c d").mkdir()
    table = curate.load(tmp_path)
    assert table.labels.names == ("a", "b")
    assert table.notes == ("1 folder with nothing in it: c d",)


def lj_speech(folder, rows):
    """A folder as LJSpeech has it: sounds, and lines of id|transcript|normalised, with neither header nor quoting."""
    (folder / "wavs").mkdir()
    lines = []
    for row, text in enumerate(rows):
        sound = np.random.default_rng(row).normal(size=800).astype(np.float32) / 9
        soundfile.write(folder / "wavs" / f"LJ001-{row:04d}.wav", sound, 8000)
        lines.append(f"LJ001-{row:04d}|{text}|{text}")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_metadata_without_a_header_or_quoting(tmp_path):
    texts = [
        "in being comparatively modern, and so on",
        '"The court," he said, "rose at once."',
        'he said "no" to twelve of them',
        "for although the Chinese took impressions",
    ]
    table = curate.load(lj_speech(tmp_path, texts))
    assert table.task.audio == "file_name"
    assert table.column("transcription").to_pylist() == texts
    assert not table.unreadable.any()
    assert any("its first line names the file 'LJ001-0000': a row, no header" in note for note in table.notes)
    assert any("quotes are taken as letters" in note for note in table.notes)
    assert (table.task.kind, table.task.transcript) == ("transcription", "transcription")
    assert not any("--transcript" in note for note in table.notes)


def test_what_may_be_a_transcript_is_told(tmp_path):
    path = lj_speech(tmp_path, [f"what is said in recording {k} of this set" for k in range(4)]) / "metadata.csv"
    path.write_text(path.read_text().replace("|", "\t"))
    assert any("(--transcript column_2" in note for note in curate.load(tmp_path).notes)
    spoken = curate.load(tmp_path, transcript="column_3")
    assert spoken.task.kind == "transcription"
    assert not any("--transcript" in note for note in spoken.notes)


def test_labels_of_pictures_without_a_header(fill):
    folder = fill(*(f"{row}.png" for row in range(6)))
    (folder / "labels.csv").write_text("".join(f"{row}.png,{'cat' if row % 2 else 'dog'}\n" for row in range(6)))
    table = curate.load(folder)
    assert (table.task.image, table.task.label, len(table)) == ("file_name", "column_2", 6)


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes")
def test_names_that_are_no_text_are_rows_that_can_not_be_read(fill):
    folder = fill("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png")
    for name in (b"cat/caf\xe9.png", b"d\xf6g/1.png"):
        path = os.path.join(os.fsencode(folder), name)  # noqa: PTH118
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(PNG[0])
    table = curate.load(folder)
    assert sorted(table.dataset["label"][:]) == ["cat", "cat", "cat", r"d\xf6g", "dog", "dog"]
    evidence = Evidence(table)
    evidence.measure("image.width")
    assert len(table) == 6
    assert len(evidence.broken) == 2
    assert all("does not exist" in why for why in evidence.broken.values())
    [note] = [note for note in table.notes if "UTF-8" in note]
    assert note.startswith("2 files have names that are not UTF-8 text and can't be read, ")


def test_the_result_of_a_run_is_no_data(tmp_path):
    table = curate.load({"text": ["one text", "another text"], "label": ["a", "b"]})
    curate.Pipeline([curate.steps.ClassWeights()]).run(table, cache=None).save(tmp_path / "curated")
    with pytest.raises(ConfigError, match=r"is a result of `curate run`, no data: `curate export \S*curated OUT"):
        curate.load(tmp_path / "curated")


def test_tables_that_are_skipped_beside_media_are_not_called_other_types(fill):
    folder = fill(*(f"pics/{row}.png" for row in range(6)))
    lines = [f"pics/{row}.png,{'ab'[row % 2]}" for row in range(6)]
    (folder / "metadata.csv").write_text("\n".join(["file_name,label", *lines]))
    (folder / "prices.csv").write_text("text,price\none text,100\nanother text,200\n")
    notes = " ".join(curate.load(folder).notes)
    assert "1 other file skipped (.csv 1)" in notes
    assert "of other types" not in notes
