"""Inputs of every modality but images: names, shapes, padding, masks and what is missing."""

import io
import json
import wave

import numpy as np
import pyarrow as pa
import pytest
import torch
from small_tables import plan, table

from curate.errors import ConfigError, DataError
from curate.feed import make_loader
from curate.feed.inputs.options import InputOptions


def wav(samples, rate=8000):
    """A 16-bit WAV file of (channels, n) samples in [-1, 1]."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(len(samples))
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((np.asarray(samples).T * 32767).astype("<i2").tobytes())
    return file.getvalue()


def batch_of(of, **options):
    drawn = options.pop("plan", None) or plan(of, kind=None, recipe=options.pop("recipe", None))
    [batch] = make_loader(of, drawn, sampler="sequential", **options)
    return batch


def test_texts_as_they_are_and_tokenised():
    of = table({"text": ["one two", None, "three"]}, kind="unlabeled", text="text")
    loader = make_loader(of, plan(of, kind=None), sampler="sequential")
    [batch] = loader
    assert batch["text"] == ["one two", "three"]
    assert loader.skipped == {"r1": "there is no text"}

    def tokenizer(texts, padding, truncation, return_tensors, max_length=None):
        assert (padding, truncation, return_tensors) == (True, True, "pt")
        lengths = [min(max_length or 99, len(text.split())) for text in texts]
        mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
        return {"input_ids": mask.long() * 7, "attention_mask": mask.long()}

    batch = batch_of(of, tokenizer=tokenizer)
    assert "text" not in batch
    assert batch["input_ids"].tolist() == [[7, 7], [7, 0]]
    assert batch_of(of, tokenizer=tokenizer, max_tokens=1)["attention_mask"].tolist() == [[1], [1]]
    with pytest.raises(ConfigError, match="mapping of tensors, not list"):
        batch_of(of, tokenizer=lambda texts, **_: texts)
    with pytest.raises(ConfigError, match="loader: max_tokens = 8 says nothing of texts as they are: pass tokenizer="):
        batch_of(of, max_tokens=8)


def test_texts_are_augmented_by_their_recipe():
    of = table({"text": ["a b c d e f g h"] * 4}, kind="unlabeled", text="text")
    recipe = json.dumps([{"step": "augment", "text": ["swap_words"]}])
    assert any(text != "a b c d e f g h" for text in batch_of(of, recipe=recipe)["text"])


def test_recordings_are_one_channel_at_one_rate_and_padded():
    rng = np.random.default_rng(0)
    stereo, short = rng.uniform(-0.5, 0.5, (2, 800)), rng.uniform(-0.5, 0.5, (1, 300))
    cells = [{"bytes": wav(stereo), "path": None}, {"bytes": wav(short), "path": None}]
    of = table({"audio": cells}, kind="unlabeled", audio="audio")
    batch = batch_of(of)
    assert batch["input_values"].dtype == torch.float32
    assert batch["input_values"].shape == batch["attention_mask"].shape == (2, 800)
    assert batch["attention_mask"].sum(1).tolist() == [800, 300]
    np.testing.assert_allclose(batch["input_values"][0], stereo.mean(0), atol=1e-4)
    np.testing.assert_allclose(batch["input_values"][1, :300], short[0], atol=1e-4)
    assert (batch["input_values"][1, 300:] == 0).all()
    assert batch_of(of, max_seconds=0.05)["input_values"].shape == (2, 400)
    assert batch_of(of, sampling_rate=16000)["attention_mask"].sum(1).tolist() == [1600, 600]
    cells.append({"bytes": wav(short, 11025), "path": None})
    of = table({"audio": cells}, kind="unlabeled", audio="audio")
    assert make_loader(of, plan(of, kind=None)).inputs[0].rate == 16000


def test_recordings_are_augmented_and_mixed_over_their_own_length():
    cells = [{"bytes": wav(np.full((1, n), 0.5)), "path": None} for n in (100, 300)]
    of = table(
        {"audio": cells, "y": ["a", "b"]}, kind="classification", audio="audio", label="y", label_names=("a", "b")
    )
    louder = json.dumps([{"step": "augment", "audio": [{"gain": {"min_gain_db": -6, "max_gain_db": -5}}]}])
    quiet = batch_of(of, plan=plan(of, ["a", "b"], recipe=louder))["input_values"]
    assert 0.2 < quiet[0, 50] < 0.3
    mix = json.dumps([{"step": "mix", "mixup_alpha": 50.0}])
    batch = batch_of(of, plan=plan(of, ["a", "b"], recipe=mix))
    assert batch["attention_mask"].sum(1).tolist() == [100, 300]


@pytest.mark.parametrize("frames", [2, 8])
def test_videos_are_frames(frames, shared_data):
    files = sorted((shared_data / "video_scenes").rglob("*.mp4"))[:2]
    cells = [{"bytes": None, "path": str(file.relative_to(shared_data))} for file in files]
    of = table({"video": cells}, root=shared_data, kind="unlabeled", video="video")
    batch = batch_of(of, frames=frames, image_size=[24, 32], max_seconds=1.0)
    assert batch["pixel_values"].shape == (2, frames, 3, 24, 32)
    assert 0 <= batch["pixel_values"].min() < batch["pixel_values"].max() <= 1
    assert not torch.equal(batch["pixel_values"][0, 0], batch["pixel_values"][0, -1])


def test_series_are_padded_and_masked():
    of = table({"s": [[1.0, 2.0, 3.0], [4.0, None], None]}, kind="unlabeled", series="s")
    batch = batch_of(of)
    assert batch["series"].tolist() == [[1, 2, 3], [4, 0, 0]]
    assert batch["series_mask"].tolist() == [[True] * 3, [True, False, False]]
    assert batch["row_id"] == ["r0", "r1"]
    of = table({"s": [[[1, 2], [3, 4]], [[5], [6]], [[7], [8, 9]]]}, kind="unlabeled", series="s")
    loader = make_loader(of, plan(of, kind=None), sampler="sequential")
    [batch] = loader
    assert batch["series"].tolist() == [[[1, 2], [3, 4]], [[5, 0], [6, 0]]]
    assert batch["series_mask"].tolist() == [[True, True], [True, False]]
    assert loader.skipped == {"r2": "its channels have lengths from 1 to 2; they must be equal"}
    of = table({"s": [[[1, 2], [3, 4]], [[5, 6]]]}, kind="unlabeled", series="s")
    with pytest.raises(ConfigError, match="r0 and r1 differ in their number of channels"):
        batch_of(of)


def test_vectors_with_missing_numbers_and_of_wrong_length():
    vectors = pa.array([[1, 2], [3, None], [5], None, [5, 8]], pa.list_(pa.float64()))
    of = table({"x": vectors}, kind="unlabeled", features="x")
    split = ["train", "train", "train", "train", "test"]
    loader = make_loader(of, plan(of, kind=None, split=split), sampler="sequential", split=None)
    [batch] = loader
    assert batch["features"].tolist() == [[1, 2], [3, 2], [5, 8]], "the mean is that of training rows"
    assert batch["features"].dtype == torch.float32
    assert batch["features_mask"].tolist() == [[True, True], [True, False], [True, True]]
    assert set(loader.skipped) == {"r2", "r3"}
    assert "1 numbers" in loader.skipped["r2"]


def test_scalar_columns_become_numbers():
    of = table(
        {"age": [10, None, 30], "town": ["Ulm", "Bonn", None], "member": [True, False, True], "y": [0.1, 0.2, 0.3]},
        kind="regression",
        features=["age", "town", "member"],
        label="y",
    )
    drawn = plan(of, [0.1, 0.2, 0.3], kind="regression")
    batch = batch_of(of, plan=drawn)
    assert batch["features"].tolist() == [[10, 1, 1], [20, 0, 0], [30, -1, 1]]
    assert batch["features_mask"].tolist() == [[True, True, True], [False, True, True], [True, False, True]]
    loader = make_loader(of, drawn, sampler="sequential", categories="one_hot")
    assert loader.inputs[0].names == ["age", "town=Bonn", "town=Ulm", "member=false", "member=true"]
    assert next(iter(loader))["features"].tolist() == [[10, 0, 1, 0, 1], [20, 1, 0, 1, 0], [30, 0, 0, 0, 1]]


def test_a_name_that_no_training_row_has_counts_as_missing():
    of = table({"town": ["Ulm", "Aachen", "Bonn"], "age": [1, 2, 3]}, kind="unlabeled", features=["town", "age"])
    drawn = plan(of, kind=None, split=["train", "test", "train"])
    [batch] = make_loader(of, drawn, sampler="sequential", split="test")
    assert batch["features"].tolist() == [[-1, 2]]
    assert batch["features_mask"].tolist() == [[False, True]]


def test_categories_are_not_augmented():
    of = table({"age": [10.0] * 6, "town": ["a", "b"] * 3}, kind="unlabeled", features=["age", "town"])
    recipe = json.dumps([{"step": "augment", "features": [{"mask": {"max_fraction": 1.0}}, "scaling"]}])
    batch = batch_of(of, recipe=recipe)
    assert batch["features"][:, 1].tolist() == [0, 1] * 3
    assert (batch["features"][:, 0] != 10).any()


def test_columns_that_cannot_be_features():
    of = table({"x": [{"a": 1}], "z": [1]}, kind="unlabeled", features=["x", "z"])
    with pytest.raises(DataError, match="'x' holds struct"):
        make_loader(of, plan(of, kind=None))
    of = table({"x": [f"id {i}" for i in range(10_001)], "z": [1] * 10_001}, kind="unlabeled", features=["x", "z"])
    with pytest.raises(DataError, match="10,001 different names"):
        make_loader(of, plan(of, kind=None))


def test_several_modalities_share_a_batch():
    cells = [{"bytes": wav(np.zeros((1, 80))), "path": None}]
    of = table({"text": ["hi"], "audio": cells}, kind="unlabeled", text="text", audio="audio")
    batch = batch_of(of, tokenizer=lambda texts, **_: {"attention_mask": torch.ones(1, 1)})
    assert set(batch) >= {"attention_mask", "audio_attention_mask", "input_values"}
    assert batch["audio_attention_mask"].shape == (1, 80)


def test_a_task_without_inputs():
    of = table({"y": ["a"]}, kind="classification", label="y", label_names=("a",))
    with pytest.raises(ConfigError, match="the task has no input"):
        make_loader(of, plan(of, ["a"]))


def test_every_option_is_described():
    assert all(field.description for field in InputOptions.model_fields.values())


def test_a_tokenizer_without_texts_is_refused():
    of = table({"x": [1.0, 2.0]}, kind="unlabeled", features=("x",))
    with pytest.raises(ConfigError, match="tokenizer is for texts and transcripts, and the task's inputs are features"):
        batch_of(of, tokenizer=lambda texts, **_: {})
    with pytest.raises(ConfigError, match="tokenizer_options is for texts"):
        batch_of(of, tokenizer_options={"padding": True})


def test_a_length_column_that_is_not_there():
    of = table({"text": ["a", "b"], "words": [1, 1]}, kind="unlabeled", text="text")
    with pytest.raises(ConfigError, match=r"length_column: there is no column 'word'.*did you mean 'words'"):
        make_loader(of, plan(of, kind=None), bucket_by_length=True, length_column="word")
