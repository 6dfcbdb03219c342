"""Media that crash or hang their decoder, through the pass and the audit."""

import ctypes
import os
import time

import numpy as np
import pyarrow as pa
import pytest

import curate
from curate.engines.watched import can_watch
from curate.evidence import Evidence, EvidenceSettings
from curate.media import audio, image, video
from curate.pipeline.auditing import audit

pytestmark = pytest.mark.skipif(not can_watch(), reason="watched processes are forks, which this system has not")
MEDIA = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
BAD = (4, 17)


def files(role, count=24):
    rng = np.random.default_rng(0)
    if role == "image":
        return [image.encode_png(rng.integers(0, 255, (12, 12, 3), dtype=np.uint8)) for _ in range(count)]
    return [audio.encode_wav(rng.normal(0, 0.1, (1, 2_000)).astype(np.float32), 8_000) for _ in range(count)]


def table_of(role, payloads):
    column = pa.array([{"bytes": data, "path": None} for data in payloads], MEDIA)
    return curate.load(pa.table({role: column}), curate.Task(kind="unlabeled", **{role: role}))


def poisoned(monkeypatch, module, payloads, fate):
    """Decoders of rows 4 and 17 meet their fate."""
    decode, bad = module.decode, [payloads[row] for row in BAD]

    def spoiled(data, *given, **options):
        if data in bad:
            fate()
        return decode(data, *given, **options)

    monkeypatch.setattr(module, "decode", spoiled)


def crash():
    ctypes.string_at(0)


@pytest.mark.parametrize(("role", "module"), [("image", image), ("audio", audio)])
def test_a_crash_costs_the_row_and_is_remembered(role, module, monkeypatch, tmp_path):
    payloads = files(role)
    table = table_of(role, payloads)
    poisoned(monkeypatch, module, payloads, crash)
    settings = EvidenceSettings(workers=2, encoder="classic")
    evidence = Evidence(table, settings, cache=tmp_path)
    assert dict(evidence.broken) == dict.fromkeys(BAD, "its decoder crashed (SIGSEGV)")
    measured = evidence.measure("image.brightness" if role == "image" else "audio.rms_db")
    assert np.flatnonzero(np.isnan(measured)).tolist() == list(BAD)
    # The next run knows it, and decodes nothing.
    monkeypatch.setattr(module, "decode", lambda *given, **options: os._exit(1))
    assert dict(Evidence(table, settings, cache=tmp_path).broken) == dict(evidence.broken)


def test_a_hang_costs_the_row_this_time(monkeypatch, tmp_path):
    payloads = files("image")
    table = table_of("image", payloads)
    with monkeypatch.context() as patched:
        poisoned(patched, image, payloads, lambda: time.sleep(3_600))
        settings = EvidenceSettings(workers=2, encoder="classic", row_seconds=0.5)
        broken = Evidence(table, settings, cache=tmp_path).broken
    assert list(broken) == list(BAD)
    assert all("longer than 0.5 s" in reason for reason in broken.values())
    assert dict(Evidence(table, settings, cache=tmp_path).broken) == {}


def test_the_audit_reports_the_rows_and_judges_the_others(monkeypatch):
    payloads = files("image")
    poisoned(monkeypatch, image, payloads, crash)
    report = audit(table_of("image", payloads), ["unreadable", "image_quality"], cache=None)
    found = report.findings.filter(report.findings["is_issue"]).select(["check", "row", "reason"]).to_pylist()
    unreadable = {line["row"]: line["reason"] for line in found if line["check"] == "unreadable"}
    assert sorted(unreadable) == list(BAD)
    assert all("crashed" in reason for reason in unreadable.values())
    judged = report.findings.filter(pa.compute.equal(report.findings["check"], "image_quality"))
    assert set(judged["row"].to_pylist()) == set(range(24)) - set(BAD)


def test_the_same_is_found_in_both_processes(shared_data):
    folder = shared_data / "video_scenes" / "clips" / "street"
    table = curate.load(folder, curate.Task(kind="unlabeled", video="video"))
    names = ("video.motion", "video.print", "video.fineness", "video.sound_damage", "video.cut_times")
    here, there = (
        Evidence(table, EvidenceSettings(isolate=isolate, encoder="classic", workers=2)) for isolate in (False, True)
    )
    for evidence in (here, there):
        evidence.prepare(names, embedding=False)
    for name in names:
        np.testing.assert_array_equal(here.measure(name), there.measure(name))
    assert video.FRAMES == 8
