"""Transcripts: tokens as labels beside the recording, or texts."""

import numpy as np
import torch
from small_tables import plan, table

from curate.feed import make_loader
from curate.media.audio import encode_wav

SAID = ["go left", None, "stop"]


def spoken(**more):
    rng = np.random.default_rng(0)
    cells = [
        {"bytes": encode_wav(rng.uniform(-0.5, 0.5, (1, n)).astype(np.float32), 8000), "path": None}
        for n in (800, 400, 600)
    ]
    return table({"audio": cells, "said": SAID, **more}, kind="transcription", audio="audio", transcript="said")


def letters(texts, **settings):
    """Letters to numbers from 1, after the token 30; no padding, as the loader asks for none."""
    assert "padding" not in settings
    assert "return_tensors" not in settings
    most = settings.get("max_length")
    return {"input_ids": [[30, *(ord(c) - 96 if c != " " else 27 for c in text)][:most] for text in texts]}


def batch_of(of, **options):
    [batch] = make_loader(of, plan(of, kind=of.task.kind, weight=[1.0, 2, 3]), sampler="sequential", **options)
    return batch


def test_tokens_are_labels_padded_with_what_does_not_count():
    batch = batch_of(spoken(), tokenizer=letters)
    assert batch["labels"].tolist() == [[30, 7, 15, 27, 12, 5, 6, 20], [-100] * 8, [30, 19, 20, 15, 16, *[-100] * 3]]
    assert batch["labels"].dtype == torch.int64
    assert batch["weights"].tolist() == [1, 0, 3]
    assert batch["attention_mask"].shape == batch["input_values"].shape == (3, 800)
    without = batch_of(spoken(), tokenizer=letters, decoder_start_token=30, max_tokens=4)
    assert without["labels"].tolist() == [[7, 15, 27], [-100] * 3, [19, 20, 15]]


def test_texts_without_a_tokenizer():
    batch = batch_of(spoken())
    assert batch["transcript"] == SAID
    assert batch["labels"].tolist() == [-100] * 3
    assert batch["weights"].tolist() == [1, 0, 3]


def test_transformers_tokenizers_and_the_loss_of_ctc():
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    from curate.losses import make_loss
    from curate.media.torch_audio import guard_torchaudio

    guard_torchaudio()
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.WordLevel({c: i for i, c in enumerate(["<pad>", "<unk>", *" efglopst"])}, "<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<pad>", unk_token="<unk>")
    batch = batch_of(spoken(), tokenizer=tokenizer)
    assert batch["labels"].shape == (3, 7)
    assert "input_ids" not in batch
    logits = torch.randn(3, 20, 11, requires_grad=True)
    loss = make_loss("transcription")(logits, batch)
    loss.backward()
    assert torch.isfinite(loss)
    assert (logits.grad[1] == 0).all()
    assert (logits.grad[0] != 0).any()
