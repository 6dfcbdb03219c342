import numpy as np
import pytest
from PIL import Image

import curate


def images(tmp_path, header, lines):
    for k in range(len(lines)):
        Image.fromarray(np.full((4, 4, 3), 9 * k, dtype=np.uint8)).save(tmp_path / f"{k}.png")
    text = header + "\n" + "".join(f"{k}.png,{line}\n" for k, line in enumerate(lines))
    (tmp_path / "rows.csv").write_text(text)
    return tmp_path / "rows.csv"


def test_numbers_beside_images_may_be_the_target(tmp_path):
    path = images(tmp_path, "image,price,width", [f"{10.5 * k},{300 + k}" for k in range(6)])
    table = curate.load(path)
    assert table.task.kind == "unlabeled"
    assert table.notes == (
        "no column was taken as the label: if 'price' is the target, name it (--label price, or task: {label: price})",
    )
    said = curate.load(path, label="price")
    assert (said.task.kind, said.notes) == ("regression", ())
    assert curate.load(path, kind="unlabeled").notes == ()


def test_several_numbers_beside_texts_are_named(tmp_path):
    columns = {
        "text": [f"a text of several words, number {k}" for k in range(8)],
        "my score": [k / 3 for k in range(8)],
        "likes": [3, 1, 4, 1, 5, 9, 2, 6],
    }
    assert curate.load(columns).notes == (
        "no column was taken as the label: if 'my score' or 'likes' is the target, name it (--label 'my score', or"
        " task: {label: my score})",
    )


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("image,row", range(3, 9)),
        ("image,same", [2] * 6),
        ("image,height", range(0, 12, 2)),
        ("image,rare", [1, 2, "", "", "", ""]),
        ("image,name", list("abcdef")),
    ],
)
def test_what_is_no_target_is_not_asked_about(tmp_path, header, values):
    assert curate.load(images(tmp_path, header, list(values))).notes == ()
