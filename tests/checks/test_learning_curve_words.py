"""What the check of the learning curve says stands within what can be."""

import numpy as np

from curate.checks.learning_curve import LearningCurve
from curate.checks.sets.accuracy_curve import Curve


def test_no_share_above_one_or_below_zero_is_said():
    curve = Curve(np.array([20, 80]), np.array([0.9, 0.99]), 0.005, -1.0, 0.02, np.array([0.99]), np.array([0.0]))
    assert "about 99.5% (0.0% to 100.0%)" in LearningCurve()._answer(curve)
