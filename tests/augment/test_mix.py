import numpy as np
import pytest

from curate.augment.mix import Mix, Mixing
from curate.errors import ConfigError, DataError
from curate.task import Task

RNG = np.random.default_rng(0)


def drawn(mix, shape=None, positions=50):
    return [mix.draw(np.random.default_rng(seed), positions, shape) for seed in range(300)]


def test_mixup_is_the_weighted_mean_and_the_beta_distribution():
    shares = np.array([d.share for d in drawn(Mix(mixup_alpha=2.0))])
    assert shares.mean() == pytest.approx(0.5, abs=0.04)
    assert shares.var() == pytest.approx(1 / 20, abs=0.01)
    a, b = RNG.normal(size=(2, 3, 8, 8)).astype(np.float32)
    mixed = Mix().apply(a, b, Mixing(3, 0.25))
    np.testing.assert_allclose(mixed, 0.25 * a + 0.75 * b, rtol=1e-5)
    assert mixed.dtype == np.float32
    whole = Mix().apply(np.full((4, 4, 3), 10, np.uint8), np.full((4, 4, 3), 21, np.uint8), Mixing(3, 0.5))
    assert whole.dtype == np.uint8
    assert set(whole.ravel().tolist()) == {16}


@pytest.mark.parametrize("shape", [(3, 20, 31), (20, 31, 3), (4, 3, 20, 31), (1, 500), (500,), (17,)])
def test_the_share_of_cutmix_is_that_of_the_elements(shape):
    mix = Mix(mixup_alpha=0, cutmix_alpha=1.0)
    own, other = np.zeros(shape, np.float32), np.ones(shape, np.float32)
    shares = []
    for one in drawn(mix, shape):
        mixed = mix.apply(own, other, one)
        assert 1 - mixed.mean() == pytest.approx(one.share, abs=1e-6)
        shares.append(one.share)
    assert 0.3 < np.mean(shares) < 0.8
    assert not own.any()
    assert other.all()


def test_both_take_turns_and_partners_come_from_the_whole_plan():
    some = drawn(Mix(mixup_alpha=0.2, cutmix_alpha=1.0), (3, 8, 8), positions=10)
    assert 100 < sum(d.box is not None for d in some) < 200
    assert {d.partner for d in some} == set(range(10))


def test_draws_that_are_not_mixed():
    some = drawn(Mix(probability=0.25))
    assert 50 < sum(d.share < 1 for d in some) < 100
    assert all(d.share == 1 for d in drawn(Mix(), positions=1))
    item = np.ones(4, np.float32)
    kept = Mix().apply(item, np.zeros(9), Mixing(0, 1.0))
    np.testing.assert_array_equal(kept, item)


def test_sound_of_other_length_is_cut_or_filled():
    own = np.ones((1, 6), np.float32)
    assert Mix().apply(own, np.ones((1, 4), np.float32), Mixing(0, 0.5)).tolist() == [[1, 1, 1, 1, 0.5, 0.5]]
    assert Mix().apply(own, np.ones((1, 9), np.float32), Mixing(0, 0.5)).shape == (1, 6)
    with pytest.raises(DataError, match="bring them to one size"):
        Mix().apply(np.zeros((3, 4, 4)), np.zeros((3, 5, 4)), Mixing(0, 0.5))


def test_what_can_not_be_mixed_is_refused():
    with pytest.raises(ConfigError, match="nothing would be mixed"):
        Mix(mixup_alpha=0)
    with pytest.raises(ConfigError, match="works on image"):
        Mix().recipe(Task(kind="classification", text="t", label="l"))
    with pytest.raises(ConfigError, match="transcription"):
        Mix().recipe(Task(kind="transcription", audio="a", transcript="t"))


def test_specmix_exchanges_whole_bands_of_channels_and_time():
    mix = Mix(mixup_alpha=0, specmix_alpha=1.0, specmix_bands=2)
    own, other = np.zeros((16, 40), np.float32), np.ones((16, 40), np.float32)
    seen = []
    for one in drawn(mix, own.shape):
        mixed = mix.apply(own, other, one)
        assert 1 - mixed.mean() == pytest.approx(one.share, abs=1e-6)
        rows, columns = mixed.all(1), mixed.all(0)
        assert (mixed.astype(bool) == (rows[:, None] | columns[None])).all()
        seen.append((rows.any(), columns.any()))
    assert np.mean(seen, axis=0).min() > 0.5
    line = mix.apply(np.zeros(50, np.float32), np.ones(50, np.float32), drawn(mix, (50,))[0])
    assert 0 < line.mean() < 1


def test_swap_noise_exchanges_numbers_and_leaves_the_label():
    mix = Mix(mixup_alpha=0, swap_fraction=0.4)
    own, other = RNG.normal(size=(2, 500)).astype(np.float32)
    shares = []
    for one in drawn(mix, own.shape):
        mixed = mix.apply(own, other, one)
        assert one.share == 1.0
        assert not one.idle
        assert np.isin(mixed, np.concatenate([own, other])).all()
        shares.append((mixed == other).mean())
    assert np.mean(shares) == pytest.approx(0.2, abs=0.03)
    assert max(shares) < 0.5


def test_partners_at_the_rows_loudness():
    own, other = 0.01 * np.sin(np.arange(4000) / 5)[None], 0.8 * np.sin(np.arange(4000) / 9)[None]
    own, other = own.astype(np.float32), other.astype(np.float32)
    plain = Mix().apply(own, other, Mixing(1, 0.5))
    level = Mix(same_loudness=True).apply(own, other, Mixing(1, 0.5))
    assert plain.std() > 10 * level.std()
    assert level.std() == pytest.approx(own.std() / 2**0.5, rel=0.05)


def test_the_row_keeps_its_least_share():
    assert min(d.share for d in drawn(Mix(mixup_alpha=1.0, min_share=0.3))) == 0.3
    halves = [d.share for d in drawn(Mix(mixup_alpha=1.0, min_share=0.5))]
    assert min(halves) >= 0.5
    assert np.mean(halves) == pytest.approx(0.75, abs=0.03)


def test_ways_that_do_not_fit_the_task_are_refused():
    table = Task(kind="classification", features="x", label="l")
    sound = Task(kind="classification", audio="a", label="l")
    for settings, task, said in (
        ({"specmix_alpha": 1.0}, table, "SpecMix mixes series"),
        ({"swap_fraction": 0.1}, sound, "exchanges numbers of features"),
        ({"same_loudness": True}, table, "is for sound"),
    ):
        with pytest.raises(ConfigError, match=said):
            Mix(**settings).recipe(task)
    assert Mix(swap_fraction=0.1, mixup_alpha=0).recipe(table)["swap_fraction"] == 0.1
