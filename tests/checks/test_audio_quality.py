"""Planted faults in real recordings are found, untouched ones are not flagged, and nothing odd is an exception."""

import numpy as np
import pytest

import curate
from benchmarks import audio_series_faults as faults
from curate.checks.audio_quality import FIELDS, AudioQuality
from curate.evidence import Evidence, EvidenceSettings
from curate.evidence.measures.audio import AudioStatistics
from curate.evidence.measures.audio_marks import AudioMarks
from curate.evidence.measures.audio_spectrum import AudioSpectrum
from curate.media.audio import decode
from curate.media.item import DecodeError

PLANTED = 40


def measured(items):
    values = {}
    for measure in (AudioStatistics(), AudioMarks(), AudioSpectrum()):
        values |= measure.measure(items)
    return values


def evidence_of_clips(table_of, evidence_of, values, **columns):
    n = len(values["audio.seconds"])
    return evidence_of(
        table_of({"audio": [f"a{i}" for i in range(n)], **columns}, audio="audio", **{k: k for k in columns}),
        measures=values,
    )


def audit(clips, **settings):
    """The check on encoded clips, through the pass that decodes them."""
    columns = {
        "audio": [{"bytes": clip, "path": None} for clip in clips],
        "id": [f"r{i:03d}" for i in range(len(clips))],
    }
    table = curate.load(columns, task=curate.Task(audio="audio", id="id", kind="unlabeled"))
    evidence = Evidence(table, EvidenceSettings(workers=1))
    return AudioQuality(**settings).find(evidence), evidence


def issues_of(findings, row):
    return {line["issue"] for line in findings.flagged.to_pylist() if line["row"] == row}


@pytest.fixture(scope="module")
def clips(shared_data):
    return faults.recordings(shared_data / "fsdd_600" / "recordings")


@pytest.fixture(scope="module")
def clean(clips):
    """Measures of all untouched recordings."""
    return measured([decode(faults.encoded(wave, rate)) for wave, rate in clips])


def test_untouched_recordings_are_not_flagged(clean, table_of, evidence_of):
    found = AudioQuality().find(evidence_of_clips(table_of, evidence_of, clean)).summary["audio_quality"]
    assert set(found) == {
        "not_finite", "silent", "mostly_silent", "clipped", "dc_offset", "low_snr", "narrow_bandwidth", "too_quiet",
        "too_loud", "dead_channel", "identical_channels", "cancelling_channels", "odd_rate", "odd_channels",
        "odd_duration",
    }  # fmt: skip
    assert {issue: line["share"] for issue, line in found.items() if line["share"] > 0.02} == {}


@pytest.mark.parametrize("name", faults.AUDIO_FAULTS)
def test_planted_faults_are_found(name, clips, clean, table_of, evidence_of):
    rng = np.random.default_rng(3)
    rows = np.sort(rng.choice(len(clips), PLANTED, replace=False))
    broken = measured([decode(faults.AUDIO_FAULTS[name](*clips[row], rng)) for row in rows])
    values = {}
    for field, column in clean.items():
        values[field] = column.copy()
        values[field][rows] = broken[field].astype(column.dtype)
    issue = name.partition(" ")[0]
    lines = AudioQuality().find(evidence_of_clips(table_of, evidence_of, values)).only(issue=issue).flagged
    flagged = set(lines["row"].to_pylist())
    assert len(flagged & set(rows.tolist())) >= 0.95 * PLANTED
    assert len(flagged - set(rows.tolist())) <= 0.02 * len(clips)
    assert all(
        any(unit in reason for unit in ("dB", "Hz", " s", "%", "full scale")) for reason in lines["reason"].to_pylist()
    )


@pytest.mark.parametrize("name", faults.STEREO_FAULTS)
def test_planted_faults_of_channels_are_found(name, clips, table_of, evidence_of):
    rng = np.random.default_rng(4)
    waves = [faults.to_stereo(wave, rng) for wave, _ in clips[::4]]
    rows = set(range(0, len(waves), 25))
    waves = [faults.STEREO_FAULTS[name](wave) if row in rows else wave for row, wave in enumerate(waves)]
    values = measured([decode(faults.encoded(wave, 8000)) for wave in waves])
    lines = AudioQuality().find(evidence_of_clips(table_of, evidence_of, values)).only(issue=name).flagged
    assert set(lines["row"].to_pylist()) == rows


def test_files_that_end_early_are_unreadable(clips):
    rng = np.random.default_rng(5)
    files = [faults.cut_off(wave, rate, rng) for wave, rate in clips[::20]]
    assert np.mean([refused(data) for data in files]) >= 0.95


def refused(data):
    try:
        decode(data)
    except DecodeError:
        return True
    return False


def test_noise_is_judged_within_its_class(table_of, evidence_of):
    rng = np.random.default_rng(0)
    n = 60
    values = clean_values(n)
    values["audio.snr_db"] = np.where(np.arange(n) < 20, -10.0, 40.0) + rng.normal(0, 1, n)  # rain, and birds
    values["audio.snr_db"][:20] = values["audio.snr_db"][:20].clip(-10)
    values["audio.snr_db"][50] = 2.0
    labels = ["rain"] * 20 + ["bird"] * 40
    flagged = AudioQuality().find(evidence_of_clips(table_of, evidence_of, values, label=labels)).flagged
    assert [(line["issue"], line["row"]) for line in flagged.to_pylist()] == [("low_snr", 50)]
    assert "2.0 dB" in flagged["reason"][0].as_py()


def clean_values(n):
    """Measures of n recordings with nothing wrong."""
    wave = np.sin(np.arange(8000) / 8000 * 2 * np.pi * 440).astype(np.float32) * 0.2
    one = measured([decode(faults.encoded(wave, 8000))])
    return {field: np.repeat(column, n, axis=0) for field, column in one.items()}


def test_what_all_have_in_common_is_no_issue(table_of, evidence_of):
    values = clean_values(30)
    values["audio.channels"][:] = 2
    values["audio.channel_difference_db"][:] = -120.0
    values["audio.bandwidth_hz"][:], values["audio.band_edge_db"][:] = 1000.0, 50.0
    values["audio.snr_db"][:] = 0.0
    found = AudioQuality().find(evidence_of_clips(table_of, evidence_of, values))
    assert not len(found.flagged)
    assert found.facts["audio_quality"]["rows_with_identical_channels"] == 30


def test_tones_music_and_steps_are_neither_clipped_nor_noisy():
    time = np.arange(3 * 16_000) / 16_000
    chord = sum(np.sin(2 * np.pi * f * k * time) / k**2 for f in (261, 329, 392) for k in range(1, 20))
    melody = np.concatenate([np.sin(2 * np.pi * f * time[:8000]) for f in (440, 330, 550, 660, 440, 220)])
    waves = [np.sin(2 * np.pi * f * time) for f in (50, 440, 3001)] + [chord, melody]
    clips = [faults.encoded(0.4 * wave / np.abs(wave).max(), 16_000) for wave in waves for _ in range(4)]
    clips += [faults.encoded(0.4 * wave / np.abs(wave).max(), 16_000, "PCM_U8") for wave in waves]
    findings, _ = audit(clips)
    assert {line["issue"] for line in findings.flagged.to_pylist()} <= {"odd_duration"}


def test_reasons_name_value_bound_and_stretch(clips):
    wave, rate = clips[0]
    planted = wave.copy()
    cut = np.quantile(np.abs(wave), 0.9)
    planted = np.clip(planted, -cut, cut)
    silence = np.concatenate([wave, np.zeros(rate * 30, np.float32)])
    batch = [faults.encoded(w, r) for w, r in clips[:40]]
    findings, _ = audit([*batch, faults.encoded(planted, rate), faults.encoded(silence, rate)])
    said = {(line["row"], line["issue"]): line["reason"] for line in findings.flagged.to_pylist()}
    assert "% of the samples are cut off at" in said[40, "clipped"]
    assert "-" in said[40, "clipped"].partition("worst at ")[2]
    assert f"longest at {len(wave) / rate:.1f}" in said[41, "silent"]
    assert "allowed: 95%" in said[41, "silent"]


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_odd_recordings_are_no_exceptions(subtype):
    rng = np.random.default_rng(0)
    waves = [
        np.zeros(1, np.float32),
        np.ones(1, np.float32),
        np.full(2, 0.5, np.float32),
        np.zeros((32, 4000), np.float32),
        rng.normal(0, 0.1, (32, 4000)).astype(np.float32),
        np.ones(4000, np.float32),
        np.full(4000, np.nan, np.float32) if subtype == "FLOAT" else np.zeros(4000, np.float32),
        rng.normal(0, 0.1, 37).astype(np.float32),
        np.where(np.arange(4000) % 2, 1.0, -1.0).astype(np.float32),
    ]
    findings, evidence = audit(
        [faults.encoded(wave, 8000, subtype) for wave in waves] + [faults.encoded([], 8000), b""]
    )
    assert set(evidence.broken) == {9, 10}
    assert {"silent"} <= issues_of(findings, 0) & issues_of(findings, 3)
    if subtype == "FLOAT":
        assert "not_finite" in issues_of(findings, 6)
    score = findings.table["score"].to_numpy()
    assert np.isfinite(score).all()


def test_one_row_and_a_set_of_silence():
    findings, _ = audit([faults.encoded(np.zeros(8000), 8000)])
    assert issues_of(findings, 0) == {"silent"}
    findings, _ = audit([faults.encoded(np.zeros(8000 + i), 8000) for i in range(12)])
    assert {line["issue"] for line in findings.flagged.to_pylist()} == {"silent"}
    assert len(findings.flagged) == 12


def test_settings_that_are_null_are_not_looked_for():
    off = {
        name: None
        for name, field in AudioQuality.model_fields.items()
        if field.default is None or "null for off" in (field.description or "") or "null for no" in field.description
        if name not in ("fix",)
    }
    findings, _ = audit([faults.encoded(np.zeros(8000), 8000)] * 2, **off)
    assert set(findings.table["issue"].to_pylist()) == {"not_finite"}
    limited, _ = audit(
        [faults.encoded(np.zeros(800 * n), 8000) for n in (1, 10, 11, 12)], **{**off, "min_seconds": 0.5}
    )
    assert [line["row"] for line in limited.flagged.to_pylist()] == [0]
    assert "0.10 s, outside of 0.5 to inf s" in limited.flagged["reason"][0].as_py()


@pytest.mark.parametrize("silence_db", [-80, -40])
def test_level_of_silence_is_a_setting(silence_db):
    hum = faults.encoded(np.full(8000, 10 ** (-50 / 20)) * np.where(np.arange(8000) % 2, 1, -1), 8000)
    findings, _ = audit([hum], silence_db=silence_db)
    assert ("silent" in issues_of(findings, 0)) == (silence_db == -40)


def test_held_out_recordings_do_not_shape_what_is_usual(table_of, evidence_of):
    values = clean_values(60)
    values["audio.rate_hz"][[2, *range(30, 60)]] = 44_100
    split = ["train"] * 30 + ["test"] * 30
    found = AudioQuality().find(evidence_of_clips(table_of, evidence_of, values, split=split)).only(issue="odd_rate")
    assert 2 in found.flagged["row"].to_pylist()
    assert found.flagged["reason"][0].as_py() == "sampled at 44,100 Hz, as 3.3% of the set; most have 8,000 Hz"


def test_every_field_is_measured():
    values = measured([decode(faults.encoded(np.zeros(800), 8000))])
    assert {f"audio.{name}" for name in FIELDS} <= set(values)
