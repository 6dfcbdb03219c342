import numpy as np
import pytest

from curate.media import video
from curate.media.item import DecodeError

KINDS = [("mp4", "libx264"), ("matroska", "libx264"), ("webm", "libvpx"), ("avi", "mpeg4"), ("mpegts", "libx264")]


@pytest.mark.parametrize(("kind", "codec"), KINDS)
def test_frames_are_evenly_spaced(kind, codec, film):
    found = video.decode(film(kind, codec), frames=4)
    assert found.frames.shape == (4, 48, 64, 3)
    # Frame i of 40 is grey of level 5 * i; the middles of four quarters are 5, 15, 25, 35.
    assert np.abs(found.frames.mean((1, 2, 3)) - [25, 75, 125, 175]).max() < 6
    assert found.fps == pytest.approx(20, rel=0.02)
    assert found.seconds == pytest.approx(2, abs=0.06)
    assert found.times == pytest.approx([0.25, 0.75, 1.25, 1.75], abs=0.01)
    assert (found.width, found.height, found.frame_count, found.has_audio) == (64, 48, 40, False)


def test_seeking_gives_the_frames_of_decoding_everything(film, shared_data, monkeypatch):
    files = [film(*kind) for kind in KINDS[:2]]
    files += [path.read_bytes() for path in sorted((shared_data / "video_scenes" / "originals").glob("*.mp4"))]
    straight = [video.decode(data).frames for data in files]
    monkeypatch.setattr(video, "STRAIGHT_PIXELS", 0)
    for data, frames in zip(files, straight):
        assert np.array_equal(video.decode(data).frames, frames)


def test_real_clips_are_as_listed(shared_data):
    import csv

    folder = shared_data / "video_scenes"
    with (folder / "clips.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 36
    for row in rows:
        path = next(folder.rglob(row["file"].rpartition("/")[2]))
        found = video.decode(path.read_bytes())
        assert (found.width, found.height) == (int(row["width"]), int(row["height"]))
        assert found.fps == pytest.approx(float(row["fps"]), rel=0.02)
        assert found.frames.shape == (8, found.height, found.width, 3)


def test_sound_and_size(shared_data):
    data = (shared_data / "video_scenes" / "originals" / "bigbuckbunny.mp4").read_bytes()
    found = video.decode(data, size=256)
    assert found.has_audio
    assert (found.width, found.height) == (1280, 720)
    assert found.frames.shape == (8, 144, 256, 3)


def test_short_videos_have_fewer_frames(film):
    assert video.decode(film(count=1)).frames.shape[0] == 1
    assert video.decode(film(count=3)).frames.shape[0] == 3


@pytest.mark.parametrize("share", [30, 45, 60, 75, 90, 95, 97, 99])
@pytest.mark.parametrize(("kind", "codec"), KINDS[:4])
def test_cut_files_are_noticed(kind, codec, share, film):
    data = film(kind, codec)
    with pytest.raises(DecodeError):
        video.decode(data[: len(data) * share // 100])


def test_limits(film):
    data = film()
    with pytest.raises(DecodeError, match="max_pixels"):
        video.decode(data, max_pixels=64 * 48 - 1)
    with pytest.raises(DecodeError, match="max_seconds"):
        video.decode(data, max_seconds=1.0)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (bytes(200), "not video"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.mp4\n", "playlist"),
        (b"ffconcat version 1.0\nfile secret.mp4\n", "not video"),
        (b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n", "not video"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "JPEG"),
    ],
)
def test_what_is_no_video_is_named_and_nothing_is_followed(data, reason):
    with pytest.raises(DecodeError, match=reason):
        video.decode(data)


def test_sound_alone_is_no_video(clips):
    with pytest.raises(DecodeError, match="no picture track"):
        video.decode(clips["m4a"])


def test_500_damaged_files_are_read_or_refused(film, mutants):
    files = [film(kind, codec, count=12, sound=kind == "mp4") for kind, codec in KINDS]
    read, messages = 0, []
    for data in mutants(files, 500, seed=3):
        try:
            found = video.decode(data, max_pixels=1_000_000, max_seconds=60)
            assert found.frames.shape[3] == 3
            read += 1
        except DecodeError as error:
            messages.append(str(error))
    assert read + len(messages) == 500
    assert all(messages)
    assert len(messages) > 100


def test_videos_are_turned_as_players_do():
    import io

    import av

    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:16, :16] = 255  # top left
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for packet in [*stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")), *stream.encode(None)]:
            container.mux(packet)
    data = bytearray(out.getvalue())
    matrix = data.find(b"tkhd") + 44
    quarter_clockwise = [0, 0x10000, 0, 0xFFFF0000, 0, 0, 0, 0, 0x40000000]
    data[matrix : matrix + 36] = b"".join(value.to_bytes(4, "big") for value in quarter_clockwise)
    found = video.decode(bytes(data))
    assert (found.width, found.height) == (48, 64)
    assert found.frames.shape == (1, 64, 48, 3)
    assert found.frames[0, 4, -4].min() > 250  # top right
    assert found.frames[0, 4, 4].max() < 5
