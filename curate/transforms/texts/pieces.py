"""Where a long text is cut: windows of tokens, or sentences packed up to a number of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from curate.transforms.texts.sentences import Span


@dataclass(frozen=True)
class Cut:
    """How long pieces are.

    Attributes:
        most: tokens of a piece.
        overlap: units (tokens, or sentences) at the start of a piece that stand at the end of the one before, too.
        least: tokens of the last piece; one with fewer begins earlier, or is joined to the one before.
        last: extend or join.
        units: units of a piece, None for as many as fit.
    """

    most: int
    overlap: int = 0
    least: int = 1
    last: Literal["extend", "join"] = "extend"
    units: int | None = None


def windows(tokens: np.ndarray, cut: Cut) -> list[Span]:
    """Pieces of `cut.most` tokens.

    Args:
        tokens: (k, 2) int64 start and end of each token in characters.
        cut: how long.

    Returns:
        Start and end of each piece in characters.
    """
    k = len(tokens)
    if k <= cut.most:
        return [(int(tokens[0, 0]), int(tokens[-1, 1]))] if k else []
    stride = cut.most - cut.overlap
    starts = list(range(0, k - cut.overlap, stride))  # so that each piece has what the one before has not
    ends = [min(start + cut.most, k) for start in starts]
    if len(starts) > 1 and ends[-1] - starts[-1] < cut.least:
        if cut.last == "extend":
            starts[-1] = k - cut.most
        else:
            starts.pop()
            ends.pop(-2)
    return [(int(tokens[a, 0]), int(tokens[b - 1, 1])) for a, b in zip(starts, ends)]


def packed(units: list[Span], tokens: np.ndarray, cut: Cut) -> list[Span]:
    """Pieces of whole sentences or paragraphs, as many as fit into `cut.most` tokens; a longer one is cut by tokens.

    Args:
        units: start and end of each sentence in characters.
        tokens: (k, 2) int64 start and end of each token in characters.
        cut: how long.
    """
    units = _divided(units, tokens, cut)
    # A token may reach over the end of a sentence (a full stop before CJK): it counts where it starts.
    edges = np.searchsorted(tokens[:, 0], [start for start, _ in units] + [len(units) and units[-1][1]])
    sizes = np.maximum(np.diff(edges), 0) if units else np.zeros(0, dtype=np.int64)
    total = np.concatenate([[0], np.cumsum(sizes)])
    pieces: list[tuple[int, int]] = []
    start = 0
    while start < len(units):
        end = start + 1
        while end < len(units) and total[end + 1] - total[start] <= cut.most and not _full(end - start, cut):
            end += 1
        pieces.append((start, end))
        if end == len(units):
            break
        back = end
        # What is repeated must leave room for the next unit, or the piece would only say the same again.
        while back > start + 1 and end - back < cut.overlap and total[end + 1] - total[back - 1] <= cut.most:
            back -= 1
        start = back
    if len(pieces) > 1 and total[pieces[-1][1]] - total[pieces[-1][0]] < cut.least:
        _mend(pieces, total, cut)
    return [(units[a][0], units[b - 1][1]) for a, b in pieces]


def _full(count: int, cut: Cut) -> bool:
    return cut.units is not None and count >= cut.units


def _mend(pieces: list[tuple[int, int]], total: np.ndarray, cut: Cut) -> None:
    start, end = pieces.pop()
    if cut.last == "join":
        pieces[-1] = (pieces[-1][0], end)
        return
    first = pieces[-1][0]
    while start > first + 1 and total[end] - total[start - 1] <= cut.most:
        start -= 1
    pieces.append((start, end))


def _divided(units: list[Span], tokens: np.ndarray, cut: Cut) -> list[Span]:
    """The units, with those of more than `cut.most` tokens cut into windows."""
    parts: list[Span] = []
    for start, end in units:
        first, last = np.searchsorted(tokens[:, 0], [start, end])
        if last - first <= cut.most:
            parts.append((start, end))
            continue
        inside = np.clip(tokens[first:last], start, end)
        inside[0, 0], inside[-1, 1] = start, end
        parts.extend(windows(inside, Cut(cut.most)))
    return parts
