"""What agreement of fields says about whether two records are one: Fellegi and Sunter's weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from curate.evidence.pairs._record_fields import DIFFERENT, EQUAL, MISSING, Field, compare_values, equal_share

ROUNDS, SETTLED_BITS = 25, 0.001
PRIOR_SIMILAR = 0.1
PRIOR_MATCHES = 20.0
"""Matches that are supposed of each field before any was seen: a tenth similar, a third of the most different."""
MOST_DIFFERENT, MOST_CELLS = 0.15, 1.5
"""Share of a field's values, and number of a record's cells on average, that a copy may have changed altogether."""
RANDOM_PAIRS, RANDOM_CELLS = 20_000, 400_000
DEPENDENCE_WORK = 20_000_000
COPY_SHARE, COPY_GROUP = 0.5, 3
MOST_COPIES = 5
"""Pairs per row that may be matches; what stands further down in the order of evidence is how the table is."""
APART, SERIAL = 0.5, 0.9
"""Where most of the seeming matches differ in a field, the field tells records apart, unless so large a share of its
values is unique that it only numbers them."""
TOLD_APART = 1e-12
BLOCK_PAIRS = 1 << 16
MOST_CELLS_COMPARED = 50_000_000
MOST_PARENTS = 64
"""Fields, the most telling, on which others are asked to depend."""


@dataclass(frozen=True)
class Weights:
    """What is known of the fields.

    Attributes:
        match: (d, 4) probability of each level in a match.
        chance: (d, 4) probability of each level in a pair of random rows.
        given: (d, d) bits that equality in the second field adds where the first one is equal.
        order: (d,) fields, the most telling first.
        counted: (d,) bool, fields that are looked at.
        prior_bits: log2 of the odds that two random rows are a match.
        trust: in (0, 1]; what a bit of evidence, which sees how two fields hang together and no more, is worth here.
    """

    match: np.ndarray
    chance: np.ndarray
    given: np.ndarray
    order: np.ndarray
    counted: np.ndarray
    prior_bits: float
    trust: float = 1.0


def levels(fields: Sequence[Field], left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p, d) int8 comparison of every field of pairs of rows."""
    return np.stack([compare_values(field, left, right) for field in fields], axis=1)


def fit(fields: Sequence[Field], left: np.ndarray, right: np.ndarray) -> Weights:
    """Weights without any label, by expectation and maximisation over the candidates.

    Equality counts by how rare the value is, and by what it adds to the fields that are equal already: of a hospital's
    name and address one follows from the other. Sources: Fellegi, Sunter, A Theory for Record Linkage, 1969; Winkler,
    Using the EM Algorithm for Weight Computation in the Fellegi-Sunter Model, 1988.

    Args:
        fields: of the table.
        left: (p,) int64 rows of candidate pairs.
        right: (p,) int64 rows.
    """
    n, d = len(fields[0].codes), len(fields)
    most = MOST_CELLS_COMPARED // d
    if len(left) > most:
        nearest = np.sort(np.argsort(-equal_share(fields, left, right), kind="stable")[:most])
        left, right = left[nearest], right[nearest]
    compared = levels(fields, left, right)
    agreement = np.array([field.agreement for field in fields])
    given = _dependence(fields, np.setdiff1d(np.arange(n), _copies(compared, left, right, n)), agreement)
    order = np.argsort(agreement, kind="stable")
    prior_bits = -float(np.log2(n))
    weights = Weights(np.tile(_supposed(d), (d, 1)), _chance(fields), given, order, np.ones(d, dtype=bool), prior_bits)
    apart = np.zeros(d, dtype=bool)
    for _ in range(d + 1):
        weights, probability = _converged(weights, fields, compared, left, apart)
        differs = np.where(compared == MISSING, 0.0, compared == DIFFERENT).T @ probability
        filled = (compared != MISSING).T @ probability
        odd = (differs > APART * filled) & (filled > 1) & ~apart & weights.counted
        if not odd.any():
            break
        worst = int(np.argmax(np.where(odd, differs / np.maximum(filled, 1e-9), -1)))
        unique = (fields[worst].counts == 1).sum() >= SERIAL * len(fields[worst].counts)
        if unique:
            weights.counted[worst] = False
        else:
            apart[worst] = True
    return weights


def _converged(
    weights: Weights, fields: Sequence[Field], compared: np.ndarray, left: np.ndarray, apart: np.ndarray
) -> tuple[Weights, np.ndarray]:
    """The weights after some rounds, and the (p,) probabilities of the candidates."""
    n = len(fields[0].codes)
    equal = equality_bits(weights, fields, compared, left)
    probability = np.zeros(len(left))
    for _ in range(ROUNDS):
        evidence = _evidence(weights, compared, equal)
        weights = replace(weights, trust=_trust(evidence, n))
        probability = _probability(weights, evidence)
        counts = np.stack([probability @ (compared == level) for level in range(4)], axis=1)
        counts[:, MISSING] = 0
        counts += PRIOR_MATCHES * _supposed(len(fields))
        match = counts / counts.sum(1, keepdims=True)
        most = np.where(apart, TOLD_APART, _most_different(len(fields)))
        excess = np.maximum(match[:, DIFFERENT] - most, 0)
        match[:, DIFFERENT] -= excess
        match[:, EQUAL] += excess
        prior = min(np.clip(probability.sum(), 0.5, 0.5 * n) / (n * (n - 1) / 2), 0.25)
        before, bits = weights.prior_bits, float(np.log2(prior / (1 - prior)))
        weights = replace(weights, match=match, prior_bits=bits)
        if abs(bits - before) < SETTLED_BITS:
            break
    return weights, _probability(weights, _evidence(weights, compared, equal))


def _most_different(fields: int) -> float:
    return min(MOST_DIFFERENT, MOST_CELLS / fields)


def _supposed(fields: int) -> np.ndarray:
    different = _most_different(fields) / 3
    return np.array([0.0, 1 - PRIOR_SIMILAR - different, PRIOR_SIMILAR, different])


def _trust(evidence: np.ndarray, n: int) -> float:
    """How far bits of evidence are bits.

    Of N pairs of unlike rows at most N / 2^b reach b bits, if fields hang together no more than is known. Where the
    5n-th best pair, which can be no match, has more bits than that, all evidence is scaled down until it has not.
    """
    place = MOST_COPIES * n
    if len(evidence) <= place:
        return 1.0
    bits = float(np.partition(evidence, len(evidence) - place)[len(evidence) - place])
    most = max(np.log2((n - 1) / 2 / MOST_COPIES), 1.0)
    return float(min(1.0, most / bits)) if bits > 0 else 1.0


def equality_bits(weights: Weights, fields: Sequence[Field], compared: np.ndarray, left: np.ndarray) -> np.ndarray:
    """(p,) float64 bits of evidence that the equal values of pairs are, rare ones more, each beyond what the others
    already say."""
    total = np.zeros(len(left))
    own = [-np.log2(np.maximum(field.counts, 2) / max(len(field.codes), 2)) for field in fields]
    for first in range(0, len(left), BLOCK_PAIRS):
        part = slice(first, first + BLOCK_PAIRS)
        equal = compared[part] == EQUAL
        added = np.full(equal.shape, np.inf)
        for field in weights.order[weights.counted[weights.order]]:
            here = equal[:, field]
            bits = own[field][np.maximum(fields[field].codes[left[part]], 0)] if len(own[field]) else 0.0
            total[part] += np.where(here, np.maximum(np.minimum(bits, added[:, field]), 0.0), 0.0)
            np.minimum(added, np.where(here[:, None], weights.given[field][None], np.inf), out=added)
    return total


def match_probability(weights: Weights, fields: Sequence[Field], left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) float64 probability that two records are one."""
    out = np.zeros(len(left))
    for first in range(0, len(left), BLOCK_PAIRS):
        part = slice(first, first + BLOCK_PAIRS)
        compared = levels(fields, left[part], right[part])
        equal = equality_bits(weights, fields, compared, left[part])
        out[part] = _probability(weights, _evidence(weights, compared, equal))
    return out


def _evidence(weights: Weights, compared: np.ndarray, equal_bits: np.ndarray) -> np.ndarray:
    """(p,) float64 bits for a match."""
    bits = equal_bits.copy()
    for field in np.flatnonzero(weights.counted):
        ratio = np.log2(weights.match[field, 1:] / weights.chance[field, 1:])
        ratio[0] = np.log2(weights.match[field, EQUAL])  # the rest is in the bits of the value
        bits += np.append(0.0, ratio)[compared[:, field]]
    return bits


def _probability(weights: Weights, evidence: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp2(np.clip(-(weights.prior_bits + weights.trust * evidence), -60, 60)))


def _chance(fields: Sequence[Field]) -> np.ndarray:
    """(d, 4) how random pairs of rows compare."""
    n = len(fields[0].codes)
    rng = np.random.default_rng(0)
    left, right = rng.integers(0, n, (2, min(RANDOM_PAIRS, max(RANDOM_CELLS // len(fields), 500))))
    other = left != right
    compared = levels(fields, left[other], right[other])
    counts = np.stack([(compared == level).sum(0) for level in range(4)], axis=1).astype(np.float64)
    counts[:, MISSING] = 0
    counts += [0, 1, 1, 1]
    return counts / counts.sum(1, keepdims=True)


def _copies(compared: np.ndarray, left: np.ndarray, right: np.ndarray, n: int) -> np.ndarray:
    """Rows that look like the copy of another one, left out where fields are asked how they hang together.

    Groups of more than three are no copies but the way the table is: a customer's orders, a hospital's measures.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    filled = (compared != MISSING).sum(1)
    close = (compared == EQUAL).sum(1) >= COPY_SHARE * np.maximum(filled, 1)
    graph = coo_array((np.ones(int(close.sum())), (left[close], right[close])), shape=(n, n))
    _, group = connected_components(graph, directed=False)
    sizes = np.bincount(group)[group]
    _, first = np.unique(group, return_index=True)
    later = np.ones(n, dtype=bool)
    later[first] = False
    return np.flatnonzero(later & (sizes <= COPY_GROUP))


def _dependence(fields: Sequence[Field], rows: np.ndarray, agreement: np.ndarray) -> np.ndarray:
    """(d, d) bits that equality in field j adds where field i is equal, at most what it says on its own."""
    d = len(fields)
    rng = np.random.default_rng(0)
    most = max(500, DEPENDENCE_WORK // max(d * min(d, MOST_PARENTS), 1))
    rows = np.sort(rng.permutation(rows)[:most])
    codes = [field.codes[rows] for field in fields]
    given = np.full((d, d), np.inf)
    alone = [_pairs_within(code) for code in codes]
    telling = np.argsort(agreement, kind="stable")
    parents, rest = telling[:MOST_PARENTS].tolist(), telling[MOST_PARENTS:].tolist()
    for place, i in enumerate(parents):
        for j in (*parents[:place], *rest):
            both_filled = (codes[i] >= 0) & (codes[j] >= 0)
            joint = np.where(both_filled, codes[i] * (len(fields[j].counts) + 1) + codes[j], -1)
            both = _pairs_within(joint)
            for first, second in ((i, j), (j, i)):
                expected = agreement[second]
                if expected > 0:
                    # A few pairs are no proof that one field follows from the other.
                    share = (both + 10 * expected) / (alone[first] + 10)
                    given[first, second] = -np.log2(np.clip(share, expected, 1.0))
    return given


def _pairs_within(codes: np.ndarray) -> float:
    counts = np.unique(codes[codes >= 0], return_counts=True)[1].astype(np.float64)
    return float((counts * (counts - 1) / 2).sum())
