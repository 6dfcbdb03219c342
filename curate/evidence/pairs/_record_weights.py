"""What agreement of fields says about whether two records are one: Fellegi and Sunter's weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from curate.evidence.pairs._record_dependence import dependence
from curate.evidence.pairs._record_fields import (
    DIFFERENT,
    EQUAL,
    MISSING,
    WIDE,
    Field,
    equal_share,
    levels,
    side_by_side,
)

ROUNDS, SETTLED_BITS = 25, 0.001
PRIOR_SIMILAR = 0.1
PRIOR_MATCHES = 20.0
"""Matches that are supposed of each field before any was seen: a tenth similar, a third of the most different."""
MOST_DIFFERENT, MOST_CELLS = 0.15, 1.5
"""Share of a field's values, and number of a record's cells on average, that a copy may have changed altogether."""
RANDOM_PAIRS, RANDOM_CELLS, FEWEST_RANDOM = 20_000, 400_000, 200
COPY_SHARE, COPY_GROUP = 0.5, 3
MOST_COPIES = 5
"""Pairs per row that may be matches; what stands further down in the order of evidence is how the table is."""
APART, SERIAL, WIDE_TURNS = 0.5, 0.9, 32
"""Where most of the seeming matches differ in a field, the field tells records apart, unless so large a share of its
values is unique that it only numbers them; of wide tables up to a 32nd of the fields is told apart at a time."""
TOLD_APART = 1e-12
BLOCK_PAIRS, BLOCK_CELLS, NEAR_CELLS = 1 << 16, 1 << 23, 1 << 19
MOST_CELLS_COMPARED, MOST_WIDE_CELLS = 50_000_000, 8_000_000
MOST_PARENTS = 64
"""Fields, the most telling, on which others are asked to depend."""


@dataclass(frozen=True)
class Weights:
    """What is known of the fields.

    Attributes:
        match: (d, 4) probability of each level in a match.
        chance: (d, 4) probability of each level in a pair of random rows.
        given: (k, d) bits that equality in a field adds where one of the k most telling ones is equal; inf where that
            says nothing of it.
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


def most_pairs(n: int, d: int) -> int:
    """Pairs of n rows with d fields that are compared, at most: the most alike ones.

    Of wide tables they are some more than may be matches.
    """
    most = MOST_CELLS_COMPARED // d
    return most if d <= WIDE else min(most, max((MOST_COPIES + 1) * n, MOST_WIDE_CELLS // d))


def nearest(codes: np.ndarray, left: np.ndarray, right: np.ndarray, most: int) -> np.ndarray:
    """Places of the `most` pairs of which the largest share of the fields is equal, ascending."""
    if len(left) <= most:
        return np.arange(len(left))
    return np.sort(np.argsort(-equal_share(codes, left, right), kind="stable")[:most])


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
    codes = side_by_side(fields)
    most_alike = nearest(codes, left, right, most_pairs(n, d))
    left, right = left[most_alike], right[most_alike]
    compared = levels(fields, left, right)
    agreement = np.array([field.agreement for field in fields])
    order = np.argsort(agreement, kind="stable")
    alone = np.setdiff1d(np.arange(n), _copies(compared, left, right, n))
    given = dependence(codes, order[:MOST_PARENTS], alone, agreement)
    prior_bits = -float(np.log2(n))
    weights = Weights(np.tile(_supposed(d), (d, 1)), _chance(fields), given, order, np.ones(d, dtype=bool), prior_bits)
    apart, at_once = np.zeros(d, dtype=bool), 1 if d <= WIDE else d // WIDE_TURNS
    equal = equality_bits(weights, fields, compared, left)
    for _ in range(d + 1):
        weights, probability = _converged(weights, compared, equal, n, apart)
        differs = np.where(compared == MISSING, 0.0, compared == DIFFERENT).T @ probability
        filled = (compared != MISSING).T @ probability
        odd = (differs > APART * filled) & (filled > 1) & ~apart & weights.counted
        if not odd.any():
            break
        share = np.where(odd, differs / np.maximum(filled, 1e-9), -1)
        worst = np.argsort(-share, kind="stable")[: min(at_once, int(odd.sum()))]
        serial = np.array([(fields[k].counts == 1).sum() >= SERIAL * len(fields[k].counts) for k in worst.tolist()])
        apart[worst[~serial]] = True
        if serial.any():
            weights.counted[worst[serial]] = False
            equal = equality_bits(weights, fields, compared, left)
    return weights


def _converged(
    weights: Weights, compared: np.ndarray, equal: np.ndarray, n: int, apart: np.ndarray
) -> tuple[Weights, np.ndarray]:
    """The weights after some rounds, and the (p,) probabilities of the candidates."""
    d = compared.shape[1]
    probability = np.zeros(len(compared))
    for _ in range(ROUNDS):
        evidence = _evidence(weights, compared, equal)
        weights = replace(weights, trust=_trust(evidence, n))
        probability = _probability(weights, evidence)
        counts = np.stack([probability @ (compared == level) for level in range(4)], axis=1)
        counts[:, MISSING] = 0
        counts += PRIOR_MATCHES * _supposed(d)
        match = counts / counts.sum(1, keepdims=True)
        most = np.where(apart, TOLD_APART, _most_different(d))
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
    order = weights.order[weights.counted[weights.order]]
    parents = weights.counted[weights.order[: len(weights.given)]]
    given = weights.given[parents][:, order]
    counted = [fields[place] for place in order.tolist()]
    own = [-np.log2(np.maximum(field.counts, 2) / max(len(field.codes), 2)) for field in counted]
    of_value = np.concatenate([np.zeros(1), *own])  # the first one of fields without any value
    begin = np.cumsum([1, *(len(bits) for bits in own[:-1])]) * np.array([len(bits) > 0 for bits in own])
    codes, total = side_by_side(counted), np.zeros(len(left))
    for part in _blocks(len(left), len(order), NEAR_CELLS):
        equal = compared[part][:, order] == EQUAL
        added = np.full(equal.shape, np.inf)
        for place, said in enumerate(given):
            rows = np.flatnonzero(equal[:, place])
            added[rows, place + 1 :] = np.minimum(added[rows, place + 1 :], said[place + 1 :])
        bits = np.minimum(of_value[begin + np.maximum(codes[left[part]], 0)], added)
        # One after the other, so that the sum is the same whatever the blocks.
        total[part] = np.cumsum(np.where(equal, np.maximum(bits, 0.0), 0.0), axis=1)[:, -1]
    return total


def _blocks(pairs: int, fields: int, cells: int) -> list[slice]:
    step = max(1, min(BLOCK_PAIRS, cells // fields))
    return [slice(first, first + step) for first in range(0, pairs, step)]


def match_probability(weights: Weights, fields: Sequence[Field], left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) float64 probability that two records are one."""
    out = np.zeros(len(left))
    for part in _blocks(len(left), len(fields), BLOCK_CELLS):
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
    left, right = rng.integers(0, n, (2, min(RANDOM_PAIRS, max(RANDOM_CELLS // len(fields), FEWEST_RANDOM))))
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
