"""Token classification: labels aligned with the pieces that a tokenizer cuts words into."""

import json

import numpy as np
import pytest
import torch
from small_tables import plan, table

from curate.errors import ConfigError
from curate.feed import make_loader

TAGS = ("O", "B-PER", "I-PER", "B-LOC")
WORDS = [["Anna", "met", "Zebulon", "in", "Ulm"], ["Rain"], ["Kyiv", "waits"]]
GIVEN = [["B-PER", "O", "B-PER", "O", "B-LOC"], ["O"], ["B-LOC", None]]


def tagged(words=WORDS, tags=GIVEN, **task):
    columns = {"tokens": words, "tags": tags, "text": [None if w is None else " ".join(map(str, w)) for w in words]}
    task = {"kind": "token_classification", "tokens": "tokens", "text": "text", "label": "tags", **task}
    return table(columns, **{"label_names": TAGS} | task)


def pieces():
    """A tokenizer that cuts words into pieces of up to three letters, without any file."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    from curate.media.torch_audio import guard_torchaudio

    guard_torchaudio()
    from transformers import PreTrainedTokenizerFast

    words = {w.lower() for row in WORDS for w in row}
    cut = sorted({w[i : i + 3] for w in words for i in range(0, len(w), 3)})
    vocabulary = {w: i for i, w in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *cut])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex(".{1,3}"), "isolated")]
    )
    inner.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 2), ("[SEP]", 3)])
    return PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]")


def batch_of(of, **options):
    loader = make_loader(of, plan(of, kind=of.task.kind), **({"sampler": "sequential"} | options))
    [batch] = loader
    return batch, loader


def test_the_first_piece_carries_the_tag():
    batch, _ = batch_of(tagged(), tokenizer=pieces())
    # [CLS] ann a met zeb ulo n in ulm [SEP]
    assert batch["labels"][0].tolist() == [-100, 1, -100, 0, 1, -100, -100, 0, 3, -100]
    assert batch["labels"][1].tolist() == [-100, 0, *[-100] * 8]
    assert batch["labels"][2].tolist() == [-100, 3, -100, -100, *[-100] * 6]
    assert batch["labels"].shape == batch["input_ids"].shape == batch["attention_mask"].shape
    assert batch["labels"].dtype == torch.int64
    assert batch["weights"].tolist() == [1, 1, 1]


def test_all_pieces_and_other_values_that_do_not_count():
    batch, _ = batch_of(tagged(), tokenizer=pieces(), tagged_pieces="all", ignore_index=-1)
    assert batch["labels"][0].tolist() == [-1, 1, 1, 0, 1, 1, 1, 0, 3, -1]
    cut, _ = batch_of(tagged(), tokenizer=pieces(), max_tokens=4)
    assert cut["labels"].tolist() == [[-100, 1, -100, -100], [-100, 0, -100, -100], [-100, 3, -100, -100]]


def test_words_without_a_tokenizer():
    batch, _ = batch_of(tagged())
    assert batch["tokens"] == WORDS
    assert batch["labels"].tolist() == [[1, 0, 1, 0, 3], [0, *[-100] * 4], [3, *[-100] * 4]]


def test_missing_and_wrong_tags():
    of = tagged([*WORDS, ["a", "b"], None], [None, ["O"], ["B-LOK", "O"], ["O"], ["O"]])
    batch, loader = batch_of(of)
    assert batch["row_id"] == ["r0", "r1"]
    assert batch["weights"].tolist() == [0, 1]
    assert batch["labels"][0].unique().tolist() == [-100]
    assert loader.skipped == {
        "r2": "it has the tag 'B-LOK', which label_names lack",
        "r3": "there are 1 tags for 2 words",
        "r4": "there are no words",
    }


def test_a_tokenizer_that_knows_no_words_and_operations_are_refused():
    with pytest.raises(ConfigError, match="needs a fast tokenizer"):
        batch_of(tagged(), tokenizer=lambda words, **_: {"input_ids": torch.ones(len(words), 2)})
    recipe = json.dumps([{"step": "augment", "text": ["swap_words"]}])
    of = tagged()
    with pytest.raises(ConfigError, match="their tags would stand at others"):
        make_loader(of, plan(of, kind="token_classification", recipe=recipe))


def test_weights_of_rows_reach_the_loss_of_a_model():
    from curate.losses import make_loss

    of = tagged()
    loader = make_loader(
        of, plan(of, kind="token_classification", weight=[1.0, 2, 3]), sampler="sequential", tokenizer=pieces()
    )
    [batch] = loader
    torch.manual_seed(0)
    logits = torch.randn(3, 10, 4)
    weights = torch.tensor([0.5, 1, 1, 4])
    each = torch.nn.functional.cross_entropy(logits.transpose(1, 2), batch["labels"], reduction="none")
    w = weights[batch["labels"].clamp_min(0)] * batch["weights"][:, None] * (batch["labels"] >= 0)
    found = make_loss("token_classification", weights, TAGS)(logits, batch)
    torch.testing.assert_close(found, (each * w).sum() / w.sum())
    assert np.isclose(float(w.sum()), (1 + 0.5 + 1 + 0.5 + 4) + 2 * 0.5 + 3 * 4)
