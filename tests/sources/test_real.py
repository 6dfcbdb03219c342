"""Real sets, as their users would name them."""

import numpy as np
import pytest

import curate
from curate.errors import ConfigError


@pytest.mark.parametrize(("source", "said", "rows", "kind", "inputs", "classes"), [
    ("banking77", {}, 13_083, "classification", ("text",), 77),
    ("sms_spam", {}, 5_574, "classification", ("text",), 2),
    ("clinc150/small.parquet", {"label": "intent"}, 16_200, "classification", ("text",), 151),
    ("cifar10n_3000/images", {}, 3_000, "classification", ("image",), 10),
    ("cifar10n_3000/labels.csv", {"label": "aggregate"}, 3_000, "classification", ("image",), 10),
    ("fsdd_600", {"label": "digit"}, 600, "classification", ("audio",), 10),
    ("febrl_dedup", {}, 1_000, "unlabeled", ("features",), 0),
    ("adbench_tabular/6_cardio.npz", {}, 1_831, "classification", ("features",), 2),
    ("hospital_dirty_clean/dirty.csv", {}, 1_000, "unlabeled", ("features",), 0),
    ("timeseries_classification/BasicMotions.npz", {}, 80, "classification", ("series",), 4),
    ("video_scenes/clips.csv", {}, 36, "classification", ("video",), 4),
    ("xsid_multilingual", {}, 2_400, "classification", ("text",), 15),
    ("cifar10_test_label_errors/images.parquet", {}, 1_500, "classification", ("image",), 10),
])  # fmt: skip
def test_real_sets(shared_data, source, said, rows, kind, inputs, classes):
    table = curate.load(shared_data / source, **said)
    task = table.task
    assert (len(table), task.kind, task.modalities, len(task.label_names)) == (rows, kind, inputs, classes)
    assert not table.unreadable.any()
    assert len(set(table.row_ids.tolist())) == rows


def test_splits_and_ids_of_real_sets(shared_data):
    table = curate.load(shared_data / "banking77")
    assert dict(zip(*np.unique(table.splits, return_counts=True))) == {"train": 10_003, "test": 3_080}
    assert table.row_ids[0].startswith("train-")
    assert any("injected_noise.parquet" in note for note in table.notes)
    splits = curate.load(shared_data / "clinc150/small.parquet", label="intent").splits
    assert dict(zip(*np.unique(splits, return_counts=True))) == {"train": 7_600, "validation": 3_100, "test": 5_500}


def test_exact_duplicates_have_equal_content(shared_data):
    content = curate.load(shared_data / "sms_spam").content
    _, counts = np.unique(content, axis=0, return_counts=True)
    assert (int((counts > 1).sum()), int(counts[counts > 1].sum())) == (281, 684)


def test_padded_records_are_read_without_their_blanks(shared_data):
    table = curate.load(shared_data / "febrl_dedup")
    assert table.task.id == "rec_id"
    assert table.dataset[0]["surname"] == "waller"
    assert table.dataset[0]["given_name"] is None


def test_ambiguous_sets_ask_by_name(shared_data):
    for source, words in [
        ("clinc150/small.parquet", "'intent' and 'domain' both could be"),
        ("fsdd_600", "'digit', 'speaker', 'take' could each be"),
        ("clinc150", "imbalanced_train.parquet, small.parquet"),
        ("hospital_dirty_clean", "clean.csv, dirty.csv"),
        ("adbench_tabular", "several archives"),
    ]:
        with pytest.raises(ConfigError, match=words):
            curate.load(shared_data / source)
