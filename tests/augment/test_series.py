"""Operations on time series and vectors: what each does, and what it leaves."""

import numpy as np
import pytest

from curate.augment.operations import build

N = 200
CURVE = np.stack([np.sin(np.arange(N) / 10), np.cos(np.arange(N) / 25)]).astype(np.float32)


def done(name, item=CURVE, seed=0, modality="series", **settings):
    operation = build(modality, {name: settings})
    return operation.apply(item, operation.draw(np.random.default_rng(seed), item))


@pytest.mark.parametrize("name", ["time_warp", "window_slice", "window_warp"])
def test_warps_read_the_same_curve_at_other_times(name):
    ramp = np.linspace(0, 1, N, dtype=np.float32)
    for seed in range(6):
        warped = done(name, ramp, seed)
        assert (np.diff(warped) >= -1e-6).all()
        assert warped.min() >= 0
        assert warped.max() <= 1
        if name != "window_slice":
            assert (warped[0], warped[-1]) == (0, pytest.approx(1, abs=1e-5))
        both = done(name, np.stack([ramp, 2 * ramp]), seed)
        np.testing.assert_allclose(both[1], 2 * both[0], atol=1e-5)


def test_magnitude_warp_multiplies_by_a_smooth_curve():
    ones = np.ones((2, N), np.float32)
    curve = done("magnitude_warp", ones, max_sigma=0.5)
    assert np.abs(np.diff(curve, n=2)).max() < 0.01
    assert curve.std() > 0.01
    assert not np.allclose(curve[0], curve[1])


def test_permutation_keeps_all_values():
    moved = done("permutation", seed=3)
    np.testing.assert_array_equal(np.sort(moved), np.sort(CURVE))
    assert not np.array_equal(moved, CURVE)


def test_masks_hide_at_most_their_share():
    for seed in range(6):
        hidden = (done("mask", seed=seed, max_length_fraction=0.3, stretches=2) != CURVE).any(0).mean()
        assert 0 < hidden <= 0.61
        picture = np.random.default_rng(0).normal(size=(40, 30)).astype(np.float32)
        bands = (done("channel_mask", picture, seed, max_channels_fraction=0.25) != picture).all(1).sum()
        assert 1 <= bands <= 11
        dropped = (done("channel_dropout", picture, seed, max_fraction=0.5) == 0).all(1).sum()
        assert dropped < 40


@pytest.mark.parametrize(
    "name", ["jitter", "scaling", "magnitude_warp", "time_warp", "window_slice", "window_warp", "permutation"]
)
def test_missing_values_stay_missing_and_few(name):
    given = CURVE.copy()
    given[0, 50:60] = np.nan
    changed = done(name, given)
    assert 4 <= np.isnan(changed[0]).sum() <= 40
    assert np.isfinite(changed[1]).all()


def test_at_no_strength_nothing_is_done():
    for name in ("jitter", "scaling", "magnitude_warp", "time_warp", "window_slice", "window_warp", "mask"):
        operation = build("series", name).at(0.0)
        np.testing.assert_allclose(
            operation.apply(CURVE, operation.draw(np.random.default_rng(0), CURVE)), CURVE, atol=1e-5, err_msg=name
        )
