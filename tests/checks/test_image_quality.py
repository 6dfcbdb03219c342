"""image_quality: faults planted into real photos, untouched real sets, and what is said about a flagged image."""

import numpy as np
import pytest

import curate
from benchmarks import image_video_faults as faults
from curate.checks.image_quality import ImageQuality
from curate.errors import ConfigError
from curate.evidence import Evidence, EvidenceSettings
from curate.evidence.measures.image import ImageStatistics
from curate.evidence.measures.image_marks import ImageMarks
from curate.media import image
from curate.media.item import Image

pytest.importorskip("cv2")
BASE, PLANTED = 600, 24


@pytest.fixture(scope="module")
def judge(table_of, evidence_of):
    """Findings about decoded images of these names."""

    def give(items, names=None, check=None, split=None):
        measures = {**ImageStatistics().measure(items), **ImageMarks().measure(items)}
        columns = {"image": names or [f"i{n}.{item.format.lower()}" for n, item in enumerate(items)]}
        roles = {"image": "image"}
        if split is not None:
            columns["split"], roles["split"] = split, "split"
        return (check or ImageQuality()).find(evidence_of(table_of(columns, **roles), measures=measures))

    return give


@pytest.fixture(scope="module")
def photos(shared_data):
    """(name, decoded) of 3,000 photos of 32 x 32 pixels."""
    files = sorted((shared_data / "cifar10n_3000" / "images").rglob("*.jpg"))
    return [(file.name, image.decode(file.read_bytes())) for file in files]


@pytest.fixture(scope="module")
def planted(photos):
    return faults.image_faults([item.pixels for _, item in photos[:PLANTED]], PLANTED, np.random.default_rng(0))


@pytest.fixture(scope="module")
def planted_crops():
    rng = np.random.default_rng(1)
    crops = faults.photo_crops(110, 160, rng)
    return crops[:100], faults.image_faults(crops[100:], 8, rng)


def rows_of(findings, issue):
    return set(findings.only(issue=issue).flagged["row"].to_pylist())


def grey_items(pictures):
    return [Image(np.repeat(p[:, :, None], 3, 2), "PNG", "L", 1) for p in pictures]


@pytest.mark.parametrize(
    "issue",
    [
        "low_information", "dark", "bright", "low_contrast", "blurry", "noisy", "odd_size", "odd_aspect", "turned",
        "border", "transparent", "animated", "greyscale", "wrong_ending",
    ],
)  # fmt: skip
def test_planted_faults_are_found(issue, planted, photos, judge):
    files = planted[issue]
    names = [name for name, _ in photos[:BASE]] + [name for name, _ in files]
    items = [item for _, item in photos[:BASE]] + [image.decode(data) for _, data in files]
    found = judge(items, names)
    hits = rows_of(found, issue)
    assert len(hits & set(range(BASE, len(items)))) >= 0.95 * PLANTED
    line = found.only(issue=issue).flagged.to_pylist()[-1]
    assert any(ch.isdigit() for ch in line["reason"]) or issue == "wrong_ending"


@pytest.mark.parametrize(
    "issue", ["dark", "bright", "low_contrast", "blurry", "border", "greyscale", "odd_size", "turned"]
)
def test_planted_faults_are_found_in_larger_photos(issue, planted_crops, judge):
    crops, planted = planted_crops
    items = [image.decode(faults.encoded(p)) for p in crops] + [image.decode(data) for _, data in planted[issue]]
    hits = rows_of(judge(items), issue)
    assert set(range(100, 108)) <= hits
    assert len(hits - set(range(100, 108))) <= 2


def test_untouched_photos_raise_at_most_two_alarms_in_a_hundred(photos, judge):
    found = judge([item for _, item in photos], [name for name, _ in photos]).summary["image_quality"]
    assert len(found) == 15
    assert max(issue["share"] for issue in found.values()) <= 0.02


def test_small_plain_digits_are_not_flagged_as_a_whole(judge):
    from sklearn.datasets import load_digits

    digits = [(d * 15.9).astype(np.uint8) for d in load_digits().images[:500]]
    found = judge(grey_items([*digits, np.zeros((8, 8), np.uint8)]))
    assert all(issue["share"] <= 0.02 for issue in found.summary["image_quality"].values())
    assert rows_of(found, "low_information") == {500}
    framed = [np.pad(np.kron(d, np.ones((3, 3), np.uint8)), 2) for d in digits]  # 28 x 28 with a black margin
    found = judge(grey_items(framed))
    assert all(issue["share"] <= 0.02 for issue in found.summary["image_quality"].values())


def test_flat_drawings_among_photos_are_not_blurred(photos, judge):
    rng = np.random.default_rng(0)
    drawings = [np.kron(rng.integers(0, 255, (8, 8), np.uint8), np.ones((4, 4), np.uint8)) for _ in range(20)]
    found = judge([item for _, item in photos[:400]] + grey_items(drawings))
    assert not rows_of(found, "blurry") & set(range(400, 420))


def test_blurred_photos_are_found_among_many_drawings(planted_crops, judge):
    crops, planted = planted_crops
    rng = np.random.default_rng(0)
    drawings = [np.kron(rng.integers(0, 255, (5, 5), np.uint8), np.ones((32, 32), np.uint8)) for _ in range(40)]
    blurred = [image.decode(data) for _, data in planted["blurry"]]
    items = [image.decode(faults.encoded(p)) for p in crops] + grey_items(drawings) + blurred
    hits = rows_of(judge(items), "blurry")
    assert set(range(140, 148)) <= hits
    assert not hits & set(range(100, 140))
    assert len(hits) <= 10


def test_a_drawing_of_few_levels_is_not_called_blank(photos, judge):
    drawn = np.full((32, 32), 255, np.uint8)
    drawn[8:24, 8:24] = 0
    found = judge([item for _, item in photos[:40]] + grey_items([drawn, np.full((32, 32), 9, np.uint8)]))
    said = {line["row"]: line["reason"] for line in found.only(issue="low_information").flagged.to_pylist()}
    assert said[40] == "entropy of luma is 0.81 bits (least 2.50), as of a drawing, a sign or a screen"
    assert said[41] == "entropy of luma is 0.00 bits (least 2.50), as of a blank image"


def test_a_dark_set_is_judged_by_itself(photos, judge):
    dark = [Image((item.pixels * 0.15).astype(np.uint8), "PNG", "RGB", 3) for _, item in photos[:400]]
    found = judge([*dark, Image(np.zeros((32, 32, 3), np.uint8), "PNG", "RGB", 3)])
    shares = {name: issue["share"] for name, issue in found.summary["image_quality"].items()}
    assert all(shares[name] <= 0.02 for name in ("dark", "bright", "low_contrast", "blurry", "low_information"))
    assert 400 in rows_of(found, "dark")


def test_the_two_sample_photos_and_few_equal_images_raise_nothing(judge):
    from sklearn.datasets import load_sample_images

    pair = [Image(p, "JPEG", "RGB", 3) for p in load_sample_images().images]
    assert not len(judge(pair).flagged)
    assert not len(judge(pair[:1] * 30).flagged)
    tall = Image(np.ascontiguousarray(pair[0].pixels.swapaxes(0, 1)), "JPEG", "RGB", 3)
    assert not len(judge([pair[0], pair[0], tall]).flagged)  # with so few rows nothing is rare
    found = judge([pair[0]] * 20 + [tall])
    assert rows_of(found, "turned") == {20}
    assert "427 x 640 px, where 95.2% of the set have 640 x 427 px" in found.flagged["reason"][0].as_py()


def test_a_test_split_does_not_say_what_is_usual(photos, judge):
    grey = [
        Image(item.pixels.mean(2, keepdims=True).repeat(3, 2).astype(np.uint8), "JPEG", "L", 1)
        for _, item in photos[:20]
    ]
    items = [item for _, item in photos[20:40]] + grey
    assert not rows_of(judge(items), "greyscale")  # half of the set
    assert rows_of(judge(items, split=["train"] * 20 + ["test"] * 20), "greyscale") >= set(range(20, 40))


def test_reasons_name_the_value_and_the_bound(planted, photos, judge):
    base = [item for _, item in photos[:100]]
    said = {}
    for issue in ("dark", "blurry", "odd_size", "turned", "wrong_ending", "transparent"):
        name, data = planted[issue][0]
        found = judge([*base, image.decode(data)], [f"{i}.jpg" for i in range(100)] + [name])
        said[issue] = next(r["reason"] for r in found.only(issue=issue).flagged.to_pylist() if r["row"] == 100)
    assert "luma (least 32%)" in said["dark"]
    assert "(least 12.0%)" in said["blurry"]
    assert said["odd_size"] == "128 x 128 px, 4.0 times off the median side of 32 px (at most 3.0 times)"
    assert "EXIF orientation" in said["turned"]
    assert "turned upright when decoded here" in said["turned"]
    assert said["wrong_ending"] == "the name ends in .png, and the content is JPEG (.jpg)"
    assert "transparent on average (at most 1%)" in said["transparent"]


def test_bounds_can_be_moved_and_turned_off(planted, photos, judge):
    items = [item for _, item in photos[:100]] + [
        image.decode(planted[i][0][1]) for i in ("dark", "blurry", "odd_size")
    ]
    off = ImageQuality(
        min_entropy_bits=0, min_light_level=None, max_dark_level=0, min_luma_range=None, min_detail=0, max_noise=None,
        max_size_ratio=0, max_aspect_ratio=None, max_grey_chroma=None, min_border_fraction=0, min_transparency=0,
        ignore=("turned", "wrong_ending", "animated"),
    )  # fmt: skip
    assert set(judge(items, check=off).summary.get("image_quality", {})) <= {"transparent"}
    assert 102 not in rows_of(judge(items, check=ImageQuality(max_size_ratio=20, uniform_share=None)), "odd_size")
    with pytest.raises(ConfigError, match="no issue 'blury'"):
        ImageQuality(ignore=("blury",))


def test_files_are_judged_from_the_folder_on(tmp_path, planted, photos, shared_data):
    for name, item in photos[:40]:
        (tmp_path / name).write_bytes(faults.encoded(item.pixels))
    issues = ("turned", "transparent", "animated", "wrong_ending", "greyscale")
    for issue in issues:
        name, data = planted[issue][1]
        (tmp_path / name).write_bytes(data)
    table = curate.load(tmp_path)
    found = ImageQuality().find(Evidence(table, EvidenceSettings(encoder="classic", workers=1)))
    files = np.array(table.origin["file"].to_pylist())
    for issue in issues:
        assert f"{issue}_001" in " ".join(files[list(rows_of(found, issue))]), issue
