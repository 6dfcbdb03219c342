"""Pictures with planted things of known colour, whose masks and boxes can be found again by looking at the pixels."""

import numpy as np
import pyarrow as pa
from small_tables import table

from curate.media.image import encode_png

BOXES = pa.list_(pa.struct([("box", pa.list_(pa.float64())), ("label", pa.string())]))
COLOURS = {"red": (230, 20, 20), "blue": (20, 20, 230)}
NAMES = ("red", "blue")
FORMS = {
    "xyxy": lambda x, y, w, h, _: [x, y, x + w, y + h],
    "xywh": lambda x, y, w, h, _: [x, y, w, h],
    "cxcywh": lambda x, y, w, h, _: [x + w / 2, y + h / 2, w, h],
    "xyxy_relative": lambda x, y, w, h, s: [x / s[1], y / s[0], (x + w) / s[1], (y + h) / s[0]],
    "xywh_relative": lambda x, y, w, h, s: [x / s[1], y / s[0], w / s[1], h / s[0]],
    "cxcywh_relative": lambda x, y, w, h, s: [(x + w / 2) / s[1], (y + h / 2) / s[0], w / s[1], h / s[0]],
}


def picture(rng, height, width):
    """(pixels, mask, [(x, y, w, h, name)]): a red and a blue rectangle on grey, apart from each other."""
    pixels, mask = np.full((height, width, 3), 90, np.uint8), np.zeros((height, width), np.uint8)
    things = []
    for code, name in enumerate(NAMES, 1):
        half = width // 2
        w, h = int(rng.integers(12, half - 8)), int(rng.integers(12, height - 8))
        x, y = (code - 1) * half + int(rng.integers(2, half - w - 2)), int(rng.integers(2, height - h - 2))
        pixels[y : y + h, x : x + w] = COLOURS[name]
        mask[y : y + h, x : x + w] = code
        things.append((x, y, w, h, name))
    return pixels, mask, things


def scenes(n=6, sizes=((48, 64),), form="xyxy", kind="detection", mask=True, boxes=True, **task):
    """A table of such pictures."""
    rng = np.random.default_rng(3)
    columns = {"image": [], "mask": [], "boxes": []}
    for i in range(n):
        size = sizes[i % len(sizes)]
        pixels, values, things = picture(rng, *size)
        columns["image"].append({"bytes": encode_png(pixels), "path": None})
        columns["mask"].append({"bytes": encode_png(values), "path": None})
        columns["boxes"].append([{"box": FORMS[form](*t[:4], size), "label": t[4]} for t in things])
    columns["boxes"] = pa.array(columns["boxes"], BOXES)
    roles = {"image": "image"} | ({"mask": "mask"} if mask else {})
    roles |= {"boxes": "boxes", "box_format": form} if boxes else {}
    return table(columns, kind=kind, **({"label_names": NAMES} | roles | task))


def seen(pixels, name):
    """(h, w) bool where (3, h, w) pixels in [0, 1] have the colour."""
    colour = np.array(COLOURS[name])[:, None, None]
    return np.abs(np.asarray(pixels) * 255 - colour).max(0) < 60


def around(shown):
    """[left, top, right, bottom] of what is True, None where nothing is."""
    down, across = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    return None if not len(down) else [across[0], down[0], across[-1] + 1, down[-1] + 1]
