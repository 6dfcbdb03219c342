import cv2
import numpy as np
import pytest
from scipy.ndimage import laplace

from curate.evidence.measures import FIELDS, MEASURES, by_field
from curate.evidence.measures.image import light_of, luma, sharpness
from curate.media import image
from curate.media.item import Image

RNG = np.random.default_rng(0)


def measured(field, *pictures):
    items = [Image(np.ascontiguousarray(p), "PNG", "RGB", 3) for p in pictures]
    return by_field(field).measure(items)[field]


def grey(level, side=16):
    return np.full((side, side, 3), level, np.uint8)


@pytest.fixture(scope="module")
def photos(shared_data):
    paths = sorted((shared_data / "cifar10n_3000" / "images").glob("*/*.jpg"))[::30]
    return [image.decode(path.read_bytes()).pixels for path in paths]


def test_light_of_plain_images():
    assert measured("image.brightness", grey(0), grey(51), grey(255)).tolist() == pytest.approx([0, 0.2, 1])
    assert measured("image.contrast", grey(51)).tolist() == pytest.approx([0])
    assert measured("image.entropy_bits", grey(51)).tolist() == [0]
    half = np.concatenate([grey(0), grey(255)])
    assert measured("image.brightness", half)[0] == pytest.approx(0.5)
    assert measured("image.contrast", half)[0] == pytest.approx(0.5)
    assert measured("image.entropy_bits", half)[0] == pytest.approx(1)


def test_light_equals_numpy_on_real_images(photos):
    values = by_field("image.brightness").measure([Image(p, "JPEG", "RGB", 3) for p in photos])
    lumas = [luma(p) / 255 for p in photos]
    np.testing.assert_allclose(values["image.brightness"], [x.mean() for x in lumas], atol=1e-6)
    np.testing.assert_allclose(values["image.contrast"], [x.std() for x in lumas], atol=1e-6)
    low = [np.percentile(x, 1, method="inverted_cdf") for x in lumas]
    high = [np.percentile(x, 99, method="inverted_cdf") for x in lumas]
    np.testing.assert_allclose(values["image.dark_level"], low, atol=1e-6)
    np.testing.assert_allclose(values["image.light_level"], high, atol=1e-6)


def test_entropy_of_noise_is_eight_bits():
    shares = np.full((1, 256), 1 / 256)
    assert light_of(shares)["entropy_bits"][0] == pytest.approx(8)


def test_sharpness_is_the_variance_of_the_laplacian_and_falls_with_blur(photos):
    plain = luma(photos[0])
    assert sharpness(plain) == pytest.approx(laplace(plain.astype(float), mode="mirror").var(), rel=1e-5)
    lower = [sharpness(luma(cv2.GaussianBlur(p, (0, 0), 1.5))) < sharpness(luma(p)) / 2 for p in photos]
    assert np.mean(lower) == 1
    assert sharpness(luma(grey(99))) == 0
    assert sharpness(luma(grey(99, side=1))) == 0


def test_header_fields(photos):
    item = Image(grey(3)[:, :5], "GIF", "P", 1, has_alpha=True, frames=4)
    found = by_field("image.width").measure([item])
    assert [found[f"image.{n}"][0] for n in ("width", "height", "channels", "frames", "has_alpha", "format")] == [
        5,
        16,
        1,
        4,
        True,
        "GIF",
    ]


def test_names_and_fingerprints_are_unique_and_stable():
    assert len({m.name for m in MEASURES}) == len({m.fingerprint for m in MEASURES}) == len(MEASURES)
    assert sum(len(m.fields) for m in MEASURES) == len(FIELDS)
    for measure in MEASURES:
        assert measure.__doc__
        assert measure.name.startswith(measure.modality + ".")
        assert all(field.startswith(measure.modality + ".") for field in measure.fields)
        assert type(measure)().fingerprint == measure.fingerprint


def textured(height, width):
    noise = cv2.GaussianBlur(np.random.default_rng(1).normal(0, 400, (height, width)), (0, 0), 2.0)
    levels = np.clip(128 + noise + np.linspace(-40, 40, height)[:, None], 0, 255)
    return np.repeat(levels.astype(np.uint8)[:, :, None], 3, axis=2)


@pytest.mark.parametrize(("height", "width"), [(256, 384), (301, 200), (511, 300)])
def test_lines_of_larger_images_stand_for_all(height, width):
    picture = textured(height, width)
    grey_levels = luma(picture)
    assert measured("image.brightness", picture)[0] == pytest.approx(grey_levels.mean() / 255, abs=0.005)
    assert measured("image.contrast", picture)[0] == pytest.approx(grey_levels.std() / 255, abs=0.005)
    whole = cv2.Laplacian(grey_levels, cv2.CV_16S).astype(float).var()
    assert sharpness(grey_levels) == pytest.approx(whole, rel=0.1)
    blurred = cv2.GaussianBlur(picture, (0, 0), 2.0)
    assert measured("image.edge_sharpness", blurred)[0] < measured("image.edge_sharpness", picture)[0]


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 90)])
def test_frames_of_any_colour_are_found(colour):
    framed = textured(300, 400)
    framed[:30], framed[-30:], framed[:, :40], framed[:, -40:] = colour, colour, colour, colour
    bare, found = measured("image.border_fraction", textured(300, 400), framed)
    assert bare == 0
    assert found == pytest.approx(1 - 240 * 320 / (300 * 400), abs=0.02)


def test_luma_is_made_once():
    item = Image(textured(20, 30), "PNG", "RGB", 3)
    assert item.luma is item.luma
    assert (item.luma == luma(item.pixels)).all()
