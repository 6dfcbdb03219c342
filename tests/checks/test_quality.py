"""image_quality, audio_quality, text_quality and unreadable: planted defects by their measures."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.checks.audio_quality import AudioQuality
from curate.checks.image_quality import ImageQuality
from curate.checks.text_quality import TextQuality
from curate.checks.unreadable import Unreadable

cv2 = pytest.importorskip("cv2")


def issues(findings):
    found = {}
    for line in findings.flagged.to_pylist():
        found.setdefault(line["issue"], set()).add(line["row"])
    return found


def image_measures(pixels):
    from curate.evidence.measures.image import ImageStatistics
    from curate.media.item import Image

    items = [Image(p, "PNG", "RGB", 3) for p in pixels]
    return ImageStatistics().measure(items)


@pytest.fixture(scope="module")
def photos(shared_data):
    files = sorted((shared_data / "cifar10n_3000" / "images").rglob("*.jpg"))[::10]
    return [cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB) for file in files]


def evidence_of_images(table_of, evidence_of, pixels):
    table = table_of({"image": [f"i{i}" for i in range(len(pixels))]}, image="image")
    return evidence_of(table, measures=image_measures(pixels))


def test_untouched_small_photos_raise_hardly_any_alarm(table_of, evidence_of, photos):
    findings = ImageQuality().find(evidence_of_images(table_of, evidence_of, photos))
    assert all(found["share"] <= 0.01 for found in findings.summary["image_quality"].values())


def test_each_planted_defect_has_its_issue(table_of, evidence_of, photos):
    rng = np.random.default_rng(0)
    n = len(photos)
    planted = {
        "low_information": [np.full((32, 32, 3), grey, np.uint8) for grey in (0, 90, 255)],
        "dark": [(p * 0.1).astype(np.uint8) for p in photos[:5]],
        "bright": [(240 + p * 0.05).astype(np.uint8) for p in photos[:5]],
        "low_contrast": [(110 + p * 0.1).astype(np.uint8) for p in photos[:5]],
        "blurry": [cv2.GaussianBlur(p, (0, 0), 2) for p in photos[:20]],
        "noisy": [rng.integers(0, 256, (32, 32, 3)).astype(np.uint8) for _ in range(5)],
        "odd_size": [cv2.resize(p, (400, 400)) for p in photos[:5]],
        "odd_aspect": [cv2.resize(p, (160, 32)) for p in photos[:5]],
    }
    findings = ImageQuality().find(
        evidence_of_images(table_of, evidence_of, photos + [p for group in planted.values() for p in group])
    )
    found, begin = issues(findings), n
    for issue, group in planted.items():
        rows = set(range(begin, begin + len(group)))
        assert len(rows & found.get(issue, set())) >= 0.8 * len(rows), issue
        begin += len(group)


def test_a_set_of_tiny_plain_digits_is_not_flagged_as_a_whole(table_of, evidence_of):
    from sklearn.datasets import load_digits

    digits = [np.repeat((d * 15.9).astype(np.uint8)[:, :, None], 3, 2) for d in load_digits().images[:400]]
    findings = ImageQuality().find(evidence_of_images(table_of, evidence_of, [*digits, np.zeros((8, 8, 3), np.uint8)]))
    assert all(found["share"] <= 0.01 for found in findings.summary["image_quality"].values())
    assert issues(findings)["low_information"] == {400}


def test_audio_defects(table_of, evidence_of):
    rng = np.random.default_rng(0)
    n = 100
    measures = {
        "audio.seconds": rng.uniform(0.4, 0.9, n),
        "audio.rms_db": np.full(n, -20.0),
        "audio.rate_hz": np.full(n, 8000),
        "audio.silent_fraction": np.full(n, 0.1),
        "audio.clipped_fraction": np.zeros(n),
        "audio.non_finite_fraction": np.zeros(n),
    }
    measures["audio.seconds"][[0, 1]] = [9.0, 0.05]
    measures["audio.rate_hz"][2] = 44_100
    measures["audio.silent_fraction"][3] = 1.0
    measures["audio.clipped_fraction"][4] = 0.2
    measures["audio.non_finite_fraction"][5] = 0.01
    table = table_of({"audio": [f"a{i}" for i in range(n)]}, audio="audio")
    findings = AudioQuality().find(evidence_of(table, measures=measures))
    assert issues(findings) == {
        "odd_duration": {0, 1}, "odd_rate": {2}, "silent": {3}, "clipped": {4}, "not_finite": {5},
    }  # fmt: skip
    reason = findings.only(issue="odd_rate").flagged["reason"][0].as_py()
    assert reason == "sampled at 44,100 Hz, as 1.0% of the set; most have 8,000 Hz"
    measures["audio.rate_hz"][50:] = 44_100  # in the test split: no training row gets more usual by them
    split = ["train"] * 50 + ["test"] * 50
    table = table_of({"audio": [f"a{i}" for i in range(n)], "split": split}, audio="audio", split="split")
    found = AudioQuality().find(evidence_of(table, measures=measures)).only(issue="odd_rate")
    assert 2 in found.flagged["row"].to_pylist()


def text_evidence(table_of, evidence_of, texts):
    from curate.evidence.measures.text import TextStatistics

    measures = TextStatistics().measure(pa.array(texts, pa.string()))
    return evidence_of(table_of({"text": texts}, text="text"), measures=measures)


def test_text_defects_and_few_alarms_on_real_texts(shared_data, table_of, evidence_of):
    texts = pq.read_table(shared_data / "banking77" / "train.parquet")["text"].to_pylist()
    clean = TextQuality().find(text_evidence(table_of, evidence_of, texts))
    assert all(found["share"] <= 0.001 for found in clean.summary["text_quality"].values())
    planted = ["", "   ", "x", "long " * 500, "$$$ ||| +++ === 123", "caf\ufffd is closed"]
    n = len(texts)
    found = issues(TextQuality().find(text_evidence(table_of, evidence_of, texts + planted)))
    assert {n, n + 1} <= found["empty"]
    assert n + 2 in found["too_short"]
    assert n + 3 in found["too_long"]
    assert n + 4 in found["mostly_symbols"]
    assert n + 5 in found["garbled"]


def test_unreadable_rows_score_zero_with_what_went_wrong(table_of, evidence_of):
    table = table_of({"image": list("abcd")}, image="image")
    active = np.array([True, True, True, False])
    findings = Unreadable().find(evidence_of(table, broken={1: "the file ends after 12 bytes"}, active=active))
    assert findings.table["row"].to_pylist() == [0, 1, 2]
    assert findings.table["score"].to_pylist() == [1, 0, 1]
    assert findings.flagged["reason"].to_pylist() == ["the file ends after 12 bytes"]
