"""Text without a model: word and character n-grams, weighted by TF-IDF, reduced by truncated SVD."""

from __future__ import annotations

import numpy as np

VERSION = 1
DIMENSIONS = 256
MAX_CHARACTERS = 20_000
WORDS = r"(?u)\b\w+\b"


def text_vectors(texts: list[str], fit: np.ndarray, seed: int, dimensions: int = DIMENSIONS) -> np.ndarray:
    """Vectors of texts in any language: character n-grams need no word borders (Chinese, Japanese, Thai).

    Args:
        texts: n texts; "" where missing. Only the first `MAX_CHARACTERS` of each count.
        fit: (n,) bool, rows from which vocabulary, weights and components are learned.
        seed: of the randomised SVD.
        dimensions: largest length of a vector.

    Returns:
        (n, d) float32, d at most `dimensions`; zero for texts without any known n-gram.
    """
    from scipy.sparse import csr_array, hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [text[:MAX_CHARACTERS] for text in texts]
    learned = [text for text, use in zip(texts, fit) if use]
    least = 2 if len(learned) >= 50 else 1
    shared = {"sublinear_tf": True, "dtype": np.float32, "min_df": least}
    kinds = [
        TfidfVectorizer(ngram_range=(1, 2), token_pattern=WORDS, max_features=100_000, **shared),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), max_features=100_000, **shared),
    ]
    counted = []
    for vectorizer in kinds:
        try:
            vectorizer.fit(learned)
        except ValueError:  # scikit-learn's answer to an empty vocabulary: no word, or none often enough
            continue
        counted.append(vectorizer.transform(texts))
    if not counted:
        return np.zeros((len(texts), 1), dtype=np.float32)
    return reduced(csr_array(hstack(counted)), fit, seed, dimensions)


def reduced(matrix: object, fit: np.ndarray, seed: int, dimensions: int) -> np.ndarray:
    """(n, f) sparse -> (n, d) float32 by truncated SVD learned on the rows `fit`; narrow ones stay as they are."""
    from sklearn.decomposition import TruncatedSVD

    rows, columns = int(fit.sum()), matrix.shape[1]  # type: ignore[attr-defined]
    if columns <= dimensions:
        return np.asarray(matrix.toarray(), dtype=np.float32)  # type: ignore[attr-defined]
    size = min(dimensions, max(rows, 1))
    svd = TruncatedSVD(size, random_state=seed, n_iter=3).fit(matrix[np.flatnonzero(fit)])  # type: ignore[index]
    return svd.transform(matrix).astype(np.float32)
