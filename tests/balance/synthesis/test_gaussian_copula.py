import numpy as np
import pytest
from scipy.stats import ks_2samp, spearmanr

from curate.balance.synthesis.frame import Values
from curate.balance.synthesis.gaussian_copula import fit


@pytest.fixture(scope="module", params=range(4))
def real(request):
    """3,000 rows: a long-tailed, a bounded and a two-valued number, and a category of three that goes with them."""
    rng = np.random.default_rng(request.param)
    z = rng.multivariate_normal([0, 0, 0, 0], 0.6 * np.ones((4, 4)) + 0.4 * np.eye(4), 3000)
    numbers = np.stack([np.exp(z[:, 0]), 1 / (1 + np.exp(-z[:, 1])), (z[:, 2] > 0.5).astype(float)], axis=1)
    numbers[rng.random(3000) < 0.1, 1] = np.nan
    codes = np.digitize(z[:, 3], [-0.8, 0.4])
    return Values(numbers, codes[:, None]), rng


def test_margins_and_correlations_are_those_of_the_class(real):
    values, rng = real
    made = fit(values, np.zeros(3000, dtype=int), rng)[0].draw(6000, rng)
    for column in (0, 1):
        one, other = values.numbers[:, column], made.numbers[:, column]
        assert ks_2samp(one[np.isfinite(one)], other[np.isfinite(other)]).statistic < 0.035
    assert np.isnan(made.numbers[:, 1]).mean() == pytest.approx(0.1, abs=0.02)
    assert set(np.unique(made.numbers[:, 2])) == {0.0, 1.0}
    assert made.numbers[:, 2].mean() == pytest.approx(values.numbers[:, 2].mean(), abs=0.03)
    shares = [np.bincount(v.codes[:, 0], minlength=3) / len(v) for v in (values, made)]
    np.testing.assert_allclose(*shares, atol=0.03)
    assert made.numbers[:, 0].min() >= values.numbers[:, 0].min()
    assert made.numbers[:, 0].max() <= values.numbers[:, 0].max()

    def ranks(v):
        return spearmanr(np.column_stack([np.nan_to_num(v.numbers, nan=0.5), v.codes])).statistic

    assert np.abs(ranks(values)[[0, 0], [2, 1]] - ranks(made)[[0, 0], [2, 1]]).max() < 0.06
    # A category has no order of its own: what it says of a number is compared by the means of the number.
    for k in range(3):
        one, other = (np.median(v.numbers[v.codes[:, 0] == k, 0]) for v in (values, made))
        assert other == pytest.approx(one, rel=0.35)


def test_classes_are_their_own_and_small_ones_lean_on_the_rest():
    rng = np.random.default_rng(1)
    x = rng.multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], 1000)
    codes = np.repeat([0, 1], [994, 6])
    x[codes == 1] += 10
    made = fit(Values(x, np.empty((1000, 0), dtype=int)), codes, rng)[1].draw(500, rng).numbers
    assert (made > 6).all()
    assert np.corrcoef(made.T)[0, 1] > 0.6


def test_degenerate_columns():
    rng = np.random.default_rng(2)
    numbers = np.column_stack([np.full(20, 3.0), np.full(20, np.nan), rng.normal(size=20)])
    made = fit(Values(numbers, np.zeros((20, 1), dtype=int)), np.zeros(20, dtype=int), rng)[0].draw(50, rng)
    assert (made.numbers[:, 0] == 3).all()
    assert np.isnan(made.numbers[:, 1]).all()
    assert np.isfinite(made.numbers[:, 2]).all()
    assert (made.codes == 0).all()


def test_a_bent_class_is_followed_by_several_parts():
    from sklearn.datasets import make_moons
    from sklearn.neighbors import KNeighborsClassifier

    x, y = make_moons(1200, noise=0.1, random_state=0)
    test_x, test_y = make_moons(1000, noise=0.1, random_state=1)
    rng = np.random.default_rng(0)
    fitted = fit(Values(x, np.empty((1200, 0), dtype=int)), y, rng)
    assert all(len(copula.joint.weights) > 1 for copula in fitted.values())
    made = [fitted[k].draw(600, rng).numbers for k in (0, 1)]
    score = KNeighborsClassifier(15).fit(np.concatenate(made), np.repeat([0, 1], 600)).score(test_x, test_y)
    assert score > 0.97
    for k in (0, 1):
        for column in range(2):
            assert ks_2samp(x[y == k, column], made[k][:, column]).statistic < 0.06
