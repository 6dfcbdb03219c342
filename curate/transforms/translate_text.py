"""The step that adds translated copies of texts, or puts translations in their place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from curate.errors import ConfigError, DataError, nearest
from curate.ledger import Decisions
from curate.randomness import digest
from curate.step import Transform
from curate.transforms import _made_rows as made
from curate.transforms._columns import learnable, noted, replaced, text_column
from curate.transforms.texts.passages import passages, put_together
from curate.transforms.texts.writers import writer

if TYPE_CHECKING:
    from curate.table import Table
    from curate.task import Task

Translate = Callable[[list[str], str, str], Sequence[str | None]]
"""(texts, code of their language or "", code of the wanted language) -> as many translations, None for none."""
_TRANSLATORS: dict[str, Translate] = {}


def register(name: str, translate: Translate) -> None:
    """Make a Python function known as a translator, for the setting `translator`.

    A pipeline file names functions by such names alone, never by where they stand: opening a file must run no code.

    Args:
        name: for `translate_text: {translator: name}`.
        translate: gives a translation for each text, or None; must not depend on which texts stand together.
    """
    _TRANSLATORS[name] = translate


class TranslateText(Transform):
    """Adds copies of training rows in other languages, for models that must read several, or replaces all texts.

    A copy has the label and the other columns of its row, the id ``parent#i``, and the group of its parent (a task
    without groups gets the column `<text>_parent`); `<text>_language` says in which language a copy is. A translation
    that is empty or equal to the text makes no copy, and is counted in the run's notes. Long texts go through a model a
    few sentences at a time. New rows at inference are not copied. Nothing is learned from the data.
    Cost: that of the model; without a GPU a second or so per sentence.
    Source: sequence-to-sequence models of transformers; any function by `curate.transforms.translate_text.register`.
    """

    modalities = ("text",)

    languages: tuple[str, ...] = Field(
        (), description="codes of the languages to translate to, as the model or function knows them; a copy for each"
    )
    model: str | None = Field(
        None,
        min_length=1,
        description="name or folder of a translation model of transformers; {target} in it stands for the language,"
        " e.g. Helsinki-NLP/opus-mt-en-{target}",
    )
    translator: str | None = Field(
        None,
        min_length=1,
        description="name of a Python function that was registered as a translator, in place of model",
    )
    source: str = Field("", description="code of the language of the texts, for models and functions that ask for it")
    mode: Literal["add", "replace"] = Field(
        "add",
        description="add copies of training rows, or replace the texts of all rows by their translation",
    )
    share: float = Field(
        1.0,
        gt=0,
        le=1,
        description="share of the training rows that are copied, chosen by their ids, for each language",
    )
    weight: Literal["share", "same"] = Field(
        "same", description="a row and its copies weigh as much as one row together (share), or each as one"
    )
    prefix: str = Field("", description="what is put before each text for the model; {target} stands for the language")
    max_new_tokens: int = Field(256, ge=1, le=100_000, description="most tokens that the model writes at a time")
    beams: int = Field(1, ge=1, le=32, description="sequences that the model follows at once")

    @model_validator(mode="after")
    def _one_translator(self) -> TranslateText:
        if self.model is not None and self.translator is not None:
            raise ValueError("name a model or a translator, not both")
        if self.mode == "replace" and len(self.languages) > 1:
            raise ValueError("`mode: replace` translates into one language")
        if self.mode == "replace" and self.share < 1:
            raise ValueError("share is for `mode: add`")
        if len(set(self.languages)) != len(self.languages):
            raise ValueError("languages names a language twice")
        return self

    @property
    def replayed(self) -> bool:
        """Copies are for training alone."""
        return self.mode == "replace"

    def refuses(self, task: Task) -> str | None:
        """Without languages and something that translates, or where single words have labels."""
        if task.kind == "token_classification":
            return "translate_text gives other words, and here each word has a tag of its own"
        if not self.languages:
            return "translate_text needs the languages to translate to, e.g. languages: [de, zh]"
        if self.model is None and self.translator is None:
            return "translate_text needs a model of transformers (model) or a registered function (translator)"
        return super().refuses(task)

    def becomes(self, task: Task) -> Task:
        """With a group, and without an embedding of the first language, where copies are added."""
        if self.mode == "replace":
            return task
        return task.model_copy(update={"group": task.group or f"{task.text}_parent", "embedding": None})

    def apply(self, table: Table, fitted: dict[str, Any] | None = None) -> Table:
        """The table with copies behind their rows, or with other texts.

        Raises:
            ConfigError: the model can't be loaded or does not know the language, or no such function is registered.
            DataError: the text column holds no text, or a function gave something else than it should.
        """
        text = str(table.task.text)
        column = text_column(table, text, self.name)
        filled = pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(column), ""), False).to_numpy()
        return self._replaced(table, column, filled) if self.mode == "replace" else self._added(table, column, filled)

    def weigh(self, made_table: Table) -> Decisions:
        """1/n for a training row and its copies, if asked."""
        if self.mode == "replace" or self.weight == "same":
            return Decisions()
        return made.shared_weights(made_table, self.name, "texts that say the same as")

    def _replaced(self, table: Table, column: pa.ChunkedArray, filled: np.ndarray) -> Table:
        rows = np.flatnonzero(filled)
        new, bad = self._translated(column, rows, self.languages[0])
        texts = pa.array(new[~bad].tolist(), column.type)
        mask = np.zeros(len(table), dtype=bool)
        mask[rows[~bad]] = True
        values = pc.replace_with_mask(column.combine_chunks(), pa.array(mask), texts)
        result = replaced(table, {str(table.task.text): values})
        return noted(result, *self._sentences({self.languages[0]: (len(rows), int(bad.sum()))}, "stay as they are"))

    def _added(self, table: Table, column: pa.ChunkedArray, filled: np.ndarray) -> Table:
        text, n = str(table.task.text), len(table)
        marker = f"{text}_language"
        if marker in table.dataset.column_names:
            raise DataError(f"translate_text: the column {marker!r} is there already; rename it")
        rows, parts, texts, codes = [np.arange(n)], [np.full(n, -1)], [], [pa.nulls(n, pa.string())]
        done: dict[str, tuple[int, int]] = {}
        usable = filled & learnable(table)
        for i, language in enumerate(self.languages):
            taken = np.flatnonzero(usable & self._chosen(table, language))
            new, bad = self._translated(column, taken, language)
            done[language] = (len(taken), int(bad.sum()))
            rows.append(taken[~bad])
            parts.append(np.full(int((~bad).sum()), i))
            texts.extend(new[~bad].tolist())
            codes.append(pa.array([language] * int((~bad).sum()), pa.string()))
        of, number = np.concatenate(rows), np.concatenate(parts)
        words = pa.concat_arrays([column.combine_chunks(), pa.array(texts, column.type)])
        order = np.lexsort((number, of))
        columns = {
            text: words.take(pa.array(order)),
            marker: pa.concat_arrays(codes).take(pa.array(order)),
            **made.kept_together(table, of[order], f"{text}_parent")[0],
        }
        result = made.made_rows(table, of[order], number[order], columns, self.becomes(table.task))
        return noted(result, *self._sentences(done, "are left out"))

    def _chosen(self, table: Table, language: str) -> np.ndarray:
        """(n,) bool: the rows that are copied into a language, by their ids alone."""
        if self.share == 1:
            return np.ones(len(table), dtype=bool)
        bound = int(self.share * 2**128)
        return np.array([digest(self.name, language, row_id) < bound for row_id in table.row_ids.tolist()], dtype=bool)

    def _translated(self, column: pa.ChunkedArray, rows: np.ndarray, language: str) -> tuple[np.ndarray, np.ndarray]:
        """(m,) translations of some rows, each text translated once, and (m,) bool those that are none."""
        given = column.take(pa.array(rows)).combine_chunks().dictionary_encode()
        texts = given.dictionary.to_pylist()
        found = self._function()(texts, self.source, language) if texts else []
        _check(found, len(texts), self.translator or "")
        new = np.array([(one or "").strip() for one in found], dtype=object)
        bad = np.array([not after or after == text.strip() for text, after in zip(texts, new)], dtype=bool)
        places = given.indices.to_numpy()
        return new[places], bad[places]

    def _function(self) -> Translate:
        if self.model is not None:
            return self._by_model
        function = _TRANSLATORS.get(str(self.translator))
        if function is None:
            name = str(self.translator)
            raise ConfigError(
                f"translate_text: no translator {name!r} is registered{nearest(name, _TRANSLATORS)}; call"
                " curate.transforms.translate_text.register(name, function) first, in every process"
            )
        return function

    def _by_model(self, texts: list[str], source: str, target: str) -> list[str]:
        model = writer(str(self.model).replace("{target}", target), self.name)
        prefix = self.prefix.replace("{target}", target)
        room = model.limit - model.tokenizer.num_special_tokens_to_add() - int(model.tokens([prefix])[0])
        parts = [passages(text, model, min(room, self.max_new_tokens)) for text in texts]
        flat = [text[start:end] for text, spans in zip(texts, parts) for start, end in spans]
        written = iter(model.write(flat, self.max_new_tokens, self.beams, prefix, source, target))
        return [put_together(text, spans, [next(written) for _ in spans]) for text, spans in zip(texts, parts)]

    def _sentences(self, done: dict[str, tuple[int, int]], fate: str) -> list[str]:
        """What to say of translations that are none."""
        return [
            f"translate_text: {bad:,} of {all_:,} texts came back empty or unchanged for {language!r} and {fate}"
            for language, (all_, bad) in done.items()
            if bad
        ]


def _check(found: Any, wanted: int, name: str) -> None:
    good = isinstance(found, Sequence) and not isinstance(found, str) and len(found) == wanted
    if not good or not all(one is None or isinstance(one, str) for one in found):
        count = f"{len(found)} values" if hasattr(found, "__len__") else type(found).__name__
        raise DataError(
            f"translate_text: {name!r} gave {count} for {wanted} texts; it must give a text or None for each"
        )
