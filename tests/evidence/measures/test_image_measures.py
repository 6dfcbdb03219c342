import numpy as np
import pytest
from scipy.fft import dctn
from scipy.ndimage import laplace

from curate.evidence.measures import FIELDS, MEASURES, by_field
from curate.evidence.measures.image import dhash, light_of, luma, phash, sharpness
from curate.media import image
from curate.media.item import Image

RNG = np.random.default_rng(0)


def measured(field, *pictures):
    items = [Image(np.ascontiguousarray(p), "PNG", "RGB", 3) for p in pictures]
    return by_field(field).measure(items)[field]


def grey(level, side=16):
    return np.full((side, side, 3), level, np.uint8)


def distance(left, right):
    return int(left ^ right).bit_count()


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
    import cv2

    plain = luma(photos[0])
    assert sharpness(plain) == pytest.approx(laplace(plain.astype(float), mode="mirror").var(), rel=1e-5)
    lower = [sharpness(luma(cv2.GaussianBlur(p, (0, 0), 1.5))) < sharpness(luma(p)) / 2 for p in photos]
    assert np.mean(lower) == 1
    assert sharpness(luma(grey(99))) == 0
    assert sharpness(luma(grey(99, side=1))) == 0


def test_phash_equals_its_definition(photos):
    import cv2

    for picture in photos[:30]:
        small = cv2.resize(luma(picture), (32, 32), interpolation=cv2.INTER_AREA).astype(float)
        low = dctn(small, norm="ortho")[:8, :8]
        bits = (low > np.median(low)).ravel()
        assert distance(phash(luma(picture)), int("".join("01"[b] for b in bits.astype(int)), 2)) <= 1


def test_hashes_stay_near_for_edits_and_far_for_others(photos):
    import cv2

    own, other = [], []
    for i, picture in enumerate(photos):
        lighter = np.clip(picture.astype(int) + 12, 0, 255).astype(np.uint8)
        resized = cv2.resize(picture, (64, 64), interpolation=cv2.INTER_LINEAR)
        for edited in (lighter, resized):
            own.append(distance(phash(luma(picture)), phash(luma(edited))))
        other.append(distance(phash(luma(picture)), phash(luma(photos[i - 1]))))
    assert np.median(own) <= 2
    assert np.quantile(own, 0.95) <= 10
    assert np.quantile(other, 0.05) >= 18


def test_flat_images_have_stable_hashes():
    assert {phash(luma(grey(level))) for level in (1, 50, 128, 255)} == {1 << 63}
    assert {dhash(luma(grey(level))) for level in (0, 50, 255)} == {0}
    ramp = np.repeat(np.arange(0, 252, 4, dtype=np.uint8)[None, :], 63, 0)
    assert dhash(ramp) == 2**64 - 1


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
