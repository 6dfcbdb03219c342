"""Lengths of rows are exactly what a batch of them pads."""

import numpy as np
import pytest
from small_tables import table as make_table

from curate.feed.inputs.options import InputOptions
from curate.feed.inputs.text import Texts
from curate.feed.sampling.measuring import lengths_of, padded_to
from curate.media.audio import encode_wav

TEXTS = ["a red cat", "cat", None, "a red cat sat on a red mat"]
ROWS = np.array([3, 0, 1, 2, 3])


def measured(table, made=(), column=None, **options):
    return lengths_of(table, ROWS, made, InputOptions(**options), column).tolist()


def table_of_texts(**columns):
    return make_table({"text": TEXTS, **columns}, kind="unlabeled", text="text")


def test_characters_without_a_tokenizer():
    assert measured(table_of_texts()) == [26, 9, 3, 0, 26]
    assert measured(table_of_texts(), [Texts("text")]) == [26, 9, 3, 0, 26]


@pytest.mark.parametrize(
    "settings",
    [{}, {"pad_to_multiple_of": 8}, {"return_tensors": "pt", "padding": True}, {"padding": "longest", "max_length": 4}],
)
def test_tokens_of_a_tokenizer_of_transformers(settings):
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate(["<pad>", "<unk>", "<end>", "a", "red"])}, "<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(single="$A <end>", special_tokens=[("<end>", 2)])
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<pad>", unk_token="<unk>")
    made = [Texts("text", tokenizer, {"truncation": "max_length" in settings, **settings})]
    # Words and the token at the end, without what pads.
    assert measured(table_of_texts(), made) == [
        min(n, settings.get("max_length", 99)) if n else 0 for n in (9, 4, 2, 0, 9)
    ]
    assert padded_to(made) == settings.get("pad_to_multiple_of", 1)


def test_lengths_of_a_column_are_rounded_up():
    assert measured(table_of_texts(long=[1.2, None, 3.0, 0.0]), column="long") == [0, 2, 0, 3, 0]


def test_milliseconds_of_recordings_and_steps_of_series():
    sounds = [{"bytes": encode_wav(np.zeros((1, n), np.float32), 4000), "path": None} for n in (4000, 4001, 20_000)]
    table = make_table({"audio": [*sounds, None]}, kind="unlabeled", audio="audio")
    assert measured(table) == [0, 1000, 1001, 5000, 0]
    assert measured(table, max_seconds=2.5) == [0, 1000, 1001, 2500, 0]
    series = make_table({"series": [[[1.0]] * 3, [[1.0]], None, [[1.0]] * 7]}, kind="unlabeled", series="series")
    assert measured(series) == [7, 3, 1, 0, 7]
