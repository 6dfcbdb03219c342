"""What the four numbers of a box mean."""

from __future__ import annotations

Box = tuple[list[float] | None, str | None]
SIDES = {
    "xyxy": (
        ("x1", "y1", "x2", "y2"), ("xmin", "ymin", "xmax", "ymax"), ("x_min", "y_min", "x_max", "y_max"),
        ("left", "top", "right", "bottom"), ("x0", "y0", "x1", "y1"),
    ),
    "xywh": (
        ("x", "y", "w", "h"), ("x", "y", "width", "height"), ("left", "top", "width", "height"),
        ("xmin", "ymin", "width", "height"), ("x_min", "y_min", "width", "height"),
    ),
    "cxcywh": (
        ("cx", "cy", "w", "h"), ("cx", "cy", "width", "height"), ("x_center", "y_center", "width", "height"),
        ("xc", "yc", "w", "h"),
    ),
}  # fmt: skip
"""Format -> the names under which its four numbers are given."""
MEANING = {
    "xyxy": "left, top, right, bottom",
    "xywh": "left, top, width, height",
    "cxcywh": "middle x, middle y, width, height",
}


def said(format: str) -> str:
    """A format in words: ``xywh (left, top, width, height) in pixels``."""
    style = format.removesuffix("_relative")
    unit = "as shares of the image's sides" if format.endswith("_relative") else "in pixels"
    return f"{format} ({MEANING[style]}) {unit}"


def restyled(boxes: list[Box], style: str | None, wanted: str) -> list[Box]:
    """Boxes of one style in another."""
    if style is None:
        return boxes
    out: list[Box] = []
    for box, label in boxes:
        if box is None:
            out.append((box, label))
            continue
        a, b, c, d = box
        if style == "xywh":
            a, b, c, d = a, b, a + c, b + d
        elif style == "cxcywh":
            a, b, c, d = a - c / 2, b - d / 2, a + c / 2, b + d / 2
        if wanted == "xywh":
            a, b, c, d = a, b, c - a, d - b
        elif wanted == "cxcywh":
            a, b, c, d = (a + c) / 2, (b + d) / 2, c - a, d - b
        out.append(([a, b, c, d], label))
    return out
