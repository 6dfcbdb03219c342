"""The slips that are usual in the language of each text."""

from __future__ import annotations

from functools import lru_cache

from curate.augment.operations.operation import Drawn, named
from curate.augment.operations.texts.chance import Chance
from curate.augment.operations.texts.characters import DeleteCharacters, RepeatCharacters, SwapCharacters
from curate.augment.operations.texts.edit import Edit
from curate.augment.operations.texts.hangul import HangulSlips
from curate.augment.operations.texts.homophones import Homophones, with_pypinyin
from curate.augment.operations.texts.kana import KanaSlips
from curate.augment.operations.texts.keyboard import KeyboardSlips
from curate.augment.operations.texts.scripts import SCRIPT_OF, script_of
from curate.augment.operations.texts.shapes import OcrSlips

_ALWAYS = (SwapCharacters, DeleteCharacters)


class Typos(Edit):
    """The slips that are usual in the language of each text, one kind per text, by equal chance.

    Keys missed, letters swapped, lost or typed twice; in Chinese characters that sound alike (that look alike, where
    pypinyin is not installed), in Japanese kana, in Korean the letters of a syllable. A kind that finds nothing to
    change gives way to the next. For sets in several languages.

    Cost: 25 microseconds for a sentence. Source: the operations keyboard_slips, homophones, kana_slips, hangul_slips,
    swap_characters, delete_characters, repeat_characters.
    """

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        script = script_of(text) if self.language == "auto" else SCRIPT_OF[self.language]
        shared = (self.language, self.keep, self.keep_pattern, self.fraction, self.max_changes)
        for edit in chance.shuffled(_edits(script, *shared)):
            made = edit._changed(text, drawn, chance)
            if made != text:
                return made
        return text


@lru_cache(maxsize=256)
def _edits(
    script: str | None,
    language: str,
    keep: tuple[str, ...],
    keep_pattern: str | None,
    fraction: float,
    max_changes: int | None,
) -> tuple[Edit, ...]:
    own: tuple[type[Edit], ...] = (KeyboardSlips, RepeatCharacters)
    if script == "han":
        own = (Homophones,) if with_pypinyin() else (OcrSlips,)
    elif script == "kana":
        own = (KanaSlips, KeyboardSlips)
    elif script == "hangul":
        own = (HangulSlips, KeyboardSlips)
    only_once: dict[type[Edit], dict[str, int]] = {RepeatCharacters: {"max_repeats": 1}}
    settings = {"language": language, "keep": keep, "keep_pattern": keep_pattern, "max_changes": max_changes}
    return tuple(
        kind.model_construct(**{name: field.default for name, field in kind.model_fields.items()})
        .model_copy(update={**settings, "fraction": fraction, **only_once.get(kind, {})})
        for kind in (*own, *_ALWAYS)
    )  # fmt: skip


OPERATIONS = named(globals())
