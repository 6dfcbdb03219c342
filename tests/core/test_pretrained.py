"""Models by name: what is here is taken, the hub is asked once, and files that can hold code are not read."""

import pytest

from curate import pretrained
from curate.errors import ConfigError
from curate.media.torch_audio import guard_torchaudio

guard_torchaudio()  # a torchaudio built for another torch does no harm if this comes first
transformers = pytest.importorskip("transformers")


@pytest.fixture
def asked(monkeypatch):
    """The names that the hub is asked for; it can't be reached."""
    names = []

    def unreachable(name, kind):
        names.append((name, kind))
        return "it is not on this machine, and the hub can't be reached"

    monkeypatch.setattr(pretrained, "unreachable", unreachable)
    return names


def tokenizer(name):
    return pretrained.opened(name, lambda how: transformers.AutoTokenizer.from_pretrained(name, **how), "slice_text")


def model(name):
    load = transformers.AutoModel.from_pretrained
    return pretrained.opened(name, lambda how: load(name, use_safetensors=True, **how), "encoder")


def test_the_hub_is_asked_once(asked):
    with pytest.raises(
        ConfigError, match=r"slice_text: the model 'some/model' can't be loaded: it is not on this machi"
    ):
        tokenizer("some/model")
    assert asked == [("some/model", "model")]


def test_a_folder_is_not_looked_for_on_the_hub(asked, tmp_path):
    with pytest.raises(ConfigError, match="can't be loaded"):
        model(str(tmp_path))
    with pytest.raises(ConfigError, match="can't be loaded"):
        model("./no/such/folder")
    assert not asked


def test_who_forbids_the_network_is_obeyed(asked, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConfigError, match="can't be loaded"):
        tokenizer("some/model")
    assert not asked


def test_weights_that_can_hold_code_are_not_read(asked, tmp_path):
    import torch

    config = transformers.BertConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8
    )
    made = transformers.BertModel(config)
    made.save_pretrained(tmp_path)
    assert model(str(tmp_path)).config.hidden_size == 8
    (tmp_path / "model.safetensors").unlink()
    torch.save(made.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="safetensors"):
        model(str(tmp_path))


def test_without_network_ends_with_its_block():
    import datasets.config
    import huggingface_hub.constants

    before = datasets.config.HF_HUB_OFFLINE, huggingface_hub.constants.HF_HUB_OFFLINE
    with pretrained.without_network():
        assert datasets.config.HF_HUB_OFFLINE
        assert huggingface_hub.constants.HF_HUB_OFFLINE
    assert before == (datasets.config.HF_HUB_OFFLINE, huggingface_hub.constants.HF_HUB_OFFLINE)
