import numpy as np
import pytest

from curate.evidence.measures import by_field
from curate.media.item import Audio

RATE = 16_000


def measured(*signals, rate=RATE):
    items = [Audio(np.atleast_2d(s).astype(np.float32), rate, "WAV/PCM_16", rate) for s in signals]
    return by_field("audio.peak").measure(items)


def tone(hertz, level=0.5, seconds=1.0, rate=RATE):
    return level * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)


def test_a_tone():
    found = {name.partition(".")[2]: values[0] for name, values in measured(tone(1000)).items()}
    assert found["seconds"] == pytest.approx(1)
    assert found["rms_db"] == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.01)
    assert found["peak"] == pytest.approx(0.5, abs=1e-3)
    assert found["centroid_hz"] == pytest.approx(1000, abs=15)
    assert found["rolloff_hz"] == pytest.approx(1000, abs=40)
    assert found["zero_crossing_rate"] == pytest.approx(2000 / RATE, abs=1e-3)
    assert found["level_range_db"] == pytest.approx(0, abs=0.05)
    assert found["silent_fraction"] == found["clipped_fraction"] == found["non_finite_fraction"] == 0
    assert found["dc_offset"] == pytest.approx(0, abs=1e-4)


def test_silence_clipping_and_offset():
    half = np.concatenate([np.zeros(RATE), tone(440)])
    loud = np.clip(tone(440, level=2.0), -1, 1)
    found = measured(np.zeros(RATE), half, loud, tone(440) + 0.2)
    assert found["audio.silent_fraction"].tolist() == pytest.approx([1, 0.5, 0, 0], abs=0.02)
    assert found["audio.rms_db"][0] == -120
    assert np.isnan(found["audio.centroid_hz"][0])
    assert found["audio.clipped_fraction"].tolist() == pytest.approx([0, 0, 2 / 3, 0], abs=0.01)
    assert found["audio.dc_offset"].tolist() == pytest.approx([0, 0, 0, 0.2], abs=1e-3)
    assert found["audio.level_range_db"][1] > 100


@pytest.mark.parametrize("samples", [np.array([0.5]), np.zeros(1), np.zeros((2, 3)), np.full((8, 50), -1.0)])
def test_tiny_clips_have_values(samples):
    found = measured(samples)
    for name, values in found.items():
        if values.dtype.kind == "f" and name not in ("audio.centroid_hz", "audio.rolloff_hz"):
            assert np.isfinite(values).all(), name


def test_channels_are_measured_together():
    both = np.stack([tone(500), np.zeros(RATE)])
    found = measured(both)
    assert found["audio.channels"].tolist() == [2]
    assert found["audio.rms_db"][0] == pytest.approx(20 * np.log10(0.25), abs=0.01)
    assert found["audio.silent_fraction"][0] == 0


def test_levels_of_real_recordings(shared_data):
    import csv

    from curate.media import audio

    folder = shared_data / "fsdd_600"
    with (folder / "metadata.csv").open() as file:
        rows = list(csv.DictReader(file))[::10]
    clips = [audio.decode(next(folder.rglob(row["file"].rpartition("/")[2])).read_bytes()) for row in rows]
    found = by_field("audio.peak").measure(clips)
    rms = [20 * np.log10(float(row["rms"])) for row in rows]
    np.testing.assert_allclose(found["audio.rms_db"], rms, atol=0.3)
    np.testing.assert_allclose(found["audio.peak"], [float(row["peak"]) for row in rows], atol=0.002)
