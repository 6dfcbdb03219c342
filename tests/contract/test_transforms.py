"""What holds of every transform: rows keep their ids, held-out rows teach nothing, the input stays as it was."""

import json
from dataclasses import replace

import numpy as np
import pytest

from curate import registry

NAMES = sorted(name for name, where in registry.step_names().items() if where.startswith("curate.transforms."))
STATES = ("normal", "empty", "one_row", "tied", "one_class", "no_labels")
MODALITIES = ("text", "features", "mixed", "image", "audio", "series")


def _transform(name, table):
    """The transform with its defaults, None where it says that it is not for such a table."""
    transform = registry.step(name)()
    reason = transform.refuses(table.task)
    assert reason is None or len(reason.split()) > 3
    return None if reason else transform


def test_every_transform_takes_one_of_these_inputs(table_of):
    idle = {name for name in NAMES if all(_transform(name, table_of(modality)) is None for modality in MODALITIES)}
    # Two are for videos; the languages of a translation must be told.
    assert idle == {"sample_frames", "split_video", "translate_text"}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("name", NAMES)
def test_ids_labels_and_the_input_stay(name, modality, state, untouched):
    table = untouched(modality, state)
    if (transform := _transform(name, table)) is None:
        return
    made = transform.apply(table)
    assert made.task == transform.becomes(table.task)
    there = table.dataset.column_names
    assert made.dataset.column_names[: len(there)] == there, "new columns stand behind the others"
    if made.parents is None:
        np.testing.assert_array_equal(made.row_ids, table.row_ids)
        assert made.labels.codes.tolist() == table.labels.codes.tolist()
    else:
        assert set(made.parents.tolist()) <= set(table.row_ids.tolist())


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("name", NAMES)
def test_what_was_learned_is_json_and_does_the_same_again(name, modality, table_of):
    table = table_of(modality)
    if (transform := _transform(name, table)) is None:
        return
    fitted = json.loads(json.dumps(transform.fit(table), allow_nan=False))
    whole, again = transform.apply(table), transform.apply(table, fitted)
    assert whole.rows(range(len(whole))).equals(again.rows(range(len(again))))
    np.testing.assert_array_equal(whole.content, again.content)


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_learned_from_held_out_rows(name, modality, table_of):
    table = table_of(modality)
    if (transform := _transform(name, table)) is None:
        return
    assert transform.fit(table) == transform.fit(table.select(np.flatnonzero(table.training)))


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("name", NAMES)
def test_other_order_of_rows_same_content(name, modality, table_of):
    table = table_of(modality)
    if (transform := _transform(name, table)) is None:
        return
    order = np.random.default_rng(2).permutation(len(table))
    here, there = transform.apply(table), transform.apply(replace(table).select(order))
    content = dict(zip(here.row_ids.tolist(), here.content.tolist()))
    if here.parents is None:
        assert [content[row_id] for row_id in there.row_ids.tolist()] == there.content.tolist()
