"""Labels in lists beside media that stand in no folders of classes."""

import numpy as np
from scipy.io import savemat

import curate


def by_file(table):
    labels, splits = table.column("label").to_pylist(), table.splits.tolist()
    files = table.origin["file"].to_pylist()
    return {file.rsplit("/", 1)[-1]: (label, split) for file, label, split in zip(files, labels, splits, strict=True)}


def test_numbers_that_go_with_the_names_of_files(fill):
    """Oxford-IIIT Pets: ``Abyssinian_100 1 1 1``, and masks of the same names."""
    rows = [(f"{name}_{k}", number) for number, name in ((1, "Abyssinian"), (2, "american_bulldog")) for k in range(6)]
    for name, _ in rows:
        fill(f"images/{name}.jpg", f"annotations/trimaps/{name}.png")
    lines = [f"{name} {number} 1 1" for name, number in rows]
    fill("annotations/list.txt", lines=["#Image CLASS-ID SPECIES BREED ID", *lines])
    fill("annotations/trainval.txt", lines=lines[:4] + lines[6:10])
    found = by_file(table := curate.load(fill("annotations/test.txt", lines=lines[4:6] + lines[10:])))
    assert len(found) == len(table) == 12
    assert found["Abyssinian_0.jpg"] == ("Abyssinian", "train")
    assert found["american_bulldog_5.jpg"] == ("american_bulldog", "test")
    assert any(note.startswith("12 masks left out") for note in table.notes)


def test_of_several_labels_that_of_most_classes(fill):
    """FGVC Aircraft: variants, families and manufacturers."""
    fill(*(f"data/images/{k:07d}.jpg" for k in range(24)))
    for about, names in (("variant", ["707-320", "A 310", "F/A-18"]), ("manufacturer", ["Boeing", "Airbus", "Boeing"])):
        for split, part in (
            ("train", range(12)),
            ("val", range(12, 18)),
            ("trainval", range(18)),
            ("test", range(18, 24)),
        ):
            fill(f"data/images_{about}_{split}.txt", lines=[f"{k:07d} {names[k % 3]}" for k in part])
    found = by_file(table := curate.load(fill("data/images_box.txt", lines=[f"{k:07d} 3 14 99 43" for k in range(24)])))
    assert found["0000001.jpg"] == ("A 310", "train")
    assert found["0000014.jpg"] == ("F/A-18", "validation")
    assert table.task.label_names == ("707-320", "A 310", "F/A-18")
    assert "other labels of the same files were passed over (data/images_manufacturer" in " ".join(table.notes)


def test_lists_add_to_folders_of_classes(fill):
    """Tiny ImageNet."""
    for name in ("n01", "n02"):
        fill(*(f"train/{name}/images/{name}_{k}.JPEG" for k in range(4)))
        fill(f"train/{name}/{name}_boxes.txt", lines=[f"{name}_{k}.JPEG\t0\t10\t63\t58" for k in range(4)])
    fill(*(f"{split}/images/{split}_{k}.JPEG" for split in ("val", "test") for k in range(4)))
    fill("val/val_annotations.txt", lines=[f"val_{k}.JPEG\tn0{k % 2 + 1}\t0\t32\t44\t62" for k in range(4)])
    found = by_file(curate.load(fill("wnids.txt", lines=["n01", "n02"])))
    assert found["val_1.JPEG"] == ("n02", "validation")
    assert found["test_1.JPEG"] == (None, "test")
    assert found["n01_0.JPEG"] == ("n01", "train")


def test_lists_of_other_classes_or_few_files_are_passed_over(fill):
    fill(*(f"{name}/{k}{name}.jpg" for name in "ab" for k in range(4)), "c.jpg")
    fill("notes.txt", lines=["c.jpg x"])
    assert curate.load(fill()).task.label_names == ("a", "b")


ATTRIBUTES = ["5_o_Clock_Shadow", "Male", "Young"]


def test_attributes_of_celeba(fill):
    fill(*(f"img_align_celeba/{k:06d}.jpg" for k in range(1, 13)))
    lines = [f"{k:06d}.jpg {' '.join(['-1', ' 1', '-1' if k % 2 else ' 1'])}" for k in range(1, 12)]
    fill("list_attr_celeba.txt", lines=["12", " ".join(ATTRIBUTES), *lines, "000012.jpg 1"])
    fill(
        "list_bbox_celeba.txt",
        lines=["12", "image_id x_1 y_1 width height", *(f"{k:06d}.jpg 1 1 9 9" for k in range(1, 13))],
    )
    fill("list_eval_partition.txt", lines=[f"{k:06d}.jpg {k % 3}" for k in range(1, 13)])
    table = curate.load(fill("identity_CelebA.txt", lines=[f"{k:06d}.jpg {k % 4}" for k in range(1, 13)]))
    assert (table.task.kind, table.task.label_names) == ("multilabel", tuple(ATTRIBUTES))
    assert table.column("label").to_pylist()[:2] == [["Male"], ["Male", "Young"]]
    assert table.splits.tolist()[:3] == ["validation", "test", "train"]
    assert table.column("identity")[0].as_py() == "1"
    assert table.column("label")[11].as_py() is None
    assert table.problems["reason"].to_pylist() == ["line 14: 1 or -1 is wanted of 3 names"]


def test_tables_about_the_same_files_are_joined(fill):
    """CelebA as Kaggle has it."""
    fill(*(f"img_align_celeba/{k:06d}.jpg" for k in range(12)))
    attributes = [f"{k:06d}.jpg,{-1 if k % 2 else 1},{1 if k % 3 else -1}" for k in range(12)]
    fill("list_attr_celeba.csv", lines=["image_id,Male,Young", *attributes])
    fill("list_bbox_celeba.csv", lines=["image_id,x_1,y_1,width,height", *(f"{k:06d}.jpg,1,1,9,9" for k in range(12))])
    fill(
        "list_eval_partition.csv", lines=["image_id,partition", *(f"{k:06d}.jpg,{k % 3}" for k in reversed(range(12)))]
    )
    table = curate.load(fill(), label_columns=["Male", "Young"])
    assert (len(table), table.task.kind) == (12, "multilabel")
    assert table.splits.tolist() == ["train", "validation", "test"] * 4
    assert table.column("label_set")[0].as_py() == ["Male"]


def test_rows_about_files_that_the_joined_table_lacks_are_told(fill):
    fill(*(f"img/{k:06d}.jpg" for k in range(12)))
    fill("list_attr_celeba.csv", lines=["image_id,Male", *(f"{k:06d}.jpg,{k % 2}" for k in range(12))])
    fill("list_eval_partition.csv", lines=["image_id,partition", *(f"{k:06d}.jpg,{k % 3}" for k in range(4, 14))])
    table = curate.load(fill(), label="Male")
    assert len(table) == 12
    [note] = [note for note in table.notes if "left out" in note]
    assert note.startswith("2 rows of list_eval_partition.csv left out, as list_attr_celeba.csv does not name")
    assert note.endswith("000012.jpg, 000013.jpg")


def test_labels_of_flowers_in_files_of_matlab(fill):
    folder = fill(*(f"jpg/image_{k:05d}.jpg" for k in range(1, 13)))
    savemat(folder / "imagelabels.mat", {"labels": (np.arange(12) % 3 + 1)[None].astype(np.uint8)})
    parts = {"trnid": np.arange(1, 5), "valid": np.arange(5, 9), "tstid": np.arange(9, 13)}
    savemat(folder / "setid.mat", {name: ids[None] for name, ids in parts.items()})
    found = by_file(curate.load(folder))
    assert (found["image_00002.jpg"], found["image_00012.jpg"]) == (("2", "train"), ("3", "test"))
    (folder / "imagelabels.mat").write_bytes(b"no matlab")
    assert curate.load(folder).task.label is None


def test_labels_of_cars_in_files_of_matlab(fill):
    folder = fill(*(f"cars_{split}/{k:05d}.jpg" for split in ("train", "test") for k in range(1, 7)))
    fill("devkit/README")
    for split in ("train", "test"):
        names = ["bbox_x1", *(["class"] if split == "train" else []), "fname"]
        entries = np.empty((1, 6), [(name, object) for name in names])
        for k in range(6):
            entries[0, k] = (1, *([k % 2 + 1] if split == "train" else []), f"{k + 1:05d}.jpg")
        savemat(folder / f"devkit/cars_{split}_annos.mat", {"annotations": entries})
    savemat(folder / "devkit/cars_meta.mat", {"class_names": np.array([["Acura RL", "Audi X"]], dtype=object)})
    table = curate.load(folder)
    assert table.column("label").to_pylist() == [None] * 6 + ["Acura RL", "Audi X"] * 3
    assert table.splits.tolist() == ["test"] * 6 + ["train"] * 6
