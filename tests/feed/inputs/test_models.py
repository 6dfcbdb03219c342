"""Models of transformers, made from their settings, take the batches; the loss that they compute is the one of ours."""

import numpy as np
import pytest
import torch
from planted_scenes import NAMES, scenes
from small_tables import plan, table
from test_words import TAGS, pieces, tagged

from curate.feed import make_loader
from curate.losses import make_loss
from curate.media.audio import encode_wav
from curate.media.torch_audio import guard_torchaudio

guard_torchaudio()
transformers = pytest.importorskip("transformers")
transformers.logging.set_verbosity_error()


def batch_of(of, **options):
    [batch] = make_loader(of, plan(of, kind=of.task.kind), sampler="sequential", on_error="raise", **options)
    return batch


def test_segformer_on_masks():
    torch.manual_seed(0)
    config = transformers.SegformerConfig(
        num_encoder_blocks=2, depths=[1, 1], sr_ratios=[2, 1], hidden_sizes=[8, 16], num_attention_heads=[1, 2],
        patch_sizes=[3, 3], strides=[2, 2], mlp_ratios=[1, 1], decoder_hidden_size=16, num_labels=3,
    )  # fmt: skip
    batch = batch_of(scenes(3, kind="segmentation", boxes=False), ignore_index=255, image_size=40, fit="letterbox")
    assert (batch["labels"] == 255).any()
    model = transformers.SegformerForSemanticSegmentation(config)
    found = model(pixel_values=batch["pixel_values"], labels=batch["labels"])
    ours = make_loss("segmentation", label_names=NAMES, ignore_index=255)(found.logits, batch)
    torch.testing.assert_close(ours, found.loss)


@pytest.mark.parametrize("options", [{"image_size": 64}, {"different_sizes": "pad"}])
def test_detr_on_boxes(options):
    torch.manual_seed(0)
    small = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], layer_type="basic", out_features=["stage4"]
    )
    config = transformers.DetrConfig(
        use_timm_backbone=False, backbone_config=small, use_pretrained_backbone=False, backbone=None, num_labels=2,
        num_queries=5, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16,
    )  # fmt: skip
    model = transformers.DetrForObjectDetection(config)
    batch = batch_of(scenes(3, sizes=((48, 64), (64, 56)), mask=False), box_targets="detr", **options)
    found = model(batch["pixel_values"], batch.get("pixel_mask"), labels=batch["labels"])
    found.loss.backward()
    assert torch.isfinite(found.loss)
    assert (model.class_labels_classifier.weight.grad != 0).any()


def test_bert_on_tags():
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        num_labels=len(TAGS), max_position_embeddings=16,
    )  # fmt: skip
    batch = batch_of(tagged(), tokenizer=pieces())
    model = transformers.BertForTokenClassification(config).eval()
    found = model(**{name: batch[name] for name in ("input_ids", "attention_mask", "labels")})
    torch.testing.assert_close(make_loss("token_classification")(found.logits, batch), found.loss)


def sayings(n=3):
    rng = np.random.default_rng(0)
    cells = [
        {"bytes": encode_wav(rng.uniform(-0.5, 0.5, (1, 6000 + 2000 * i)).astype(np.float32), 16000), "path": None}
        for i in range(n)
    ]
    said = ["abc", "ba", "c"][:n]
    return table({"audio": cells, "said": said}, kind="transcription", audio="audio", transcript="said")


def letters(texts, **_):
    return {"input_ids": [[ord(letter) - 96 for letter in text] for text in texts]}


def test_wav2vec2_on_transcripts():
    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(
        vocab_size=6, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        conv_dim=[8, 8], conv_stride=[20, 16], conv_kernel=[20, 16], num_feat_extract_layers=2,
        feat_extract_norm="layer", num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2,
        ctc_loss_reduction="mean", pad_token_id=0, apply_spec_augment=False,
    )  # fmt: skip
    model = transformers.Wav2Vec2ForCTC(config).eval()
    extractor = transformers.Wav2Vec2FeatureExtractor(return_attention_mask=True)
    batch = batch_of(sayings(), tokenizer=letters, processor=extractor)
    found = model(**{name: batch[name] for name in ("input_values", "attention_mask", "labels")})
    frames = model._get_feat_extract_output_lengths(batch["attention_mask"].sum(1))
    ours = make_loss("transcription")(found.logits, batch | {"logit_lengths": frames})
    torch.testing.assert_close(ours, found.loss, atol=1e-5, rtol=1e-5)
    by_mask = make_loss("transcription")(found.logits, batch)
    torch.testing.assert_close(by_mask, found.loss, atol=0.05, rtol=0.05)


def test_whisper_on_transcripts():
    torch.manual_seed(0)
    config = transformers.WhisperConfig(
        vocab_size=12, num_mel_bins=8, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, d_model=16, encoder_ffn_dim=16, decoder_ffn_dim=16, max_source_positions=50,
        max_target_positions=16, pad_token_id=0, bos_token_id=10, eos_token_id=10, decoder_start_token_id=11,
    )  # fmt: skip
    model = transformers.WhisperForConditionalGeneration(config).eval()
    extractor = transformers.WhisperFeatureExtractor(feature_size=8, chunk_length=1)
    batch = batch_of(sayings(), tokenizer=letters, processor=extractor)
    found = model(input_features=batch["input_features"], labels=batch["labels"])
    ours = make_loss("transcription", name="cross_entropy")(found.logits, batch)
    torch.testing.assert_close(ours, found.loss)


def test_the_trainer_weighs_tags(tmp_path):
    """The logged loss is the weighted one by hand: no column is dropped, and the model sees no labels."""
    import curate
    from curate.feed.trainers.transformers import CuratedTrainer

    rng = np.random.default_rng(0)
    words = [["anna", "met", "ulm", "rain"][: rng.integers(2, 5)] for _ in range(8)]
    tags = [[("B-PER", "O", "B-LOC", "O")[place] for place in range(len(own))] for own in words]
    loaded = curate.load(
        {"tokens": words, "ner_tags": tags, "id": [f"w{i}" for i in range(8)]},
        task={"kind": "token_classification", "tokens": "tokens", "label": "ner_tags", "id": "id"},
    )
    curated = curate.Pipeline([{"class_weights": {}}]).run(loaded)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        num_labels=len(curated.label_names), hidden_dropout_prob=0, attention_probs_dropout_prob=0,
    )  # fmt: skip
    model = transformers.BertForTokenClassification(config)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    args = transformers.TrainingArguments(
        str(tmp_path), per_device_train_batch_size=4, gradient_accumulation_steps=2, max_steps=1, logging_steps=1,
        report_to=[], use_cpu=True, disable_tqdm=True, save_strategy="no", learning_rate=0.0,
    )  # fmt: skip
    trainer = CuratedTrainer(model, args, curated=curated, processing_class=pieces())
    trainer.train()
    model.load_state_dict(before)
    batch = next(iter(curated.loader(batch_size=8, tokenizer=pieces(), sampler="sequential")))
    logits = model(batch["input_ids"], batch["attention_mask"]).logits.detach()
    each = torch.nn.functional.cross_entropy(logits.transpose(1, 2), batch["labels"], reduction="none")
    w = torch.tensor(curated.class_weights)[batch["labels"].clamp_min(0)] * (batch["labels"] >= 0)
    assert w[w > 0].min() < w.max()
    assert trainer.state.log_history[0]["loss"] == pytest.approx(float((each * w).sum() / w.sum()), abs=1e-4)


def test_the_trainer_hands_its_image_processor_to_the_loader(tmp_path):
    import curate
    from curate.feed.trainers.transformers import CuratedTrainer
    from curate.media.image import encode_png

    rng = np.random.default_rng(0)
    cells = [{"bytes": encode_png(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)), "path": None} for _ in range(6)]
    data = {"image": cells, "label": ["a", "b"] * 3, "id": [f"i{i}" for i in range(6)]}
    curated = curate.Pipeline([]).run(curate.load(data, task={"image": "image", "label": "label", "id": "id"}))
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=16, patch_size=8,
        num_labels=2,
    )  # fmt: skip
    processor = transformers.ViTImageProcessorPil(size={"height": 16, "width": 16})
    args = transformers.TrainingArguments(
        str(tmp_path), per_device_train_batch_size=3, num_train_epochs=1, report_to=[], use_cpu=True, disable_tqdm=True,
        save_strategy="no",
    )  # fmt: skip
    model = transformers.ViTForImageClassification(config)
    trainer = CuratedTrainer(model, args, curated=curated, processing_class=processor)
    assert next(iter(trainer.get_train_dataloader()))["pixel_values"].shape == (3, 3, 16, 16)
    trainer.train()
    assert trainer.state.global_step == 2
