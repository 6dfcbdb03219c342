"""The discriminant is scikit-learn's, sees only the rows it may, and holds out where there is nothing to see."""

import numpy as np

from curate.evidence.discriminant import Discriminant, likeliest_temperature


def gaussians(n=500, classes=3, d=6, seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, classes, n)
    return (rng.normal(size=(classes, d))[codes] + rng.normal(size=(n, d))).astype(np.float32), codes


def test_agrees_with_scikit_learn():
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    inputs, codes = gaussians(n=4000)
    inputs = (inputs - inputs.mean(0)) / inputs.std(0)
    everyone, targets = np.ones(4000, dtype=bool), np.eye(3, dtype=np.float32)[codes]
    scores = Discriminant(inputs, everyone).scores(everyone, targets, np.arange(4000), (0.001,))[0]
    theirs = LinearDiscriminantAnalysis(solver="lsqr").fit(inputs, codes).predict(inputs)
    assert (scores.argmax(1) == theirs).mean() > 0.995
    assert likeliest_temperature(scores, codes, (0.1, 1.0, 10.0))[0] == 1.0


def test_rows_that_are_left_out_have_no_say():
    inputs, codes = gaussians()
    learn, train = np.ones(500, dtype=bool), np.arange(500) < 300
    targets = np.eye(3, dtype=np.float32)[codes]
    changed = targets.copy()
    changed[~train] = np.eye(3, dtype=np.float32)[0]
    head = Discriminant(inputs, learn)
    one, other = (head.scores(train, t, np.arange(300, 500), (0.3,))[0] for t in (targets, changed))
    assert np.array_equal(one, other)
    alone = Discriminant(inputs, train).scores(train, targets, np.arange(300, 500), (0.3,))[0]
    assert np.allclose(one, alone, atol=1e-2)


def test_constant_inputs_and_a_single_row():
    targets = np.eye(2, dtype=np.float32)[[0, 1, 0]]
    for inputs, train in ((np.ones((3, 4)), [1, 1, 1]), (np.random.default_rng(0).normal(size=(3, 4)), [1, 0, 0])):
        head = Discriminant(inputs.astype(np.float32), np.ones(3, dtype=bool))
        assert np.isfinite(head.scores(np.array(train, dtype=bool), targets, np.arange(3), (0.1, 0.9))).all()
