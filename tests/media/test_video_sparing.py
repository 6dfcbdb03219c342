import io

import numpy as np
import pytest

from curate.media import video, video_packets
from curate.media.item import DecodeError

FILMS = {
    "mp4": ("mp4", "libx264", {"g": "12", "bf": "3"}),
    "one_key": ("mp4", "libx264", {"g": "250", "bf": "3"}),
    "no_b": ("mp4", "libx264", {"g": "12", "bf": "0"}),
    "open": ("matroska", "libx264", {"x264-params": "open-gop=1:keyint=8:bframes=3:scenecut=0"}),
    "refresh": ("mpegts", "libx264", {"x264-params": "intra-refresh=1:keyint=8"}),
    "stream": ("mpegts", "libx264", {"x264-params": "open-gop=1:keyint=8:bframes=3:scenecut=0"}),
    "hevc": ("mp4", "libx265", {"x265-params": "keyint=8:bframes=3:log-level=none"}),
    "vp9": ("webm", "libvpx-vp9", {"g": "10", "lag-in-frames": "10", "auto-alt-ref": "1"}),
    "vp8": ("webm", "libvpx", {"g": "10"}),
    "av1": ("mp4", "libsvtav1", {"g": "12"}),
    "mpeg4": ("avi", "mpeg4", {"g": "12", "bf": "2"}),
    "mpeg2": ("mpegts", "mpeg2video", {"g": "12", "bf": "2"}),
    "mjpeg": ("avi", "mjpeg", {}),
}


@pytest.fixture(scope="module")
def films():
    """Name -> 50 frames of 64 x 48 pixels, no two alike."""
    import av

    rng = np.random.default_rng(0)
    scene = np.kron(rng.integers(0, 256, (20, 30, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    made = {}
    for name, (kind, codec, options) in FILMS.items():
        out = io.BytesIO()
        with av.open(out, "w", format=kind) as container:
            stream = container.add_stream(codec, rate=25, options=options)
            stream.width, stream.height = 64, 48
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            for i in range(50):
                frame = scene[2 * i : 2 * i + 48, 3 * i : 3 * i + 64] // 2 + i
                container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")))
            container.mux(stream.encode(None))
        made[name] = out.getvalue()
    return made


@pytest.mark.parametrize("name", FILMS)
@pytest.mark.parametrize("frames", [1, 3, 8, 17, 50])
def test_frames_are_those_of_decoding_everything(films, name, frames):
    whole = video.decode(films[name], frames)
    found = video.decode(films[name], frames, between=False)
    assert np.array_equal(found.frames, whole.frames)
    assert np.array_equal(found.times, whole.times)
    assert (found.seconds, found.frame_count, found.fps) == (whole.seconds, whole.frame_count, whole.fps)


def test_frames_of_real_clips_are_those_of_decoding_everything(shared_data):
    paths = sorted((shared_data / "video_scenes").rglob("*.mp4"))
    assert len(paths) >= 36
    for path in paths:
        data = path.read_bytes()
        whole, found = (video.decode(data, between=between) for between in (True, False))
        assert np.array_equal(found.frames, whole.frames), path.name


def test_packets_that_no_wanted_frame_needs_are_left_out(films):
    import av

    with av.open(io.BytesIO(films["mp4"])) as container:
        stream = container.streams.video[0]
        packets = video._packets(container, stream, 100.0)
        assert packets.told_apart
        assert len(packets.order) == 51  # the last one is empty
        assert np.flatnonzero(packets.entries).tolist() == [0, 12, 24, 36, 48]
        wanted = packets.stamps[[3, 26, 27]]
        (first, ends), (second, end) = packets.runs(wanted, True)
        assert (first, second) == (0, 24)
        assert ends < 12
        assert end < 36
        assert packets.runs(wanted, False) == [(0, end)]
        found = [frame.pts for frame in video_packets.frames_at(container, stream, packets, wanted)]
        assert found == wanted.tolist()


def test_a_header_with_another_size_changes_nothing(films):
    data = films["mp4"]
    entry = data.index(b"avc1", data.index(b"stsd"))
    wrong = bytearray(data)
    wrong[entry + 28 : entry + 32] = (128).to_bytes(2, "big") + (96).to_bytes(2, "big")
    assert wrong != data
    whole, found = (video.decode(bytes(wrong), 3, size=None, between=between) for between in (True, False))
    assert found.frames.shape == whole.frames.shape == (3, 48, 64, 3)
    assert np.array_equal(found.frames, whole.frames)


def test_pictures_larger_than_the_header_tells_are_refused_before_they_are_decoded(films, monkeypatch):
    data = bytearray(films["mp4"])
    entry = data.index(b"avc1", data.index(b"stsd"))
    data[entry + 28 : entry + 32] = (16).to_bytes(2, "big") + (16).to_bytes(2, "big")
    decoded, at = [], video.frames_at
    monkeypatch.setattr(video, "frames_at", lambda *given: (decoded.append(frame) or frame for frame in at(*given)))
    assert video.decode(bytes(data), 3, between=False).width == 64
    assert decoded
    decoded.clear()
    with pytest.raises(DecodeError, match="64x48"):
        video.decode(bytes(data), 3, max_pixels=1000, between=False)
    assert not decoded


def test_frames_between_are_not_looked_at_and_wanted_ones_are(films):
    import av

    data = bytearray(films["mjpeg"])
    with av.open(io.BytesIO(data)) as container:
        places = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    whole = video.decode(bytes(data), 1)

    def damaged(place):
        at, size = places[place]
        data[at + 8 : at + size] = bytes(size - 8)  # behind the name and length of the piece
        return bytes(data)

    later = damaged(40)
    with pytest.raises(DecodeError, match="of 50 frames could be decoded"):
        video.decode(later, 50, between=False)
    assert np.array_equal(video.decode(later, 1, between=False).frames, whole.frames)
    with pytest.raises(DecodeError, match="damaged"):
        video.decode(damaged(25), 1, between=False)


def test_films_without_stamps_are_decoded_whole(films, monkeypatch):
    monkeypatch.setattr(video, "frames_at", lambda *_: pytest.fail("frames can't be told apart"))
    monkeypatch.setattr(video_packets.Packets, "told_apart", False)
    assert len(video.decode(films["mp4"], 4, between=False).frames) == 4
