"""Settling what is fed of the image column: its size, and the masks and boxes beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.arrow import texts, values_of
from curate.errors import ConfigError, DataError
from curate.feed.inputs.boxes import Boxes
from curate.feed.inputs.image import PROBED, Images, common_size
from curate.feed.inputs.input import Input
from curate.feed.inputs.masks import Masks, white_on_black, with_background
from curate.feed.inputs.options import InputOptions
from curate.feed.inputs.scene import Scenes
from curate.feed.recipes import Recipes
from curate.media import mask
from curate.media.payload import read_bytes
from curate.table import HELD_OUT, Table
from curate.wording import with_article

TARGETS = {"segmentation": "masks", "detection": "boxes"}
"""Kind of task -> what its labels are."""


def images(
    table: Table, training: pa.Table, recipes: Recipes, options: InputOptions, names: tuple[str, ...]
) -> Images | Scenes:
    """The input of the image column, with the masks and boxes that the task has.

    Raises:
        ConfigError: the task is about masks or boxes and names no column of them, or not the format of the boxes.
    """
    task = table.task
    plain: Images | Scenes = Images(str(task.image), table.root, options, options.size)
    target = TARGETS.get(task.kind or "")
    if (target == "masks" and task.mask is None) or (target == "boxes" and task.boxes is None):
        task_of = with_article(f"{task.kind} task")
        raise ConfigError(f"{task_of} needs the column of its {target}: task: {{{target}: ...}}")
    if task.mask is not None or task.boxes is not None:
        # The classes of a task about something else are not those of its pixels or boxes.
        names = names if target is not None else ()
        masks = None if task.mask is None else _masks(table, training, options, names)
        boxes = None
        if task.boxes is not None:
            if task.box_format is None:
                raise ConfigError("the task does not say what the numbers of its boxes are: name its box_format")
            boxes = Boxes(task.boxes, task.box_format, names, options)
        plain = Scenes(plain, masks, boxes, target)
    if options.keeps_sizes or options.size is not None:
        return plain
    lines = recipes.first_lines(training, PROBED)
    before, after = [], []
    for place, item in probes(table, lines, plain):
        before.append(_shape(item))
        after.append(_shape(recipes.sample(lines, place, plain, item)))
    size = common_size(before, after)
    return (
        replace(plain, images=replace(plain.images, size=size))
        if isinstance(plain, Scenes)
        else replace(plain, size=size)
    )


def label_names_of(kind: str | None, names: tuple[str, ...], options: InputOptions) -> tuple[str, ...]:
    """What the labels of a batch mean, from 0: the classes, in segmentation with the background where it is none."""
    return with_background(names, options.background) if kind == "segmentation" else names


def _shape(item: Any) -> tuple[int, int]:
    pixels = item if isinstance(item, np.ndarray) else item.scene.image
    return pixels.shape[0], pixels.shape[1]


def _masks(table: Table, training: pa.Table, options: InputOptions, names: tuple[str, ...]) -> Masks:
    found = Masks(str(table.task.mask), table.root, options, names)
    lines = training.slice(0, PROBED)
    values = table.rows(values_of(lines["row"]), [found.column])[found.column].to_pylist() if lines.num_rows else []
    decoded = []
    for value in values:
        try:
            decoded.append(mask.decode(read_bytes(value, table.root, options.max_bytes), options.max_pixels).values)
        except DataError:
            continue  # as in `probes`
    return replace(found, white=white_on_black(decoded, len(found.classes)))


def training_lines(plan: pa.Table) -> pa.Table:
    """The plan's training lines, or all of them where there is none."""
    if "split" not in plan.column_names:
        return plan
    if not {name for chunk in plan["split"].chunks for name in pc.unique(chunk).to_pylist()} & set(HELD_OUT):
        return plan
    training = plan.filter(pc.invert(pc.is_in(plan["split"].cast(pa.string()), value_set=texts(HELD_OUT))))
    return training if training.num_rows else plan


def probes(table: Table, lines: pa.Table, read: Input) -> Iterator[tuple[int, Any]]:
    """Place among `lines` and decoded item of those that can be decoded."""
    values = read.values(table.rows(values_of(lines["row"]), read.columns)) if lines.num_rows else []
    for place, value in enumerate(values):
        try:
            yield place, read.read(value)
        except DataError:
            # The batch that draws this row reports it; for a look ahead the others are enough.
            continue
