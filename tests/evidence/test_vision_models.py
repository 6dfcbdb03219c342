"""timm and open_clip models from a folder with random weights; needs the extra vision-models (`make test-vision`)."""

import importlib.util
import json

import numpy as np
import pytest

from curate.errors import ConfigError
from curate.evidence.encoders.named import embedder

pytestmark = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("timm", "open_clip", "torchvision")),
    reason="the extra vision-models is not installed",
)


@pytest.fixture(scope="module", autouse=True)
def torchvision_without_its_native_part():
    """torchvision's wheel wants CUDA libraries; beside a CPU torch its Python part works once its operators exist."""
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for signature in ("nms(Tensor a, Tensor b, float c) -> Tensor", "qnms(Tensor a, Tensor b, float c) -> Tensor"):
        try:
            library.define(signature)
        except RuntimeError:  # the real one is there
            continue
    yield library
    embedder.cache_clear()


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (40, 30 + 5 * i, 3), dtype=np.uint8) for i in range(3)]


@pytest.fixture
def timm_folder(tmp_path):
    import timm
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    network = timm.create_model("resnet10t", pretrained=False)
    config = {
        "architecture": "resnet10t",
        "num_classes": 1000,
        "num_features": network.num_features,
        "pretrained_cfg": {**network.pretrained_cfg, "input_size": [3, 64, 64], "num_classes": 1000},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    return tmp_path


def test_timm_folder(timm_folder, pictures):
    embed, width = embedder("timm", str(timm_folder), "image")
    vectors = embed(pictures)
    assert vectors.shape == (3, width) == (3, 512)
    assert np.isfinite(vectors).all()
    assert not np.allclose(vectors[0], vectors[1])
    np.testing.assert_allclose(embed(pictures[1:2])[0], vectors[1], rtol=1e-3, atol=1e-4)


def test_unknown_timm_model():
    with pytest.raises(ConfigError, match="resnet_of_nobody"):
        embedder("timm", "resnet_of_nobody", "image")


@pytest.fixture
def clip_folder(tmp_path):
    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    model = {
        "embed_dim": 24,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
    }
    network = open_clip.CLIP(**{**model, "embed_dim": 24})
    preprocess = {"mean": list(open_clip.OPENAI_DATASET_MEAN), "std": list(open_clip.OPENAI_DATASET_STD)}
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": model, "preprocess_cfg": preprocess}))
    save_file(network.state_dict(), tmp_path / "open_clip_model.safetensors")
    return tmp_path


def test_open_clip_folder_of_images(clip_folder, pictures):
    embed, width = embedder("open_clip", str(clip_folder), "image")
    vectors = embed(pictures)
    assert vectors.shape == (3, width) == (3, 24)
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(embed(pictures[2:])[0], vectors[2], rtol=1e-3, atol=1e-4)


def test_open_clip_folder_of_texts(clip_folder):
    embed, width = embedder("open_clip", str(clip_folder), "text")
    vectors = embed(["a cat", "a dog on a hill", "a cat"])
    assert vectors.shape == (3, width) == (3, 24)
    np.testing.assert_allclose(vectors[0], vectors[2], rtol=1e-4, atol=1e-5)
    assert not np.allclose(vectors[0], vectors[1])
