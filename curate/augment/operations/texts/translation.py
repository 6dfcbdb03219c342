"""Texts translated into another language and back."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from curate.augment.operations.operation import Drawn, named
from curate.augment.operations.texts.chance import Chance
from curate.augment.operations.texts.edit import TextOperation
from curate.augment.operations.texts.models import loaded, token_limit

PURPOSE = "back_translate"


class BackTranslate(TextOperation):
    """Translates a text by one model of transformers and back by another, which gives it other words of the same sense.

    Translations are drawn by `temperature` from a seed, or the best ones of a beam. A text that comes back without
    something that the settings keep stays as it is (and counts as unchanged). Models are loaded once per process.

    Cost: two translations per text: 0.3 to 1 second for Marian models on one core; make copies with `repeats` and a
    cache rather than in every epoch. Source: Sennrich and others, Improving neural machine translation models with
    monolingual data, 2016; Edunov and others, Understanding back-translation at scale, 2018 (sampling).
    """

    model: str = Field(min_length=1, description="model that translates (Helsinki-NLP/opus-mt-en-de), or its folder")
    back: str = Field(
        min_length=1, description="model that translates back (Helsinki-NLP/opus-mt-de-en), or its folder"
    )
    from_code: str | None = Field(
        None,
        description="for models of many languages: their code of the texts' language (eng_Latn for NLLB, en for M2M)",
    )
    to_code: str | None = Field(None, description="for models of many languages: their code of the language in between")
    temperature: float = Field(
        0.7, ge=0, le=2, description="how far translations are drawn from the best one; 0 takes the best of the beam"
    )
    beams: int = Field(4, ge=1, le=16, description="width of the beam where the temperature is 0")
    max_tokens: int = Field(256, ge=1, le=4096, description="most tokens of a translation")
    device: Literal["cpu", "cuda"] = Field("cpu", description="where the models run; workers that are forked need cpu")

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        there = self._translated(text, self.model, self.from_code, self.to_code, chance.below(1 << 31))
        made = self._translated(there, self.back, self.to_code, self.from_code, chance.below(1 << 31)) if there else ""
        if not made or any(text[begin:end] not in made for begin, end in self._kept(text)):
            return text
        return made

    def _translated(self, text: str, name: str, source: str | None, target: str | None, seed: int) -> str:
        import torch

        tokenizer, model = loaded(name, "AutoModelForSeq2SeqLM", PURPOSE, self.device)
        settings: dict[str, Any] = {"max_new_tokens": self.max_tokens}
        if self.temperature > 0:
            settings |= {"do_sample": True, "temperature": self.temperature, "num_beams": 1, "top_k": 50}
        else:
            settings |= {"do_sample": False, "num_beams": self.beams}
        if source is not None and hasattr(tokenizer, "src_lang"):
            tokenizer.src_lang = source
        if target is not None:
            settings["forced_bos_token_id"] = tokenizer.convert_tokens_to_ids(target)
        given = tokenizer(text, return_tensors="pt", truncation=True, max_length=token_limit(tokenizer, model))
        given = {name: values.to(model.device) for name, values in given.items() if name != "token_type_ids"}
        # Sampling reads torch's global generator: it is seeded for this text and put back as it was.
        with torch.random.fork_rng(devices=[model.device] if self.device == "cuda" else []), torch.inference_mode():
            torch.manual_seed(seed)
            tokens = model.generate(**given, **settings)
        return tokenizer.decode(tokens[0], skip_special_tokens=True).strip()


OPERATIONS = named(globals())
