import cv2
import numpy as np
import pytest

from curate.evidence.pairs import _registration
from curate.evidence.pairs._likeness import NOISE
from curate.evidence.pairs._prints import shrunk
from curate.evidence.pairs._registration import correlation, refined, warped

RNG = np.random.default_rng(0)


def pictures(count, side):
    noise = RNG.normal(0, 32 * side / 5, (count, side, side)).astype(np.float32)
    return np.stack([cv2.GaussianBlur(one, (0, 0), side / 16) for one in noise])


def maps_near(count, most):
    return (np.eye(2, 3)[None] + RNG.uniform(-most, most, (count, 2, 3))).astype(np.float32)


def one_by_one(moving, maps):
    """The same by OpenCV, a picture at a time."""
    side = moving.shape[-1]
    out, inside = np.empty_like(moving), np.empty(moving.shape, np.uint8)
    for picture, (turn, shift), into, mask in zip(moving, ((m[:, :2], m[:, 2]) for m in maps), out, inside):
        moved = (shift + 1) * (side / 2) - 0.5 - turn.sum(1) * (side / 2 - 0.5)
        matrix = np.concatenate([turn, moved[:, None]], 1).astype(np.float64)
        size = (side, side)
        cv2.warpAffine(picture, matrix, size, into, cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.BORDER_REPLICATE)
        whole = np.ones(size, np.uint8)
        cv2.warpAffine(whole, matrix, size, mask, cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP, cv2.BORDER_CONSTANT)
    return out, inside.astype(bool)


@pytest.mark.parametrize("side", [16, 32, 64])
def test_many_pictures_at_once_are_seen_as_one_by_one(side):
    moving, maps = pictures(40, side), maps_near(40, 0.1)
    seen, inside = warped(moving, maps)
    expected, shown = one_by_one(moving, maps)
    assert np.abs(seen - expected)[shown].max() < 0.2
    assert (inside != shown).mean() < 0.001


def test_more_pictures_than_stand_in_one_image(monkeypatch):
    moving, maps = pictures(50, 16), maps_near(50, 0.1)
    at_once = warped(moving, maps)
    monkeypatch.setattr(_registration, "MOST_LINES", 16 * 7)
    for part, whole in zip(warped(moving, maps), at_once, strict=True):
        assert np.allclose(part, whole, atol=0.01)


def test_registration_finds_the_map_and_is_never_worse():
    moving, maps = pictures(30, 64), maps_near(30, 0.03)
    fixed, _ = warped(moving, maps)
    start = np.repeat(np.eye(2, 3, dtype=np.float32)[None], 30, axis=0)
    before = correlation(fixed, *warped(moving, start), NOISE)
    found, after = refined(fixed, moving, start, 8, NOISE)
    assert (after >= before).all()
    assert np.median(after) > 0.995
    assert np.median(np.abs(found - maps).max((1, 2))) < 0.005
    assert np.allclose(after, correlation(fixed, *warped(moving, found), NOISE), atol=1e-4)


@pytest.mark.parametrize("kind", [np.int8, np.float32])
def test_shrinking_takes_means_of_blocks(kind):
    given = RNG.integers(-128, 128, (5, 64, 64)).astype(kind)
    for side in (32, 16):
        means = given.reshape(5, side, 64 // side, side, 64 // side).astype(np.float64).mean((2, 4))
        assert np.allclose(shrunk(given, side), means, atol=1e-3)
        assert shrunk(given, side).dtype == np.float32


@pytest.mark.parametrize("side", [16, 32, 64])
def test_a_picture_is_seen_the_same_wherever_it_stands_among_the_others(side):
    moving, maps = pictures(60, side), maps_near(60, 0.1)
    seen, inside = warped(moving, maps)
    for some in (np.arange(7, 60), np.arange(59, -1, -3), np.array([41])):
        again, shown = warped(moving[some], maps[some])
        assert np.array_equal(again, seen[some])
        assert np.array_equal(shown, inside[some])
