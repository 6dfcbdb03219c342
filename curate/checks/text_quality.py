"""Texts that are empty, odd, garbled, of the wrong language, repeated, senseless, cut off, or that tell secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from curate.checks.judging.bounds import Bounded, findings
from curate.checks.texts import endings, form, language, wording
from curate.checks.texts.corpus import LEAST_TEXTS, SAMPLE, Corpus, learn
from curate.checks.texts.measured import Measured
from curate.evidence.freed import give_back
from curate.evidence.measures.text_contacts import KINDS
from curate.findings import Findings
from curate.step import Check
from curate.task import Task

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

MOST_MIXED = 0.5
"""Share of the training texts in several languages, from which on that is what the set is made of."""
ISSUES = (
    "empty", "too_short", "too_long", "mostly_symbols", "mostly_digits", "repeated", "garbled", "mojibake",
    "hidden_characters", "lookalike_letters", "markup", *KINDS, "wrong_language", "mixed_language", "gibberish",
    "boilerplate", "truncated",
)  # fmt: skip


class TextQuality(Check):
    """Finds texts that are not what they should be, each issue by a measured value against a threshold that can be set.

    Form: empty, too_short, too_long, mostly_symbols, mostly_digits, repeated, truncated. Encoding: garbled, mojibake,
    hidden_characters, lookalike_letters. Content: markup, wrong_language, mixed_language, gibberish, boilerplate.
    Contact data and secrets: email, phone, iban, card, secret (masked in the reasons). A threshold of 0 (or none) turns
    its issue off. Lengths, languages, wording and endings are judged against the set's own training texts.

    Reasons say where in the text something stands as ``characters 12-27``: the first character counts 0, and the end is
    the place after the last. Scores are 0.5 at an issue's threshold and fall towards 0 beyond it. Cost: one pass over
    the characters, about 0.2 ms per text of 100 characters, most of it for the language.
    Source: ftfy (Speer 2019) for mojibake; py3langid for languages; after the filters of Gopher (Rae and others 2021).
    """

    modalities = ("text",)
    issues: ClassVar[tuple[str, ...]] = ISSUES

    min_characters: int = Field(2, ge=0, description="too_short: fewer characters than this, where there are any")
    min_words: int = Field(
        0, ge=0, description="too_short: fewer words (Chinese and Japanese characters count as one each)"
    )
    max_words: int = Field(0, ge=0, description="too_long: more words than this; 0 for no fixed limit")
    length_spread: float = Field(
        3.0,
        ge=0,
        description="too_short, too_long: so many times the set's own spread of words (median over 5th percentile, 95th"
        " percentile over median) from the median",
    )
    min_alphabetic_fraction: float = Field(
        0.25, ge=0, le=1, description="mostly_symbols: share of letters, blanks aside; at most half of the set's median"
    )
    max_digit_fraction: float = Field(
        0.5, ge=0, le=1, description="mostly_digits: share of digits, blanks aside; at least twice the set's median"
    )
    max_repeated_fraction: float = Field(
        0.5, ge=0, le=1, description="repeated: share of words in runs of three (or letters within a word) said before"
    )
    max_run: int = Field(12, ge=0, description="repeated: equal letters or digits in a row")
    max_damage: int = Field(
        1, ge=0, description="garbled: replacement and control characters from which a text is flagged"
    )
    max_mojibake: int = Field(
        1, ge=0, description="mojibake: sequences of a wrong decoding (schÃ¶n) from which a text is flagged"
    )
    max_hidden_characters: int = Field(
        1, ge=0, description="hidden_characters: characters nobody sees from which a text is flagged"
    )
    max_lookalike_letters: int = Field(
        1, ge=0, description="lookalike_letters: Latin letters beside Cyrillic or Greek ones, from which it is flagged"
    )
    max_markup: int = Field(1, ge=0, description="markup: tags, entities and placeholders from which a text is flagged")
    languages: tuple[str, ...] = Field(
        (), description="languages (ISO 639) that texts may have; those that are usual in the set if left out"
    )
    max_language_margin: float = Field(
        5.0, ge=0, description="wrong_language: nats by which another language is likelier than any usual one"
    )
    max_mixture_margin: float = Field(
        8.0, ge=0, description="mixed_language: nats by which a part is likelier in another language than the rest"
    )
    max_randomness: float = Field(
        0.5, ge=0, le=1, description="gibberish: letters' surprise, 0 for the usual text, 1 for letters in random order"
    )
    max_passage_share: float = Field(
        0.01, ge=0, le=1, description="boilerplate: share of different texts with one passage (and at least 10 of them)"
    )
    max_ending_share: float = Field(
        0.01, ge=0, le=1, description="truncated: share of uses or texts that end so, below which an ending is odd"
    )
    contacts: tuple[Literal["email", "phone", "iban", "card", "secret"], ...] = Field(
        KINDS, description="kinds of contact data and secrets to look for"
    )
    max_contacts: int = Field(
        1, ge=0, description="email, phone, iban, card, secret: how many from which it is flagged"
    )

    def needs(self, task: Task) -> tuple[str, ...]:
        """The measures behind the issues that are turned on, where the packages for them are installed."""
        return tuple(f"text.{name}" for name in self._fields()) if "text" in task.modalities else ()

    def _fields(self) -> tuple[str, ...]:
        fields: list[str] = [*form.FIELDS]
        if self.min_alphabetic_fraction:
            fields += form.EMOJI
        if self.max_repeated_fraction or self.max_run:
            fields += form.REPETITION
        if self.max_damage or self.max_hidden_characters or self.max_lookalike_letters or self.max_markup:
            fields += form.MARKS
        if self.max_mojibake and form.mojibake_available():
            fields.append("mojibake")
        if self._judges_language("max_language_margin"):
            fields += language.FIELDS[:2]
        if self._judges_language("max_mixture_margin"):
            fields += language.FIELDS[2:]
        if self.contacts and self.max_contacts:
            fields += [f"{kind}_count" for kind in self.contacts]
        return tuple(fields)

    def _judges_language(self, setting: str) -> bool:
        """Whether languages are asked for: left to the default, a missing package only leaves the issue out."""
        asked = bool(self.languages) or setting in self.model_fields_set
        return getattr(self, setting) > 0 and (asked or language.available())

    def find(self, evidence: Evidence) -> Findings:
        """One line per issue that is turned on and active row."""
        table = evidence.table
        rows = np.flatnonzero(evidence.active)
        some = slice(None) if len(rows) == len(table) else rows
        m = Measured(evidence, self._fields(), some)
        texts = _whole(table.column(str(table.task.text)))
        texts = texts if len(rows) == len(texts) else texts.take(pa.array(rows))
        texts = pc.fill_null(texts, "") if texts.null_count else texts
        training = table.training[rows]
        training = training if training.any() else np.ones(len(rows), dtype=bool)
        place = np.full(len(table), -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        sample = place[evidence.order]
        sample = sample[sample >= 0]
        sample = sample[training[sample]][:SAMPLE].copy()
        del place
        give_back(len(rows))
        corpus = learn(texts.take(pa.array(sample))) if len(sample) >= LEAST_TEXTS else None
        give_back(len(rows))
        facts: dict[str, Any] = {"texts_learned_from": len(sample) if corpus else 0}
        found = findings(self.name, evidence, rows, self._issues(texts, m, training, sample, corpus, facts))
        return Findings(found.table, {self.name: {**found.facts[self.name], **facts}})

    def _issues(
        self,
        texts: pa.Array,
        m: Measured,
        training: np.ndarray,
        sample: np.ndarray,
        corpus: Corpus | None,
        facts: dict,
    ) -> Iterator[Bounded]:
        """Issue by issue, none of which is held once the next one is asked for."""
        yield from form.issues(self, texts, m, training)
        foreign = np.zeros(len(texts), dtype=bool)
        if "language" in m:
            judged = training & (m["words"] >= 3)
            judged = judged if judged.any() else training
            usual = language.known(self.languages) or language.usual_languages(m["language"], judged)
            facts["languages"] = list(usual)
            issue = language.wrong_language(texts, m, usual, self.max_language_margin, corpus)
            foreign = issue.score < 0.5 / language.SURE
            yield issue
            del issue
        if "second_language" in m:
            issue = language.mixed_language(texts, m, self.max_mixture_margin)
            mixed = np.count_nonzero(issue.score[training] < 0.5)
            if mixed <= MOST_MIXED * np.count_nonzero(training):
                yield issue
            else:
                facts["not_judged"] = "mixed_language: most texts are in several languages, as translations are"
            del issue
        elif "language" not in m and not language.available() and (self.max_language_margin or self.max_mixture_margin):
            facts["not_judged"] = "languages: the package py3langid is not installed"
        give_back(len(texts))
        yield from self._wording(texts, sample, corpus, foreign, facts)
        give_back(len(texts))
        if self.max_ending_share:
            yield endings.truncated(texts, corpus, self.max_ending_share)

    def _wording(
        self, texts: pa.Array, sample: np.ndarray, corpus: Corpus | None, foreign: np.ndarray, facts: dict
    ) -> Iterator[Bounded]:
        if self.max_randomness and corpus is not None:
            sampled = np.full(len(texts), -1, dtype=np.int32)
            sampled[sample] = np.arange(len(sample))
            letters = wording.letters(texts, corpus, sampled)
            yield wording.gibberish(texts, letters, corpus, self.max_randomness, foreign)
            del letters
        if self.max_passage_share:
            issue, passages = wording.boilerplate(texts, sample, self.max_passage_share, 10)
            if passages:
                facts["passages"] = passages
            yield issue


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """The texts in one piece: of a large set they need not be held twice, and one chunk is copied when combined."""
    texts = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return texts.cast(pa.large_string())
