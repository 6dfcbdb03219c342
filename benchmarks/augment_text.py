"""Operations on text beside nlpaug: texts per second in one run, and the share of texts that each changes by language.

    python -m benchmarks.augment_text [--data ../shared/data] [--texts 1000]

Both libraries get the same English questions (banking77) in turn, fifteen rounds, the best of each counts. Ours goes
the whole way of a batch (`Recipe.apply`: seed of the row, draw, change), nlpaug is called as its documentation does.
Words are changed at nlpaug's own rate (30 % of them), characters at 10 %, which is 30 % of those of 30 % of the
words.

The second table is of xsid_multilingual: the share of the texts of six characters and more that change when the
language is named; a dash where the operation is refused for it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from curate.augment.operations import build, known
from curate.augment.operations.operation import Operation
from curate.augment.recipe import Recipe
from curate.errors import ConfigError
from curate.randomness import digest

BESIDE = {
    "keyboard_slips": ("KeyboardAug", {}),
    "ocr_slips": ("OcrAug", {}),
    "swap_characters": ("RandomCharAug", {"action": "swap"}),
    "delete_characters": ("RandomCharAug", {"action": "delete"}),
    "insert_characters": ("RandomCharAug", {"action": "insert"}),
    "replace_characters": ("RandomCharAug", {"action": "substitute"}),
    "swap_words": ("RandomWordAug", {"action": "swap"}),
    "delete_words": ("RandomWordAug", {"action": "delete"}),
    "crop_words": ("RandomWordAug", {"action": "crop"}),
    "mask_words": ("RandomWordAug", {"action": "substitute"}),
    "split_words": ("SplitAug", {}),
    "spelling_errors": ("SpellingAug", {}),
    "replace_entities": (
        "ReservedAug",
        {"reserved_tokens": [["card", "account", "phone"], ["money", "cash", "funds"]]},
    ),
}
"""Ours -> the augmenter of nlpaug that does the same, and its parameters."""
OF_WORDS = ("swap_words", "delete_words", "crop_words", "mask_words", "split_words", "spelling_errors")
GIVEN = {
    "replace_entities": {"entities": {"thing": ["card", "account", "phone"], "means": ["money", "cash", "funds"]}},
    "nlpaug": {"augmenter": "RandomWordAug"},
}
MODELS = ("contextual_words", "back_translate")
ROUNDS = 15
SHORTEST = 6


def seconds(work: Callable[[], object]) -> float:
    """How long it takes the processor; other processes on the machine do not count."""
    start = time.thread_time()
    work()
    return time.thread_time() - start


def recipe(name: str) -> Recipe:
    """One operation as the whole recipe."""
    settings = {"fraction": 0.3} if name in OF_WORDS else {}
    return Recipe.from_json(json.dumps([{"step": "augment", "text": [{name: {**settings, **GIVEN.get(name, {})}}]}]))


def speed(texts: list[str]) -> list[tuple[str, float, float]]:
    """(name, ours, nlpaug's) microseconds per text."""
    from curate.evidence.encoders.torch_models import guard_torchaudio

    guard_torchaudio()
    import nlpaug.augmenter.char
    import nlpaug.augmenter.word

    found = []
    for name, (augmenter, parameters) in BESIDE.items():
        module = nlpaug.augmenter.word if hasattr(nlpaug.augmenter.word, augmenter) else nlpaug.augmenter.char
        theirs, ours = getattr(module, augmenter)(**parameters), recipe(name)

        def by_us(made: Recipe = ours) -> None:
            for row, text in enumerate(texts):
                made.apply("text", text, seed=0, epoch=1, row_id=str(row), copy=0)

        def by_nlpaug(made: object = theirs) -> None:
            for text in texts:
                made.augment(text)  # type: ignore[attr-defined]

        by_us()
        by_nlpaug()
        best = [min(times) for times in zip(*[(seconds(by_us), seconds(by_nlpaug)) for _ in range(ROUNDS)])]
        found.append((name, 1e6 * best[0] / len(texts), 1e6 * best[1] / len(texts)))
    return found


def changed(operation: Operation, texts: list[str]) -> float:
    """Share of the texts that it changes, each drawn once."""
    drawn = [operation.drawn_by(digest("benchmark", row), text) for row, text in enumerate(texts)]
    return sum(operation.apply(text, d) != text for text, d in zip(texts, drawn)) / len(texts)


def by_language(texts: dict[str, list[str]], synonyms: dict[str, dict[str, tuple[str, ...]]]) -> dict[str, list[str]]:
    """operation -> share of changed texts by language, as text."""
    table: dict[str, list[str]] = {}
    for name in known("text"):
        if name in MODELS:
            continue
        line = table[name] = []
        for language, own in texts.items():
            settings = {**GIVEN.get(name, {}), "language": language}
            if name in ("synonyms", "eda"):
                settings["synonyms"] = synonyms[language]
            try:
                line.append(f"{changed(build('text', {name: settings}), own):.2f}")
            except ConfigError as error:
                if "can do nothing in this language" not in str(error):
                    raise
                line.append("-")
    return table


def main() -> int:
    """Both tables."""
    import pyarrow.parquet as pq

    from curate.augment import corpus_synonyms

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("CURATE_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--texts", type=int, default=500)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", module="nlpaug")
    questions = options.data / "banking77" / "train.parquet"
    if questions.is_file():
        texts = pq.read_table(questions)["text"].to_pylist()[: options.texts]
        print(f"{'operation':20} {'ours, us':>9} {'nlpaug, us':>11} {'times':>6}")
        found = speed(texts)
        for name, ours, theirs in found:
            print(f"{name:20} {ours:9.1f} {theirs:11.1f} {theirs / ours:6.1f}")
        slowest = min(theirs / ours for _, ours, theirs in found)
        print(f"{len(texts)} English texts; the least ratio is {slowest:.1f}\n")
    else:
        print(f"no speed: {questions} is missing")
    several = options.data / "xsid_multilingual" / "valid.parquet"
    if not several.is_file():
        print(f"no languages: {several} is missing")
        return 0
    rows = pq.read_table(several, columns=["lang", "text"]).to_pylist()
    of = {
        lang: [r["text"] for r in rows if r["lang"] == lang]
        for lang in ("zh", "en", "de", "nl", "da", "it", "tr", "ar")
    }
    synonyms = {lang: corpus_synonyms(own, min_count=2, min_similarity=0.3) for lang, own in of.items()}
    long = {lang: [text for text in own if len(text) >= SHORTEST] for lang, own in of.items()}
    print(f"{'operation':20}" + "".join(f"{lang:>6}" for lang in long))
    for name, line in by_language(long, synonyms).items():
        print(f"{name:20}" + "".join(f"{share:>6}" for share in line))
    print("texts: " + ", ".join(f"{lang} {len(own)}" for lang, own in long.items()))
    print("synonyms and eda: learned from the 300 texts of each language; replace_entities: five English words")
    return 0


if __name__ == "__main__":
    sys.exit(main())
