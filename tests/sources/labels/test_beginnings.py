"""Labels by the words that names of files begin with, where these are surely classes."""

import pytest

import curate


def names(*words, count=6, form="{}_{:04d}.jpg"):
    return [form.format(word, k) for word in words for k in range(count)]


@pytest.mark.parametrize("form", ["{}.{}.jpg", "{}_{:04d}.jpg", "{}{}.jpg", "train/{}-{}.jpg"])
def test_labels_are_what_all_names_begin_with(fill, form):
    table = curate.load(fill(*names("cat", "dog", form=form)))
    assert (table.task.kind, table.task.label_names) == ("classification", ("cat", "dog"))
    assert any("labels are what the names of files begin with ('cat', 'dog')" in note for note in table.notes)
    assert not any("in no class folder" in note for note in table.notes)
    assert curate.load(fill(), kind="unlabeled").task.label is None


def test_a_pattern_overrules_the_guess(fill):
    table = curate.load(fill(*names("cat", "dog")), file_names="{_}_{label}")
    assert "0003" in table.task.label_names
    assert "cat" not in table.task.label_names
    assert not any("begin with" in note for note in table.notes)


def test_held_out_names_may_be_numbers(fill):
    """Dogs vs. Cats."""
    table = curate.load(fill(*names("cat", "dog", form="train/{}.{}.jpg"), "test1/1.jpg", "test1/2.jpg"))
    assert table.task.label_names == ("cat", "dog")
    assert table.column("label").null_count == 2


@pytest.mark.parametrize(
    "files",
    [
        [*names("cat", "dog"), "more.jpg"],
        [*names("cat", "dog"), "12.jpg"],
        [*names("cat", "dog"), "owl_1.jpg"],
        names("IMG", "DSC"),
        names("rgb", "depth"),
        names("train", "val"),
        names("images a", "images b"),
    ],
)
def test_what_is_not_sure_is_told_and_left(fill, files):
    table = curate.load(fill(*files))
    assert (table.task.kind, table.task.label) == ("unlabeled", None)
    assert any("names of files begin with" in n and "--file-names" in n for n in table.notes)
