"""A segment is the part of the file that decoding it whole would give, whatever the file is."""

import io
from contextlib import suppress
from fractions import Fraction

import numpy as np
import pytest

from curate.media import audio, video
from curate.media.content import content_hashes
from curate.media.item import DecodeError
from curate.media.lengths import length, lengths
from curate.media.payload import UnreadablePayload, read_bytes
from curate.media.segments import Segment, cut, file_name, split
from curate.sources.raw import media_paths

WITH_LOSS = ("vorbis", "opus", "mp3")
FILMS = [
    ("mp4", "libx264", True),
    ("matroska", "libx264", True),
    ("mpegts", "libx264", True),
    ("avi", "mpeg4", True),
    ("webm", "libvpx-vp9", True),
    ("webm", "libvpx", False),  # MP4 does not take VP8
]


def pictures(data):
    """Times from the beginning and grey frames of a video."""
    import av

    with av.open(io.BytesIO(data)) as container:
        origin = Fraction(container.start_time or 0, 1_000_000)
        frames = [(float(f.pts * f.time_base - origin), f.to_ndarray(format="gray")) for f in container.decode(video=0)]
    return [one[0] for one in frames], [one[1] for one in frames]


def keys(data, start):
    """The end of the coded picture of the last key frame up to a time."""
    import av

    with av.open(io.BytesIO(data)) as container:
        origin = Fraction(container.start_time or 0, 1_000_000)
        packets = [one for one in container.demux(video=0) if one.size and one.is_keyframe]
        times = [float((one.pts if one.pts is not None else one.dts) * one.time_base - origin) for one in packets]
        return bytes(packets[max(k for k, time in enumerate(times) if time <= start + 1e-3)])[-20:]


@pytest.mark.parametrize(
    ("path", "file", "segment"),
    [
        ("a/b.wav", "a/b.wav", None),
        ("a/b.wav#t=1.5,3", "a/b.wav", Segment(1.5, 3.0)),
        ("b.wav#t=2", "b.wav", Segment(2.0, None)),
        ("b.mp4#t=2,3&track=audio", "b.mp4", Segment(2.0, 3.0, sound=True)),
        ("b#t=x.wav", "b#t=x.wav", None),
        ("b.wav#t=-1,2", "b.wav#t=-1,2", None),
    ],
)
def test_the_path_says_which_part_is_meant(path, file, segment):
    assert split(path) == (file, segment)
    if segment is not None:
        assert file + segment.fragment == path


def test_a_segment_has_a_name_of_its_own():
    assert file_name("a/b.mp3#t=1.5,3", b"RIFF\0\0\0\0WAVE") == "b_1.5-3.wav"
    assert file_name("a/b.mp3#t=1.5") == "b_1.5.mp3"
    assert file_name("a/b.mp3") == "b.mp3"


@pytest.mark.parametrize("segment", [Segment(0.123, 0.5), Segment(0.0, 0.25), Segment(0.75, None), Segment(0.9, 7.0)])
def test_samples_are_those_of_the_whole(clips, segment):
    for name, data in clips.items():
        whole = audio.decode(data)
        end = None if segment.end is None else round(segment.end * whole.rate)
        wanted = whole.samples[:, round(segment.start * whole.rate) : end]
        found = audio.decode(cut(data, segment))
        assert found.file_rate == whole.file_rate
        assert found.samples.shape == wanted.shape, name
        assert np.abs(found.samples - wanted).max() <= (1e-2 if name in WITH_LOSS else 0), name


def test_places_in_long_compressed_sounds_are_exact(capfd):
    import av

    rate = 16_000
    time = np.arange(40 * rate) / rate
    noise = np.random.default_rng(0).normal(0, 0.02, len(time))
    wave = (0.3 * np.sin(2 * np.pi * (200 + 10 * time) * time) + noise).astype(np.float32)
    for kind, codec in (("mp3", "libmp3lame"), ("mp4", "aac"), ("adts", "aac")):
        out = io.BytesIO()
        with av.open(out, "w", format=kind) as container:
            stream = container.add_stream(codec, rate=rate)
            stream.layout = "mono"
            frame = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
            frame.sample_rate = rate
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                container.mux(packet)
        whole = audio.decode(out.getvalue()).samples
        for start in (3.3, 9.77, 17.123, 30.1, 35.0):
            found = audio.decode(cut(out.getvalue(), Segment(start, start + 0.9))).samples
            wanted = whole[:, round(start * rate) : round((start + 0.9) * rate)]
            assert found.shape == wanted.shape
            assert np.abs(found - wanted).max() < 1e-4, (kind, start)
    assert capfd.readouterr().err == ""


def test_the_same_segment_is_the_same_file_at_any_time(clips):
    for name in ("wav", "wav_float", "mp3"):
        made = cut(clips[name], Segment(0.1, 0.3))
        assert made == cut(clips[name], Segment(0.1, 0.3))
        peak = made.find(b"PEAK")
        assert peak < 0 or made[peak + 12 : peak + 16] == bytes(4)  # the time of writing


@pytest.mark.parametrize("segment", [Segment(0.55, 1.25), Segment(0.0, 0.5), Segment(1.5, None), Segment(1.8, 9.0)])
@pytest.mark.parametrize(("kind", "codec", "exact"), FILMS)
def test_frames_are_those_of_the_whole(film, kind, codec, exact, segment):
    data = film(kind, codec, sound=kind in ("mp4", "matroska", "mpegts"))
    times, frames = pictures(data)
    inside = [k for k, t in enumerate(times) if segment.start - 1e-3 <= t < (segment.end or 99.0) - 1e-3]
    made = cut(data, segment)
    found = pictures(made)[1]
    assert len(found) == len(inside)
    assert (keys(data, segment.start) in made) == exact  # not encoded anew
    for k, frame in zip(inside, found):
        assert np.abs(frame.astype(int) - frames[k]).max() <= (0 if exact else 8)
    decoded = video.decode(made, skim=True)
    assert decoded.frame_count == decoded.decoded_count == decoded.declared_count == len(inside)
    assert decoded.seconds == pytest.approx(len(inside) / 20, abs=0.01)


def test_frames_of_real_films_are_those_of_the_whole(shared_data):
    for path in sorted((shared_data / "video_scenes" / "originals").glob("*.mp4")):
        times, frames = pictures(path.read_bytes())
        with path.open("rb") as file:
            found = pictures(cut(file, Segment(1.37, 2.6)))[1]
        wanted = [frame for t, frame in zip(times, frames) if 1.369 <= t < 2.599]
        assert len(found) == len(wanted) > 20
        assert all((a == b).all() for a, b in zip(found, wanted)), path.name


def test_sound_of_a_film_alone(film):
    data = film(sound=True)
    found = audio.decode(cut(data, Segment(0.5, 1.25, sound=True)))
    assert (found.format, found.samples.shape[1]) == ("WAV/FLOAT", 12_000)


@pytest.mark.parametrize(
    ("segment", "why"),
    [(Segment(5.0, 6.0), "begins at 5.00 s, and the file is"), (Segment(0.5, 0.50001), "holds no sample|begins at")],
)
def test_what_is_not_there_is_said(clips, segment, why):
    for name in ("wav", "flac", "mp3", "m4a"):
        with pytest.raises(DecodeError, match=why):
            cut(clips[name], segment)


def test_a_film_without_frames_there_is_refused(film):
    with pytest.raises(DecodeError, match=r"begins at 7.00 s, and the file is 2.00 s long"):
        cut(film(), Segment(7.0, 8.0))


def test_what_is_neither_sound_nor_film_is_refused(images):
    with pytest.raises(DecodeError, match="PNG"):
        cut(images["png"], Segment(0.0, 1.0))


def test_damage_is_said_and_nothing_else_is_raised(clips, film, mutants):
    files = [clips["wav"], clips["flac"], clips["mp3"], clips["m4a"], film(), film("matroska")]
    for data in mutants(files, 300, seed=3):
        with suppress(DecodeError):
            cut(data, Segment(0.3, 0.8))
        length(data, None)


def test_bytes_of_a_row_are_those_of_its_segment(clips, tmp_path):
    (tmp_path / "a.flac").write_bytes(clips["flac"])
    wanted = cut(clips["flac"], Segment(0.25, 0.5))
    assert read_bytes("a.flac#t=0.25,0.5", tmp_path) == wanted
    assert read_bytes({"bytes": clips["flac"], "path": "a.flac#t=0.25,0.5"}, None) == wanted
    assert read_bytes({"bytes": clips["flac"], "path": "#t=0.25,0.5"}, None) == wanted
    with pytest.raises(UnreadablePayload, match="more than the limit of 1,000"):
        read_bytes("a.flac#t=0.25,0.5", tmp_path, max_bytes=1_000)
    with pytest.raises(UnreadablePayload, match="does not exist"):
        read_bytes("b.flac#t=0.25,0.5", tmp_path)
    with pytest.raises(UnreadablePayload, match="leads outside"):
        read_bytes("../a.flac#t=0.25,0.5", tmp_path / "below")


def test_segments_of_one_file_are_different_contents(clips, tmp_path):
    import pyarrow as pa

    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_bytes(clips["wav"])
    paths = ["a.wav", "a.wav#t=0,0.5", "a.wav#t=0.5", "b.wav#t=0,0.5", "a.wav#t=0,0.5"]
    hashed = content_hashes([media_paths(pa.array(paths))], tmp_path)
    assert not hashed.failures
    assert len({tuple(row) for row in hashed.content[:3].tolist()}) == 3
    assert (hashed.content[1] == hashed.content[3]).all()
    assert (hashed.content[1] == hashed.content[4]).all()
    inside = pa.array([{"bytes": clips["wav"], "path": path} for path in paths])
    assert (content_hashes([inside]).content == hashed.content).all()


def test_frames_that_an_edit_list_hides_are_no_damage(film):
    made = cut(film(), Segment(0.75, 1.5))
    found = video.decode(made, straight_pixels=0)  # by seeking
    whole = video.decode(made)
    assert found.frame_count == whole.frame_count == whole.decoded_count == 15
    assert np.abs(found.frames.astype(int) - whole.frames).max() <= 2


def test_lengths_are_known_by_headers(clips, film, tmp_path):
    for name in ("wav", "flac", "mp3", "m4a", "mka"):
        known = length(clips[name], None)
        assert known.rate == 16_000
        assert known.seconds == pytest.approx(1.0, abs=0.2)  # with what the codec adds
    known = length(film(sound=True), None)
    assert (known.rate, round(known.fps)) == (16_000, 20)
    assert known.seconds == pytest.approx(2.0, abs=0.1)
    (tmp_path / "a.wav").write_bytes(clips["wav"])
    assert [one and one.seconds for one in lengths(["a.wav", "none.wav", "../a.wav"], tmp_path)] == [1.0, None, None]
    assert length(b"no sound", None) is None
