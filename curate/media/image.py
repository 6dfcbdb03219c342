"""Encoded images -> upright RGB pixels."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from curate.errors import MissingPackage
from curate.media.ending import check_end
from curate.media.item import DecodeError, Image
from curate.media.sniff import plainly, sniff, what_it_is

if TYPE_CHECKING:
    import PIL.Image

MAX_PIXELS = 100_000_000
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "DIB", "TIFF", "AVIF", "PPM", "ICO", "JPEG2000", "QOI")
"""What Pillow may open. Left out are readers that start programs or fetch other files (EPS, WMF, MPEG, stubs)."""

_opening = threading.Lock()


def decode(data: bytes, max_pixels: int = MAX_PIXELS, least_side: int | None = None) -> Image:
    """Decode a whole image.

    Palette, grey, CMYK and 16-bit images become 8-bit RGB (of 16 bits the high 8 are kept); transparency is laid on
    white; of an animation the first frame is taken.

    Args:
        data: the encoded file.
        max_pixels: width x height from which on an image is refused, before any pixel is decoded.
        least_side: pixels of the longer side that are enough: a larger JPEG is decoded at a half, a quarter or an
            eighth of its size, where that leaves as many, and its colours less smoothly; None for all pixels.

    Raises:
        DecodeError: not an image, larger than `max_pixels`, cut off or damaged.
        MissingPackage: the extra ``image`` is not installed.
    """
    if not data:
        raise DecodeError("the file is empty")
    if data[:2] == b"\xff\xd8":
        decoded = _decode_jpeg(data, max_pixels, least_side)
        if decoded is not None:
            return decoded
    known = sniff(data)
    check_end(data, known[0] if known else "")
    return _decode_with_pillow(data, max_pixels)


def encode_png(pixels: np.ndarray) -> bytes:
    """(h, w), (h, w, 3) or (h, w, 4) uint8 -> a PNG file."""
    pillow = _pillow()
    out = BytesIO()
    pillow.fromarray(np.ascontiguousarray(pixels)).save(out, "PNG")
    return out.getvalue()


def encode(pixels: np.ndarray, kind: str = "PNG", quality: int = 95) -> bytes:
    """(h, w, 3) uint8 -> a file.

    Args:
        pixels: RGB, or (h, w) for grey.
        kind: ``PNG``, ``JPEG`` or ``WEBP``; PNG and WEBP at quality 100 lose nothing.
        quality: of JPEG and WEBP, 1 to 100.
    """
    if kind == "PNG":
        return encode_png(pixels)
    pillow, out = _pillow(), BytesIO()
    options: dict[str, Any] = {"subsampling": 0} if kind == "JPEG" and quality >= 90 else {}
    if kind == "WEBP" and quality == 100:
        options["lossless"] = True
    pillow.fromarray(np.ascontiguousarray(pixels)).save(out, kind, quality=quality, **options)
    return out.getvalue()


def _pillow() -> Any:
    try:
        import PIL.Image
    except ImportError:
        raise MissingPackage("pillow", "image", "reading images") from None
    return PIL.Image


def _decode_jpeg(data: bytes, max_pixels: int, least_side: int | None) -> Image | None:
    """A JPEG through libjpeg-turbo, which lets other threads run; None where it is of a kind that only Pillow reads."""
    try:
        import simplejpeg
    except ImportError:
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        check_size(int(width), int(height), max_pixels)
    except ValueError:  # a rare subsampling, or cut off within the header: Pillow reads it or says what is wrong
        return None
    options: dict[str, Any] = {}
    if least_side is not None:
        factor = part_of(int(width), int(height), least_side)
        options = {"fastupsample": True}
        if factor > 1:
            options |= {"min_width": int(width) // factor, "min_height": int(height) // factor}
    try:
        pixels = simplejpeg.decode_jpeg(data, "RGB", **options)
    except ValueError as error:
        # Bytes between the last pixel and the end marker are a habit of some cameras, and harm nothing.
        if "before marker 0xd9" not in str(error):
            raise DecodeError(f"the JPEG is damaged or cut off ({plainly(error)})") from None
        pixels = simplejpeg.decode_jpeg(data, "RGB", strict=False, **options)
    mode, channels = {"Gray": ("L", 1), "CMYK": ("CMYK", 4), "YCCK": ("CMYK", 4)}.get(colours, ("RGB", 3))
    orientation = _orientation(data)
    size = None
    if pixels.shape[:2] != (height, width):
        size = (int(width), int(height)) if orientation < 5 else (int(height), int(width))
    return Image(_turn(pixels, orientation), "JPEG", mode, channels, orientation=orientation, size=size)


def part_of(width: int, height: int, least_side: int) -> int:
    """By how much (1, 2, 4 or 8) a picture can be shrunk with `least_side` pixels left on its longer side."""
    return next((factor for factor in (8, 4, 2) if max(width, height) >= factor * least_side), 1)


def _orientation(data: bytes) -> int:
    """The EXIF orientation of a JPEG, 1 to 8; 1 where there is none."""
    # EXIF stands in the first segments; without it there is no need to open the file a second time.
    if not _has_exif(data):
        return 1
    try:
        with own_limit() as pillow, pillow.open(BytesIO(data), formats=("JPEG",)) as image:
            return _known(image.getexif().get(0x0112, 1))
    except Exception:  # damaged EXIF says nothing about the orientation, and the pixels are whole
        return 1


def _has_exif(data: bytes) -> bool:
    """Whether EXIF stands before the pixels of a JPEG, from segment to segment."""
    place = 2
    while data[place : place + 1] == b"\xff":
        kind = data[place + 1 : place + 2]
        if kind == b"\xda":  # the pixels begin
            return False
        if kind == b"\xe1" and data.startswith(b"Exif\x00\x00", place + 4):
            return True
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    # Bytes between segments, which readers skip.
    return data.find(b"Exif\x00\x00", 0, 65_536) >= 0


def _known(orientation: object) -> int:
    """The orientation tag, 1 where it is none of the eight that EXIF knows."""
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Pixels as they should be seen, by EXIF orientation (1 to 8)."""
    turn = {
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: np.rot90(p, -1),
        7: lambda p: p.swapaxes(0, 1)[::-1, ::-1],
        8: lambda p: np.rot90(p, 1),
    }.get(orientation)
    return pixels if turn is None else np.ascontiguousarray(turn(pixels))


@contextmanager
def own_limit() -> Iterator[Any]:
    """Pillow with its own size limit lifted for the moment of opening: we check the size against ours."""
    pillow = _pillow()
    with _opening:
        theirs, pillow.MAX_IMAGE_PIXELS = pillow.MAX_IMAGE_PIXELS, None
        try:
            yield pillow
        finally:
            pillow.MAX_IMAGE_PIXELS = theirs


@contextmanager
def opened(data: bytes, max_pixels: int, what: str = "image") -> Iterator[PIL.Image.Image]:
    """The image in Pillow's hands: its format is one of `FORMATS`, its size in bounds, its pixels not yet decoded.

    Args:
        data: the encoded file.
        max_pixels: width x height from which on it is refused.
        what: word for it in messages.

    Raises:
        DecodeError: not an image, damaged, or larger than `max_pixels`.
        MissingPackage: Pillow is not installed.
    """
    try:
        with own_limit() as pillow:
            image = pillow.open(BytesIO(data), formats=FORMATS)
    except MissingPackage:
        raise
    except Exception as error:  # Pillow's readers raise some fifteen kinds of exceptions on damaged files
        known = sniff(data)
        if known is not None and known[0] == "HEIC":  # no format of Pillow's own
            raise DecodeError(f"a HEIC {what}, which is not read here: save it as JPEG or PNG") from None
        if known is not None and known[1] == "image":
            raise DecodeError(f"the {known[0]} {what} is damaged or cut off ({plainly(error)})") from None
        raise DecodeError(what_it_is(data, "image") or "not an image of a known format") from None
    with image:
        check_size(image.width, image.height, max_pixels)
        yield image


def _decode_with_pillow(data: bytes, max_pixels: int) -> Image:
    with opened(data, max_pixels) as image:
        return _load(image)


def _load(image: PIL.Image.Image) -> Image:
    mode, bands, kind = image.mode, len(image.getbands()), image.format or "unknown"
    try:
        frames = int(getattr(image, "n_frames", 1))
        image.seek(0)
        image.load()
        orientation = _known(image.getexif().get(0x0112, 1))
        alpha = image.has_transparency_data
        pixels, transparency = _to_rgb(image, alpha)
    except DecodeError:
        raise
    except Exception as error:  # as above: any exception of a reader means a damaged file
        raise DecodeError(f"the {kind} image is damaged or cut off ({plainly(error)})") from None
    return Image(_turn(pixels, orientation), kind, mode, bands, alpha, frames, orientation, transparency)


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Refuse what has no pixels or too many. Raises DecodeError."""
    if width < 1 or height < 1:
        raise DecodeError(f"the image is {width}x{height} pixels, it has nothing to show")
    if width * height > max_pixels:
        raise DecodeError(
            f"the image has {width}x{height} = {width * height:,} pixels, more than the limit of {max_pixels:,}"
            " (max_pixels)"
        )


def _to_rgb(image: PIL.Image.Image, alpha: bool) -> tuple[np.ndarray, float]:
    """(h, w, 3) uint8 of a loaded Pillow image of any mode, and its mean transparency (0 to 1)."""
    if alpha:
        rgba = np.asarray(image.convert("RGBA"))
        return _on_white(rgba), 1.0 - float(rgba[:, :, 3].mean()) / 255
    if image.mode.startswith("I;16"):
        return _grey((np.asarray(image).astype(np.uint16, copy=False) >> 8).astype(np.uint8)), 0.0
    if image.mode in ("I", "F"):
        return _grey(_wide_grey(np.asarray(image))), 0.0
    return np.array(image if image.mode == "RGB" else image.convert("RGB")), 0.0


def _grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[:, :, None], 3, axis=2)


def _on_white(rgba: np.ndarray) -> np.ndarray:
    """(h, w, 4) -> (h, w, 3) uint8."""
    alpha = rgba[:, :, 3:].astype(np.uint16)
    return ((rgba[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _wide_grey(values: np.ndarray) -> np.ndarray:
    """(h, w) int32 or float32 -> uint8, where the range of the values tells their scale."""
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 65_535):
        raise DecodeError(
            f"the image has 32-bit values from {low:g} to {high:g}, which have no common brightness scale:"
            " convert it to 8 or 16 bits"
        )
    scale = 255.0 if high <= 1 and values.dtype.kind == "f" else 1.0 if high <= 255 else 1 / 256
    return np.rint(values * scale).clip(0, 255).astype(np.uint8)
