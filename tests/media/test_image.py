import io
import struct
import zlib

import numpy as np
import pytest

from curate.media import image
from curate.media.item import DecodeError

LOSSLESS = ("png", "webp_lossless", "bmp", "tiff", "jpeg2000", "ppm", "rgba")


def promising(width, height):
    """A tiny grey PNG whose header promises that many pixels."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(10_000)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_formats_give_the_very_pixels(name, images, picture):
    assert np.array_equal(image.decode(images[name]).pixels, picture)


@pytest.mark.parametrize("name", ["jpeg", "progressive", "webp", "avif", "cmyk"])
def test_lossy_formats_come_close(name, images, picture):
    found = image.decode(images[name]).pixels
    assert found.shape == picture.shape
    assert np.abs(found.astype(int) - picture).mean() < 6


@pytest.mark.parametrize(
    ("name", "kind", "mode", "channels", "alpha", "frames"),
    [
        ("grey", "PNG", "L", 1, False, 1),
        ("grey_jpeg", "JPEG", "L", 1, False, 1),
        ("palette", "PNG", "P", 1, False, 1),
        ("bilevel", "PNG", "1", 1, False, 1),
        ("grey_alpha", "PNG", "LA", 2, True, 1),
        ("rgba", "PNG", "RGBA", 4, True, 1),
        ("cmyk", "JPEG", "CMYK", 4, False, 1),
        ("grey16", "PNG", "I;16", 1, False, 1),
        ("animation", "GIF", "P", 1, False, 3),
    ],
)
def test_what_the_file_is(name, kind, mode, channels, alpha, frames, images):
    found = image.decode(images[name])
    assert (found.format, found.mode, found.channels, found.has_alpha, found.frames) == (
        kind,
        mode,
        channels,
        alpha,
        frames,
    )
    assert found.pixels.shape == (found.height, found.width, 3) == (90, 120, 3)
    assert found.pixels.dtype == np.uint8


def test_16_bit_grey_keeps_its_high_byte(images, picture):
    assert np.array_equal(image.decode(images["grey16"]).pixels[:, :, 1], picture[:, :, 0])


def test_transparency_is_laid_on_white():
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 0] = [10, 20, 30, 255]
    pixels[0, 1] = [0, 0, 0, 128]
    found = image.decode(image.encode_png(pixels)).pixels
    assert found[0, 0].tolist() == [10, 20, 30]
    assert found[0, 1].tolist() == [127, 127, 127]
    assert found[1].tolist() == [[255, 255, 255]] * 2


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_orientation_is_applied_as_pillow_does(orientation, kind, picture):
    from PIL import Image, ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    Image.fromarray(picture).save(out, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    with Image.open(out) as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    found = image.decode(out.getvalue())
    assert found.pixels.shape == expected.shape == ((120, 90, 3) if orientation > 4 else (90, 120, 3))
    assert np.abs(found.pixels.astype(int) - expected).max() <= (3 if kind == "JPEG" else 0)


def test_jpeg_equals_pillow_on_real_files(shared_data):
    from PIL import Image

    paths = sorted((shared_data / "cifar10n_3000" / "images").glob("*/*.jpg"))[::100]
    assert len(paths) == 30
    for path in paths:
        with Image.open(path) as opened:
            expected = np.asarray(opened.convert("RGB")).astype(int)
        assert np.abs(image.decode(path.read_bytes()).pixels - expected).max() <= 4


@pytest.mark.parametrize("share", [30, 45, 60, 75, 90, 95, 97, 99])
def test_cut_files_are_noticed(share, images):
    read, messages = [], []
    for name, data in images.items():
        try:
            image.decode(data[: len(data) * share // 100])
            read.append(name)
        except DecodeError as error:
            messages.append(str(error))
    assert not read
    assert all(m and "\n" not in m and "0x" not in m for m in messages)


def test_real_jpegs_cut_anywhere_are_noticed(shared_data):
    paths = sorted((shared_data / "cifar10n_3000" / "images").glob("*/*.jpg"))[::300]
    for path in paths:
        data = path.read_bytes()
        for share in range(30, 100, 3):
            with pytest.raises(DecodeError):
                image.decode(data[: len(data) * share // 100])


def test_bytes_before_the_end_mark_of_a_jpeg_are_no_damage(images):
    data = images["jpeg"]
    whole = image.decode(data).pixels
    assert np.array_equal(image.decode(data[:-2] + b"junk" + data[-2:]).pixels, whole)
    assert np.array_equal(image.decode(data + b"junk").pixels, whole)


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (2**31 - 1, 2**31 - 1), (1, 2**31 - 1)])
def test_a_header_that_promises_too_much_is_refused_before_decoding(width, height):
    with pytest.raises(DecodeError, match="pixels"):
        image.decode(promising(width, height))


def test_the_limit_is_the_callers(images):
    assert image.decode(images["png"], max_pixels=90 * 120).width == 120
    for name in ("png", "jpeg", "webp", "gif"):
        with pytest.raises(DecodeError, match="max_pixels"):
            image.decode(images[name], max_pixels=90 * 120 - 1)


def test_a_large_limit_is_not_undone_by_pillow():
    from PIL import Image

    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(DecodeError, match=r"cut off|damaged"):
        image.decode(promising(20_000, 10_000), max_pixels=10**9)
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\x00" * 100, "not an image"),
        (b"<!DOCTYPE html><html>404</html>", "HTML"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(28), "WAV"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"version https://git-lfs.github.com/spec/v1", "LFS"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "not an image"),
        (b"\xff\xd8\xff", "cut off|damaged"),
    ],
)
def test_what_is_no_image_is_named(data, reason):
    with pytest.raises(DecodeError, match=reason):
        image.decode(data)


def test_content_counts_and_not_the_name(images, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(images["png"])
    assert image.decode(path.read_bytes()).format == "PNG"


def test_float_images_need_a_scale():
    from PIL import Image

    def tiff(values):
        out = io.BytesIO()
        Image.fromarray(np.array(values, np.float32)).save(out, "TIFF")
        return out.getvalue()

    assert image.decode(tiff([[0, 0.5, 1]])).pixels[0, :, 0].tolist() == [0, 128, 255]
    assert image.decode(tiff([[0, 100, 255]])).pixels[0, :, 0].tolist() == [0, 100, 255]
    for values in ([[-1000, 0, 3000]], [[0, np.nan, 1]]):
        with pytest.raises(DecodeError, match="32-bit"):
            image.decode(tiff(values))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")  # Pillow's remark on damaged TIFF files
def test_500_damaged_files_are_read_or_refused(images, mutants):
    read, messages = 0, []
    for data in mutants(list(images.values()), 500, seed=1):
        try:
            found = image.decode(data, max_pixels=1_000_000)
            assert found.pixels.shape[2] == 3
            read += 1
        except DecodeError as error:
            messages.append(str(error))
    assert read + len(messages) == 500
    assert all(messages)
    assert len(messages) > 250


def test_a_format_that_is_not_read_is_not_called_damaged():
    with pytest.raises(DecodeError, match=r"^a HEIC image, which is not read here: save it as JPEG or PNG$"):
        image.decode(b"\x00\x00\x00\x18ftypheic" + bytes(200))
