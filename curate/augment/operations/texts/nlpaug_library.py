"""nlpaug's own augmenters, with their global random state seeded and put back."""

from __future__ import annotations

import json
import random
import threading
from functools import lru_cache
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from curate.augment.operations.operation import Drawn, named
from curate.augment.operations.texts.chance import Chance
from curate.augment.operations.texts.edit import TextOperation
from curate.augment.operations.texts.scripts import SCRIPTS, UNSPACED
from curate.errors import ConfigError, MissingPackage

AUGMENTERS = {
    "KeyboardAug": "char",
    "OcrAug": "char",
    "RandomCharAug": "char",
    "RandomWordAug": "word",
    "SplitAug": "word",
    "SpellingAug": "word",
    "ReservedAug": "word",
    "AntonymAug": "word",
    "SynonymAug": "word",
}
"""Augmenter of nlpaug -> the module that has it. Those that load models by pickle or from the network are left out."""
_ONE_AT_A_TIME = threading.Lock()


class Nlpaug(TextOperation):
    """An augmenter of nlpaug by its own name and parameters.

    It works with Python's and NumPy's global random state, which are seeded for each text and put back as they were.
    It does nothing in scripts without blanks between words, and is refused there. Blanks and line ends may come back
    otherwise than they were. What the settings keep is cut out first, and put back.

    Cost: 100 to 300 microseconds for a sentence, 10 times that of this library's own operations; those of
    words load torch and transformers. Source: nlpaug 1.1.11 (Ma, 2019).
    """

    scripts: ClassVar[tuple[str, ...]] = tuple(script for script in SCRIPTS if script not in UNSPACED)
    instead: ClassVar[str] = "nlpaug returns such texts as they are; use this library's own operations"

    augmenter: Literal[
        "KeyboardAug", "OcrAug", "RandomCharAug", "RandomWordAug", "SplitAug", "SpellingAug", "ReservedAug",
        "AntonymAug", "SynonymAug",
    ] = Field(description=f"one of {', '.join(AUGMENTERS)}")  # fmt: skip
    parameters: dict[str, Any] = Field({}, description="its parameters by nlpaug's names (aug_p, aug_max, action)")

    @model_validator(mode="after")
    def _it_can_be_made(self) -> Self:
        self._made()
        return self

    def _made(self) -> Any:
        return _augmenter(self.augmenter, json.dumps(self.parameters, sort_keys=True))

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        made, place = [], 0
        for begin, end in [*self._kept(text), (len(text), len(text))]:
            made += [self._part(text[place:begin], chance), text[max(place, begin) : end]]
            place = max(place, end)
        return "".join(made)

    def _part(self, part: str, chance: Chance) -> str:
        """A part between what is kept, with the blanks around it as they were."""
        inner = part.strip()
        if not any(letter.isalnum() for letter in inner):
            return part
        begin = part.index(inner)
        return part[:begin] + _seeded(self._made(), inner, chance.below(1 << 32)) + part[begin + len(inner) :]


def _seeded(augmenter: Any, text: str, seed: int) -> str:
    with _ONE_AT_A_TIME:
        before, numbers = random.getstate(), np.random.get_state()
        random.seed(seed)
        np.random.seed(seed)
        try:
            made = augmenter.augment(text)
        finally:
            random.setstate(before)
            np.random.set_state(numbers)
    # An empty list is nlpaug's answer to a text in which it finds nothing.
    return made[0] if isinstance(made, list) and made else text if not isinstance(made, str) else made


@lru_cache(maxsize=32)
def _augmenter(name: str, parameters: str) -> Any:
    import importlib
    from importlib.util import find_spec

    if find_spec("nlpaug") is None:
        raise MissingPackage("nlpaug", "text", f"the operation nlpaug ({name})")
    from curate.evidence.encoders.torch_models import guard_torchaudio

    # nlpaug imports transformers, and that a torchaudio which may not fit.
    guard_torchaudio()
    try:
        module = importlib.import_module(f"nlpaug.augmenter.{AUGMENTERS[name]}")
        augmenter = getattr(module, name)(**json.loads(parameters))
        # The data that some need (NLTK's) is missed at the first text only.
        _seeded(augmenter, "The quick brown fox is very happy today.", 0)
    except LookupError as error:
        missing = next((line.strip() for line in str(error).splitlines() if "Resource" in line), str(error))
        raise ConfigError(f"{name} of nlpaug needs data of NLTK that is not installed: {missing}") from error
    except (TypeError, ValueError, AttributeError, ImportError, OSError) as error:
        raise ConfigError(f"{name} of nlpaug can't be made with {parameters}: {error}") from error
    return augmenter


OPERATIONS = named(globals())
