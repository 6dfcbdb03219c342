"""How much each tag of a token is doubted, and with it the row that holds it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from curate.errors import ConfigError
from curate.evidence.folds import stratified_folds, units
from curate.evidence.token_tags import (
    TokenTags,
    given_token_probabilities,
    predicted_token_probabilities,
    token_tags,
)
from curate.findings import Findings
from curate.wording import some_of

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

NAMED = 5
"""Tokens that a reason names before it only counts."""


def find_wrong_tags(evidence: Evidence, check: str, issue: str) -> Findings:
    """One line per active row with tags; the score is that of its most doubtful token.

    The tokens are judged by cleanlab's `token_classification` functions. Probabilities are the task's own column, or
    come from a linear model on words and their neighbours, fitted without the row.

    Raises:
        ConfigError: the column of probabilities does not fit the tags.
    """
    table, names = evidence.table, table_names(evidence)
    tags = token_tags(table)
    rows = np.unique(tags.rows[(tags.codes >= 0) & evidence.active[tags.rows]])
    if len(names) < 2 or not len(rows):
        return Findings(Findings.none().table, {check: {"rows": 0, "tokens": 0}})
    values = _probabilities(evidence, tags, len(names))
    judged = (tags.codes >= 0) & evidence.active[tags.rows] & np.isfinite(values).all(1)
    score = np.ones(len(tags.rows))
    score[judged] = values[np.flatnonzero(judged), tags.codes[judged]]
    wrong = _issues(tags, values, judged)
    rows = np.unique(tags.rows[judged])
    worst = np.full(len(table), 1.0)
    np.minimum.at(worst, tags.rows[judged], score[judged])
    flagged = np.isin(rows, tags.rows[wrong])
    reasons = {int(p): _reason(tags, values, wrong, int(rows[p]), names) for p in np.flatnonzero(flagged)}
    return Findings.of(
        check,
        issue,
        rows,
        table.row_ids,
        np.clip(worst[rows], 0, 1),
        flagged,
        reason=reasons,
        facts=_facts(tags, values, judged, wrong, names, int(flagged.sum())),
    )


def table_names(evidence: Evidence) -> tuple[str, ...]:
    """The tags in order."""
    return evidence.table.task.label_names


def _probabilities(evidence: Evidence, tags: TokenTags, classes: int) -> np.ndarray:
    table = evidence.table
    if table.task.probabilities is not None:
        try:
            return given_token_probabilities(table, tags, classes)
        except ValueError as error:
            raise ConfigError(f"the column {table.task.probabilities!r} of probabilities {error}") from None
    learn = evidence.active & table.training
    unit = units(evidence.duplicate_groups(), table.groups)
    folds = stratified_folds(np.where(learn, 0, -1), unit, evidence.settings.folds, evidence.seed)
    folds[~learn] = -1
    return predicted_token_probabilities(tags, learn, folds, classes, evidence.seed)


def _issues(tags: TokenTags, values: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """(t,) bool by cleanlab's rule."""
    from cleanlab.token_classification.filter import find_label_issues

    wrong = np.zeros(len(tags.rows), dtype=bool)
    places = np.flatnonzero(judged)
    codes = tags.codes[places]
    if len(np.unique(codes)) < 2:
        return wrong
    _, firsts = np.unique(tags.rows[places], return_index=True)
    bounds = [*firsts.tolist(), len(places)]
    mass = values[places].astype(np.float64)
    mass /= mass.sum(1, keepdims=True)
    parts = list(pairwise(bounds))
    found = find_label_issues([codes[a:b].tolist() for a, b in parts], [mass[a:b] for a, b in parts])
    for row, place in found:
        wrong[places[bounds[row] + place]] = True
    return wrong & (values.argmax(1) != tags.codes)


def _reason(tags: TokenTags, values: np.ndarray, wrong: np.ndarray, row: int, names: tuple[str, ...]) -> str:
    places = np.flatnonzero(wrong & (tags.rows == row))
    places = places[np.argsort(values[places, tags.codes[places]], kind="stable")]

    def told(p: int) -> str:
        return (
            f"token {tags.places[p]} {tags.words[p].as_py()!r} is tagged {names[tags.codes[p]]!r}"
            f" ({values[p, tags.codes[p]]:.2f}) and looks like {names[int(values[p].argmax())]!r}"
            f" ({values[p].max():.2f})"
        )

    return some_of(places.tolist(), NAMED, told, "; ")


def _facts(
    tags: TokenTags, values: np.ndarray, judged: np.ndarray, wrong: np.ndarray, names: tuple[str, ...], rows: int
) -> dict[str, Any]:
    pairs, times = np.unique(np.stack([tags.codes[wrong], values[wrong].argmax(1)]), axis=1, return_counts=True)
    return {
        "method": "cleanlab.token_classification",
        "tokens": int(judged.sum()),
        "tokens_flagged": int(wrong.sum()),
        "issues": rows,
        "confusions": [
            {"given": names[pairs[0, p]], "suggested": names[pairs[1, p]], "tokens": int(times[p])}
            for p in np.argsort(-times, kind="stable")[:10]
        ],
    }
