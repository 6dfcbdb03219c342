import json

import numpy as np
import pytest

from curate.augment.operations import build
from curate.augment.operations.texts.models import _loaded
from curate.errors import ConfigError

WORDS = [
    *["please", "send", "the", "money", "to", "my", "friend", "today", "now", "bank", "card", "account"],
    *"今天很好我",
]
TEXT = "please send the money today"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Folders of a fill-mask and of a translation model with random weights."""
    from curate.evidence.encoders.torch_models import required

    transformers = required("transformers", "transformers", "trainers", "these tests")
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import BertPreTokenizer
    from tokenizers.processors import TemplateProcessing

    torch.manual_seed(0)
    special = {
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    }
    vocabulary = {word: number for number, word in enumerate([*special.values(), *WORDS, "##y", "!"])}
    raw = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    raw.pre_tokenizer = BertPreTokenizer()
    raw.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=raw, model_max_length=64, **special)
    size = {"vocab_size": len(vocabulary), "max_position_embeddings": 64, "pad_token_id": 0}
    bert = transformers.BertForMaskedLM(
        transformers.BertConfig(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, **size
        )
    )
    bart = transformers.BartForConditionalGeneration(
        transformers.BartConfig(
            d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
            encoder_ffn_dim=16, decoder_ffn_dim=16, bos_token_id=2, eos_token_id=3, decoder_start_token_id=2,
            forced_eos_token_id=3, **size,
        )
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("models")
    for name, model in (("mask", bert), ("translation", bart)):
        model.save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    return {name: str(folder / name) for name in ("mask", "translation")}


def promises(operation, text):
    """Draws replay, inputs stay, the same seed gives the same text, and the texts of some seeds."""
    import torch

    before = torch.random.get_rng_state()
    made = []
    for seed in range(8):
        drawn = operation.draw(np.random.default_rng(seed), text)
        assert operation.draw(np.random.default_rng(seed), text) == drawn
        changed = operation.apply(text, drawn)
        assert operation.apply(text, json.loads(json.dumps(drawn))) == changed
        changed.encode("utf-8")
        made.append(changed)
    assert torch.equal(torch.random.get_rng_state(), before), "the global generator of torch was moved"
    for odd in ("", " ", "x", "\n\n", "字", "👍🏽", "....", "money " * 300):
        assert isinstance(operation.apply(odd, operation.draw(np.random.default_rng(1), odd)), str)
    assert operation.apply("", operation.draw(np.random.default_rng(1), "")) == ""
    return made


def test_words_that_a_model_expects(models):
    operation = build("text", {"contextual_words": {"model": models["mask"], "fraction": 0.5, "candidates": 8}})
    made = promises(operation, TEXT)
    assert all(len(text.split()) == len(TEXT.split()) for text in made)
    assert all(set(text.split()) <= set(WORDS) for text in made)
    assert all(text != TEXT for text in made)
    assert len(set(made)) > 3


def test_words_that_a_model_would_put_in_between(models):
    settings = {"model": models["mask"], "action": "insert", "fraction": 0.2, "max_changes": 1}
    made = promises(build("text", {"contextual_words": settings}), TEXT)
    assert {len(text.split()) for text in made} == {len(TEXT.split()) + 1}


def test_chinese_words_have_a_mask_per_character(models):
    settings = {"model": models["mask"], "candidates": 12, "segmenter": "characters", "language": "zh"}
    made = promises(build("text", {"contextual_words": settings}), "今天很好")
    assert all(len(text) == 4 and set(text) <= set("今天很好我") for text in made)


def test_kept_words_are_not_masked(models):
    settings = {"model": models["mask"], "fraction": 1.0, "keep": ["money", "urls"]}
    assert all("money" in text.split() for text in promises(build("text", {"contextual_words": settings}), TEXT))


@pytest.mark.parametrize("temperature", [1.5, 0])
def test_there_and_back(models, temperature):
    settings = {"model": models["translation"], "back": models["translation"], "max_tokens": 8, "beams": 2}
    made = promises(build("text", {"back_translate": {**settings, "temperature": temperature}}), TEXT)
    assert (len(set(made)) > 1) == (temperature > 0)


def test_a_translation_that_loses_what_is_kept_is_not_taken(models):
    settings = {"model": models["translation"], "back": models["translation"], "max_tokens": 8, "keep": ["emails"]}
    text = "mail anna@example.com today"
    assert set(promises(build("text", {"back_translate": settings}), text)) == {text}


def test_a_model_is_loaded_once(models):
    _loaded.cache_clear()
    for _ in range(2):
        operation = build("text", {"contextual_words": {"model": models["mask"]}})
        operation.apply(TEXT, operation.draw(np.random.default_rng(0), TEXT))
    assert _loaded.cache_info().misses == 1


def test_models_that_are_not_there(models, tmp_path):
    operation = build("text", {"contextual_words": {"model": str(tmp_path)}})
    with pytest.raises(ConfigError, match=r"contextual_words: the model .* can't be loaded"):
        operation.apply(TEXT, operation.draw(np.random.default_rng(0), TEXT))
    with pytest.raises(ConfigError, match="back: is needed"):
        build("text", {"back_translate": {"model": "x"}})
