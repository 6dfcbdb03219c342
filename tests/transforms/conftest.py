"""Tables made of columns in memory."""

import pytest

import curate


@pytest.fixture
def table_of():
    """(columns, **task) -> table with a label, unless one is given."""

    def make(columns, **task):
        n = len(next(iter(columns.values())))
        columns = {"label": ["a", "b"] * (n // 2) + ["a"] * (n % 2), **columns}
        return curate.load(columns, task=curate.Task(kind="classification", label="label", **task))

    return make


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """Folder of a sequence-to-sequence model with random weights (T5 or Marian) and a tokenizer of words."""
    made = {}

    def make(family="t5"):
        if family not in made:
            made[family] = _tiny_model(tmp_path_factory.mktemp(family), family)
        return str(made[family])

    return make


def _tiny_model(folder, family):
    torch = pytest.importorskip("torch")
    from curate.evidence.encoders.torch_models import required

    transformers = required("transformers", "transformers", "trainers", "a test")
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    given = "<pad> </s> <unk> the a cat dog sat ran on mat big red die Katze Hund sitzt . ! 今 天 好"
    words = given.split(" ")
    plain = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    plain.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    marks = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    tokens = transformers.PreTrainedTokenizerFast(tokenizer_object=plain, model_max_length=32, **marks)
    tokens.save_pretrained(folder)
    torch.manual_seed(0)
    special = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0, "vocab_size": len(words)}
    if family == "t5":
        config = transformers.T5Config(d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, **special)
        model = transformers.T5ForConditionalGeneration(config)
    else:
        sizes = {f"{part}_{name}": n for part in ("encoder", "decoder") for name, n in (("layers", 1), ("ffn_dim", 16))}
        sizes |= {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "max_position_embeddings": 32}
        config = transformers.MarianConfig(d_model=16, forced_eos_token_id=1, **sizes, **special)
        model = transformers.MarianMTModel(config)
    model.save_pretrained(folder)
    return folder
