"""Lists of faces as WIDER FACE has them."""

import curate

LIST = """0--Parade/0_a.jpg
2
4 3 5 6 0 0 0 0 0 0
10 2 4 4 2 0 0 0 0 0
1--Rally/1_b.jpg
0
0 0 0 0 0 0 0 0 0 0
1--Rally/gone.jpg
1
1 1 2 2 0 0 0 0 0 0
"""


def test_wider_face(fill):
    fill("wider_face_split/wider_face_train_bbx_gt.txt", text=LIST)
    fill("wider_face_split/wider_face_val_bbx_gt.txt", text="2--X/2_c.jpg\n1\n1 2 wide 4 0 0 0 0 0 0\n")
    folder = fill("WIDER_train/images/0--Parade/0_a.jpg", "WIDER_train/images/1--Rally/1_b.jpg")
    fill("WIDER_val/images/2--X/2_c.jpg", "WIDER_test/images/0--Parade/9.jpg")
    table = curate.load(folder)
    assert (table.task.kind, table.task.box_format, table.task.label_names) == ("detection", "xywh", ("face",))
    test, parade, rally, val = table.column("boxes").to_pylist()  # in the order of their paths
    assert [one["box"] for one in parade] == [[4, 3, 5, 6], [10, 2, 4, 4]]
    assert (rally, test, len(val)) == ([], None, 1)
    assert table.splits.tolist() == ["test", "train", "train", "validation"]
    assert any("1 entry of images that are not there left out (1--Rally/gone.jpg)" in note for note in table.notes)
    assert any(
        "line 3 of wider_face_split/wider_face_val_bbx_gt.txt" in one.as_py() for one in table.problems["reason"]
    )
