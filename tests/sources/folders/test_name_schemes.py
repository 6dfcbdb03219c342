"""Public sets whose names of files say label and speaker."""

import pytest

import curate

NAMES = {
    "RAVDESS": (
        [f"Actor_{k:02d}/03-01-{e}-01-02-01-{k:02d}.wav" for k in (1, 12) for e in ("03", "06")],
        ["happy", "fearful"] * 2,
        ("actor", ["01", "01", "12", "12"]),
    ),
    "CREMA-D": (
        ["1001_DFA_ANG_XX.wav", "1001_DFA_NEU_XX.wav", "1002_IEO_ANG_HI.wav", "1002_IEO_SAD_LO.wav"],
        ["angry", "neutral", "angry", "sad"],
        ("actor", ["1001", "1001", "1002", "1002"]),
    ),
    "EmoDB": (
        ["wav/03a01Fa.wav", "wav/03a01Nc.wav", "wav/08b10Wa.wav", "wav/16a02Tb.wav"],
        ["happiness", "neutral", "anger", "sadness"],
        ("speaker", ["03", "03", "08", "16"]),
    ),
    "SAVEE": (
        ["DC_a01.wav", "DC_sa02.wav", "KL_h10.wav", "KL_su15.wav"],
        ["anger", "sadness", "happiness", "surprise"],
        ("speaker", ["DC", "DC", "KL", "KL"]),
    ),
    "TESS": (
        ["OAF_angry/OAF_back_angry.wav", "OAF_ps/OAF_bar_ps.wav", "YAF_sad/YAF_dog_sad.wav", "YAF_sad/YAF_hit_sad.wav"],
        ["angry", "pleasant surprise", "sad", "sad"],
        ("speaker", ["OAF", "OAF", "YAF", "YAF"]),
    ),
    "the spoken digits of FSDD": (
        [f"recordings/{name}.wav" for name in ("0_jackson_0", "0_theo_1", "9_jackson_4", "9_theo_49")],
        ["0", "0", "9", "9"],
        ("speaker", ["jackson", "theo", "jackson", "theo"]),
    ),
    "KTH's actions": (
        [f"{label}/person{k:02d}_{label}_d1_uncomp.avi" for label in ("boxing", "running") for k in (1, 25)],
        ["boxing", "boxing", "running", "running"],
        ("person", ["01", "25", "01", "25"]),
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_names_of_public_sets(fill, name):
    files, labels, (group, groups) = NAMES[name]
    table = curate.load(fill(*files))
    assert (table.task.kind, table.task.label, table.task.group) == ("classification", "label", group)
    assert [str(one) for one in table.column("label").to_pylist()] == labels
    assert table.column(group).to_pylist() == groups
    assert any(note.startswith(f"names of files are those of {name}") for note in table.notes)


def test_one_other_name_and_folders_count_again(fill):
    files, _, _ = NAMES["RAVDESS"]
    table = curate.load(fill(*files, "Actor_01/intro.wav"))
    assert table.task.label_names == ("Actor_01", "Actor_12")


def test_a_pattern_overrules_the_scheme(fill):
    files, _, _ = NAMES["RAVDESS"]
    table = curate.load(fill(*files), file_names="{_}-{_}-{_}-{_}-{_}-{_}-{label}")
    assert (table.task.label_names, table.task.group) == (("01", "12"), None)
    assert not any("RAVDESS" in note for note in table.notes)


def test_folders_of_splits_stay_splits(fill):
    files = [f"{split}/{label}_jackson_{k}.wav" for split in ("train", "test") for label in "12" for k in range(2)]
    table = curate.load(fill(*files))
    assert (table.splits.tolist().count("train"), table.task.label_names) == (4, ("1", "2"))


def clips(folder="{label}/", groups=(1, 2)):
    labels = ("ApplyEyeMakeup", "Archery")
    return [f"{folder.format(label=a)}v_{a}_g{g:02d}_c{c:02d}.avi" for a in labels for g in groups for c in (1, 2)]


@pytest.mark.parametrize("folder", ["UCF-101/{label}/", "{label}/", ""])
def test_clips_of_ucf101_are_grouped_by_the_video_that_they_are_cut_from(fill, folder):
    table = curate.load(fill(*clips(folder)))
    assert (table.task.kind, table.task.group) == ("classification", "source_video")
    assert table.task.label_names == ("ApplyEyeMakeup", "Archery")
    sources = [f"{label}_g{group:02d}" for label in table.task.label_names for group in (1, 1, 2, 2)]
    assert table.column("source_video").to_pylist() == sources
    assert any("names of files are those of UCF101" in note for note in table.notes)


def test_splits_that_tear_a_source_video_of_ucf101_are_leaks(tmp_path, brightening):
    for name in (*clips("train/{label}/"), *clips("test/{label}/", groups=(2, 3))):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        brightening(file)
    found = curate.audit(curate.load(tmp_path), ["leakage"], cache=False).found.only("leakage", "shared_group")
    torn = set(found.flagged["reason"].to_pylist())
    assert len(found.flagged) == 4
    assert {"ApplyEyeMakeup_g02" in one or "Archery_g02" in one for one in torn} == {True}


def test_lists_of_ucf101_stay_the_splits(fill):
    folder = fill(*clips("UCF-101/{label}/"))
    lists = {"trainlist01": 2, "testlist01": 1}
    (folder / "ucfTrainTestlist").mkdir()
    for name, group in lists.items():
        text = "".join(f"{path}\n" for path in clips(groups=(group,)))
        (folder / "ucfTrainTestlist" / f"{name}.txt").write_text(text)
    table = curate.load(folder)
    assert table.task.group == "source_video"
    assert table.splits.tolist() == ["test", "test", "train", "train"] * 2


def test_one_other_name_leaves_clips_without_source_videos(fill):
    table = curate.load(fill(*clips(), "Archery/mine.avi"))
    assert (table.task.group, table.task.label) == (None, "label")


def test_a_pattern_of_names_leaves_the_classes_of_folders(fill):
    table = curate.load(fill(*clips()), file_names="{_}_g{_}_c{take:d}")
    assert (table.task.label, table.task.group) == ("label", "source_video")
    assert table.column("take").to_pylist() == ["01", "02"] * 4
