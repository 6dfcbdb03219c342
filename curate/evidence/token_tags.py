"""The tags of tokens as flat arrays, and out-of-sample probabilities for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.table import Table

HASHED = 1 << 18
"""Columns of the hashed features."""
WINDOW = 2
"""Words before and after that a word is judged by."""


@dataclass(frozen=True)
class TokenTags:
    """All tokens of a table, one after the other.

    Attributes:
        rows: (t,) int64 row of each token.
        places: (t,) int64 place of the token in its row, from 0.
        words: t texts.
        codes: (t,) int64 tag, -1 where there is none.
    """

    rows: np.ndarray
    places: np.ndarray
    words: pa.Array
    codes: np.ndarray


def token_tags(table: Table) -> TokenTags:
    """The tokens of a table whose task is token classification."""
    words = table.column(str(table.task.tokens)).cast(pa.list_(pa.string())).combine_chunks()
    tags = table.column(str(table.task.label)).cast(pa.list_(pa.string())).combine_chunks()
    counts = pc.fill_null(pc.list_value_length(words), 0).to_numpy().astype(np.int64)
    rows = np.repeat(np.arange(len(words)), counts)
    places = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    tagged = tags.is_valid().to_numpy(zero_copy_only=False)[rows] if len(rows) else np.zeros(0, dtype=bool)
    codes = np.full(len(rows), -1, dtype=np.int64)
    names = pa.array(table.task.label_names, pa.string())
    found = pc.fill_null(pc.index_in(pc.list_flatten(tags), value_set=names), -1)
    codes[tagged] = found.to_numpy().astype(np.int64)
    return TokenTags(rows, places, pc.fill_null(pc.list_flatten(words), ""), codes)


def given_token_probabilities(table: Table, tags: TokenTags, classes: int) -> np.ndarray:
    """(t, K) float32 of the user's column (K numbers per token), NaN where a row has not as many as tokens.

    Raises:
        ValueError: the column holds no lists of lists of K numbers.
    """
    column = table.column(str(table.task.probabilities)).combine_chunks()
    try:
        outer = column.cast(pa.list_(pa.list_(pa.float32())))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(f"holds {column.type}, and a list of numbers per token is wanted") from error
    inner = pc.list_flatten(outer)
    width = pc.list_value_length(inner).to_numpy(zero_copy_only=False)
    if len(width) and not (width == classes).all():
        raise ValueError(f"holds {int(width[width != classes][0])} numbers for a token, and there are {classes} tags")
    values = pc.list_flatten(inner).to_numpy(zero_copy_only=False).reshape(-1, classes)
    result = np.full((len(tags.rows), classes), np.nan, dtype=np.float32)
    listed = pc.fill_null(pc.list_value_length(outer), 0).to_numpy().astype(np.int64)
    wanted = np.bincount(tags.rows, minlength=len(listed))
    fits = listed == wanted
    result[fits[tags.rows]] = values[np.repeat(fits, listed)]
    return result


def predicted_token_probabilities(
    tags: TokenTags, learn: np.ndarray, folds: np.ndarray, classes: int, seed: int
) -> np.ndarray:
    """(t, K) float32 out-of-sample probabilities by a linear model on hashed features of the word and its neighbours.

    Features: word, lower case, shape, prefixes and suffixes of up to three characters, the two words on either side.

    Args:
        tags: the tokens.
        learn: (n,) bool rows to learn from.
        folds: (n,) int fold of each row, -1 for rows of held-out splits, predicted by a fit on all of `learn`.
        classes: K.
        seed: of the fits.
    """
    from scipy.special import softmax
    from sklearn.feature_extraction import FeatureHasher
    from sklearn.linear_model import SGDClassifier

    hashed = FeatureHasher(HASHED, input_type="string").transform(_features(tags))
    result = np.full((len(tags.rows), classes), np.nan, dtype=np.float32)
    known, own = (tags.codes >= 0) & learn[tags.rows], folds[tags.rows]
    for fold in np.unique(own):
        fit, told = known & (own != fold), own == fold
        present = np.unique(tags.codes[fit])
        if not len(present):
            continue
        result[told] = 0.0
        if len(present) == 1:
            result[told, present[0]] = 1.0
            continue
        model = SGDClassifier(
            loss="log_loss",
            alpha=1e-5,
            max_iter=10,
            tol=None,  # pyright: ignore[reportArgumentType]: documented, and missing from the stubs
            random_state=seed,
            average=True,
        )
        model.fit(hashed[np.flatnonzero(fit)], tags.codes[fit])
        scores = model.decision_function(hashed[np.flatnonzero(told)])
        scores = np.stack([-scores, scores], axis=1) / 2 if scores.ndim == 1 else scores
        result[np.ix_(told, present)] = softmax(scores, axis=1)
    return result


def _features(tags: TokenTags) -> list[list[str]]:
    words = tags.words.to_pylist()
    lowered = [word.casefold() for word in words]
    lines = []
    for place, (word, low) in enumerate(zip(words, lowered)):
        line = [f"w={word}", f"l={low}", f"s={_shape(word)}", *(f"p={low[:n]}" for n in (1, 2, 3))]
        line += [f"e={low[-n:]}" for n in (1, 2, 3)]
        for step in (*range(-WINDOW, 0), *range(1, WINDOW + 1)):
            other = place + step
            same = 0 <= other < len(words) and tags.rows[other] == tags.rows[place]
            line.append(f"{step}={lowered[other] if same else '<>'}")
            if abs(step) == 1:
                line.append(f"s{step}={_shape(words[other]) if same else '<>'}")
        lines.append(line)
    return lines


def _shape(word: str) -> str:
    """``Berlin`` -> ``Xx``, ``U.S.`` -> ``X.X.``, ``1998`` -> ``0``: runs of one kind count once."""
    kinds = ["X" if c.isupper() else "x" if c.isalpha() else "0" if c.isdigit() else c for c in word[:40]]
    return "".join(c for i, c in enumerate(kinds) if not i or c != kinds[i - 1])
