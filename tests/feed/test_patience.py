"""How long a worker waits for memory: as long as its batch has taken, and in all a share of its time."""

import pytest

from curate.feed.patience import FIRST_SECONDS, SHARE, Patience


class Clock:
    """Time that goes on when somebody sleeps."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


def test_what_comes_in_time_is_waited_for(clock):
    patience = Patience(clock, clock.sleep)
    patience.begin()
    clock.now += 0.5
    assert patience.wait(lambda: "here" if clock.now >= 0.6 else None) == "here"
    assert clock.now == pytest.approx(0.6, abs=0.01)


def test_nobody_waits_longer_than_the_batch_has_taken(clock):
    patience = Patience(clock, clock.sleep)
    patience.begin()
    clock.now += 0.25
    assert patience.wait(lambda: None) is None
    assert clock.now == pytest.approx(0.5, abs=0.01)


def test_in_all_a_share_of_the_time_is_spent_with_waiting(clock):
    patience, waited = Patience(clock, clock.sleep), 0.0
    for _ in range(200):
        patience.begin()
        clock.now += 0.2
        begun = clock.now
        patience.wait(lambda: None)
        waited += clock.now - begun
    assert waited == pytest.approx(FIRST_SECONDS + SHARE * clock.now, rel=0.02)
