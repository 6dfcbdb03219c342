"""What is said in recordings, in text files beside them."""

import pytest

import curate


def said(table):
    files = [file.rsplit("/", 1)[-1] for file in table.origin["file"].to_pylist()]
    return dict(zip(files, table.column("transcript").to_pylist(), strict=True))


def test_lists_of_librispeech(fill):
    for split, speakers in (("dev-clean", ("84", "174")), ("train-clean-100", ("19", "26"))):
        for speaker in speakers:
            at = f"LibriSpeech/{split}/{speaker}/12/{speaker}-12"
            fill(*(f"{at}-{k:04d}.flac" for k in range(3)))
            fill(f"{at}.trans.txt", text="\n".join(f"{speaker}-12-{k:04d} GO NUMBER {k}" for k in range(2)))
    table = curate.load(fill("LibriSpeech/SPEAKERS.TXT", "LibriSpeech/README.TXT"))
    assert (table.task.kind, table.task.transcript) == ("transcription", "transcript")
    assert sorted(set(table.splits)) == ["train", "validation"]
    assert said(table)["84-12-0001.flac"] == "GO NUMBER 1"
    assert said(table)["26-12-0002.flac"] is None
    assert set(table.column("folder").to_pylist()) == {"84", "174", "19", "26"}
    assert "4 recordings without a text: not transcribed" in " ".join(table.notes)


@pytest.mark.parametrize("microphone", ["", "_mic1"])
def test_a_text_per_recording_as_in_vctk(fill, microphone):
    for speaker in ("p225", "p226"):
        fill(*(f"VCTK/wav48/{speaker}/{speaker}_{k:03d}{microphone}.wav" for k in range(4)))
        for k in range(4):
            fill(f"VCTK/txt/{speaker}/{speaker}_{k:03d}.txt", text=f"Please call {speaker}\n and {k}.\n")
    table = curate.load(fill("VCTK/speaker-info.txt"))
    assert said(table)[f"p226_003{microphone}.wav"] == "Please call p226 and 3."
    assert set(table.column("folder").to_pylist()) == {"p225", "p226"}


def test_the_normalised_of_two_forms_counts(fill):
    """LibriTTS."""
    for k in range(4):
        fill(f"dev/1/2/{k}.wav")
        fill(f"dev/1/2/{k}.original.txt", text=f"No. {k}")
        fill(f"dev/1/2/{k}.normalized.txt", text=f"number {k}")
    assert said(curate.load(fill()))["3.wav"] == "number 3"


def test_recordings_with_few_texts_are_classes(fill):
    folder = fill(*(f"{name}/{k}{name}.wav" for name in "ab" for k in range(5)), "a/0a.txt")
    assert curate.load(folder).task.kind == "classification"


def test_recordings_of_one_name_have_the_texts_of_their_own_folder(fill):
    for speaker in ("anna", "bert"):
        for k in range(3):
            fill(f"wav/{speaker}/{k}.wav")
            fill(f"txt/{speaker}/{k}.txt", text=f"{speaker} says {k}")
    table = curate.load(fill())
    assert table.column("transcript").to_pylist() == [f"{name} says {k}" for name in ("anna", "bert") for k in range(3)]
