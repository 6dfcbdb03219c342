"""Encoders that learn from the set: text by n-grams, vectors of features."""

from __future__ import annotations

import numpy as np

from curate.evidence.encoders import columns, features, text_svd
from curate.evidence.encoders.encoder import Encoder
from curate.table import Table


def text_encoder(column: str, role: str = "text") -> Encoder:
    """Word and character n-grams reduced by SVD."""

    def fit(table: Table, rows: np.ndarray, learn: np.ndarray, seed: int) -> np.ndarray:
        return text_svd.text_vectors(columns.texts(table, column, rows), learn, seed)

    title = f"word and character n-grams, TF-IDF, SVD (up to {text_svd.DIMENSIONS}-d)"
    return Encoder(role, title, fit=fit, version=text_svd.VERSION)


def vector_encoder(column: str) -> Encoder:
    """A column with one vector per row."""

    def fit(table: Table, rows: np.ndarray, learn: np.ndarray, seed: int) -> np.ndarray:
        return features.feature_vectors(columns.vectors(table, column, rows), learn)

    return Encoder("features", "standardised features", fit=fit, version=features.VERSION)
