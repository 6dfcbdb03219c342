"""Lists of captions beside images."""

import pytest

import curate

TOKEN = "a.jpg#0\tA dog , running .\na.jpg#1\tTwo dogs\nb.jpg#0\tA cat\nc.jpg#0\tNobody\nc.jpg#1\tSomebody\n"
TABLE = 'image,caption\na.jpg,"A dog , running ."\na.jpg,Two dogs\nb.jpg,A cat\nc.jpg,Nobody\nc.jpg,Somebody\n'


@pytest.mark.parametrize(("name", "text"), [("Flickr8k.token.txt", TOKEN), ("captions.txt", TABLE)])
def test_all_captions_of_an_image_stand_in_its_row(fill, name, text):
    fill(name, text=text)
    table = curate.load(fill("Images/a.jpg", "Images/b.jpg", "Images/c.jpg", "Images/d.jpg"))
    assert table.column("captions").to_pylist() == [
        ["A dog , running .", "Two dogs"], ["A cat"], ["Nobody", "Somebody"], None
    ]  # fmt: skip
    assert table.column("caption").to_pylist() == ["A dog , running .", "A cat", "Nobody", None]
    assert any(note.startswith(f"captions are those of {name}") for note in table.notes)
    assert "1 image without a caption (Images/d.jpg)" in table.notes


def test_splits_of_flickr8k(fill):
    fill("Flickr8k.token.txt", text=TOKEN)
    fill("Flickr_8k.trainImages.txt", text="a.jpg\nb.jpg\n")
    fill("Flickr_8k.testImages.txt", text="c.jpg\n")
    table = curate.load(fill("a.jpg", "b.jpg", "c.jpg"))
    assert table.splits.tolist() == ["train", "train", "test"]


@pytest.mark.parametrize("text", [TOKEN.replace(".jpg", ".png"), TOKEN + "and more\n", TABLE + "a.jpg,one,two\n"])
def test_other_texts_are_no_lists_of_captions(fill, text):
    fill("captions.txt", text=text)
    assert "captions" not in curate.load(fill("a.jpg", "b.jpg", "c.jpg")).column_names
