"""A picture of some images and of what a step makes of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from curate.augment.recipe import Recipe
from curate.augment.safety.items import items
from curate.table import Table

if TYPE_CHECKING:
    from curate.augment.augment import Augment

GAP_PX = 4


def contact_sheet(
    table: Table, step: Augment, rows: np.ndarray, *, draws: int = 5, side: int = 96, seed: int = 0
) -> np.ndarray:
    """(h, w, 3) uint8: a line per row, the image as it is and then its first draws, as a run with this seed makes them.

    Args:
        table: with an image column.
        step: the augment step.
        rows: which rows, by position.
        draws: of each row.
        side: of each picture, in pixels.
        seed: of the run.
    """
    made = Recipe.from_json(json.dumps([step.recipe(table.task)], sort_keys=True))
    labels = table.labels
    lines = []
    for row, item in zip(rows.tolist(), items(table, "image", rows)):
        where = {"seed": seed, "epoch": 0, "row_id": str(table.row_ids[row]), "label": labels.name(row)}
        pictures = [item, *(made.apply("image", item, **where, copy=copy) for copy in range(draws))]
        lines.append(np.concatenate([_framed(picture, side) for picture in pictures], axis=1))
    return np.concatenate(lines) if lines else np.zeros((0, 0, 3), np.uint8)


def _framed(picture: np.ndarray, side: int) -> np.ndarray:
    """A picture made to fit a white square."""
    import cv2

    scale = side / max(picture.shape[:2])
    height, width = (max(1, round(length * scale)) for length in picture.shape[:2])
    small = cv2.resize(
        np.ascontiguousarray(picture), (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    )
    frame = np.full((side + GAP_PX, side + GAP_PX, 3), 255, np.uint8)
    frame[:height, :width] = small
    return frame
