"""Operations on text by name, gathered from the files of `texts`."""

from __future__ import annotations

from curate.augment.operations.operation import Operation
from curate.augment.operations.texts import (
    characters,
    contextual,
    entities,
    hangul,
    homophones,
    kana,
    keyboard,
    marks,
    nlpaug_library,
    sentences,
    shapes,
    spelling,
    synonyms,
    translation,
    typos,
    word_edits,
)

_MODULES = (
    *(characters, contextual, entities, hangul, homophones, kana, keyboard, marks, nlpaug_library, sentences, shapes),
    *(spelling, synonyms, translation, typos, word_edits),
)
OPERATIONS: dict[str, type[Operation]] = {
    name: operation for module in _MODULES for name, operation in module.OPERATIONS.items()
}
