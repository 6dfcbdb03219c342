"""What loaders of held-out rows take over from training, and which settings are of the sampler."""

import pytest

from curate.errors import ConfigError
from curate.feed.sampling.options import SamplingOptions, for_held_out, sampling_of


def test_held_out_rows_are_drawn_once_in_order_and_never_replaced():
    asked = {"sampler": "balanced", "drop_last": True, "batch_tokens": 9, "batch_size": 4, "on_error": "replace"}
    assert for_held_out(asked) == {"batch_size": 4, "on_error": "skip"}
    assert for_held_out({"pad": True, "on_error": "raise"}) == {"on_error": "raise"}
    assert for_held_out({"difficulty": [1], "adaptive": {}, "curriculum": {}, "workers": 2}) == {"workers": 2}


def test_settings_of_the_sampler_are_told_from_those_of_the_loader():
    own, rest = sampling_of({"batch_tokens": 1, "max_batch": 1, "bucket_window": 1, "batch_size": 4})
    assert (own.batch_tokens, own.max_batch, own.bucket_window) == (1, 1, 1)
    assert rest == {"batch_size": 4}
    assert SamplingOptions().bucket_window == 64
    for name in ("batch_tokens", "max_batch", "bucket_window", "batch_seconds"):
        with pytest.raises(ConfigError, match=name):
            sampling_of({name: 0})


@pytest.mark.parametrize(
    ("asked", "buckets"),
    [
        ({}, False),
        ({"max_batch": 3}, False),
        ({"bucket_by_length": True}, True),
        ({"batch_tokens": 9}, True),
        ({"batch_seconds": 0.5}, True),
    ],
)
def test_what_asks_for_batches_by_length(asked, buckets):
    assert sampling_of(asked)[0].buckets == buckets
