"""Near-duplicates of many texts: CPU seconds against datasketch, rensa, and one pass that splits and hashes every word.

    python -m benchmarks.text_dedup [--rows 100000] [--words 200] [--repeats 5] [--json FILE]

A tenth of the documents are copies of others with words replaced, left out and added, and with typos; the share of
words that are edited is drawn per copy, so that similarities lie on both sides of the threshold. Every way starts from
a list of texts and gives pairs: curate by its two MinHashes and exact confirmation, and once more with the loading of a
table; datasketch by `MinHash.bulk`, an index filled in one session, and a query per document; rensa by a sketch, an
index, a query per document and the estimated Jaccard index, one by one or all in one call. The peers get words, and all
get 128 numbers. The truth is the Jaccard index of sequences of five letters, from sets.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from xxhash import xxh3_64_intdigest

from benchmarks._contest import bound, contest, measured, show, write_json

LETTERS = "etaoinsrhldcumfpgwybvk"
COPIES, MOST_EDITED = 0.1, 0.2
BARE = "split and hash"


def documents(rows: int, words: int, seed: int = 0) -> list[str]:
    """Texts of random words by Zipf's law; the last tenth are edited copies of the first."""
    rng = np.random.default_rng(seed)
    letters = np.array(list(LETTERS))
    weights = 1 / np.arange(2, len(letters) + 2)
    sizes = rng.integers(2, 11, 30_000)
    drawn = "".join(rng.choice(letters, sizes.sum(), p=weights / weights.sum()))
    ends = np.cumsum(sizes)
    known = np.array(sorted({drawn[end - size : end] for end, size in zip(ends, sizes)}), dtype=object)
    rng.shuffle(known)
    ranks = np.cumsum(1 / np.arange(5, len(known) + 5))
    copies = int(rows * COPIES)

    def pick(count: int) -> np.ndarray:
        return np.searchsorted(ranks, rng.random(count) * ranks[-1])

    texts: list[str] = []
    for start in range(0, rows - copies, 10_000):
        block = known[pick(min(10_000, rows - copies - start) * words)].reshape(-1, words)
        texts += [" ".join(line) for line in block.tolist()]
    for place in range(copies):
        texts.append(_edited(texts[place].split(), known, pick, rng))
    return texts


def _edited(line: list[str], known: np.ndarray, pick: Callable[[int], np.ndarray], rng: np.random.Generator) -> str:
    places = rng.choice(len(line), int(len(line) * rng.uniform(0.005, MOST_EDITED)), replace=False)
    others = known[pick(len(places))]
    for place, other, kind in zip(places.tolist(), others, rng.integers(0, 4, len(places)).tolist()):
        word = line[place]
        at = int(rng.integers(len(word)))
        line[place] = (other, "", f"{word} {other}", word[:at] + LETTERS[int(rng.integers(22))] + word[at + 1 :])[kind]
    return " ".join(word for word in line if word)


def curate_pairs(texts: list[str]) -> Mapping[str, Any]:
    """Prints, candidates and confirmed pairs of a column of strings."""
    import pyarrow as pa

    from curate.evidence.measurements import registered
    from curate.evidence.pairs import floor_of, text

    column = pa.chunked_array([pa.array(texts, pa.string())])
    found = {name: of for m in registered(text.NEEDS) for name, of in m.measure(column.chunk(0)).items()}
    prints = [found[name] for name in text.NEEDS]
    left, right = text.candidate_pairs(*prints, np.arange(len(texts)), floor_of(text.MIN_SIMILARITY))
    alike = text.text_similarity(column, left, right) >= np.float32(text.MIN_SIMILARITY)
    return {"left": left[alike].tolist(), "right": right[alike].tolist()}


def curate_evidence(texts: list[str]) -> Mapping[str, Any]:
    """The same through the front door: a table is loaded, and its evidence asked for near pairs."""
    import curate
    from curate.evidence.evidence import Evidence

    table = curate.load({"text": texts}, task=curate.Task(kind="unlabeled", text="text"))
    pairs = Evidence(table).near_pairs()
    alike = pairs.similarity >= np.float32(pairs.threshold)
    return {"left": pairs.left[alike].tolist(), "right": pairs.right[alike].tolist()}


def split_and_hash(texts: list[str]) -> Mapping[str, Any]:
    """Every word of every text, hashed one by one."""
    together = 0
    for text in texts:
        for word in text.split():
            together ^= xxh3_64_intdigest(word.encode())
    return {"xor": together}


def datasketch_bulk(texts: list[str]) -> Mapping[str, Any]:
    """MinHash.bulk over words, LSH at 0.7."""
    from datasketch import MinHash, MinHashLSH

    sketches = MinHash.bulk([[word.encode() for word in text.split()] for text in texts], num_perm=128)
    index = MinHashLSH(threshold=0.7, num_perm=128)
    with index.insertion_session() as session:
        for row, sketch in enumerate(sketches):
            session.insert(row, sketch)
    return {"pairs": sum(other > row for row, sketch in enumerate(sketches) for other in index.query(sketch))}


def rensa_one_by_one(texts: list[str]) -> Mapping[str, Any]:
    """A sketch per text, an index, a query per text, and the estimated Jaccard index of each pair."""
    from rensa import RMinHash, RMinHashLSH

    index, sketches = RMinHashLSH(threshold=0.7, num_perm=128, num_bands=32), []
    for row, text in enumerate(texts):
        sketch = RMinHash(num_perm=128, seed=42)
        sketch.update(text.split())
        index.insert(row, sketch)
        sketches.append(sketch)
    found = 0
    for row, sketch in enumerate(sketches):
        found += sum(other > row and sketch.jaccard(sketches[other]) >= 0.7 for other in index.query(sketch))
    return {"pairs": found}


def rensa_bulk(texts: list[str]) -> Mapping[str, Any]:
    """The same with all sketches, and all queries, in one call each."""
    from rensa import RMinHash, RMinHashLSH

    sketches = RMinHash.from_token_sets([text.split() for text in texts], 128, 42)
    index, found = RMinHashLSH(threshold=0.7, num_perm=128, num_bands=32), 0
    index.insert_many(sketches)
    for row, others in enumerate(index.query_all(sketches)):
        found += sum(other > row and sketches[row].jaccard(sketches[other]) >= 0.7 for other in others)
    return {"pairs": found}


WAYS: dict[str, Callable[[list[str]], Mapping[str, Any]]] = {
    BARE: split_and_hash,
    "curate": curate_pairs,
    "curate, with its table": curate_evidence,
    "rensa": rensa_one_by_one,
    "rensa, bulk": rensa_bulk,
    "datasketch, bulk": datasketch_bulk,
}


def pieces(text: str) -> set[str]:
    """Sequences of five letters of a text; its words are set off by one space already."""
    folded = f" {text.lower()} "
    return {folded[place : place + 5] for place in range(len(folded) - 4)}


def jaccard(texts: list[str], pairs: np.ndarray) -> np.ndarray:
    """(p,) Jaccard index of (p, 2) pairs, by Python's own sets."""
    out = np.empty(len(pairs))
    for place, (left, right) in enumerate(pairs.tolist()):
        one, other = pieces(texts[left]), pieces(texts[right])
        out[place] = len(one & other) / len(one | other)
    return out


def exact_pairs(texts: list[str], rows: np.ndarray, least: float) -> np.ndarray:
    """(p, 2) all pairs among some rows with a Jaccard index of at least `least`, by products of sparse matrices."""
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import CountVectorizer

    folded = [f" {texts[row].lower()} " for row in rows]
    count = CountVectorizer(analyzer="char", ngram_range=(5, 5), lowercase=False, binary=True, dtype=np.int32)
    sets = csr_array(count.fit_transform(folded))
    sizes, found = np.diff(sets.indptr), []
    for first in range(0, len(rows), 250):
        common = (sets[first : first + 250] @ sets.T).tocoo()
        left, right = common.row + first, common.col
        alike = (common.data >= least * (sizes[left] + sizes[right] - common.data)) & (left < right)
        found.append(np.stack([rows[left[alike]], rows[right[alike]]], axis=1))
    return np.concatenate(found)


def quality(texts: list[str], found: np.ndarray, part: int) -> dict[str, float]:
    """F1 of the pairs found, on a part where all pairs are compared, and on the whole: there every pair found and every
    planted one is judged by its exact index."""
    from curate.evidence.pairs.text import MIN_SIMILARITY

    found = np.sort(found.reshape(-1, 2), axis=1)
    copies = int(len(texts) * COPIES)
    planted = np.stack([np.arange(copies), np.arange(len(texts) - copies, len(texts))], axis=1)
    known = np.unique(np.concatenate([found, planted]), axis=0)
    true = known[jaccard(texts, known) >= MIN_SIMILARITY]
    half = min(part // 2, copies)
    rows = np.concatenate([np.arange(half), np.arange(len(texts) - copies, len(texts) - copies + half)])
    exact = exact_pairs(texts, rows, MIN_SIMILARITY)
    inside = found[np.isin(found, rows).all(1)]
    return {
        "pairs": len(found),
        "f1": f1(found, true, len(texts)),
        "rows_of_part": len(rows),
        "exact_pairs_of_part": len(exact),
        "f1_of_part": f1(inside, np.sort(exact, axis=1), len(texts)),
    }


def f1(found: np.ndarray, true: np.ndarray, n: int) -> float:
    """F1 of (p, 2) pairs found, against the (t, 2) true ones."""
    hits = len(np.intersect1d(found[:, 0] * n + found[:, 1], true[:, 0] * n + true[:, 1]))
    return 2 * hits / max(len(found) + len(true), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--words", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--part", type=int, default=4_000, help="rows of which all pairs are compared exactly")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--texts", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        texts = given.texts.read_text().splitlines()
        try:
            WAYS[given.one](texts[:200])  # what is imported and set up once is no cost of a text
            measured(lambda: WAYS[given.one](texts))
        except ImportError as error:
            print(error, file=sys.stderr)
            raise SystemExit(3) from None
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.txt"
        texts = documents(given.rows, given.words)
        path.write_text("\n".join(texts))
        results = contest("benchmarks.text_dedup", list(WAYS), ["--texts", str(path)], given.repeats)
    print(f"{given.rows:,} documents of {given.words} words; medians of {given.repeats}")
    show(results, given.rows, BARE)
    ours = results["curate"]
    judged = quality(texts, np.array([ours.more.pop("left"), ours.more.pop("right")]).T, given.part)
    for name in ("left", "right"):
        results["curate, with its table"].more.pop(name)
    cheapest = np.nanmin([results[way].median_cpu for way in ("rensa", "rensa, bulk")])
    bounds = [
        bound("datasketch / curate", results["datasketch, bulk"].median_cpu / ours.median_cpu, 7, True),
        bound("curate / rensa, the cheaper way", ours.median_cpu / float(cheapest), 1, False),
        bound("curate / split and hash", ours.median_cpu / results[BARE].median_cpu, 2, False),
        bound("pair F1 against exact Jaccard", judged["f1"], 0.98, True),
        bound(f"pair F1, all pairs of {judged['rows_of_part']:,} rows", judged["f1_of_part"], 0.98, True),
    ]
    ours.more.update(judged)
    write_json(given.json, results, bounds, given.rows)


if __name__ == "__main__":
    main()
