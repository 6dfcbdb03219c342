"""Reading synonyms from the files of WordNet's database, where somebody has installed it."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

from curate.errors import DataError

_KINDS = ("noun", "verb", "adj", "adv")
_PLAIN = """
a about after all also am an and any are as at be because been before being but by can could did do does done
for from get go got had has have he her here hers him his how i if in into is it its just like made make may
me might more most must my no not now of off on one only or our out over own put see set shall she should so
some such take than that the their them then there these they this those to too under up us very was we well
were what when where which who whom why will with would you your
"""
"""Words of so many senses, or of so little, that the first synonym is nearly always a wrong one."""


def folder(given: str) -> Path:
    """Where the database is: the folder named, or for ``auto`` the first of the usual ones.

    Raises:
        DataError: no database there, or anywhere.
    """
    places = [Path(given)] if given != "auto" else _usual()
    for place in places:
        if (place / "index.noun").is_file() and (place / "data.noun").is_file():
            return place
    looked = ", ".join(str(place) for place in places)
    raise DataError(
        f"synonyms: no WordNet database (index.noun, data.noun) in {looked}; install it (Debian wordnet-base, or"
        " nltk.download('wordnet') and unzip it) and name its folder in `wordnet`, or make a file of synonyms from your"
        " own texts with curate.augment.corpus_synonyms"
    )


def _usual() -> list[Path]:
    named = [os.environ[name] for name in ("WNSEARCHDIR",) if os.environ.get(name)]
    if os.environ.get("WNHOME"):
        named.append(str(Path(os.environ["WNHOME"]) / "dict"))
    roots = [root for root in os.environ.get("NLTK_DATA", "").split(os.pathsep) if root]
    roots += [
        str(Path.home() / "nltk_data"),
        str(Path(sys.prefix) / "nltk_data"),
        "/usr/share/nltk_data",
        "/usr/local/share/nltk_data",
    ]
    nltk = [str(Path(root) / "corpora" / "wordnet") for root in roots]
    return [Path(place) for place in (*named, *nltk, "/usr/share/wordnet", "/usr/local/share/wordnet")]


@cache
def synonyms(given: str) -> dict[str, tuple[str, ...]]:
    """word -> its synonyms in the sense that is commonest, over all kinds of word.

    Other senses are left out: most of their words do not fit where the word stands.

    Raises:
        DataError: no database.
    """
    place = folder(given)
    plain = frozenset(_PLAIN.split())
    best: dict[str, tuple[int, tuple[str, ...]]] = {}
    for kind in _KINDS:
        if not (place / f"index.{kind}").is_file() or not (place / f"data.{kind}").is_file():
            continue
        sets = _synsets(place / f"data.{kind}")
        for line in (place / f"index.{kind}").read_text(encoding="utf-8").splitlines():
            if line.startswith(" "):
                continue
            lemma, _, _, pointers, *rest = line.split()
            tagged, first = int(rest[int(pointers) + 1]), rest[int(pointers) + 2]
            if lemma in plain or "_" in lemma or len(lemma) < 3:
                continue
            others = tuple(word for word in sets.get(first, ()) if word.lower() != lemma)
            if lemma not in best or tagged > best[lemma][0]:
                best[lemma] = (tagged, others)
    return {lemma: others for lemma, (_, others) in best.items() if others}


def _synsets(path: Path) -> dict[str, tuple[str, ...]]:
    """offset -> its words."""
    sets = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            continue
        offset, _, _, count, *rest = line.split(" ")
        words = rest[: 2 * int(count, 16) : 2]
        # Adjectives may carry a mark of their place, as in "ready(p)".
        sets[offset] = tuple(word.split("(")[0].replace("_", " ") for word in words)
    return sets
