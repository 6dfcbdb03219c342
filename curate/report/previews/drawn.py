"""An item as it is and what augmentation made of it, side by side: all on one scale, what changed marked."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from io import BytesIO
from typing import Any

import numpy as np

from curate.checks.texts.quotes import hidden
from curate.report.previews.audio import clip
from curate.report.previews.image import thumbnail
from curate.report.previews.item import (
    Broken,
    Budget,
    Cell,
    Frames,
    Lines,
    Picture,
    Piece,
    Preview,
    Record,
    Sound,
    Text,
    data_uri,
)
from curate.report.previews.series import MOST_CHANNELS, envelope_path, line_path
from curate.report.previews.text import WORDS

FRAMES = 6
CLIP_SECONDS = 4.0
"""Longest clip that plays in a contact sheet."""
LARGEST_WAV = 4_000
"""Bytes; a sheet holds dozens of clips, so that all but the shortest are MP3."""
MOST_WORDS = 400
"""Words of a text that are compared, from its beginning."""
LONGEST_TEXT = 400
LEAD = 60
"""Characters before the first change of a text that begins in its middle."""
DOT = "•"
"""Stands for each character that is hidden."""
MOST_CELLS = 12
SPECTROGRAM = (160, 48)
"""Width and height of a spectrogram in pixels."""
RANGE_DB = 70.0
_STOPS = np.array([[20, 22, 34], [42, 62, 110], [32, 122, 126], [120, 190, 96], [250, 231, 120]], np.float64)
"""Colours of a spectrogram from silent to loud."""


def drawn_previews(
    modality: str, original: Any, draws: Sequence[Any], budget: Budget, names: Sequence[str] = ()
) -> list[Preview]:
    """The original and its draws.

    Args:
        modality: image, video, text, audio, series or features.
        original: the item as operations take it (see `curate.augment.recipe.Recipe.apply`).
        draws: what was made of it.
        budget: what may be held; spent here.
        names: of the numbers of a features vector, where they have any.
    """
    items = [original, *draws]
    if modality == "image":
        return [thumbnail(item, budget) for item in items]
    if modality == "video":
        return [_strip(getattr(item, "frames", item), budget) for item in items]
    if modality == "text":
        return [changed_text(original, item) for item in items]
    if modality == "audio":
        return _sounds(items, budget)
    if modality == "features" and names:
        return [_record(original, item, names) for item in items]
    return _curves(items)


def _strip(frames: np.ndarray, budget: Budget) -> Preview:
    shown = [thumbnail(frame, budget) for frame in frames[:FRAMES]]
    pictures = tuple(picture for picture in shown if isinstance(picture, Picture))
    return Frames(pictures, None) if pictures else Broken("there are no frames to show")


def changed_text(before: str, after: str) -> Text:
    """A text with the words that are new marked and those that are gone struck out; contact data are hidden.

    It begins shortly before the first change and ends after `LONGEST_TEXT` characters.
    """
    a, b = WORDS.findall(before)[:MOST_WORDS], WORDS.findall(after)[:MOST_WORDS]
    starts, ends = _places(a), _places(b)
    # Hiding keeps every character's place.
    gone, now = hidden(before), hidden(after)
    pieces: list[Piece] = []
    first: int | None = None
    for kind, i, j, low, high in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        was, new = gone[starts[i] : starts[j]], now[ends[low] : ends[high]]
        if kind == "equal":
            pieces.append(Piece(was if DOT in was else new))
            continue
        first = sum(len(piece.text) for piece in pieces) if first is None else first
        if was:
            pieces.append(Piece(was, gone=True))
        if new:
            # A slip in an address makes it none that is recognised, and shows it all the same.
            pieces.append(Piece(re.sub(r"\w", DOT, new) if DOT in was else new, marked=True))
    if len(now) > ends[-1]:
        pieces.append(Piece(now[ends[-1] :]))
    begin = 0 if first is None or first <= LONGEST_TEXT // 2 else first - LEAD
    return _stretch(pieces, begin)


def _stretch(pieces: Sequence[Piece], begin: int) -> Text:
    """`LONGEST_TEXT` characters of the pieces from a place on, the rest to unfold or counted."""
    shown: list[Piece] = []
    rest: list[Piece] = []
    at = 0
    for piece in pieces:
        cut = min(max(begin + LONGEST_TEXT - at, 0), len(piece.text))
        skip = min(max(begin - at, 0), cut)
        for part, into in ((piece.text[skip:cut], shown), (piece.text[cut:], rest)):
            if part:
                into.append(Piece(part, piece.marked, piece.gone))
        at += len(piece.text)
    left = sum(len(piece.text) for piece in rest)
    return Text(tuple(shown), cut=left, before=begin)


def _places(words: Sequence[str]) -> list[int]:
    places = [0]
    for word in words:
        places.append(places[-1] + len(word))
    return places


def _sounds(items: Sequence[tuple[np.ndarray, int]], budget: Budget) -> list[Preview]:
    """Waveforms and spectrograms on the scale of the loudest of them."""
    monos = [(samples.mean(axis=0, dtype=np.float32), rate) for samples, rate in items]
    peak = max((float(np.abs(mono).max(initial=0.0)) for mono, _ in monos), default=0.0)
    tables = [_decibels(mono, rate) for mono, rate in monos]
    loudest = max((float(table.max()) for table in tables if table.size), default=0.0)
    found: list[Preview] = []
    for (mono, rate), table in zip(monos, tables):
        own = float(np.abs(mono).max(initial=0.0))
        seconds = len(mono) / rate
        shown = mono[: int(CLIP_SECONDS * rate)]
        picture = _coloured(table, loudest) if table.size else None
        if picture is not None and not budget.take(len(picture)):
            picture = None
        uri: str | None = clip(shown, rate, LARGEST_WAV) if len(shown) and budget.left > 0 else None
        if uri is not None and not budget.take(len(uri)):
            uri = None
        path = envelope_path(mono / peak if peak else mono)
        peak_db = 20 * math.log10(own) if own else None
        found.append(Sound(uri, path, seconds, seconds, rate, peak_db, spectrogram=picture))
    return found


def _decibels(mono: np.ndarray, rate: int) -> np.ndarray:
    """(height, width) power in dB, low frequencies at the bottom, by a mel-like scale; empty for very short sounds."""
    from scipy.signal import spectrogram

    width, height = SPECTROGRAM
    window = min(512, len(mono))
    if window < 16:
        return np.zeros((0, 0))
    hz, times, power = spectrogram(mono, rate, nperseg=window, noverlap=window // 2)
    mel = np.linspace(0, np.log1p(hz[-1] / 700.0), height + 1)
    bounds = np.searchsorted(hz, 700.0 * np.expm1(mel))
    rows = [power[a : max(b, a + 1)].mean(0) for a, b in zip(np.minimum(bounds[:-1], len(hz) - 1), bounds[1:])]
    columns = np.linspace(0, len(times), min(width, len(times)) + 1).astype(int)[:-1]
    return 10 * np.log10(np.add.reduceat(np.stack(rows), columns, axis=1)[::-1] + 1e-12)


def _coloured(table: np.ndarray, loudest: float) -> str:
    """The spectrogram as PNG: `RANGE_DB` below the loudest is silent."""
    from PIL import Image

    share = np.clip((table - loudest) / RANGE_DB + 1, 0, 1)
    levels = np.round(share * 63).astype(np.uint8)
    ramp = np.stack(
        [np.interp(np.linspace(0, 1, 64), np.linspace(0, 1, len(_STOPS)), _STOPS[:, c]) for c in range(3)], 1
    )
    image = Image.fromarray(levels)
    image.putpalette(ramp.round().astype(np.uint8).tobytes())
    out = BytesIO()
    image.save(out, "PNG", optimize=True, bits=8)
    return data_uri("image/png", out.getvalue())


def _record(original: np.ndarray, item: np.ndarray, names: Sequence[str]) -> Record:
    """Numbers by name; what differs from the original is marked, with its value there."""
    cells = []
    for name, was, now in zip(names, original.tolist(), item.tolist()):
        other = None if was == now or (was != was and now != now) else _number(was)
        cells.append(Cell(name, _number(now), other is not None, other))
    return Record(tuple(cells[:MOST_CELLS]), max(0, len(cells) - MOST_CELLS))


def _number(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else "–"


def _curves(items: Sequence[np.ndarray]) -> list[Preview]:
    """Series and vectors as curves on one scale."""
    channels = [np.atleast_2d(np.asarray(item, np.float64)) for item in items]
    finite = np.concatenate([one[np.isfinite(one)] for one in channels])
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    found: list[Preview] = []
    for one in channels:
        own = one[np.isfinite(one)]
        paths = tuple(line_path(channel, low, high) for channel in one[:MOST_CHANNELS])
        ends = (float(own.min()), float(own.max())) if len(own) else (0.0, 0.0)
        found.append(Lines(paths, len(one), one.shape[1], one.size - len(own), *ends))
    return found
