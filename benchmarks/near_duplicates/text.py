"""Edited texts: recall of each edit and false pairs, next to exact Jaccard, datasketch and cosine of the embedding."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import curate
from curate.evidence.measures import by_field
from curate.evidence.measures.text_folding import characters
from curate.evidence.measures.text_shingles import shingles
from curate.evidence.pairs import floor_of
from curate.evidence.pairs import text as method
from curate.evidence.pairs._overlap import text_similarity

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
ROWS = 2_000
SENTENCES = ("Thanks.", "Thank you in advance.", "Please help.", "Let me know soon.", "Sent from my iPhone")
OPENINGS = ("Hi there,", "Hello,", "Quick question:")
Pairs = tuple[np.ndarray, np.ndarray]


def form(text: str, rng: random.Random) -> str:
    """Case, punctuation and white space."""
    return rng.choice(
        [text.upper(), re.sub(r"[,.?!]", "", text.lower()), text.title() + " !!", text.replace(" ", "  ")]
    )


def typo_or_word(text: str, rng: random.Random) -> str:
    """One typo, or one word left out, per 20 words begun."""
    words = text.split()
    for _ in range(max(1, len(words) // 20)):
        place = rng.choice([i for i, word in enumerate(words) if len(word) > 2] or [0])
        word, kind = words[place], rng.randrange(4)
        at = rng.randrange(max(1, len(word) - 1))
        letter = rng.choice("abcdefghijklmnopqrstuvwxyz")
        changed = (word[:at] + word[at + 1 :], word[:at] + letter + word[at + 1 :], word[:at] + letter + word[at:], "")
        words[place] = changed[kind if len(words) > 5 else kind % 3]
    return " ".join(word for word in words if word)


def longer(text: str, rng: random.Random) -> str:
    """A sentence at the end, or a greeting before."""
    return f"{text} {rng.choice(SENTENCES)}" if rng.random() < 0.6 else f"{rng.choice(OPENINGS)} {text}"


def shorter(text: str, rng: random.Random) -> str:
    """10 to 15 % of the words gone at one end."""
    words = text.split()
    gone = max(1, round(len(words) * rng.uniform(0.10, 0.15)))
    return " ".join(words[gone:] if rng.random() < 0.5 else words[:-gone])


EDITS = {"form": form, "typo or word": typo_or_word, "longer": longer, "shorter": shorter}


def ours(texts: list[str]) -> Pairs:
    """MinHash, banding, exact confirmation."""
    column = pa.array(texts, pa.string())
    prints = [by_field(name).measure(column)[name] for name in method.needs(curate.Task(text="text"))]
    left, right = method.candidate_pairs(*prints, np.arange(len(texts)), floor_of(method.MIN_SIMILARITY))
    kept = text_similarity(pa.chunked_array([column]), left, right) >= method.MIN_SIMILARITY
    return left[kept], right[kept]


def exact(texts: list[str]) -> Pairs:
    """All pairs by sparse products: Jaccard of four-character pieces of at least 0.7."""
    from scipy.sparse import csr_array

    hashes, owner = shingles(*characters(texts), 4)
    _, word = np.unique(hashes, return_inverse=True)
    sets = csr_array((np.ones(len(word), np.float32), (owner, word)), shape=(len(texts), int(word.max()) + 1))
    sets.data[:] = 1
    sizes, found = np.diff(sets.indptr), []
    for first in range(0, len(texts), 500):
        common = (sets[first : first + 500] @ sets.T).tocoo()
        row = common.row + first
        alike = (common.data / (sizes[row] + sizes[common.col] - common.data) >= 0.7) & (row < common.col)
        found.append(np.stack([row[alike], common.col[alike]]))
    left, right = np.concatenate(found, axis=1)
    return left, right


def datasketch_lsh(texts: list[str]) -> Pairs:
    """datasketch: MinHash of 128 permutations over five-character pieces, LSH with a threshold of 0.7."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=0.7, num_perm=128)
    folded = [" ".join(text.lower().split()) for text in texts]
    pieces = [{text[i : i + 5].encode() for i in range(max(1, len(text) - 4))} for text in folded]
    found = set()
    for row, sketch in enumerate(MinHash.generator(pieces, num_perm=128, seed=1)):
        found |= {(other, row) for other in index.query(sketch)}
        index.insert(row, sketch)
    left, right = np.array(sorted(found), dtype=np.int64).reshape(-1, 2).T
    return left, right


def embedding(texts: list[str]) -> Pairs:
    """Cosine similarity of the library's embedding of at least 0.9, all pairs."""
    import datasets

    from curate.evidence.evidence import Evidence

    table = curate.load(datasets.Dataset.from_dict({"text": texts}), task=curate.Task(text="text"))
    vectors, found = np.nan_to_num(Evidence(table).embedding().vectors), []
    for first in range(0, len(texts), 1_000):
        row, other = np.nonzero(vectors[first : first + 1_000] @ vectors.T >= 0.9)
        found.append(np.stack([row + first, other])[:, row + first < other])
    left, right = np.concatenate(found, axis=1)
    return left, right


PEERS: dict[str, Callable[[list[str]], Pairs]] = {
    "curate": ours,
    "exact Jaccard": exact,
    "datasketch": datasketch_lsh,
    "embedding": embedding,
}


def line(name: str, find: Callable[[list[str]], Pairs], texts: list[str], rows: int) -> str:
    """One way of finding pairs, as a line of the table."""
    began = time.perf_counter()
    try:
        left, right = find(texts)
    except ImportError as error:
        return f"  {name:<14} skipped: {error}"
    seconds = time.perf_counter() - began
    origin, edit = np.arange(len(texts)) % rows, np.arange(len(texts)) // rows
    same = origin[left] == origin[right]
    recall = [(same & (edit[left] == 0) & (edit[right] == k)).sum() / rows for k in range(1, len(EDITS) + 1)]
    every = len(texts) * (len(texts) - 1) / 2
    shown = "  ".join(f"{name} {value:.3f}" for name, value in zip(EDITS, recall))
    false = int((~same).sum())
    return f"  {name:<14} {shown}  false pairs per 10,000: {1e4 * false / every:.3f} ({false:,})  {seconds:6.1f} s"


def run(folder: Path = DATA) -> None:
    """Print the table."""
    for name in ("banking77/train.parquet", "sms_spam/sms.parquet", "clinc150/small.parquet"):
        if not (folder / name).exists():
            print(f"text {name}: skipped, no file {folder / name}")
            continue
        rng = random.Random(0)
        whole = sorted(set(pq.read_table(folder / name)["text"].to_pylist()))
        base = rng.sample(whole, min(ROWS, len(whole)))
        texts = base + [edit(text, rng) for edit in EDITS.values() for text in base]
        usual = np.median([len(text) for text in base])
        print(f"text {name}: {len(base)} texts x {len(EDITS)} edits (median {usual:.0f} characters)")
        for peer, find in PEERS.items():
            print(line(peer, find, texts, len(base)), flush=True)
    print(scale())


def scale(rows: int = 100_000, words: int = 200) -> str:
    """Seconds for many long texts, in this process."""
    rng = np.random.default_rng(0)
    known = np.array(["".join(rng.choice(list("abcdefghijklmnop"), rng.integers(2, 10))) for _ in range(20_000)])
    weights = 1 / np.arange(1, len(known) + 1)
    drawn = known[rng.choice(len(known), (rows // 2, words), p=weights / weights.sum())]
    texts = [" ".join(row) for row in drawn]
    drawn[:, :10] = "other"
    began = time.process_time()
    left, right = ours(texts + [" ".join(row) for row in drawn])
    seconds = time.process_time() - began
    hits = (right - left == rows // 2).sum() / (rows // 2)
    return f"text {rows:,} x {words} words, half of them with ten words changed: {seconds:.1f} CPU s, recall {hits:.3f}"


if __name__ == "__main__":
    run()
