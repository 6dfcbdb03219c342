"""The ready-made pipelines that transform, synthesise and augment, each carried out on a small set and trained from."""

import csv
from pathlib import Path

import numpy as np
import pytest

import curate
from curate.media import audio

FOLDER = Path(__file__).parents[2] / "pipelines"
RNG = np.random.default_rng(0)
SENTENCE = "the card was lost abroad and my bank account shows a payment that I never made please help"


def carried_out(name, data, tmp_path):
    curated = curate.Pipeline.from_yaml(FOLDER / f"{name}.yaml").run(data, tmp_path / "out", cache=None)
    opened = curate.open(tmp_path / "out")
    batches, again = list(curated.loader()), list(opened.loader(num_workers=1))
    assert [batch["row_id"] for batch in batches] == [batch["row_id"] for batch in again]
    assert sum(len(batch["row_id"]) for batch in batches) == len(curated.plan)
    for line in curated.accounts:
        assert line["read"] + line["added"] == line["kept"] + line["dropped"] + line["unreadable"]
    return curated


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_all_are_valid(path):
    assert curate.Pipeline.from_yaml(path).steps


def test_imbalanced_table(tmp_path):
    with (tmp_path / "d.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["age", "income", "city", "label"])
        for i in range(150):
            rare = i % 10 == 0
            age = "" if i % 17 == 3 else round(RNG.normal(60 if rare else 35, 8))
            out.writerow([age, round(RNG.normal(50, 10), 2), ["Bonn", "Rome"][int(RNG.random() < 0.5)], "ny"[rare]])
    curated = carried_out("imbalanced_table", tmp_path / "d.csv", tmp_path)
    origins = curated.plan["origin"].to_pylist()
    assert origins.count("synthetic") == curated.accounts[0]["added"] == 67 - 15
    labels = np.array(curated.plan["label"].to_pylist())
    assert ((labels == "y").sum(), (labels == "n").sum()) == (67, 135)
    new = curated.transform({"age": [None, 40.0], "income": [50.0, 60.0], "city": ["Rome", "Bonn"]})
    assert np.isfinite(new.column("age").to_numpy()).all()


def test_augmented_text(tmp_path):
    words = SENTENCE.split()
    with (tmp_path / "d.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["text", "label"])
        for i in range(60):
            length = 300 if i % 20 == 0 else 9
            out.writerow([" ".join(RNG.choice(words, length)) + f" <b>{i}</b>", "abb"[i % 3] if i < 57 else "c"])
    curated = carried_out("augmented_text", tmp_path / "d.csv", tmp_path)
    assert not any("<b>" in text for text in curated.table.column("text").to_pylist())
    assert sum("#" in row_id for row_id in curated.table.row_ids) >= 9
    repeated = set(curated.plan.filter(np.array(curated.plan["copy"]) > 0)["row_id"].to_pylist())
    texts = {}
    for batch in curated.loader():
        for row_id, text in zip(batch["row_id"], batch["text"]):
            texts.setdefault(row_id, []).append(text)
    assert repeated
    assert np.mean([len(set(texts[row_id])) > 1 for row_id in repeated]) > 0.5


def test_long_recordings(tmp_path):
    for label, hz in (("low", 200), ("high", 900)):
        (tmp_path / "d" / label).mkdir(parents=True)
        for i in range(4):
            t = np.arange(44_100 * 2) / 44_100
            tone, pause = 0.2 * np.sin(2 * np.pi * (hz + 10 * i) * t), np.zeros(44_100)
            samples = np.concatenate([pause, *[np.concatenate([tone, pause])] * 6])[None].astype(np.float32)
            (tmp_path / "d" / label / f"{i}.wav").write_bytes(audio.encode_wav(samples, 44_100))
    curated = carried_out("long_recordings", tmp_path / "d", tmp_path)
    clips = [audio.decode(value["bytes"]) for value in curated.table.column("audio").to_pylist()]
    assert len(clips) >= 16
    assert {clip.rate for clip in clips} == {16_000}
    assert max(clip.seconds for clip in clips) <= 10
    assert np.allclose(curated.plan["weight"].to_numpy().sum(), 8, rtol=1e-5)


def test_video_frames(tmp_path):
    import av

    for label in ("a", "b"):
        (tmp_path / "d" / label).mkdir(parents=True)
        for i in range(3):
            with av.open(str(tmp_path / "d" / label / f"{i}.mp4"), "w") as container:
                stream = container.add_stream("libx264", rate=10)
                stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
                for scene in RNG.integers(0, 256, (2, 64, 96, 3), dtype=np.uint8):
                    picture = scene // 16 * 16 if label == "a" else scene[::8, ::8].repeat(8, 0).repeat(8, 1)
                    for _ in range(15):
                        for packet in stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture))):
                            container.mux(packet)
                for packet in stream.encode(None):
                    container.mux(packet)
    curated = carried_out("video_frames", tmp_path / "d", tmp_path)
    assert len(curated.table) == 6 * 2 * 3
    assert {tuple(batch["pixel_values"].shape[1:]) for batch in curated.loader()} == {(3, 224, 224)}
