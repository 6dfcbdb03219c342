"""Random numbers by counter are those of their source, and orders of an epoch stay the same from release to release."""

import numpy as np
import pyarrow as pa
import pytest

from curate.feed.sampler import Sampler
from curate.feed.sampling.counters import mixed

GOLDEN = 0x9E3779B97F4A7C15


def test_the_finaliser_is_that_of_splitmix64():
    # The first numbers of SplitMix64 from the seed 0, as its authors' own program prints them.
    states = np.array([GOLDEN * k % 2**64 for k in (1, 2, 3)], np.uint64)
    assert [hex(int(value)) for value in mixed(states)] == [
        "0xe220a8397b1dcdaf", "0x6e789e6aa1b965f4", "0x6c45d188009454f",
    ]  # fmt: skip


@pytest.mark.parametrize(("mode", "orders"), [
    ("shuffled", ["26541730", "57402136", "57013246"]),
    ("weighted", ["36560277", "36642077", "35726176"]),
    ("balanced", ["20776461", "51764763", "76736541"]),
])  # fmt: skip
def test_an_epoch_that_was_begun_elsewhere_has_the_same_order_here(mode, orders):
    plan = pa.table({
        "row_id": [f"r{i}" for i in range(8)], "label": pa.array(list("aaaaaabb")).dictionary_encode(),
        "weight": np.array([1, 1, 1, 1, 1, 1, 3, 3], np.float32),
    })  # fmt: skip
    sampler = Sampler(plan, mode, seed=5)
    assert ["".join(map(str, sampler.order(epoch).positions.tolist())) for epoch in (0, 1, 2)] == orders
