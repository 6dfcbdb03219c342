"""Which sentences of a text say most of what it says."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from curate.transforms.texts.scripts import MARKS, UNSPACED

DAMPING = 0.85
ROUNDS = 100
MOST_COMPARED = 1500
"""With more sentences than this not each is compared with each, but all with their mean."""
_RUN = re.compile(rf"[{UNSPACED}{MARKS}]+|[^\W_{UNSPACED}]+")
_UNSPACED = re.compile(rf"[{UNSPACED}]")


def words(sentence: str) -> list[str]:
    """Words in lower case; of scripts without blanks, pairs of neighbouring characters."""
    found: list[str] = []
    for run in _RUN.findall(sentence.lower()):
        if _UNSPACED.search(run):
            found.extend([run] if len(run) == 1 else [run[i : i + 2] for i in range(len(run) - 1)])
        else:
            found.append(run)
    return found


def counts(sentences: list[str]) -> Any:
    """(n, v) sparse float64 counts of the words of n sentences."""
    from scipy.sparse import csr_matrix

    place: dict[str, int] = {}
    rows, columns = [], []
    for row, sentence in enumerate(sentences):
        for word in words(sentence):
            rows.append(row)
            columns.append(place.setdefault(word, len(place)))
    shape = (len(sentences), max(1, len(place)))
    return csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)


def tf_idf(found: Any) -> Any:
    """(n, v) counts -> sparse vectors of length 1 (0 for a sentence without words), rare words weighing more."""
    from scipy.sparse import diags

    present = np.asarray((found > 0).sum(0)).ravel()
    weighted = found @ diags(np.log((1 + found.shape[0]) / (1 + present)) + 1)
    return diags(_inverse(np.sqrt(np.asarray(weighted.multiply(weighted).sum(1)).ravel()))) @ weighted


def overlaps(found: Any) -> np.ndarray:
    """(n, n) shared words of two sentences, divided by the logarithms of their lengths.

    Source: Mihalcea and Tarau 2004, "TextRank: Bringing Order into Texts".
    """
    binary = (found > 0).astype(np.float64)
    size = np.log(np.asarray(found.sum(1)).ravel() + 1)
    shared = np.asarray((binary @ binary.T).todense())
    return shared / np.maximum(size[:, None] + size[None], 1e-12)


def central(similarity: np.ndarray) -> np.ndarray:
    """(n,) how likely a reader who goes from sentence to sentence by their likeness is at each; sums to 1.

    Args:
        similarity: (n, n) at least 0; the diagonal counts for nothing.

    Source: Erkan and Radev 2004, "LexRank: Graph-based Lexical Centrality as Salience in Text Summarization".
    """
    n = len(similarity)
    steps = similarity.astype(np.float64)
    np.fill_diagonal(steps, 0)
    total = steps.sum(1)
    steps[total == 0] = 1.0
    steps /= steps.sum(1, keepdims=True)
    rank = np.full(n, 1 / n)
    for _ in range(ROUNDS):
        following = (1 - DAMPING) / n + DAMPING * (rank @ steps)
        if np.abs(following - rank).max() < 1e-9 / n:
            return following
        rank = following
    return rank


def rank(sentences: list[str], method: str) -> tuple[np.ndarray, Any]:
    """How central each sentence is, and vectors of length 1 to compare sentences by.

    Args:
        sentences: n of them.
        method: textrank (shared words), lexrank (TF-IDF), embedding (WordLlama) or lead (the earlier, the better).

    Returns:
        (n,) float64 scores, and (n, d) vectors, sparse but for embedding.
    """
    found = counts(sentences)
    vectors = _embedded(sentences) if method == "embedding" else tf_idf(found)
    if method == "lead":
        return -np.arange(len(sentences), dtype=np.float64), vectors
    if len(sentences) > MOST_COMPARED:
        mean = np.asarray(vectors.mean(0)).ravel()
        return np.asarray(vectors @ mean).ravel(), vectors
    if method == "textrank":
        return central(overlaps(found)), vectors
    products = vectors @ vectors.T
    alike = products if isinstance(products, np.ndarray) else np.asarray(products.todense())
    return central(np.maximum(alike, 0)), vectors


def _embedded(sentences: list[str]) -> np.ndarray:
    import pyarrow as pa

    from curate.evidence.encoders.text_models import WordLlamaText

    vectors = WordLlamaText().measure(pa.array(sentences, pa.string()))["encoder.wordllama"]
    vectors = np.nan_to_num(vectors.astype(np.float64))
    return vectors * _inverse(np.linalg.norm(vectors, axis=1))[:, None]


def _inverse(lengths: np.ndarray) -> np.ndarray:
    return np.where(lengths > 0, 1 / np.maximum(lengths, 1e-300), 0.0)


def chosen(
    scores: np.ndarray, vectors: Any, sizes: np.ndarray, most: int, budget: int | None, alike: float
) -> list[int]:
    """The best sentences that differ and fit, in the order of the text; one at least.

    Args:
        scores: (n,) how good each is; of equals the earlier goes first.
        vectors: (n, d) of length 1.
        sizes: (n,) tokens of each.
        most: sentences.
        budget: tokens of all together, None for any.
        alike: cosine with a chosen sentence beyond which another is passed over.
    """
    order = np.argsort(-np.round(scores, 12), kind="stable")
    taken: list[int] = []
    used = 0
    for sentence in order.tolist():
        if len(taken) == most:
            break
        if budget is not None and used + sizes[sentence] > budget:
            continue
        if taken and _nearest(vectors, sentence, taken) > alike:
            continue
        taken.append(sentence)
        used += int(sizes[sentence])
    return sorted(taken) or [int(np.argmin(sizes))]


def _nearest(vectors: Any, one: int, others: list[int]) -> float:
    products = vectors[others] @ (vectors[one] if isinstance(vectors, np.ndarray) else vectors[[one]].T)
    return float(products.max())
