"""The step that shortens texts to their main sentences, or has a model write summaries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
from pydantic import Field, model_validator

from curate.errors import DataError
from curate.step import Transform
from curate.transforms._columns import noted, replaced, text_column
from curate.transforms.texts.ranking import chosen, rank
from curate.transforms.texts.scripts import UNSPACED
from curate.transforms.texts.sentences import sentence_spans
from curate.transforms.texts.tokens import Tokenizer, tokenizer
from curate.transforms.texts.writers import Writer, writer
from curate.wording import counted, noun

if TYPE_CHECKING:
    from curate.table import Table
    from curate.task import Task

_NO_BLANK = re.compile(rf"[{UNSPACED}。！？、，：；」』）】〉》]$")


class SummarizeText(Transform):
    """Shortens texts of all splits to their main sentences, in their order, or to what a model writes of them.

    A text that is short enough stays as it is. Sentences are found in any script (Chinese, Japanese and Thai, too),
    without a model; sentences that say what a chosen one says already are passed over. Nothing is learned from the
    data: which sentences matter, each text says for itself.
    Cost: about 0.5 ms per short text, 1 ms with 40 sentences; a model takes seconds per text without a GPU.
    Source: Mihalcea and Tarau 2004 (textrank); Erkan and Radev 2004 (lexrank); transformers (abstractive).
    """

    modalities = ("text",)

    method: Literal["lexrank", "textrank", "embedding", "lead", "abstractive"] = Field(
        "lexrank",
        description="sentences most like the others by rare words (lexrank), shared words (textrank) or WordLlama's"
        " vectors (embedding, English); the first ones (lead); or written by `model` (abstractive)",
    )
    sentences: int | None = Field(
        None, ge=1, description="most sentences; 3 if neither this nor tokens nor share is named"
    )
    tokens: int | None = Field(
        None, ge=1, description="most tokens of all sentences, or that a model writes (128 if left out)"
    )
    share: float | None = Field(None, gt=0, le=1, description="largest share of the text's sentences")
    max_similarity: float = Field(
        0.8, gt=0, le=1, description="cosine with a chosen sentence beyond which another one is passed over"
    )
    tokenizer: str = Field(
        "words",
        description="what a token is: words, whitespace, characters, or the name, folder or tokenizer.json of a model"
        " of transformers",
    )
    model: str | None = Field(
        None,
        min_length=1,
        description="name or folder of a sequence-to-sequence model of transformers, for abstractive",
    )
    prefix: str = Field("", description="what is put before each text for the model, e.g. `summarize: `")
    beams: int = Field(1, ge=1, le=32, description="sequences that the model follows at once")
    into: str | None = Field(
        None, min_length=1, description="column that gets the summaries; they take the text's place if left out"
    )

    @model_validator(mode="after")
    def _a_model_is_for_abstractive(self) -> SummarizeText:
        if (self.method == "abstractive") != (self.model is not None):
            raise ValueError("`method: abstractive` and `model` go together")
        if self.method == "abstractive" and (self.sentences or self.share):
            raise ValueError("a model writes up to `tokens` tokens; sentences and share are for the other methods")
        return self

    def refuses(self, task: Task) -> str | None:
        """Labels of single tokens don't fit fewer words."""
        if task.kind == "token_classification" and self.into is None:
            return "summarize_text leaves words out, and here each word has a tag of its own; write `into` a column"
        return super().refuses(task)

    def apply(self, table: Table, fitted: dict[str, Any] | None = None) -> Table:
        """The table with summaries in place of texts, or in a column beside them.

        Raises:
            DataError: the text column holds no text, or the new column is there already.
            ConfigError: the model or tokenizer can't be loaded.
        """
        text = str(table.task.text)
        if self.into is not None and self.into in table.dataset.column_names:
            raise DataError(f"summarize_text: the column {self.into!r} is there already; name another with `into`")
        column = text_column(table, text, self.name)
        # Each text once; what has nothing in it stays.
        encoded = column.combine_chunks().dictionary_encode()
        texts = encoded.dictionary.to_pylist()
        short, cut = self._written(texts) if self.model is not None else (self._extracted(texts), 0)
        summaries = pa.array(short, column.type).take(encoded.indices)
        made = replaced(table, {self.into or text: summaries})
        if not cut:
            return made
        longer = f"{counted(cut, 'text')} {noun(cut, 'was', 'were')} longer than the model reads"
        return noted(made, f"summarize_text: {longer}; it saw the beginning")

    def _extracted(self, texts: list[str]) -> list[str]:
        counter = tokenizer(self.tokenizer)
        return [self._main(text, counter) for text in texts]

    def _main(self, text: str, counter: Tokenizer) -> str:
        spans = sentence_spans(text)
        parts = [text[start:end] for start, end in spans]
        most = self._most(len(parts))
        sizes = counter.count(parts) if self.tokens is not None else None
        if len(parts) < 2 or (len(parts) <= most and (sizes is None or sizes.sum() <= (self.tokens or 0))):
            return text
        scores, vectors = rank(parts, self.method)
        taken = chosen(scores, vectors, sizes if sizes is not None else scores, most, self.tokens, self.max_similarity)
        return _joined([parts[i] for i in taken])

    def _most(self, sentences: int) -> int:
        limits = [sentences]
        if self.sentences is not None or (self.tokens is None and self.share is None):
            limits.append(self.sentences or 3)
        if self.share is not None:
            limits.append(max(1, round(self.share * sentences)))
        return min(limits)

    def _written(self, texts: list[str]) -> tuple[list[str], int]:
        """Summaries by the model, and how many texts it could not read whole. What it leaves empty stays as it was."""
        model: Writer = writer(str(self.model), self.name)
        filled = [i for i, text in enumerate(texts) if text.strip()]
        given = [texts[i] for i in filled]
        if not given:
            return texts, 0
        budget = self.tokens or 128
        sizes = model.tokens(given)
        long = [place for place, size in zip(filled, sizes.tolist()) if size > budget]
        written = model.write([texts[i] for i in long], budget, self.beams, self.prefix)
        result = list(texts)
        for place, summary in zip(long, written):
            result[place] = summary or texts[place]
        room = model.limit - int(model.tokens([self.prefix])[0]) - model.tokenizer.num_special_tokens_to_add()
        return result, int((sizes > room).sum())


def _joined(parts: list[str]) -> str:
    """Sentences behind each other, with a blank between where their script has blanks."""
    text = parts[0]
    for part in parts[1:]:
        text += part if _NO_BLANK.search(text) else f" {part}"
    return text
