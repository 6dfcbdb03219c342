"""py3langid for many texts at once: its automaton walks over all of them, and its scores are one product."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

from curate.engines.engine import Absent
from curate.errors import MissingPackage, StorageError
from curate.evidence.chunks import LeftArray
from curate.evidence.order import fingerprint

if TYPE_CHECKING:
    from curate.evidence.cache import Cache

FEWEST_TOGETHER = 96
"""Texts below which each of them is walked over on its own: a step of arrays costs as much as so many of plain ones."""
BLOCK_BYTES = 4_000_000
FLOOR = float(np.finfo(np.float32).min)


class Languages:
    """The languages that py3langid tells apart, and how likely texts are in each of them.

    Naive Bayes over byte sequences that an automaton finds; the same scores as `LanguageIdentifier` gives, but for the
    rounding of sums in another order. Cost: about 15 nanoseconds per byte and 5 microseconds per text.

    Args:
        model: arrays from `unpacked`.

    Attributes:
        names: (L,) str, ISO 639 codes.
    """

    def __init__(self, model: Mapping[str, np.ndarray]) -> None:
        self._move, self._out, self._base = model["rows_steps"].reshape(-1), model["found"], model["row"] << 8
        # Of single numbers a view gives plain ones, several times as fast as NumPy does.
        self._plain = self._move.data, self._base.data, self._out.data
        self._table, self._prior = model["rows_table"], model["prior"]
        given = np.ascontiguousarray(model["names"]).view(f"<U{model['names'].shape[1]}")[:, 0]
        first = [given.tolist().index(name) for name in given]
        self._first = np.unique(first)
        self._aliases = [(one, place) for place, one in enumerate(first) if one != place]
        self.names = given[self._first]

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """(n, L) float32 natural logarithms of the likelihood, up to a constant; all -3.4e38 where nothing is known."""
        scores, known = self._raw(_encoded(texts))
        scores[~known] = FLOOR
        for one, other in self._aliases:
            scores[:, one] = np.maximum(scores[:, one], scores[:, other])
        return scores[:, self._first]

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """(n, L) float32, rows sum to 1, as sure as py3langid says that it is; even where nothing is known."""
        encoded = _encoded(texts)
        scores, known = self._raw(encoded)
        scores[~known] = 0
        scores /= np.sqrt(np.array([max(len(one), 1) for one in encoded], dtype=np.float32))[:, None]
        scores -= scores.max(1, keepdims=True, initial=FLOOR)
        np.exp(scores, out=scores)
        scores /= scores.sum(1, keepdims=True)
        for one, other in self._aliases:
            scores[:, one] += scores[:, other]
        return scores[:, self._first]

    def _raw(self, texts: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
        """(n, C) float32 logarithms by classes, and (n,) bool whether any feature was found."""
        scores, known = np.empty((len(texts), len(self._prior)), dtype=np.float32), np.zeros(len(texts), dtype=bool)
        sizes = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        blocks = np.cumsum(sizes) // BLOCK_BYTES
        for rows in np.split(np.arange(len(texts)), np.flatnonzero(np.diff(blocks)) + 1):
            if len(rows):
                scores[rows], known[rows] = self._block(texts[rows[0] : rows[-1] + 1], sizes[rows])
        return scores, known

    def _block(self, texts: list[bytes], sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from scipy.sparse import csr_array

        owner, feature = self._walk(texts, sizes)
        keys, counts = np.unique(owner * np.int64(len(self._table)) + feature, return_counts=True)
        owner, feature = keys // len(self._table), keys % len(self._table)
        seen = np.zeros(len(self._table), dtype=bool)
        seen[feature] = True
        used, column = np.flatnonzero(seen), (np.cumsum(seen) - 1)[feature]
        ends = np.searchsorted(owner, np.arange(len(texts) + 1))
        found = csr_array((np.log1p(counts.astype(np.float32)), column, ends), shape=(len(texts), len(used)))
        return found @ self._table[used].astype(np.float32) + self._prior, np.diff(ends) > 0

    def _walk(self, texts: list[bytes], sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(f,) int64 text and (f,) int64 number of every feature that the automaton comes by."""
        order = np.argsort(-sizes, kind="stable")
        data = np.frombuffer(b"".join([texts[row] for row in order.tolist()]), dtype=np.uint8)
        starts = np.cumsum(sizes[order]) - sizes[order]
        state = np.zeros(len(texts), dtype=np.int64)
        longer = np.searchsorted(-sizes[order], -np.arange(int(sizes.max(initial=0))), side="left")
        owners, features = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        for place, count in enumerate(longer.tolist()):
            if count < FEWEST_TOGETHER:
                break
            state[:count] = self._move[self._base[state[:count]] + data[starts[:count] + place]]
            found = self._out[state[:count]]
            hits = np.flatnonzero(found >= 0)
            owners.append(order[hits])
            features.append(found[hits].astype(np.int64))
        else:
            return np.concatenate(owners), np.concatenate(features)
        for line in range(count):
            text = data[starts[line] + place : starts[line] + sizes[order[line]]]
            found = self._alone(int(state[line]), text.tobytes())
            owners.append(np.full(len(found), order[line]))
            features.append(found)
        return np.concatenate(owners), np.concatenate(features)

    def _alone(self, state: int, text: bytes) -> np.ndarray:
        (move, base, out), found = self._plain, []
        for byte in text:
            state = move[base[state] + byte]
            if out[state] >= 0:
                found.append(out[state])
        return np.array(found, dtype=np.int64)


def _encoded(texts: Sequence[str]) -> list[bytes]:
    """Texts as the model was trained on them."""
    lowered = (text.lower() if text.isupper() else text for text in texts)
    return [
        text.encode() if text.isascii() else unicodedata.normalize("NFC", text).encode("utf8", "surrogatepass")
        for text in lowered
    ]


@cache
def languages() -> Languages:
    """The model that comes with py3langid, loaded once (0.6 seconds, or 0.05 where it was kept). Raises MissingPackage.

    What is kept is the model as it is in memory (67 MB), since unpacking it takes longer than measuring some thousand
    texts.
    """
    try:
        key = fingerprint("py3langid", KEPT, version("py3langid"))
    except PackageNotFoundError:
        raise MissingPackage("py3langid", "text", "identifying languages") from None
    for store in _stores[-1:]:
        if (kept := store.get(key, left=True)) is not None:
            with suppress(Absent):  # another run cleared the cache in between
                return Languages({name: _in_place(array) for name, array in kept.items()})
    model = unpacked()
    for store in _stores[-1:]:
        with suppress(StorageError):  # the model is there; only the next run has to unpack it again
            store.put(key, model)
    return Languages(model)


KEPT = 1
"""Raise it when what is kept of the model changes."""
_stores: list[Cache] = []


def _in_place(array: np.ndarray | LeftArray) -> np.ndarray:
    """An array where it lies: of the model few pages are read."""
    return array.mapped() if isinstance(array, LeftArray) else array


def keep_languages(store: Cache | None) -> None:
    """Have the model kept in a cache, once it is asked for; in none if None."""
    _stores[:] = [] if store is None else [store]


def unpacked() -> dict[str, np.ndarray]:
    """The model as arrays of numbers.

    Returns:
        ``rows_steps`` (r, 256) next state after each byte, ``row`` (s,) int32 which of these rows each state has,
        ``found`` (s,) int32 feature of each state or -1, ``rows_table`` (f, C) and ``prior`` (C,) float32 logarithms,
        ``names`` (C, w) uint32 code points.
    """
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier: Any = LanguageIdentifier.from_model_file(MODEL_FILE)
    names = np.array(identifier.nb_classes)
    return {
        "rows_steps": np.asarray(identifier.tk_nextmove).reshape(-1, 256),
        "row": np.array(identifier.tk_row, dtype=np.int32),
        "found": np.array(identifier.tk_output, dtype=np.int32),
        "rows_table": identifier.nb_ptc,
        "prior": np.asarray(identifier.nb_pc, dtype=np.float32),
        "names": names.view(np.uint32).reshape(len(names), -1),
    }
