import io
import struct

import numpy as np
import pytest

from curate.media import audio
from curate.media.item import DecodeError


def wav(samples, rate=8_000, subtype="PCM_16"):
    import soundfile

    out = io.BytesIO()
    soundfile.write(out, samples, rate, format="WAV", subtype=subtype)
    return out.getvalue()


@pytest.mark.parametrize("name", ["wav", "wav_float", "wav_24", "flac", "aiff", "au", "caf", "w64", "rf64"])
def test_lossless_formats_give_the_samples(name, clips, tone):
    found = audio.decode(clips[name])
    assert (found.rate, found.channels, found.seconds) == (16_000, 2, 1.0)
    assert found.samples.dtype == np.float32
    assert np.abs(found.samples - tone).max() < 1 / 30_000


@pytest.mark.parametrize("name", ["vorbis", "opus", "mp3", "m4a", "aac", "mka"])
def test_lossy_formats_give_the_level_and_length(name, clips, tone):
    found = audio.decode(clips[name])
    assert found.rate == 16_000
    assert abs(found.seconds - 1) < 0.1
    assert np.sqrt((found.samples**2).mean()) == pytest.approx(np.sqrt((tone**2).mean()), rel=0.06)


def test_real_recordings_have_the_length_of_their_list(shared_data):
    import csv

    folder = shared_data / "fsdd_600"
    with (folder / "metadata.csv").open() as file:
        rows = list(csv.DictReader(file))[::40]
    assert len(rows) == 15
    for row in rows:
        path = next(folder.rglob(row["file"].rpartition("/")[2]))
        found = audio.decode(path.read_bytes())
        assert found.seconds == pytest.approx(float(row["seconds"]), abs=0.002)
        assert np.abs(found.samples).max() == pytest.approx(float(row["peak"]), abs=0.002)


def test_resampling_keeps_length_and_level(clips, tone):
    found = audio.decode(clips["wav"], rate=8_000)
    assert (found.rate, found.file_rate) == (8_000, 16_000)
    assert found.samples.shape == (2, 8_000)
    assert np.sqrt((found.samples**2).mean()) == pytest.approx(np.sqrt((tone**2).mean()), rel=0.01)


@pytest.mark.parametrize("share", [30, 45, 60, 75, 90, 95, 97, 99])
def test_cut_files_are_noticed(share, clips):
    read, messages = [], []
    for name, data in clips.items():
        try:
            audio.decode(data[: len(data) * share // 100])
            read.append(name)
        except DecodeError as error:
            messages.append(str(error))
    assert not read
    assert all(m and "\n" not in m and "0x" not in m for m in messages)


def test_streams_of_unknown_length_are_whole():
    data = bytearray(wav(np.zeros(800)))
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    assert audio.decode(bytes(data)).samples.shape == (1, 800)


@pytest.mark.parametrize(
    "samples", [np.zeros(8_000), np.zeros((100, 2)), np.array([0.5])], ids=["silence", "stereo", "one sample"]
)
def test_odd_but_whole_clips_are_read(samples):
    found = audio.decode(wav(samples), rate=16_000)
    assert found.channels == (samples.shape[1] if samples.ndim == 2 else 1)
    assert found.samples.shape[1] == pytest.approx(2 * len(samples), abs=2)


def test_samples_that_are_no_numbers_are_counted_and_silenced():
    samples = np.array([0.1, np.nan, np.inf, -np.inf, 0.2], np.float32)
    found = audio.decode(wav(samples, subtype="FLOAT"))
    assert found.non_finite == 3
    assert found.samples[0].tolist() == pytest.approx([0.1, 0, 0, 0, 0.2])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\x00" * 100, "not audio"),
        (b"<html>404</html>", "HTML"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "PNG"),
        (b"#EXTM3U\n/etc/hostname\n", "playlist"),
        (b"ffconcat version 1.0\nfile /etc/hostname\n", "not audio"),
        (b"RIFF", "not audio|damaged"),
    ],
)
def test_what_is_no_audio_is_named(data, reason):
    with pytest.raises(DecodeError, match=reason):
        audio.decode(data)


def test_no_samples_is_an_error():
    with pytest.raises(DecodeError, match="no samples"):
        audio.decode(wav(np.zeros(0)))


@pytest.mark.parametrize("name", ["wav", "flac", "mp3", "m4a", "aac"])
def test_too_long_is_refused(name, clips):
    with pytest.raises(DecodeError, match="max_seconds"):
        audio.decode(clips[name], max_seconds=0.5)


def test_a_header_that_declares_hours_is_refused_before_reading():
    # FLAC: the total number of samples stands in 36 bits of the stream's header.
    out = bytearray(b"fLaC\x80\x00\x00\x22" + bytes(34))
    out[8:12] = struct.pack(">HH", 4096, 4096)
    packed = (8_000 << 44) | (0 << 41) | (15 << 36) | (2**36 - 1)
    out[18:26] = packed.to_bytes(8, "big")
    with pytest.raises(DecodeError, match=r"max_seconds|cut off|damaged"):
        audio.decode(bytes(out))


@pytest.mark.parametrize("rate", [10_000_001, 1_635_662_317])
def test_a_rate_that_nothing_records_is_refused(rate):
    data = bytearray(wav(np.zeros(400), 10_000_000))
    assert audio.decode(bytes(data)).rate == 10_000_000
    data[24:28] = struct.pack("<I", rate)
    with pytest.raises(DecodeError, match=f"{rate:,} samples per second"):
        audio.decode(bytes(data))


def test_factors_of_a_resampler_are_exact_up_to_their_limit_and_nearly_so_beyond():
    assert audio.factors(44_100, 16_000) == (160, 441)
    assert audio.factors(199_999, 16_000) == (16_000, 199_999)
    for rate, to_rate in ((9_999_991, 16_000), (536_886_912, 16_000), (16_000, 9_999_991), (200_003, 48_000)):
        up, down = audio.factors(rate, to_rate)
        assert max(up, down) <= audio.MAX_FACTOR
        assert up / down == pytest.approx(to_rate / rate, rel=0.01)
    assert audio.factors(2**32, 8_000) == (1, audio.MAX_FACTOR)


def test_wav_round_trip(tone):
    found = audio.decode(audio.encode_wav(tone, 16_000))
    assert found.rate == 16_000
    assert np.abs(found.samples - tone).max() < 1 / 30_000


def test_500_damaged_files_are_read_or_refused(clips, mutants):
    read, messages = 0, []
    for data in mutants(list(clips.values()), 500, seed=2):
        try:
            found = audio.decode(data, max_seconds=60)
            assert np.isfinite(found.samples).all()
            read += 1
        except DecodeError as error:
            messages.append(str(error))
    assert read + len(messages) == 500
    assert all(messages)
    assert len(messages) > 100
