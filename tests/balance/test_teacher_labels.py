import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

import curate
from curate.balance.teacher_labels import TeacherLabels
from curate.errors import ConfigError, DataError
from curate.evidence import Evidence, EvidenceSettings

NAMES = ("a", "b", "c")


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, 150)
    x = (np.eye(3)[codes] * 3 + rng.normal(size=(150, 3))).astype(np.float32)
    said = rng.dirichlet([1, 1, 1], 150).astype(np.float32)
    columns = {
        "x": x,
        "said": said.tolist(),
        "label": [None if i % 10 == 0 else NAMES[k] for i, k in enumerate(codes)],
        "split": ["test" if i % 7 == 3 else "train" for i in range(150)],
        "id": [f"r{i}" for i in range(150)],
    }
    task = curate.Task(kind="classification", features="x", label="label", label_names=NAMES, split="split", id="id")
    return curate.load(columns, task=task)


def decided(step, table, **settings):
    evidence = Evidence(table, EvidenceSettings(encoder="classic", folds=3, **settings), seed=0)
    return step.decide(evidence.labels, evidence, np.random.default_rng(0)), evidence


def soft(entries):
    return {e["row_id"]: json.loads(e["after"]) for e in entries.table.to_pylist()}


def of(table, name):
    return np.array(table.column(name).to_pylist())


def test_a_column_is_tempered_and_mixed(table):
    entries, evidence = decided(TeacherLabels(teacher="column:said", temperature=2.0, alpha=0.7), table)
    found = soft(entries)
    said, codes = of(table, "said"), evidence.labels.codes
    eligible = evidence.table.training & evidence.labels.known
    assert set(found) == set(table.row_ids[eligible].tolist())
    for row in np.flatnonzero(eligible)[:40]:
        expected = np.sqrt(said[row]) / np.sqrt(said[row]).sum() * 0.7
        expected[codes[row]] += 0.3
        for k, name in enumerate(NAMES):
            assert found[f"r{row}"].get(name, 0) == pytest.approx(expected[k], abs=0.011)
    assert "temperature 2" in entries.table["reason"][0].as_py()


def test_the_plan_has_them(table):
    plan = curate.Pipeline([TeacherLabels(teacher="column:said", alpha=1.0)]).run(table, cache=None).plan.to_pandas()
    said = of(table, "said")
    train = plan[(plan.split == "train") & plan.label.notna()]
    np.testing.assert_allclose(np.stack(train.soft_label), said[train.row], atol=0.011)
    test = plan[(plan.split == "test") & plan.label.notna()]
    assert (np.stack(test.soft_label).max(1) == 1).all()


def test_rows_without_a_label_get_the_teacher_alone(table):
    entries, evidence = decided(TeacherLabels(teacher="column:said", unlabelled=True), table)
    found = soft(entries)
    bare = np.flatnonzero(evidence.table.training & ~evidence.labels.known)
    assert len(bare) > 5
    for row in bare:
        assert found[f"r{row}"][NAMES[of(table, "said")[row].argmax()]] == pytest.approx(
            of(table, "said")[row].max(), abs=0.011
        )


@pytest.mark.parametrize("suffix", ["parquet", "classes.parquet", "npz", "npy"])
def test_files(table, tmp_path, suffix):
    said, path = of(table, "said"), tmp_path / f"teacher.{suffix}"
    order = np.random.default_rng(1).permutation(150)
    ids = [f"r{i}" for i in order]
    if suffix == "parquet":
        pq.write_table(pa.table({"row_id": ids, "probabilities": said[order].tolist()}), path)
    elif suffix == "classes.parquet":
        pq.write_table(pa.table({"row_id": ids} | {name: said[order, k] for k, name in enumerate(NAMES)}), path)
    elif suffix == "npz":
        np.savez(path, row_ids=np.array(ids), probabilities=said[order])
    else:
        np.save(path, said)
    by_file, _ = decided(TeacherLabels(teacher=f"file:{path}"), table)
    by_column, _ = decided(TeacherLabels(teacher="column:said"), table)
    assert soft(by_file) == soft(by_column)


def test_files_that_hold_something_else(table, tmp_path):
    with pytest.raises(ConfigError, match="pkl"):
        TeacherLabels(teacher="file:teacher.pkl")
    np.save(tmp_path / "short.npy", np.ones((3, 3)))
    with pytest.raises(DataError, match="3 lines for 150 rows"):
        decided(TeacherLabels(teacher=f"file:{tmp_path}/short.npy"), table)
    np.save(tmp_path / "object.npy", np.array([{}, []], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="allow_pickle"):
        decided(TeacherLabels(teacher=f"file:{tmp_path}/object.npy"), table)
    pq.write_table(pa.table({"row_id": ["x"], "probabilities": [[1.0, 0, 0]]}), tmp_path / "other.parquet")
    with pytest.raises(DataError, match="names none of the rows"):
        decided(TeacherLabels(teacher=f"file:{tmp_path}/other.parquet"), table)
    pq.write_table(pa.table({"row_id": ["r1"], "a": [1.0], "b": [0.0]}), tmp_path / "lacking.parquet")
    with pytest.raises(DataError, match="no column for the class 'c'"):
        decided(TeacherLabels(teacher=f"file:{tmp_path}/lacking.parquet"), table)
    with pytest.raises(DataError, match="no such file"):
        decided(TeacherLabels(teacher=f"file:{tmp_path}/none.npy"), table)


def test_lines_that_are_no_probabilities_are_counted(table, tmp_path):
    said = of(table, "said")
    np.save(tmp_path / "t.npy", said)
    step = TeacherLabels(teacher=f"file:{tmp_path}/t.npy")
    whole = soft(decided(step, table)[0])
    assert {"r1", "r2"} < set(whole)
    said[1], said[2] = [2, -1, 0], [np.nan] * 3
    np.save(tmp_path / "t.npy", said)
    entries, evidence = decided(step, table)
    assert set(soft(entries)) == set(whole) - {"r1", "r2"}
    assert any("of 2 of" in note for note in evidence.notes)


def test_the_head_did_not_see_the_row(table):
    entries, evidence = decided(TeacherLabels(alpha=1.0), table)
    values = evidence.probabilities().values
    assert soft(entries)
    for row_id, mass in soft(entries).items():
        row = int(row_id[1:])
        assert mass[NAMES[values[row].argmax()]] == pytest.approx(values[row].max(), abs=1e-3)


class Memory:
    """A teacher that knows every row it was fitted on by heart, and nothing else."""

    def get_params(self, deep=True):
        return {}

    def set_params(self):
        return self

    def __sklearn_clone__(self):
        return Memory()

    def fit(self, x, y):
        self.seen, self.classes_ = {v.tobytes(): k for v, k in zip(x, y)}, np.unique(y)
        return self

    def predict_proba(self, x):
        known = [self.seen.get(v.tobytes()) for v in np.ascontiguousarray(x)]
        return np.array([np.full(3, 1 / 3) if k is None else np.eye(3)[k] for k in known])


def test_an_estimator_is_fitted_out_of_fold_unless_told_otherwise(table):
    blind, _ = decided(TeacherLabels.of(Memory(), alpha=1.0), table)
    assert len(soft(blind)) > 100
    assert all(max(mass.values()) == pytest.approx(1 / 3, abs=1e-3) for mass in soft(blind).values())

    evidence = Evidence(table, EvidenceSettings(encoder="classic", folds=3), seed=0)
    fitted = Memory().fit(evidence.embedding().vectors, np.maximum(evidence.labels.codes, 0))
    sighted, _ = decided(TeacherLabels.of(fitted, alpha=1.0, out_of_fold=False), table)
    assert len(soft(sighted)) > 100
    assert all(max(mass.values()) == pytest.approx(1, abs=1e-3) for mass in soft(sighted).values())


def test_an_estimator_is_asked_once_per_cache(table, tmp_path):
    from sklearn.linear_model import LogisticRegression

    entries = []
    for seen in (table, table.select(np.random.default_rng(0).permutation(150))):
        evidence = Evidence(seen, EvidenceSettings(encoder="classic", folds=3), cache=tmp_path, seed=0)
        step = TeacherLabels.of(LogisticRegression(), alpha=1.0)
        entries.append(soft(step.decide(evidence.labels, evidence, np.random.default_rng(0))))
    assert evidence.facts()["estimates"]["teacher"]["from_cache"]
    assert entries[0] == entries[1]


def test_a_torch_module_and_a_function(table):
    import torch

    width = Evidence(table, EvidenceSettings(encoder="classic"), seed=0).embedding().vectors.shape[1]
    module = torch.nn.Linear(width, 3)
    torch.nn.init.zeros_(module.weight)
    module.bias.data = torch.log(torch.tensor([0.7, 0.2, 0.1]))
    entries, _ = decided(TeacherLabels.of(module, alpha=1.0), table)
    assert all(mass == pytest.approx({"a": 0.7, "b": 0.2, "c": 0.1}, abs=1e-3) for mass in soft(entries).values())

    def rule(rows):
        assert rows.column_names == ["x"]
        return np.tile([0.1, 0.1, 0.8], (rows.num_rows, 1))

    entries, _ = decided(TeacherLabels.of(rule, alpha=1.0), table)
    assert all(mass["c"] == pytest.approx(0.8) for mass in soft(entries).values())
    with pytest.raises(ConfigError, match=r"array \(\d+, 2\)"):
        decided(TeacherLabels.of(lambda rows: np.ones((rows.num_rows, 2))), table)
    with pytest.raises(ConfigError, match="is no teacher"):
        decided(TeacherLabels.of(7), table)


def test_an_object_does_not_survive_a_file_and_the_step_says_so(table, tmp_path):
    pipeline = curate.Pipeline([TeacherLabels.of(lambda rows: np.tile([1.0, 0, 0], (rows.num_rows, 1)), alpha=0.3)])
    run = pipeline.run(table, out=tmp_path / "out", cache=None)
    assert len(run.ledger)
    text = pipeline.to_yaml()
    assert yaml.safe_load(text)["steps"][0]["teacher_labels"]["teacher"].startswith("python:")
    again = curate.Pipeline.from_text(text)
    with pytest.raises(ConfigError, match=r"can't hold; give it again with curate\.steps\.TeacherLabels\.of"):
        again.run(table, cache=None)


@pytest.fixture
def tiny_model(tmp_path):
    """A random BERT classifier of three classes with other names."""
    import torch

    from curate.evidence.encoders.torch_models import required

    required("transformers", "transformers", "trainers", "a test")
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    torch.manual_seed(0)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "fine", "day", "night"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    tokenizer = BertTokenizerFast(str(tmp_path / "vocab.txt"))
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
        id2label={0: "Very-Good", 1: "BAD", 2: "neither"},
    )
    folder = tmp_path / "model"
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_transformers_model_from_a_folder(tiny_model, tmp_path):
    texts = [f"{a} {b}" for a in ("good", "bad", "fine") for b in ("day", "night")] * 4
    names = ("bad", "very good")
    task = curate.Task(kind="classification", text="text", label="label", label_names=names)
    table = curate.load({"text": texts, "label": [names[i % 2] for i in range(24)]}, task=task)
    evidence = Evidence(table, EvidenceSettings(encoder="classic"), cache=tmp_path / "cache", seed=0)
    step = TeacherLabels(teacher=f"transformers:{tiny_model}", alpha=1.0)
    found = soft(step.decide(evidence.labels, evidence, np.random.default_rng(0)))
    assert len(found) == 24
    assert all(sum(mass.values()) == pytest.approx(1, abs=0.02) for mass in found.values())
    by_text = {}
    for row_id, text in zip(table.row_ids.tolist(), texts):
        by_text.setdefault(text, []).append(found[row_id])
    assert all(all(one == many[0] for one in many) for many in by_text.values())
    onto = TeacherLabels(teacher=f"transformers:{tiny_model}", classes={"BAD": "very good"})
    with pytest.raises(ConfigError, match="no class for"):
        onto.decide(evidence.labels, evidence, np.random.default_rng(0))
    with pytest.raises(ConfigError, match="can't be loaded"):
        TeacherLabels(teacher=f"transformers:{tmp_path}/nothing").decide(
            evidence.labels, evidence, np.random.default_rng(0)
        )


@pytest.mark.parametrize("wrong", ["pickle:x", "head:x", "column:", "x", "column"])
def test_forms_that_are_none(wrong):
    with pytest.raises(ConfigError, match="the teacher is head, column:NAME"):
        TeacherLabels(teacher=wrong)


def test_models_of_pictures_and_recordings(tmp_path):
    import io

    import soundfile
    import torch
    from PIL import Image

    from curate.evidence.encoders.torch_models import required

    transformers = required("transformers", "transformers", "trainers", "a test")
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = transformers.ViTConfig(image_size=16, patch_size=8, num_labels=3, **small)
    transformers.ViTForImageClassification(config).save_pretrained(tmp_path / "image")
    processor = {"image_processor_type": "ViTImageProcessor", "size": {"height": 16, "width": 16}}
    (tmp_path / "image" / "preprocessor_config.json").write_text(json.dumps(processor))
    config = transformers.Wav2Vec2Config(
        conv_dim=(8, 8),
        conv_stride=(5, 4),
        conv_kernel=(10, 8),
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        classifier_proj_size=8,
        num_labels=3,
        **small,
    )
    transformers.Wav2Vec2ForSequenceClassification(config).save_pretrained(tmp_path / "audio")
    transformers.Wav2Vec2FeatureExtractor(sampling_rate=4000).save_pretrained(tmp_path / "audio")

    def file(role):
        out = io.BytesIO()
        if role == "image":
            Image.fromarray(rng.integers(0, 256, (20, 24, 3), dtype=np.uint8)).save(out, "PNG")
        else:
            soundfile.write(out, rng.normal(0, 0.1, 4000), 8000, format="WAV")
        return {"bytes": out.getvalue(), "path": None}

    for role in ("image", "audio"):
        items = [file(role) for _ in range(6)]
        items[2] = {"bytes": b"broken", "path": None}
        task = curate.Task(kind="classification", label="y", label_names=NAMES, **{role: role})
        table = curate.load({role: items, "y": list(NAMES) * 2}, task=task)
        entries, _ = decided(TeacherLabels(teacher=f"transformers:{tmp_path / role}", alpha=1.0), table)
        found = soft(entries)
        assert len(found) == 5
        assert all(sum(mass.values()) == pytest.approx(1, abs=0.03) for mass in found.values())
        assert len({json.dumps(mass) for mass in found.values()}) > 1
