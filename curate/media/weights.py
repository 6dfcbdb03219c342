"""About how much memory decoding an item takes, by its header alone."""

from __future__ import annotations

from io import BytesIO

PICTURE_COPIES = 3
"""Of the pixels: as decoded, upright, and what is made of them while they are measured."""
SOUND_COPIES = 4
"""Of the float32 samples: as decoded, turned, and what is made of them while they are measured."""
FRAMES_HELD = 24
"""Frames that a video decoder may hold: references, those it works on in threads, and one that is converted."""
FRAME_BYTES = 1.5
"""Of a pixel of such a frame."""


def decoded_bytes(data: bytes, modality: str) -> int:
    """Bytes that decoding and measuring a file takes at its peak, the file itself among them.

    Of a file whose header can't be read it is that of the file: its decoder will refuse it soon.

    Args:
        data: the encoded file.
        modality: image, mask, audio or video.
    """
    try:
        more = {"image": _picture, "mask": _picture, "audio": _sound, "video": _film}[modality](data)
    except Exception:  # damaged in any way; the decoder says how
        more = 0
    return len(data) + more


def _picture(data: bytes) -> int:
    if data[:2] == b"\xff\xd8":
        import simplejpeg

        height, width, _, _ = simplejpeg.decode_jpeg_header(data)
        return int(width) * int(height) * 3 * PICTURE_COPIES
    from curate.media.image import FORMATS, own_limit

    with own_limit() as pillow, pillow.open(BytesIO(data), formats=FORMATS) as image:
        return image.width * image.height * 4 * PICTURE_COPIES


def _sound(data: bytes) -> int:
    import soundfile

    try:
        with soundfile.SoundFile(BytesIO(data)) as file:
            return file.frames * file.channels * 4 * SOUND_COPIES
    except soundfile.LibsndfileError:
        return _track(data)


def _track(data: bytes) -> int:
    import av

    with av.open(BytesIO(data), "r") as container:
        track = container.streams.audio[0]
        seconds = max(container.duration or 0, 0) / 1_000_000
        return int(seconds * track.rate * track.channels) * 4 * SOUND_COPIES


def _film(data: bytes) -> int:
    import av

    with av.open(BytesIO(data)) as container:
        stream = container.streams.video[0]
        return int(stream.codec_context.width * stream.codec_context.height * FRAME_BYTES * FRAMES_HELD)
