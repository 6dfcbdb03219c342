"""Layouts that public data sets come in: vectors of labels, lists written as text, tags, recordings beside a table."""

import numpy as np
import pytest
from PIL import Image

import curate
from curate.errors import ConfigError, DataError

N = 30
TEXTS = [f"a text about {k} things that are told of in {k + 3} words" for k in range(N)]
HOT = [[k % 2, int(k % 3 == 0), int(k % 5 == 0), 1] for k in range(N)]


def labels(table):
    return table.column(table.task.label).to_pylist()


@pytest.mark.parametrize("write", [list, lambda row: [float(v) for v in row], lambda row: [bool(v) for v in row], str])
def test_vectors_of_ones_and_zeros_are_sets_of_labels(write):
    rows = {"text": TEXTS, "labels": [write(row) for row in HOT]}
    table = curate.load(rows)
    assert (table.task.kind, table.task.label_names) == ("multilabel", ("0", "1", "2", "3"))
    assert labels(table)[:3] == [["1", "2", "3"], ["0", "3"], ["3"]]
    assert labels(curate.load(rows, label_names=["a", "b", "c", "d"]))[1] == ["a", "d"]


def test_vectors_without_a_row_keep_their_places():
    rows = {"text": TEXTS, "labels": [None if k == 1 else HOT[k] for k in range(N)]}
    assert labels(curate.load(rows))[:3] == [["1", "2", "3"], None, ["3"]]


@pytest.mark.parametrize(
    ("lists", "names"),
    [
        ([[0], [1], [0, 1]] * 10, ("0", "1")),
        ([[0, 1], [1, 0]] * 15, ("0", "1")),
        ([[0, 1, 2], [1, 0, 2]] * 15, ("0", "1", "2")),
        ([["a"], ["b", "a"]] * 15, ("a", "b")),
    ],
)
def test_lists_of_labels_stay_lists(lists, names):
    table = curate.load({"text": TEXTS, "labels": lists})
    assert table.task.label_names == names
    assert labels(table)[0] == [str(value) for value in lists[0]]


def test_lists_that_a_frame_wrote_are_sets_of_labels(tmp_path):
    path = tmp_path / "d.csv"
    rows = [f"{text},\"['a'{', ' + repr('b') if k % 2 else ''}]\"" for k, text in enumerate(TEXTS)]
    path.write_text("\n".join(["text,labels", *rows]) + "\n")
    table = curate.load(path)
    assert (table.task.kind, labels(table)[:2]) == ("multilabel", [["a"], ["a", "b"]])


def test_nested_labels_that_are_no_spans_are_said_not_to_be_read():
    table = curate.load({"text": TEXTS, "label": [f"[[{k % 4}, 'NAME']]" for k in range(N)]})
    assert "nested labels other than spans" in " ".join(table.notes)


def test_one_row_with_too_few_tags_does_not_hide_the_others():
    tokens = [["go", "to", "Rome"][: 2 + k % 2] for k in range(N)]
    tags = [["O", "O", "B-LOC"][: len(row)] for row in tokens]
    tags[3] = tags[3][:-1]
    for form in (tags, [[0 if tag == "O" else 1 for tag in row] for row in tags]):
        table = curate.load({"tokens": tokens, "ner_tags": form})
        assert table.task.kind == "token_classification"
        assert table.problems["reason"].to_pylist() == ["2 tags for 3 tokens: the tags are left out"]
    with pytest.raises(ConfigError, match="no column holds an input"):
        curate.load({"tokens": tokens, "ner_tags": [["O"]] * N})


def test_a_text_that_no_check_looks_at_is_told_of():
    others = [f"{k} andere Worte als die, die links stehen" for k in range(N)]
    notes = " ".join(curate.load({"en": TEXTS, "de": others}).notes)
    assert "holds a text, too, at which no check looks" in notes
    assert "no check looks" not in " ".join(curate.load({"en": TEXTS, "de": others}, text="en").notes)


def test_captions_that_no_check_looks_at_are_told_of(tmp_path):
    for k in range(N):
        Image.new("RGB", (8, 8), (k, k, k)).save(tmp_path / f"{k}.png")
    rows = {"image": [f"{k}.png" for k in range(N)], "caption": TEXTS}
    table = curate.load(rows, root=tmp_path)
    assert "'caption' holds a text at which no check looks: --image image --text caption judges both" in table.notes
    both = curate.load(rows, root=tmp_path, image="image", text="caption")
    assert both.task.modalities == ("image", "text")
    assert "no check looks" not in " ".join(both.notes)


@pytest.fixture
def corpus(tmp_path):
    """``audio/`` beside ``meta/``, as in ESC-50; ``clips/`` beside tables of splits, as in Common Voice."""
    import soundfile

    rng = np.random.default_rng(0)
    (tmp_path / "audio").mkdir()
    (tmp_path / "meta").mkdir()
    for k in range(N):
        soundfile.write(tmp_path / "audio" / f"{k}.wav", 0.1 * rng.standard_normal(400), 8000)
    return tmp_path


def test_metadata_in_a_folder_beside_the_recordings(corpus):
    lines = [f"{k}.wav,{k % 5 + 1},{'dog' if k % 2 else 'rain'}" for k in range(N)]
    (corpus / "meta" / "esc50.csv").write_text("\n".join(["filename,fold,category", *lines]) + "\n")
    table = curate.load(corpus)
    assert (table.task.audio, table.task.label, table.task.label_names) == ("filename", "category", ("dog", "rain"))
    assert not table.problems.num_rows
    with pytest.raises(DataError, match=r"but 'audio/0.wav' does under .*: name that folder as the data"):
        curate.load(corpus / "meta" / "esc50.csv")


def test_metadata_in_a_folder_is_passed_over_where_folders_are_classes(corpus):
    (corpus / "audio" / "rain").mkdir()
    (corpus / "audio" / "dog").mkdir()
    for k in range(N):
        (corpus / "audio" / f"{k}.wav").rename(corpus / "audio" / ("dog" if k % 2 else "rain") / f"{k}.wav")
    (corpus / "meta" / "notes.csv").write_text("file,by\n0.wav,me\n")
    table = curate.load(corpus)
    assert (len(table), table.task.label_names) == (N, ("dog", "rain"))


@pytest.mark.parametrize("name", ["sentence", "text"])
def test_what_is_said_in_recordings_is_their_transcript(corpus, name):
    rows = {"path": [f"audio/{k}.wav" for k in range(N)], name: TEXTS, "client_id": ["x", "y", "z"] * 10}
    task = curate.load({**rows, "age": ["teens", "fourties"] * 15}, root=corpus).task
    assert (task.kind, task.transcript, task.label) == ("transcription", name, None)
    task = curate.load({"path": rows["path"], name: ["one", "two", "six"] * 10}, root=corpus).task
    assert (task.kind, task.label, task.transcript) == ("classification", name, None)
    with pytest.raises(ConfigError, match=f"or --transcript {name} if it is what is said"):
        curate.load({**rows, name: ["one", "two", "six"] * 10}, root=corpus)


def test_splits_go_together_beside_the_whole_and_other_tables(corpus):
    lines = [f"{k}.wav\t{text}" for k, text in enumerate(TEXTS)]
    parts = {"train": lines[:20], "dev": lines[20:25], "test": lines[25:], "validated": lines}
    for name, part in parts.items():
        (corpus / f"{name}.tsv").write_text("\n".join(["path\tsentence", *part]) + "\n")
    (corpus / "clip_durations.tsv").write_text("\n".join(["clip\tms", *(f"{k}.wav\t50" for k in range(N))]) + "\n")
    table = curate.load(corpus)
    assert len(table) == N
    assert np.unique(table.splits).tolist() == ["test", "train", "validation"]
    assert "left out, named after no split or with other columns: clip_durations.tsv, validated.tsv" in " ".join(
        table.notes
    )


@pytest.mark.parametrize(
    ("lists", "splits"),
    [
        ({"testing_list.txt": ["a/0.wav", "b/1.wav"], "validation_list.txt": ["b/3.wav"]},
         ("test", "validation", "train")),
        ({"lists/trainlist01.txt": [f"{c}/{k}.wav {n}" for n, c in ((1, "a"), (2, "b")) for k in range(2, 6)],
          "lists/testlist01.txt": [f"{c}/{k}.wav" for c in "ab" for k in (0, 1)],
          "lists/testlist02.txt": [f"{c}/{k}.wav" for c in "ab" for k in (2, 3)]}, ("test", "train", "train")),
        ({"meta/train.txt": [f"{c}/{k}" for c in "ab" for k in range(1, 6)], "meta/test.txt": ["a/0", "b/0"]},
         ("test", "train", "train")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("below", ["", "images"])
def test_lists_of_files_say_what_is_for_testing(tmp_path, lists, splits, below):
    for name in ("a", "b"):
        (tmp_path / below / name).mkdir(parents=True)
        for k in range(6):
            (tmp_path / below / name / f"{k}.wav").write_bytes(b"RIFF")
    for path, lines in lists.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("\n".join(lines) + "\n")
    table = curate.load(tmp_path)
    names = [file.split("/")[-2] + file[-5] for file in table.origin["file"].to_pylist()]
    place = {name: k for k, name in enumerate(names)}
    assert (table.splits[place["a0"]], table.splits[place["b3"]], table.splits[place["b5"]]) == splits
    assert "splits are those of" in " ".join(table.notes)
    assert table.task.label_names == ("a", "b")


def test_texts_that_name_no_files_are_no_lists_of_splits(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.wav").write_bytes(b"RIFF")
    (tmp_path / "test.txt").write_text("this is a test\na/0.wav\n")
    assert curate.load(tmp_path).task.split is None


def test_columns_that_are_points_of_a_curve_are_told_of():
    rng = np.random.default_rng(0)
    curves = rng.standard_normal((N, 40)).cumsum(1)
    columns = {f"t{k}": curves[:, k] for k in range(40)}
    assert "'t0' to 't39' follow each other" in " ".join(curate.load(columns).notes)
    assert "follow each other" not in " ".join(curate.load(columns, features=list(columns)).notes)
    noise = {f"V{k}": rng.standard_normal(N) for k in range(40)}
    few = {f"t{k}": curves[:, k] for k in range(10)}
    unnumbered = {f"{chr(97 + k)}": curves[:, k] for k in range(25)}
    for other in (noise, few, unnumbered):
        assert "follow each other" not in " ".join(curate.load(other).notes)


def test_columns_that_play_another_role_are_told_where_no_input_is_left():
    with pytest.raises(ConfigError, match=r"no column holds an input.*'said' \(string, taken as start\)"):
        curate.load({"said": TEXTS, "label": ["a", "b"] * (N // 2)}, start="said")
