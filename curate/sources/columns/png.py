"""Arrays of pixels as files of PNG, which keep every pixel."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa

from curate.errors import DataError, MissingPackage


def png_column(images: Sequence[np.ndarray | None] | np.ndarray) -> pa.Array:
    """(n, h, w[, c]) uint8 pixels, RGB or grey -> ``struct<bytes, path>`` of PNG, which keeps every pixel."""
    try:
        import cv2
    except ImportError as error:
        raise MissingPackage("opencv-python-headless", "image", "keeping arrays of pixels as images") from error

    def encode(pixels: np.ndarray) -> bytes:
        if pixels.dtype == bool:
            pixels = pixels.astype(np.uint8) * 255
        if pixels.ndim == 3 and pixels.shape[-1] >= 3:
            order = cv2.COLOR_RGB2BGR if pixels.shape[-1] == 3 else cv2.COLOR_RGBA2BGRA
            pixels = cv2.cvtColor(np.ascontiguousarray(pixels), order)
        done, encoded = cv2.imencode(".png", np.ascontiguousarray(pixels), [cv2.IMWRITE_PNG_COMPRESSION, 1])
        if not done:
            raise DataError(f"pixels of the shape {pixels.shape} can't be kept as PNG")
        return encoded.tobytes()

    with ThreadPoolExecutor() as pool:
        data = pa.array(list(pool.map(lambda pixels: None if pixels is None else encode(pixels), images)), pa.binary())
    return pa.StructArray.from_arrays([data, pa.nulls(len(data), pa.string())], ["bytes", "path"], mask=data.is_null())
