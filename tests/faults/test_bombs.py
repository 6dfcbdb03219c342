"""Files that promise or unpack to far more than they hold: refused before the memory is spent, each with a reason."""

import io
import struct
import zipfile
import zlib

import numpy as np
import pytest

import curate
from curate.errors import ConfigError, DataError
from curate.media import audio, image, mask, video
from curate.media.item import DecodeError
from curate.pipeline.document import Document


def png(width, height, body=b""):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def tiff(width, height):
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 0, 277: 1, 278: height, 279: width}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\x00" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def wav(data_bytes, channels=1, rate=8000, align=2):
    head = struct.pack("<HHIIHH", 1, channels, rate, rate * align, align, 16)
    body = b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", data_bytes) + bytes(100)
    return b"RIFF" + struct.pack("<I", 0) + body


def gif(frames):
    from PIL import Image

    out = io.BytesIO()
    one = Image.new("P", (4, 4))
    one.save(out, "GIF")
    data = out.getvalue()
    start = data.index(b",")
    return data[:start] + data[start:-1] * frames + b";"


IMAGES = {
    "huge": png(2**31 - 1, 2**31 - 1),
    "wide": png(2**31 - 1, 1),
    "tall": png(1, 200_000_000),
    "square": png(20_000, 20_000, zlib.compress(bytes(1000))),
    "bmp": b"BM"
    + struct.pack("<IHHI", 0, 0, 0, 54)
    + struct.pack("<IiiHHIIiiII", 40, 10**6, 10**6, 1, 24, 0, 0, 0, 0, 0, 0),
    "tiff": tiff(1_000_000, 1_000_000),
    "gif": b"GIF89a\xff\xff\xff\xff\x80\x00\x00" + bytes(6) + b",\0\0\0\0\xff\xff\xff\xff\x00\x02\x01\x00\x00;",
    "webp": b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + b"\xff" * 6,
    "ppm": b"P6 100000 100000 255\n" + bytes(10),
}  # fmt: skip


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("decode", [image.decode, mask.decode])
def test_images_that_promise_too_many_pixels(name, decode):
    # Pillow itself refuses the frame that the WebP's canvas promises.
    with pytest.raises(DecodeError, match="could not create decoder object" if name == "webp" else "max_pixels"):
        decode(IMAGES[name])


def test_a_gif_of_many_frames_is_one_picture():
    decoded = image.decode(gif(20_000))
    assert decoded.pixels.shape == (4, 4, 3)
    assert decoded.frames >= 1


@pytest.mark.parametrize("channels", [1, 65535])
def test_sound_that_promises_what_is_not_there(channels):
    with pytest.raises(DecodeError, match="cut off"):
        audio.decode(wav(10**9, channels, align=2 * channels % 65536))


@pytest.mark.parametrize("data_bytes", [0x7FFFFFFF, 0xFFFFFF00, 0xFFFFFFFF])
def test_sound_that_was_streamed_is_as_long_as_it_is(data_bytes):
    assert audio.decode(wav(data_bytes)).samples.shape == (1, 50)


def film():
    av = pytest.importorskip("av")
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for i in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 20 * i, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


@pytest.mark.parametrize(
    ("box", "offset", "value"),
    [
        (b"stsz", 12, 10**9),  # samples of one size
        (b"stts", 12, 10**9),  # frames of the first run
        (b"stco", 8, 0x7FFFFFFF),
        (b"stsc", 8, 0x7FFFFFFF),
        (b"mvhd", 20, 0xFFFFFFFF),
        (b"mdhd", 20, 0xFFFFFFFF),
        (b"tkhd", 84, 0x7FFF0000),
    ],
)
def test_films_whose_headers_promise_too_much(box, offset, value):
    data = bytearray(film())
    place = data.index(box)
    data[place + offset - 4 : place + offset] = struct.pack(">I", value)
    try:
        count = video.decode(bytes(data), skim=True).frame_count
    except DecodeError:
        count = 0
    assert count <= 10


def test_a_header_of_npy_that_promises_too_much(tmp_path):
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": (10**9, 4)})
    with zipfile.ZipFile(tmp_path / "d.npz", "w") as archive:
        archive.writestr("X.npy", head.getvalue() + bytes(64))
    with pytest.raises(DataError, match=r"X\.npy promises an array 1000000000x4 of 16,000,000,000 bytes and holds"):
        curate.load(tmp_path / "d.npz")


def test_an_archive_that_unpacks_to_far_more(tmp_path, monkeypatch):
    monkeypatch.setattr("curate.sources.formats.npz.SUSPICIOUS_BYTES", 1 << 20)
    with zipfile.ZipFile(tmp_path / "d.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": (8 << 20,)})
        archive.writestr("X.npy", head.getvalue() + bytes(8 << 20))
    with pytest.raises(DataError, match="more than 500 times"):
        curate.load(tmp_path / "d.npz")


def test_a_single_number_is_no_table(tmp_path):
    np.savez(tmp_path / "d.npz", X=np.float64(3), y=np.arange(3))
    with pytest.raises(DataError, match="a single number"):
        curate.load(tmp_path / "d.npz")


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi")
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LAUGHS, "aliases expand to more than 10,000"),
        ("a: &a\n  b: *a\n", "p.yaml"),
        ("[" * 5000, "nested deeper"),
        ("a: " + "{b: " * 200 + "1" + "}" * 200, "nested deeper"),
        ("x" * (1 << 21), "larger than"),
        ("a: !!python/object/new:os.system [id]\n", "tag"),
        ("a: !!python/name:os.system\n", "tag"),
        ("a: !include /etc/passwd\n", "tag"),
        ("a: !!binary aGVsbG8=\n", "tag"),
        ("? [a, b]\n: 1\n", "a key must be text"),
        ("a: 1\na: 2\n", "stands twice, first in line 1"),
        ("a: 1\n---\nb: 2\n", "p.yaml"),
        ("a: \x00\n", "p.yaml"),
    ],
    ids=range(13),
)
def test_pipeline_files(text, words):
    with pytest.raises(ConfigError) as caught:
        Document(text, "p.yaml")
    assert words in str(caught.value)
    assert str(caught.value).startswith("p.yaml")
