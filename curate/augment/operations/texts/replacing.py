"""Words replaced by others that a table has for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from curate.augment.operations.operation import Drawn
from curate.augment.operations.texts.chance import Chance
from curate.augment.operations.texts.edit import WordEdit
from curate.augment.operations.words import join

Table = Mapping[str, Sequence[str]]


def with_others(edit: WordEdit, text: str, table: Table, drawn: Drawn, chance: Chance) -> str:
    """The text with some words replaced by one that the table has for them, in the case of the word that was there."""
    words, gaps, free = edit._words(text, table)
    fit = [i for i in free if words[i] in table or words[i].lower() in table]
    for place in edit._places(len(fit), drawn, chance):
        i = fit[place]
        word = words[i]
        options = table.get(word) or table[word.lower()]
        made = cased(chance.one(options), word)
        if made == word:
            # What a table calls another word may differ from it by case alone.
            made = next((other for option in options if (other := cased(option, word)) != word), word)
        words[i] = made
    return join(words, gaps)


def cased(other: str, word: str) -> str:
    """`other` in upper case or with a capital where the word is so."""
    if word[0].islower() or not word[0].isupper():
        return other
    if len(word) > 1 and word.isupper():
        return other.upper()
    return other[0].upper() + other[1:]


def tabled(path: str, purpose: str) -> dict[str, tuple[str, ...]]:
    """word -> others, of a text file with one word and its others per line, separated by tabs (UTF-8).

    Raises:
        ConfigError: there is no such file, or a line has no other word.
    """
    from pathlib import Path

    from curate.errors import ConfigError

    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{purpose}: the file {path!r} can't be read: {error}") from None
    table: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        word, *others = [part.strip() for part in line.split("\t")]
        if not word or not any(others):
            raise ConfigError(
                f"{path}, line {number}: a word and its others, separated by tabs, expected; found {line[:60]!r}"
            )
        table[word] = (*table.get(word, ()), *(other for other in others if other and other != word))
    return {word: tuple(dict.fromkeys(others)) for word, others in table.items() if others}
