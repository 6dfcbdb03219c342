import numpy as np
import pyarrow as pa

import curate
from curate.checks.missing_values import MissingValues
from curate.checks.series.points import numeric_channels
from curate.evidence.pairs._record_fields import encode
from curate.stand_ins import ANYWHERE, DISGUISES, NO_NUMBERS, NOTHING_SAID
from curate.transforms.impute import Impute


def test_what_is_filled_is_what_is_found_missing():
    assert Impute().placeholders == MissingValues().placeholders == ANYWHERE
    assert not set(ANYWHERE) & set(NO_NUMBERS)
    assert set(NOTHING_SAID) == {*ANYWHERE, *DISGUISES, *NO_NUMBERS}
    assert all(word == word.strip().lower() for word in NOTHING_SAID)


def test_every_word_leaves_a_point_of_a_series_and_a_field_of_a_record_without_a_value():
    words = [*NOTHING_SAID, "", " NaN ", "-inf", "Inf"]
    table = curate.load({"x": [*words, "1.5", "2"], "y": [1.0] * (len(words) + 2)}, features=["x", "y"])
    values = numeric_channels(table, ["x"])["x"]
    assert np.isnan(values[:-2]).all()
    assert values[-2:].tolist() == [1.5, 2.0]
    field = encode(pa.chunked_array([pa.array([*NOTHING_SAID, " N/A", "Nathan"])]))
    assert field.codes.tolist() == [-1] * (len(NOTHING_SAID) + 1) + [0]
