"""Words replaced or added by what a language model expects in their place."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from curate.augment.operations.operation import Drawn, named
from curate.augment.operations.texts.chance import Chance
from curate.augment.operations.texts.edit import WordEdit
from curate.augment.operations.texts.models import loaded, token_limit
from curate.augment.operations.texts.replacing import cased
from curate.augment.operations.texts.word_edits import bare
from curate.augment.operations.words import join

PURPOSE = "contextual_words"


class ContextualWords(WordEdit):
    """Asks a fill-mask model of transformers what else could stand in the place of words, or between them.

    All chosen words of a text are masked at once. Of the model's best `candidates` (whole words of letters, another
    than the one that was there) one is taken by equal chance. The model is loaded once per process; answers of
    another machine may differ where two candidates come out equally likely to the last bits.

    Cost: one pass of the model per text: 30 milliseconds for a model of the size of BERT on one core. Source:
    Kobayashi, Contextual augmentation, 2018; Wu and others, Conditional BERT, 2018.
    """

    model: str = Field(min_length=1, description="name of a fill-mask model of transformers, or its folder")
    action: Literal["replace", "insert"] = Field("replace", description="replace words, or insert some between them")
    candidates: int = Field(20, ge=1, le=1000, description="how many of the model's best answers are chosen from")
    device: Literal["cpu", "cuda"] = Field("cpu", description="where the model runs; workers that are forked need cpu")

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        words, gaps, free = self._words(text)
        if not free:
            return text
        tokenizer, model = loaded(self.model, "AutoModelForMaskedLM", PURPOSE, self.device)
        places = [free[i] for i in self._places(len(free), drawn, chance)]
        masked = list(words)
        for i in places:
            # A model for a script without blanks has one token per character.
            mask = tokenizer.mask_token * (len(words[i]) if bare(words[i]) and self.action == "replace" else 1)
            masked[i] = mask if self.action == "replace" else f"{words[i]}{'' if bare(words[i]) else ' '}{mask}"
        answers = _answers(tokenizer, model, join(masked, gaps), self.candidates)
        for i in places:
            count = len(words[i]) if bare(words[i]) and self.action == "replace" else 1
            mine, answers = answers[:count], answers[count:]
            if len(mine) < count:
                break
            words[i] = self._answered(words[i], mine, chance)
        return join(words, gaps)

    def _answered(self, word: str, answers: list[list[str]], chance: Chance) -> str:
        if self.action == "insert":
            return f"{word}{'' if bare(word) else ' '}{chance.one(answers[0])}" if answers[0] else word
        if bare(word):
            letters = [chance.one(fit) if (fit := _single(options)) else old for options, old in zip(answers, word)]
            return "".join(letters)
        fit = [made for option in answers[0] if (made := cased(option, word)).lower() != word.lower()]
        return chance.one(fit) if fit else word


def _single(options: list[str]) -> list[str]:
    return [option for option in options if len(option) == 1 and bare(option)]


def _answers(tokenizer: Any, model: Any, text: str, count: int) -> list[list[str]]:
    """For each mask of a text, in order, the best answers that are whole words of letters; none for a mask cut off."""
    import torch

    limit = token_limit(tokenizer, model)
    given = tokenizer(text, return_tensors="pt", truncation=True, max_length=limit).to(model.device)
    where = (given["input_ids"][0] == tokenizer.mask_token_id).nonzero()[:, 0]
    if not len(where):
        return []
    with torch.inference_mode():
        scores = model(**given).logits[0, where].float()
    best = scores.topk(min(4 * count, scores.shape[-1]), dim=-1).indices.tolist()
    return [_words_of(tokenizer, tokens)[:count] for tokens in best]


def _words_of(tokenizer: Any, tokens: list[int]) -> list[str]:
    """What these tokens read as, without pieces of words, marks and special tokens."""
    special = set(tokenizer.all_special_ids)
    pieces = tokenizer.convert_ids_to_tokens(tokens)
    # Byte-level models write the blank before a word as Ġ, SentencePiece as ▁; there a token without it goes on a word.
    marked = (
        "Ġ" if any(piece.startswith("Ġ") for piece in pieces) else "▁" if any(p.startswith("▁") for p in pieces) else ""
    )
    found = []
    for token, piece in zip(tokens, pieces):
        if token in special or piece.startswith("##") or (marked and not piece.startswith(marked)):
            continue
        word = tokenizer.decode([token]).strip()
        if word.isalpha():
            found.append(word)
    return found


OPERATIONS = named(globals())
