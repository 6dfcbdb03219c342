"""Encoders that learn from the set: text by n-grams, vectors of features, tables of mixed types, series."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from curate.evidence.encoders import columns, features, series_descriptors, tables, text_svd
from curate.evidence.encoders.encoder import Encoder
from curate.media import series
from curate.media.item import DecodeError
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

    def whole(table: Table, learn: np.ndarray) -> np.ndarray:
        if not pa.types.is_nested(table.column(column).type):
            return features.unit_feature_vectors(columns.vectors(table, column, np.arange(len(table))), learn)
        return features.unit_feature_vectors(columns.vector_rows(table, column), learn)

    return Encoder("features", "standardised features", fit=fit, version=features.VERSION, whole=whole)


def table_encoder(names: tuple[str, ...]) -> Encoder:
    """The scalar columns of a table."""

    def fit(table: Table, rows: np.ndarray, learn: np.ndarray, seed: int) -> np.ndarray:
        taken = [table.column(name).take(pa.array(rows)) for name in names]
        return tables.table_vectors(taken, learn, seed)

    title = f"{len(names)} columns: scaled numbers, categories, n-grams of free text"
    return Encoder("features", title, fit=fit, version=tables.VERSION)


def series_encoder(column: str) -> Encoder:
    """A column of time series."""

    def fit(table: Table, rows: np.ndarray, learn: np.ndarray, seed: int) -> np.ndarray:
        decoded = series.decode(table.column(column))
        counts = [len(one) for one in decoded if not isinstance(one, DecodeError)]
        channels = min(max(counts, default=1), series_descriptors.MOST_CHANNELS)
        described = np.full((len(rows), sum(series_descriptors.sizes(channels))), np.nan, dtype=np.float32)
        for place, row in enumerate(rows):
            one = decoded[row]
            if not isinstance(one, DecodeError):
                described[place] = series_descriptors.series_descriptor(one, channels)
        return features.part_vectors(described, learn, series_descriptors.sizes(channels))

    title = "shape, spectrum and statistics of each channel"
    return Encoder("series", title, fit=fit, version=series_descriptors.VERSION)
