"""Batches of recordings that are padded where they lie: the same as of a list, whatever was left out or did not fit."""

import weakref

import numpy as np
import pytest
import torch

import curate
from curate.feed.inputs.waves import Expected, Laid, Waves, padded
from curate.feed.memory import Recycled, within
from curate.media.torch_audio import guard_torchaudio


def sounds(lengths, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=n).astype(np.float32) for n in lengths]


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name].dtype == values.dtype
        assert np.array_equal(found[name], values)


@pytest.mark.parametrize("lengths", [[3], [5, 2, 9, 1], [9, 8, 7], [1, 1, 30], [30, 1, 1], [4, 4, 4]])
@pytest.mark.parametrize("expected", [0, 64])
def test_rows_are_padded_in_place(lengths, expected):
    items, waves = sounds(lengths), Waves("x", "mask", len(lengths), Recycled(), Expected(expected))
    held = [waves.put(place, item) for place, item in enumerate(items)]
    assert not expected or all(isinstance(one, Laid) for one in held)
    same(waves.entries(held, ["r"] * len(items)), padded(items, "x", "mask"))


def test_rows_that_are_left_out_or_take_the_place_of_others():
    items, waves = sounds([5, 9, 2, 7]), Waves("x", "mask", 6, Recycled(), Expected(32))
    held = [waves.put(place, item) for place, item in enumerate(items)]
    same(waves.entries([held[0], held[2]], ["a", "b"]), padded([items[0], items[2]], "x", "mask"))
    waves = Waves("x", "mask", 4, Recycled(), Expected(32))
    held = [waves.put(place, item) for place, item in enumerate(items)]
    held[1] = sounds([20], 1)[0]
    same(waves.entries(held, ["a"] * 4), padded([items[0], held[1], items[2], items[3]], "x", "mask"))
    same(Waves("x", "mask", 2, Recycled(), Expected()).entries(items, ["a"] * 4), padded(items, "x", "mask"))


def test_what_was_in_the_memory_before_is_not_seen_and_like_batches_use_it_again():
    memory, expected, places = Recycled(), Expected(), set()
    for turn in range(12):
        items = sounds([200_000 + 50 * turn, 150_000, 3], turn)
        waves = Waves("x", "mask", 3, memory, expected)
        with within(memory):
            found = waves.entries([waves.put(n, item) for n, item in enumerate(items)], ["a"] * 3)
        same(found, padded(items, "x", "mask"))
        places.add(found["x"].ctypes.data)
    assert len(places) <= 2


@pytest.fixture
def curated(tmp_path):
    """Recordings of several lengths in two channels or one, of which one was damaged after it was curated."""
    import soundfile

    rng = np.random.default_rng(0)
    for i in range(20):
        shape = (800 + 37 * i,) if i % 3 else (800 + 37 * i, 2)
        soundfile.write(tmp_path / f"{i}.wav", rng.normal(0, 0.1, shape).astype(np.float32), 8000)
    task = curate.Task(kind="classification", audio="audio", label="label", label_names=("a", "b"), id="id")
    files = [f"{i}.wav" for i in range(20)]
    columns = {"id": [f"r{i}" for i in range(20)], "audio": files, "label": ["a", "b"] * 10}
    made = curate.Pipeline([]).run(curate.load(columns, task=task, root=tmp_path))
    damaged = tmp_path / "7.wav"
    damaged.write_bytes(damaged.read_bytes()[:60])
    return made


@pytest.mark.parametrize("on_error", ["skip", "replace"])
@pytest.mark.parametrize("seconds", [None, 0.12])
def test_batches_are_those_of_workers(curated, on_error, seconds):
    options = {"batch_size": 6, "on_error": on_error, "max_seconds": seconds}
    here = list(curated.loader(**options))
    there = list(curated.loader(num_workers=2, workers="threads", **options))
    assert sum(len(batch["row_id"]) for batch in here) == (19 if on_error == "skip" else 20)
    for one, other in zip(here, there, strict=True):
        assert one["row_id"] == other["row_id"]
        for name in ("input_values", "attention_mask", "labels"):
            assert torch.equal(one[name], other[name])
        assert one["attention_mask"].dtype == torch.bool
        assert one["input_values"].is_contiguous()
        assert not one["input_values"][~one["attention_mask"]].any()
        assert (one["input_values"].abs().sum(1) > 0).all()


def test_models_take_the_mask_as_they_take_numbers(curated):
    guard_torchaudio()
    from transformers import Wav2Vec2Config, Wav2Vec2ForSequenceClassification

    config = Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, conv_dim=(16, 16),
        conv_stride=(5, 4), conv_kernel=(10, 8), num_feat_extract_layers=2, num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2, classifier_proj_size=8, feat_extract_norm="layer",
    )  # fmt: skip
    model, batch = Wav2Vec2ForSequenceClassification(config).eval(), next(iter(curated.loader(batch_size=6)))
    values, mask = batch["input_values"], batch["attention_mask"]
    with torch.no_grad():
        expected = model(values, attention_mask=mask.long()).logits
        assert torch.equal(model(values, attention_mask=mask).logits, expected)


class Away(Recycled):
    """Memory that is away until so many rows were put."""

    def __init__(self, rows):
        super().__init__()
        self.rows = rows

    def ready(self, shape, dtype):
        self.rows -= 1
        return self.array(shape, dtype) if self.rows < 0 else None


@pytest.mark.parametrize("away", [0, 1, 3, 4])
@pytest.mark.parametrize("lengths", [[5, 2, 9, 1], [9, 0, 0, 7], [3, 0, 60, 3]])
def test_rows_wait_for_memory_that_is_away(lengths, away):
    items = sounds(lengths)
    waves = Waves("x", "mask", 4, Away(away), Expected(10), at_once=False)
    held = [waves.put(place, item) for place, item in enumerate(items)]
    same(waves.entries(held, ["r"] * 4), padded(items, "x", "mask"))


def test_rows_are_let_go_once_they_lie_in_the_batch():
    items = sounds([5, 2, 9])
    kept = [weakref.ref(item) for item in items]
    waves = Waves("x", "mask", 4, Away(1), Expected(10), at_once=False)
    waves.put(0, items.pop(0))
    assert kept[0]() is not None
    waves.put(1, items.pop(0))
    waves.put(2, items.pop(0))
    assert [one() for one in kept] == [None] * 3


def test_no_memory_is_taken_for_a_length_that_is_guessed():
    memory, expected = Recycled(), Expected()
    for turn in range(3):
        items = sounds([100_000, 400_000, 300_000], turn)
        waves = Waves("x", "mask", 3, memory, expected)
        with within(memory):
            found = waves.entries([waves.put(n, item) for n, item in enumerate(items)], ["a"] * 3)
        same(found, padded(items, "x", "mask"))
        assert len(memory._pieces) == 2  # samples and mask, and none that was too small
        del found
