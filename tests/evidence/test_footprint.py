"""How the peak memory grows with the rows is told from what is held of each of them."""

from __future__ import annotations

import numpy as np

import curate
from curate.evidence.evidence import Evidence
from curate.evidence.footprint import BLOCKS, Footprint
from curate.evidence.settings import EvidenceSettings


def test_growth_counts_what_is_held_of_each_row() -> None:
    held = Footprint(measured=300, columns=200, width=256, classes=10)
    assert held.growth(1_000, 1_000) == held.growth(1_000, 10) == 0
    of_row = 300 + 2 * 200 + 500 + 4 * 256 + 16 * 10
    of_learned = 4_000 + 16 * 256 + 40 * 10
    assert held.growth(1_000, 51_000) == BLOCKS + 50_000 * (of_row + of_learned)
    # Heads learn from no more than 100,000 rows.
    assert held.growth(1_000, 201_000) == BLOCKS + 200_000 * of_row + 99_000 * of_learned
    learned = Footprint(measured=300, columns=200, width=256, classes=10, learned=True)
    assert learned.growth(0, 1_000) - held.growth(0, 1_000) == 1_000 * 32 * 200
    without = Footprint(measured=300, columns=200, width=0, classes=10)
    assert without.growth(0, 1_000) == BLOCKS + 1_000 * (300 + 400 + 500 + 160)


def test_what_is_held_is_read_off_the_evidence() -> None:
    rows = [{"text": f"number {i} of many", "label": "ab"[i % 2]} for i in range(40)]
    evidence = Evidence(curate.load(rows), EvidenceSettings(encoder="classic"))
    assert evidence.footprint().width == 0
    evidence.measure("text.minhash")
    evidence.embedding()
    held = evidence.footprint()
    assert held.measured >= 128
    assert held.width == evidence.embedding().vectors.shape[1]
    assert held.classes == 2
    assert held.learned  # from n-grams
    texts = evidence.table.column("text")
    assert held.columns >= np.ceil(texts.nbytes / 40)
    evidence.forget(["text.minhash"])
    assert evidence.footprint() == held  # a peak is what was held at once
