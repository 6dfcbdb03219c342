import numpy as np
import pyarrow as pa
import pytest

from curate.evidence.measures import by_field
from curate.evidence.measures.series import longest_run
from curate.media.item import Video


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("   \n", 0),
        ("one", 1),
        ("don't re-do it", 3),
        ("你好世界", 4),
        ("私はABCです", 5),
        ("カタカナ", 4),
        ("안녕 하세요", 2),
        ("mixed 中文 and English", 5),
        ("3.5 km, 2 h!", 5),
        ("नमस्ते दुनिया", 2),
        ("... --- !!!", 0),
        ("Überraschung naïve", 2),
    ],
)
def test_words_of_any_script(text, words):
    assert by_field("text.words").measure(pa.array([text]))["text.words"].tolist() == [words]


def test_shares_of_characters():
    found = by_field("text.characters").measure(pa.array(["Ab1 $", "", None, "é🙂", "a�b"]))
    assert found["text.characters"].tolist() == [5, 0, -1, 2, 3]
    np.testing.assert_allclose(found["text.alphabetic_fraction"], [0.5, 0, np.nan, 0.5, 2 / 3], rtol=1e-6)
    np.testing.assert_allclose(found["text.digit_fraction"][:2], [0.25, 0])
    np.testing.assert_allclose(found["text.uppercase_fraction"][:2], [0.25, 0])
    np.testing.assert_allclose(found["text.symbol_fraction"][[0, 3]], [0.25, 0.5])
    assert found["text.replacement_characters"].tolist() == [0, 0, -1, 0, 1]


def test_languages():
    pytest.importorskip("py3langid")
    texts = [
        "This is an English sentence about the weather.",
        "Dies ist ein deutscher Satz über das Wetter.",
        "这是一个关于天气的中文句子。",
        "안녕하세요, 오늘 날씨가 좋습니다.",
        "",
        " ",
        None,
    ]
    found = by_field("text.language").measure(pa.array(texts))
    assert found["text.language"].tolist() == ["en", "de", "zh", "ko", "", "", ""]
    assert (found["text.language_confidence"][:4] > 0.5).all()
    assert np.isnan(found["text.language_confidence"][4:]).all()


def test_series():
    items = [
        np.array([[1, 2, 3, np.nan]], np.float32),
        np.array([[5, 5, 5], [7, 7, 7]], np.float32),
        np.array([[np.nan, np.nan]], np.float32),
        np.array([[1, np.inf, 1, 1]], np.float32),
    ]
    found = {name.partition(".")[2]: values for name, values in by_field("series.length").measure(items).items()}
    assert found["length"].tolist() == [4, 3, 2, 4]
    assert found["channels"].tolist() == [1, 2, 1, 1]
    assert found["missing_fraction"].tolist() == [0.25, 0, 1, 0]
    assert found["infinite_fraction"].tolist() == [0, 0, 0, 0.25]
    assert found["constant"].tolist() == [False, True, True, True]
    np.testing.assert_allclose(found["mean"], [2, 6, np.nan, 1])
    np.testing.assert_allclose(found["longest_run_fraction"], [0.25, 1, 0.5, 0.5])


@pytest.mark.parametrize(
    ("values", "run"), [([1], 1), ([1, 1], 2), ([1, 2, 2, 2, 1, 1], 3), ([1, 2, 3], 1), ([2, 2, 1], 2)]
)
def test_longest_run(values, run):
    assert longest_run(np.array(values, float)) == run


def test_features_of_a_vector_column():
    vectors = pa.array([[1.0, None], [float("nan"), float("nan")], None, [1.0, 2.0]], pa.list_(pa.float32()))
    found = by_field("features.missing_fraction").measure(pa.table({"v": vectors}))
    assert found["features.missing_fraction"].tolist() == [0.5, 1, 1, 0]


def video(levels):
    frames = np.stack([np.full((12, 16, 3), level, np.uint8) for level in levels])
    return Video(frames, np.arange(len(levels)) / 2, "mp4/h264", 25.0, 2.0, 16, 12, 50, 1, True)


def test_video():
    found = by_field("video.fps").measure([video([0, 51, 102, 51]), video([51])])
    assert found["video.brightness"].tolist() == pytest.approx([0.2, 0.2])
    assert found["video.motion"].tolist() == pytest.approx([0.2, 0])
    assert found["video.brightness_spread"][0] == pytest.approx(np.std([0, 0.2, 0.4, 0.2]))
    assert found["video.corrupt_fraction"].tolist() == [0.25, 1]
    assert found["video.has_audio"].tolist() == [True, True]
