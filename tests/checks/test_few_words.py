import pytest

import curate
from curate.checks.sets.few_words import in_few_words


@pytest.mark.parametrize(
    ("columns", "roles", "words"),
    [
        ({"text": ["mail jo@example.org\nnow", "b"], "key": ["k1", "k2"]}, {"id": "key"}, "k1"),
        ({"text": ["mail jo@example.org\nnow", "b"]}, {}, "mail j•••@•••.org now"),
        ({"text": [None, "b"]}, {}, None),
        ({"vector": [[1.0, 2.0], [2.0, 1.0]]}, {"features": "vector"}, None),
    ],
)
def test_a_row_is_told_by_what_a_reader_knows(columns, roles, words):
    table = curate.load(columns, kind="unlabeled", **roles)
    assert in_few_words(table, 0) == (words or str(table.row_ids[0]))


def test_a_picture_is_told_by_its_path(tmp_path):
    from PIL import Image

    (tmp_path / "cats").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "cats" / "one.png")
    table = curate.load({"image": ["cats/one.png"]}, kind="unlabeled", root=tmp_path)
    assert in_few_words(table, 0) == "cats/one.png"
