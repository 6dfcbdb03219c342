"""Which folders are classes, which are splits, parts or neither, as public sets have them."""

import pytest

import curate
from curate.sources.folders.class_folders import layout
from curate.sources.splits import folder_splits, split_name


@pytest.mark.parametrize(
    ("name", "split"),
    [("test1", "test"),
     ("train2017", "train"), ("val2017", "validation"), ("dev-v1.1", "validation"), ("train-00000-of-00002", "train"),
     ("train123", None), ("testify", None), ("train-clean", None)],
)  # fmt: skip
def test_years_and_versions_may_follow_a_split(name, split):
    assert split_name(name) == split


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        ({"cars_train", "cars_test"}, {"cars_train": "train", "cars_test": "test"}),
        ({"dev-clean", "train-clean-100"}, {"dev-clean": "validation", "train-clean-100": "train"}),
        ({"train"}, {"train": "train"}),
        ({"train_station", "test_tube", "cat"}, None),
        ({"train_station", "train_track"}, None),
        (set(), None),
    ],
)
def test_folders_that_are_all_named_after_splits(names, splits):
    assert folder_splits(names) == splits


@pytest.mark.parametrize(
    ("files", "labels", "note"),
    [
        (["jpg/1.png", "jpg/2.png"], [None, None], "'jpg' holds everything"),
        (["fold1/1.wav", "fold2/2.wav"], [None, None], "are parts"),
        (["img_part_1/a/1.wav", "img_part_2/b/2.wav"], ["a", "b"], "are parts"),
        (["train/a/images/1.png", "train/b/images/2.png", "val/images/3.png"], ["a", "b", None], "validation/images"),
        (["train/a/1.png", "train/b/1.png", "test/a/3.png"], ["a", "b", "a"], None),
        (["a/1.png", "b/2.png"], ["a", "b"], None),
    ],
)
def test_folders_that_are_no_classes(files, labels, note):
    _, found, notes = layout(files)
    assert found == labels
    assert note is None or note in " ".join(notes)


def test_texts_above_the_folders_of_all_others_and_those_that_nobody_labelled(fill):
    """IMDB's ``aclImdb``."""
    for split in ("train", "test"):
        for label in ("pos", "neg", *(["unsup"] if split == "train" else [])):
            fill(*(f"aclImdb/{split}/{label}/{k}_9.txt" for k in range(8)))
            fill(f"aclImdb/{split}/urls_{label}.txt")
    table = curate.load(fill("aclImdb/imdbEr.txt", "aclImdb/README", "aclImdb/imdb.vocab"))
    assert (len(table), table.task.label_names) == (40, ("neg", "pos"))
    assert table.column("label").null_count == 8
    told = " ".join(table.notes)
    assert "6 text files above the folders of all others left out" in told
    assert "8 files in 'unsup': without a label" in told


def test_noise_of_speech_commands_is_no_class(fill):
    table = curate.load(fill("yes/1.wav", "no/2.wav", "_background_noise_/white.wav"))
    assert (len(table), table.task.label_names) == (2, ("no", "yes"))
    assert "1 file in '_background_noise_', which is no class, left out" in table.notes


def test_metadata_is_read_where_folders_are_parts(fill):
    """UrbanSound8K."""
    folder = fill(*(f"audio/fold{k % 3 + 1}/{k}-3-0-0.wav" for k in range(30)))
    lines = [f"{k}-3-0-0.wav,{k % 3 + 1},{k % 2},{'dog' if k % 2 else 'siren'}" for k in range(30)]
    fill("metadata/UrbanSound8K.csv", text="\n".join(["slice_file_name,fold,classID,class", *lines]))
    table = curate.load(folder)
    assert (table.task.label, table.task.label_names, len(table)) == ("class", ("dog", "siren"), 30)


def test_forms_for_submissions_are_no_rows(fill):
    folder = fill(*(f"train/{k:04x}.jpg" for k in range(12)), *(f"test/{k:04x}.jpg" for k in range(12, 24)))
    fill("labels.csv", text="\n".join(["id,breed", *(f"{k:04x},{'ab'[k % 2]}" for k in range(12))]))
    fill("sample_submission.csv", text="\n".join(["id,a,b", *(f"{k:04x},0.5,0.5" for k in range(12, 24))]))
    table = curate.load(folder)
    assert (table.task.label, len(table)) == ("breed", 12)


def test_splits_by_codes(fill):
    """CUB-200, HMDB51."""
    folder = fill(*(f"images/{label}/{k}.jpg" for label in ("001.Auk", "002.Jay") for k in range(4)))
    names = [f"{label}/{k}.jpg" for label in ("001.Auk", "002.Jay") for k in range(4)]
    fill("images.txt", text="\n".join(f"{n + 1} {name}" for n, name in enumerate(names)))
    fill("train_test_split.txt", text="\n".join(f"{n + 1} {int(n % 4 < 3)}" for n in range(8)))
    table = curate.load(folder)
    assert table.splits.tolist() == ["train", "train", "train", "test"] * 2


def test_of_numbered_divisions_the_first_counts(fill):
    folder = fill(*(f"videos/{label}/{k}.avi" for label in ("clap", "run") for k in range(4)))
    for number in (1, 2):
        for label in ("clap", "run"):
            lines = [f"{k}.avi {(1, 2, 0, 1)[(k + number - 1) % 4]} " for k in range(4)]
            fill(f"lists/{label}_test_split{number}.txt", text="\n".join(lines))
    table = curate.load(folder)
    assert table.column("split").to_pylist() == ["train", "test", None, "train"] * 2
    assert "2 files in none of them" in " ".join(table.notes)


def test_lists_and_folders_give_the_splits_of_rows_of_a_table(fill):
    """ChestX-ray14 has lists, Open Images folders."""
    folder = fill(*(f"images/{k:04d}.png" for k in range(12)))
    rows = [f"{k:04d}.png,{k // 2},{['Mass', 'Nodule'][k % 2]}" for k in range(12)]
    fill("Data_Entry.csv", text="\n".join(["Image Index,Patient ID,Finding Labels", *rows]))
    fill("train_val_list.txt", text="\n".join(f"{k:04d}.png" for k in range(9)))
    fill("test_list.txt", text="\n".join(f"{k:04d}.png" for k in range(9, 12)))
    table = curate.load(folder)
    assert (table.task.label, table.splits.tolist()) == ("Finding Labels", ["train"] * 9 + ["test"] * 3)


def test_splits_of_rows_by_the_folders_of_their_files(fill):
    folder = fill(*(f"{split}/{split}{k}.png" for split in ("train", "test") for k in range(6)))
    rows = [f"{split}{k},{'ab'[k % 2]}" for split in ("train", "test") for k in range(6)]
    fill("labels.csv", text="\n".join(["id,breed", *rows]))
    table = curate.load(folder)
    assert table.splits.tolist() == ["train"] * 6 + ["test"] * 6
    assert "splits are those of the folders that files are in" in table.notes


def test_boxes_are_read_where_more_images_have_these_than_masks(fill):
    """VOC 2012."""
    box = "<object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>"
    folder = fill(*(f"VOC2012/JPEGImages/{k:04d}.jpg" for k in range(10)))
    for k in range(10):
        fill(f"VOC2012/Annotations/{k:04d}.xml", text=f"<annotation>{box}</annotation>")
    fill(*(f"VOC2012/Segmentation{what}/{k:04d}.png" for what in ("Class", "Object") for k in range(4)))
    table = curate.load(folder)
    assert (table.task.kind, len(table)) == ("detection", 10)
    assert "8 images in folders of masks left out: the boxes are read" in table.notes


def test_masks_of_cityscapes(fill):
    stems = [f"train/{city}/{city}_{k:06d}_000019" for city in ("aachen", "bochum") for k in range(3)]
    for stem in stems:
        fill(f"leftImg8bit/{stem}_leftImg8bit.png", *(f"gtFine/{stem}_gtFine_{e}.png" for e in ("labelIds", "color")))
    table = curate.load(fill())
    assert (table.task.kind, len(table), table.column("mask").null_count) == ("segmentation", 6, 0)
    assert all(mask["path"].endswith("_labelIds.png") for mask in table.column("mask").to_pylist())


def test_one_beginning_of_all_names_is_not_told_of(fill):
    assert not curate.load(fill(*(f"IMG_{k:04d}.jpg" for k in range(20)))).notes


@pytest.mark.parametrize("wrong", [False, True])
def test_vectors_and_classes_in_text_files(fill, wrong):
    """UCI HAR."""
    for split, count in (("train", 6), ("test", 4)):
        rows = [" ".join(f"{k}.{j}e-01" for j in range(3)) for k in range(count)]
        fill(f"HAR/{split}/X_{split}.txt", text="\n".join(rows))
        fill(f"HAR/{split}/y_{split}.txt", text="\n".join(str(k % 2 + 1) for k in range(count - wrong)))
        fill(f"HAR/{split}/subject_{split}.txt", text="\n".join(str(k // 2) for k in range(count)))
        fill(f"HAR/{split}/Inertial/body_{split}.txt", text="\n".join(rows))
    folder = fill("HAR/activity_labels.txt", text="1 WALKING\n2 SITTING\n")
    if wrong:
        with pytest.raises(curate.errors.DataError, match=r"lines, and . rows to which they belong"):
            curate.load(folder)
        return
    table = curate.load(folder)
    assert (table.task.features, table.task.label_names) == ("features", ("SITTING", "WALKING"))
    assert sorted(table.splits.tolist()) == ["test"] * 4 + ["train"] * 6
    assert len(table.column("features")[0]) == 3
    assert set(table.column("subject").to_pylist()) == {"0", "1", "2"}


def test_captions_beside_pictures(fill):
    folder = fill(*(f"img/{k}.png" for k in range(6)))
    for k in range(5):
        fill(f"img/{k}.txt", text=f"a picture of {k} things on a table")
    table = curate.load(folder)
    assert table.column("caption").to_pylist() == [f"a picture of {k} things on a table" for k in range(5)] + [None]
    assert "'caption' holds a text at which no check looks: --image image --text caption judges both" in table.notes
    assert not any("skipped" in note for note in table.notes)
