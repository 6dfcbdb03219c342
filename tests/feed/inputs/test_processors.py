"""Processors of transformers, made from their settings, as they are: what they give is what the batch holds."""

import json

import numpy as np
import pytest
import torch
from planted_scenes import around, scenes
from small_tables import plan, table

from curate.errors import ConfigError, DataError
from curate.feed import make_loader
from curate.media.audio import encode_wav
from curate.media.image import decode, encode_png
from curate.media.torch_audio import guard_torchaudio

guard_torchaudio()
transformers = pytest.importorskip("transformers")
transformers.logging.set_verbosity_error()


def pictures(n=3, sizes=((40, 60), (50, 30)), **more):
    rng = np.random.default_rng(0)
    cells = []
    for i in range(n):
        small = rng.integers(0, 256, (5, 5, 3), dtype=np.uint8)
        height, width = sizes[i % len(sizes)]
        cells.append({"bytes": encode_png(small.repeat(height // 5, 0).repeat(width // 5, 1)), "path": None})
    task = {"kind": "unlabeled", "image": "image"} | {k: more.pop(k) for k in ("text", "kind") if k in more}
    return table({"image": cells, **more}, **task)


def decoded(of):
    return [decode(cell["bytes"]).pixels for cell in of.dataset["image"][:]]


def sounds(rate=16000, lengths=(4000, 2500)):
    rng = np.random.default_rng(0)
    samples = [rng.uniform(-0.5, 0.5, n).astype(np.float32) for n in lengths]
    cells = [{"bytes": encode_wav(one[None], rate), "path": None} for one in samples]
    return table({"audio": cells}, kind="unlabeled", audio="audio"), samples


def batch_of(of, **options):
    drawn = plan(of, kind=of.task.kind, recipe=options.pop("recipe", None))
    [batch] = make_loader(of, drawn, **({"sampler": "sequential", "on_error": "raise"} | options))
    return batch


def vit(**settings):
    return transformers.ViTImageProcessorPil(**{"size": {"height": 32, "width": 24}} | settings)


def test_an_image_processor_sees_the_pixels_as_they_are():
    of = pictures()
    batch = batch_of(of, processor=vit())
    theirs = vit()(decoded(of), return_tensors="pt")["pixel_values"]
    assert batch["pixel_values"].shape == (3, 3, 32, 24)
    torch.testing.assert_close(batch["pixel_values"], theirs, rtol=0, atol=0)
    plain = batch_of(of, processor=vit(), processor_options={"do_normalize": False})["pixel_values"]
    assert 0 <= plain.min() < plain.max() <= 1


def test_images_are_augmented_before_and_mixed_as_whole_numbers():
    of = pictures(2, sizes=((40, 40),))
    flip = json.dumps([{"step": "augment", "image": [{"VerticalFlip": {"p": 1.0}}]}])
    theirs = vit()([one[::-1] for one in decoded(of)], return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(batch_of(of, processor=vit(), recipe=flip)["pixel_values"], theirs, rtol=0, atol=0)
    columns = {"image": of.dataset["image"][:], "y": ["a", "b"]}
    of = table(columns, kind="classification", image="image", label="y", label_names=("a", "b"))
    mix = json.dumps([{"step": "mix", "mixup_alpha": 50.0}])
    loader = make_loader(of, plan(of, ["a", "b"], recipe=mix), sampler="sequential", processor=vit(), seed=3)
    [batch] = loader
    assert batch["pixel_values"].shape == (2, 3, 32, 24)
    assert batch["soft_labels"][0].max() < 0.9


def test_padding_and_its_mask_are_the_processors():
    of = pictures()
    processor = transformers.DetrImageProcessorPil(size={"shortest_edge": 30, "longest_edge": 50})
    batch = batch_of(of, processor=processor)
    theirs = processor(decoded(of), return_tensors="pt")
    assert set(theirs) == {"pixel_values", "pixel_mask"}
    for name, value in theirs.items():
        torch.testing.assert_close(batch[name], value, rtol=0, atol=0)


def test_boxes_go_through_the_processor_of_detr():
    of = scenes(3, sizes=((48, 64), (64, 56)), mask=False)
    processor = transformers.DetrImageProcessorPil(size={"shortest_edge": 96, "longest_edge": 200}, do_pad=True)
    batch = batch_of(of, processor=processor, mean=None)
    height, width = batch["pixel_values"].shape[-2:]
    assert len(batch["labels"]) == 3
    for place, target in enumerate(batch["labels"]):
        assert type(target) is dict
        assert target["class_labels"].tolist() == [0, 1]
        seen = batch["pixel_values"][place]
        for code, channel in ((0, 0), (1, 2)):
            x, y, w, h = (target["boxes"][code] * torch.tensor([width, height, width, height])).tolist()
            strong = (seen[channel] - seen[2 - channel] > 1).numpy() & (batch["pixel_mask"][place] == 1).numpy()
            np.testing.assert_allclose([x - w / 2, y - h / 2, x + w / 2, y + h / 2], around(strong), atol=2.1)
    assert batch["weights"].tolist() == [1, 1, 1]


def test_masks_go_through_the_processor_of_segformer():
    of = scenes(3, kind="segmentation", boxes=False)
    processor = transformers.SegformerImageProcessorPil(size={"height": 96, "width": 128})
    batch = batch_of(of, processor=processor)
    ours = batch_of(of, image_size=(96, 128))
    assert batch["labels"].shape == (3, 96, 128)
    assert batch["labels"].dtype == torch.int64
    assert (batch["labels"] != ours["labels"]).float().mean() < 0.02
    holes = np.zeros((48, 64), np.uint8)
    holes[:10] = 255
    cells = [{"bytes": encode_png(holes), "path": None}, None, of.dataset["mask"][2]]
    cells = [c if c is not None else {"bytes": None, "path": None} for c in cells]
    task = of.task.model_dump(exclude_defaults=True)
    batch = batch_of(table({"image": of.dataset["image"][:], "mask": cells}, **task), processor=processor)
    assert [labels.unique().tolist() for labels in batch["labels"]] == [[-100, 0], [-100], [0, 1, 2]]
    assert batch["weights"].tolist() == [1, 0, 1]


def test_a_processor_of_masks_as_sets():
    of = scenes(2, kind="segmentation", boxes=False)
    processor = transformers.Mask2FormerImageProcessorPil(size={"height": 48, "width": 64}, ignore_index=255)
    batch = batch_of(of, processor=processor)
    assert [found.tolist() for found in batch["class_labels"]] == [[0, 1, 2]] * 2
    assert [tuple(found.shape) for found in batch["mask_labels"]] == [(3, 64, 64)] * 2


@pytest.mark.parametrize("of_padding", ["longest", None])
def test_a_feature_extractor_says_the_rate(of_padding):
    of, samples = sounds()
    extractor = transformers.Wav2Vec2FeatureExtractor(return_attention_mask=True, do_normalize=True)
    options = {} if of_padding is None else {"processor_options": {"padding": of_padding}}
    batch = batch_of(of, processor=extractor, **options)
    theirs = extractor(samples, sampling_rate=16000, padding=True, return_tensors="pt")
    torch.testing.assert_close(batch["input_values"], theirs["input_values"], atol=1e-3, rtol=1e-3)
    assert batch["attention_mask"].sum(1).tolist() == [4000, 2500]
    slow = sounds(8000)[0]
    loader = make_loader(slow, plan(slow, kind=None), processor=extractor, sampler="sequential")
    assert next(iter(loader))["attention_mask"].sum(1).tolist() == [8000, 5000]


@pytest.mark.parametrize(
    ("name", "settings", "entry", "shape"),
    [
        ("ASTFeatureExtractor", {"num_mel_bins": 16, "max_length": 40}, "input_values", (2, 40, 16)),
        ("WhisperFeatureExtractor", {"feature_size": 20, "chunk_length": 1}, "input_features", (2, 20, 100)),
    ],
)
def test_extractors_of_spectra(name, settings, entry, shape):
    of, samples = sounds()
    extractor = getattr(transformers, name)(**settings)
    batch = batch_of(of, processor=extractor)
    theirs = extractor(samples, sampling_rate=16000, return_tensors="pt")[entry]
    assert batch[entry].shape == shape
    torch.testing.assert_close(batch[entry], theirs, atol=2e-3, rtol=1e-3)


def words():
    from tokenizers import Tokenizer, models, pre_tokenizers

    names = ["<pad>", "<unk>", "<end>", "a", "red", "cat", "go", "left", "stop"]
    inner = Tokenizer(models.WordLevel({word: i for i, word in enumerate(names)}, "<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", unk_token="<unk>", eos_token="<end>", model_max_length=16
    )


def clip():
    images = transformers.CLIPImageProcessorPil(size={"shortest_edge": 20}, crop_size={"height": 20, "width": 20})
    return transformers.CLIPProcessor(images, words())


def test_texts_and_images_go_through_one_processor():
    texts = ["a red cat", "cat", "a"]
    of = pictures(text="caption", caption=texts)
    batch = batch_of(of, processor=clip())
    theirs = clip()(text=texts, images=decoded(of), return_tensors="pt", padding=True)
    for name in ("input_ids", "attention_mask", "pixel_values"):
        torch.testing.assert_close(batch[name], theirs[name], rtol=0, atol=0)
    assert batch["pixel_values"].shape == (3, 3, 20, 20)
    assert batch_of(of, processor=clip(), max_tokens=2)["input_ids"].shape == (3, 2)
    recipe = json.dumps([{"step": "augment", "image": [{"VerticalFlip": {"p": 1.0}}], "text": ["swap_words"]}])
    changed = batch_of(of, processor=clip(), recipe=recipe)
    flipped = clip().image_processor([one[::-1] for one in decoded(of)], return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(changed["pixel_values"], flipped, rtol=0, atol=0)
    assert sorted(changed["input_ids"][0].tolist()) == sorted(batch["input_ids"][0].tolist())


def test_a_part_of_a_processor_reads_what_the_task_has():
    of = pictures()
    theirs = clip().image_processor(decoded(of), return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(batch_of(of, processor=clip())["pixel_values"], theirs, rtol=0, atol=0)
    of = table({"text": ["a cat", "red"]}, kind="unlabeled", text="text")
    assert batch_of(of, processor=clip())["input_ids"].tolist() == [[3, 5], [4, 0]]


def test_recordings_and_transcripts_with_one_processor():
    of, _ = sounds()
    of = table(
        {"audio": of.dataset["audio"][:], "said": ["go left", "stop"]},
        kind="transcription", audio="audio", transcript="said",
    )  # fmt: skip
    processor = transformers.Wav2Vec2Processor(transformers.Wav2Vec2FeatureExtractor(), words())
    batch = batch_of(of, processor=processor)
    assert batch["labels"].tolist() == [[6, 7], [8, -100]]
    assert batch["input_values"].shape == (2, 4000)


def test_processors_of_videos_and_of_their_frames(shared_data):
    files = sorted((shared_data / "video_scenes").rglob("*.mp4"))[:2]
    cells = [{"bytes": None, "path": str(file.relative_to(shared_data))} for file in files]
    of = table({"video": cells}, root=shared_data, kind="unlabeled", video="video")
    small = {"size": {"shortest_edge": 24}, "crop_size": {"height": 24, "width": 24}}
    batch = batch_of(of, processor=transformers.VideoMAEImageProcessorPil(**small), frames=3, max_seconds=1.0)
    assert batch["pixel_values"].shape == (2, 3, 3, 24, 24)
    frames = batch_of(of, processor=vit(size={"height": 24, "width": 24}), frames=3, max_seconds=1.0)
    assert frames["pixel_values"].shape == (2, 3, 3, 24, 24)
    assert not torch.equal(frames["pixel_values"][0], frames["pixel_values"][1])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"image_size": 32}, "image_size: the processor .* resizes and normalises itself, and it would be done twice"),
        ({"mean": [0.5], "std": [0.5]}, "mean, std: the processor .* leave them out"),
        ({"pixels": "uint8"}, "pixels: the processor"),
        ({"different_sizes": "pad"}, "different_sizes: the processor"),
        ({"processor": print}, "processor must be an image processor, .* not builtin_function_or_method"),
        ({"processor": None, "processor_options": {"a": 1}}, "processor_options are for a processor"),
    ],
)
def test_what_a_processor_does_is_not_done_twice(options, said):
    of = pictures()
    with pytest.raises(ConfigError, match=said):
        make_loader(of, plan(of, kind=None), **{"processor": vit()} | options)
    assert batch_of(of, processor=vit(), image_size="native")["pixel_values"].shape == (3, 3, 32, 24)


def test_what_does_not_go_together_is_refused():
    of, _ = sounds()
    extractor = transformers.Wav2Vec2FeatureExtractor()
    with pytest.raises(ConfigError, match=r"sampling_rate=8000, and the processor .* is for 16000"):
        make_loader(of, plan(of, kind=None), processor=extractor, sampling_rate=8000)
    assert make_loader(of, plan(of, kind=None), processor=extractor, sampling_rate=16000)
    with pytest.raises(ConfigError, match="reads image, and the task has audio"):
        make_loader(of, plan(of, kind=None), processor=vit())
    captioned = pictures(text="caption", caption=["a", "b", "c"])
    with pytest.raises(ConfigError, match="has a tokenizer: leave out tokenizer"):
        make_loader(captioned, plan(captioned, kind=None), processor=clip(), tokenizer=words())
    masked = scenes(2, kind="segmentation", boxes=False)
    with pytest.raises(ConfigError, match="takes no segmentation_maps, so that the mask would be left out"):
        make_loader(masked, plan(masked, kind="segmentation"), processor=vit())
    reducing = transformers.SegformerImageProcessorPil(do_reduce_labels=True)
    with pytest.raises(ConfigError, match="would shift the numbers of the classes once more"):
        make_loader(masked, plan(masked, kind="segmentation"), processor=reducing)
    boxed = scenes(2, mask=False)
    with pytest.raises(ConfigError, match="takes no annotations"):
        make_loader(boxed, plan(boxed, kind="detection"), processor=vit())


@pytest.mark.slow
def test_the_same_for_workers_that_are_spawned():
    of = pictures(text="caption", caption=["a red cat", "cat", "a"])
    one = batch_of(of, processor=clip())
    other = batch_of(of, processor=clip(), num_workers=1, multiprocessing_context="spawn")
    for name in ("input_ids", "pixel_values"):
        torch.testing.assert_close(one[name], other[name], rtol=0, atol=0)


@pytest.mark.parametrize("height", [1, 3])
def test_low_images_are_not_taken_for_channels(height):
    rng = np.random.default_rng(0)
    pixels = [rng.integers(0, 256, (one, 40, 3), dtype=np.uint8) for one in (height, 20)]
    cells = [{"bytes": encode_png(one), "path": None} for one in pixels]
    of = table({"image": cells}, kind="unlabeled", image="image")
    theirs = vit()(pixels, return_tensors="pt", input_data_format="channels_last")["pixel_values"]
    torch.testing.assert_close(batch_of(of, processor=vit())["pixel_values"], theirs, rtol=0, atol=0)


class NeedsAWindow(transformers.Wav2Vec2FeatureExtractor):
    """As extractors of spectrograms are."""

    def __call__(self, sounds, padding=False, **settings):
        if any(len(one) < 400 for one in sounds):
            raise ValueError("the window is 400 long")
        return super().__call__(sounds, padding=padding, **settings)


def test_recordings_too_short_for_a_processor_are_left_out():
    of, samples = sounds(lengths=(4000, 1, 2500))
    drawn = plan(of, kind=of.task.kind)
    loader = make_loader(of, drawn, sampler="sequential", processor=NeedsAWindow())
    [batch] = loader
    assert batch["row_id"] == ["r0", "r2"]
    assert batch["labels"].shape == batch["weights"].shape == (2,)
    expected = transformers.Wav2Vec2FeatureExtractor()([samples[0]], sampling_rate=16000, return_tensors="pt")
    torch.testing.assert_close(batch["input_values"][:1], expected["input_values"], atol=1e-3, rtol=1e-3)
    assert loader.skipped == {"r1": "ValueError: the window is 400 long"}
    with pytest.raises(DataError, match="row r1 can't be put into a batch: ValueError: the window"):
        batch_of(of, processor=NeedsAWindow())


def test_what_no_row_can_be_put_through_is_an_error_that_names_the_rows():
    of, _ = sounds(lengths=(100, 1))
    with pytest.raises(ValueError, match="the window") as error:
        list(make_loader(of, plan(of, kind=of.task.kind), sampler="sequential", processor=NeedsAWindow()))
    assert error.value.__notes__ == ["the rows of the batch: r0, r1"]
