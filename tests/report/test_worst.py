"""Which rows of an issue are shown."""

import numpy as np
import pytest

from curate.findings import Findings
from curate.report.worst import LARGEST_GROUP, histogram, worst_groups, worst_lines

IDS = np.array([f"r{i}" for i in range(100)], dtype=np.dtypes.StringDType())


def lines(score, flags, group=None):
    return Findings.of("c", "i", np.arange(len(score)), IDS, np.array(score), np.array(flags), group=group).table


def test_ties_keep_the_order_of_the_table():
    found = lines([0.5, 0.1, 0.1, 0.0], [True, True, True, False])
    assert worst_lines(found, 9)["row"].to_pylist() == [1, 2, 0]
    assert worst_groups(found, 2)["row"].to_pylist() == [1, 2]


def test_groups_stand_together_worst_group_first():
    found = lines([0.2, 1.0, 0.1, 1.0, 0.3], [True, False, True, False, True], np.array([7, 7, 3, 3, -1]))
    assert worst_groups(found, 10)["row"].to_pylist() == [3, 2, 1, 0, 4]
    assert worst_groups(found, 1)["row"].to_pylist() == [3, 2]


def test_a_huge_group_is_cut():
    flags = [False] + [True] * 49
    found = lines([0.0] * 50, flags, np.zeros(50, np.int64))
    shown = worst_groups(found, 20)
    assert shown.num_rows == LARGEST_GROUP
    assert shown["is_issue"].to_pylist() == [False] + [True] * (LARGEST_GROUP - 1)


def test_histogram_counts_every_row():
    found = histogram(lines([0.0, 0.0, 1.0, 0.5], [True, False, False, True]))
    judged, flagged = found.judged, found.flagged
    assert (sum(judged), sum(flagged)) == (4, 2)
    assert (judged[0], judged[-1], flagged[0]) == (2, 1, 1)


def test_what_divides_flagged_scores_from_the_others():
    assert histogram(lines([0.1, 0.2, 0.6], [True, True, False])).threshold == pytest.approx(0.4)
    assert histogram(lines([0.1, 0.7, 0.6], [True, True, False])).threshold is None
    assert histogram(lines([0.1, 0.7], [False, False])).threshold is None
