"""Words of a corpus that stand in the same surroundings, as a table of synonyms for `synonyms` and `eda`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from curate.augment.operations.words import split
from curate.errors import ConfigError, DataError, MissingPackage, StorageError
from curate.table import Table

if TYPE_CHECKING:
    from scipy.sparse import csr_array

WINDOW = 2
"""Words on each side that count as surroundings; narrow ones find words that can stand for each other."""
DIMENSIONS = 100
CONTEXT_POWER = 0.75
"""Smoothing of the contexts' frequencies (Levy, Goldberg and Dagan, 2015)."""
SMOOTHING = 5.0
"""Rows of the average class mix that are added to those of each word."""
BLOCK = 2048


def corpus_synonyms(
    corpus: Table | Iterable[str],
    path: str | Path | None = None,
    *,
    vectors: Literal["corpus", "wordllama"] = "corpus",
    min_count: int = 5,
    max_share: float = 0.2,
    neighbours: int = 5,
    min_similarity: float = 0.5,
    max_class_distance: float = 0.5,
    vocabulary: int = 50_000,
    seed: int = 0,
) -> dict[str, tuple[str, ...]]:
    """Words that could stand for each other, learned from the training texts themselves.

    What stands in the same surroundings is often a synonym, and often a word of the same kind with another meaning
    (Monday, Tuesday; cheap, expensive). With labels at hand, words whose rows are of other classes are left out.

    Args:
        corpus: a table with texts (its training rows are read), or texts.
        path: a file to write (UTF-8, one word and its neighbours per line, separated by tabs), for the setting `path`
            of the operations `synonyms` and `eda`; none is written if left out.
        vectors: ``corpus`` counts surroundings (pointwise mutual information, reduced to 100 dimensions);
            ``wordllama`` takes the word vectors of that English model, for corpora of a few hundred texts.
        min_count: times that a word must occur.
        max_share: words in a larger share of the texts (function words, mostly) get no neighbours and are none.
        neighbours: most words that are given for one.
        min_similarity: least cosine of two vectors.
        max_class_distance: two words whose shares of the classes differ by more (total variation, 0 to 1) are no
            neighbours; 1 to allow all.
        vocabulary: most words that are looked at, the commonest ones.
        seed: of the reduction.

    Returns:
        word -> its neighbours, the nearest first. Words without a neighbour are left out.

    Raises:
        DataError: no texts, or no two words that occur often enough.
        MissingPackage: wordllama is not installed.
        StorageError: the file can't be written.

    Source: Levy, Goldberg and Dagan, Improving distributional similarity with lessons learned from word embeddings,
    2015.
    """
    shares = 0 < min_similarity <= 1 and 0 <= max_class_distance <= 1
    if not shares or neighbours < 1 or min_count < 1 or vocabulary < 2:
        raise ConfigError("corpus_synonyms: similarity and class distance lie in [0, 1], counts are at least 1")
    texts, codes = _texts(corpus)
    names, asked, words, rows = _vocabulary(texts, min_count, max_share, vocabulary)
    points = _wordllama(names) if vectors == "wordllama" else _points(words, rows, len(names), seed)
    profile = None
    if codes is not None and max_class_distance < 1:
        profile = _profiles(words, rows, codes, len(names))
    names = [name for name, on in zip(names, asked) if on]
    profile = None if profile is None else profile[asked]
    found = _neighbours(points[asked], profile, neighbours, min_similarity, max_class_distance)
    table = {name: tuple(names[j] for j in near) for name, near in zip(names, found) if near}
    if path is not None:
        _write(Path(path), table)
    return table


def _texts(corpus: Table | Iterable[str]) -> tuple[list[str], np.ndarray | None]:
    """Training texts, and their class codes (-1 for none) where the corpus has classes."""
    if not isinstance(corpus, Table):
        texts = list(corpus)
        if not all(isinstance(text, str) for text in texts):
            raise DataError("corpus_synonyms: a table or texts expected, found items of another kind")
        return texts, None
    if corpus.task.text is None:
        raise DataError(f"{corpus.source}: the task has no text to learn synonyms from")
    rows = np.flatnonzero(corpus.training & ~corpus.unreadable)
    column = corpus.rows(rows, [corpus.task.text])[corpus.task.text].cast(pa.string()).to_pylist()
    labels = corpus.labels
    single = len(labels.names) > 1 and labels.sets is None
    return [text or "" for text in column], labels.codes[rows] if single else None


def _vocabulary(
    texts: list[str], min_count: int, max_share: float, most: int
) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """The v words that count as surroundings, which of them ask for neighbours, and the words of the texts in order.

    Returns:
        Names; (v,) bool; (t,) int64 place of every word of the texts among the v (-1 for others); (t,) int64 its row.
    """
    numbers: dict[str, int] = {}
    said, rows = [], []
    for row, text in enumerate(texts):
        for word in split(text, "auto")[0]:
            said.append(numbers.setdefault(word.lower(), len(numbers)))
            rows.append(row)
    words, row_of = np.array(said, np.int64), np.array(rows, np.int64)
    counts = np.bincount(words, minlength=len(numbers))
    pairs = np.unique(np.stack([words, row_of]), axis=1) if len(words) else np.zeros((2, 0), np.int64)
    share = np.bincount(pairs[0], minlength=len(numbers)) / max(len(texts), 1)
    named = list(numbers)
    fit = np.flatnonzero(counts >= min_count)
    fit = np.sort(fit[np.argsort(-counts[fit], kind="stable")[:most]])
    plain = np.array([share[i] <= max_share and (named[i].isalpha() or "'" in named[i]) for i in fit], dtype=bool)
    if plain.sum() < 2 or len(fit) < 3:
        raise DataError(
            f"corpus_synonyms: {len(texts)} texts have {plain.sum()} words that occur {min_count} times and in no"
            f" more than {max_share:.0%} of the texts; too few"
        )
    place = np.full(len(numbers), -1)
    place[fit] = np.arange(len(fit))
    return [named[i] for i in fit], plain, place[words], row_of


def _points(words: np.ndarray, rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    """(count, d) float32 unit vectors: positive pointwise mutual information with the surroundings, reduced."""
    from sklearn.utils.extmath import randomized_svd

    information = _information(_surroundings(words, rows, count))
    d = min(DIMENSIONS, count - 1)
    left, strength, _ = randomized_svd(information, n_components=d, random_state=seed)
    return _unit((left * np.sqrt(strength)).astype(np.float32))


def _surroundings(words: np.ndarray, rows: np.ndarray, count: int) -> csr_array:
    """(count, count) float32 times that a word stands near another in the same text, nearer ones counting more."""
    from scipy.sparse import csr_array

    total = csr_array((count, count), dtype=np.float32)
    for far in range(1, WINDOW + 1):
        near = (rows[far:] == rows[:-far]) & (words[far:] >= 0) & (words[:-far] >= 0)
        a, b = words[:-far][near], words[far:][near]
        weight = np.full(len(a), (WINDOW + 1 - far) / WINDOW, np.float32)
        once = csr_array((weight, (a, b)), shape=(count, count))
        total = csr_array(total + once + once.T)
    return total


def _information(near: csr_array) -> csr_array:
    """The same matrix with positive pointwise mutual information in the place of counts."""
    entries = near.tocoo()
    word = np.asarray(near.sum(1)).ravel()
    context = np.asarray(near.sum(0)).ravel() ** CONTEXT_POWER
    expected = word[entries.row] * context[entries.col] / max(context.sum(), 1e-12)
    entries.data = np.maximum(np.log(entries.data / np.maximum(expected, 1e-12)), 0).astype(np.float32)
    made = entries.tocsr()
    made.eliminate_zeros()
    return made


def _wordllama(names: list[str]) -> np.ndarray:
    try:
        from curate.evidence.encoders.text_models import WordLlamaText

        vectors = WordLlamaText().measure(pa.array(names))["encoder.wordllama"]
    except ImportError:
        raise MissingPackage("wordllama", "text", "vectors: wordllama") from None
    return _unit(np.nan_to_num(vectors))


def _unit(points: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(points, axis=1, keepdims=True)
    return np.divide(points, length, out=np.zeros_like(points), where=length > 0)


def _profiles(words: np.ndarray, rows: np.ndarray, codes: np.ndarray, count: int) -> np.ndarray:
    """(count, K) float32 share of the classes among the rows of each word, smoothed towards that of all rows."""
    known = (words >= 0) & (codes[rows] >= 0)
    classes = int(codes.max(initial=0)) + 1
    mix = np.bincount(codes[codes >= 0], minlength=classes) / max((codes >= 0).sum(), 1)
    flat = np.bincount(words[known] * classes + codes[rows[known]], minlength=count * classes).reshape(count, classes)
    smoothed = flat + SMOOTHING * mix
    return (smoothed / smoothed.sum(1, keepdims=True)).astype(np.float32)


def _neighbours(
    points: np.ndarray, profile: np.ndarray | None, most: int, similarity: float, distance: float
) -> list[list[int]]:
    """For each word the places of its neighbours, the nearest first."""
    found: list[list[int]] = []
    pool = min(len(points) - 1, 4 * most)
    for begin in range(0, len(points), BLOCK):
        cosine = points[begin : begin + BLOCK] @ points.T
        cosine[np.arange(len(cosine)), np.arange(begin, begin + len(cosine))] = -2
        best = np.argpartition(-cosine, pool - 1, axis=1)[:, :pool]
        for i, near in enumerate(best):
            near = near[np.lexsort((near, -cosine[i, near]))]
            near = near[cosine[i, near] >= similarity]
            if profile is not None:
                near = near[0.5 * np.abs(profile[near] - profile[begin + i]).sum(1) <= distance]
            found.append(near[:most].tolist())
    return found


def _write(path: Path, table: dict[str, Any]) -> None:
    lines = [f"{word}\t" + "\t".join(others) for word, others in sorted(table.items())]
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"corpus_synonyms: the file {str(path)!r} can't be written: {error}") from error
