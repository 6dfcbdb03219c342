import threading

import pytest

from curate.engines.local import cores, ordered_map


@pytest.mark.parametrize("workers", [0, 1, 2, 5])
def test_results_come_in_order(workers):
    assert list(ordered_map(lambda x: x * x, range(100), workers)) == [x * x for x in range(100)]
    assert list(ordered_map(str, [], workers)) == []


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_little_is_drawn_ahead(workers):
    drawn = []

    def numbers():
        for x in range(1_000):
            drawn.append(x)
            yield x

    results = ordered_map(lambda x: x, numbers(), workers)
    for expected in range(20):
        assert next(results) == expected
    assert len(drawn) <= 20 + 2 * workers
    results.close()
    assert len(drawn) <= 20 + 2 * workers


@pytest.mark.parametrize("workers", [1, 2])
def test_what_fails_is_raised_in_its_turn(workers):
    results = ordered_map(lambda x: 10 // (5 - x), range(50), workers)
    assert [next(results) for _ in range(5)] == [2, 2, 3, 5, 10]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_work_runs_beside_other_work():
    together = threading.Barrier(2, timeout=30)
    assert sorted(ordered_map(lambda x: together.wait(), range(2), 2)) == [0, 1]


def test_no_thread_is_left_behind():
    before = threading.active_count()
    results = ordered_map(lambda x: x, range(100), 3)
    next(results)
    results.close()
    assert threading.active_count() == before
    assert cores() >= 1
