"""Labels that may stand for none are told of."""

import curate


def load(tmp_path, labels):
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "".join(f"some words of row {k},{label}\n" for k, label in enumerate(labels)))
    return curate.load(path)


def test_a_class_that_programs_write_for_a_missing_label(tmp_path):
    table = load(tmp_path, ["a", "b", "NA"] * 5)
    assert table.task.label_names == ("NA", "a", "b")
    assert table.notes == ("'NA' is a class of 5 rows here: where it stands for a missing label, empty these cells",)


def test_other_classes_are_not_told_of(tmp_path):
    assert load(tmp_path, ["none", "na", "b"] * 5).notes == ()
