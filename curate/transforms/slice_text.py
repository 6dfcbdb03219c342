"""The step that cuts long texts into pieces, each a row of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from curate.errors import DataError
from curate.ledger import Decisions
from curate.step import Transform
from curate.transforms import _made_rows as made
from curate.transforms._columns import text_column
from curate.transforms.texts.pieces import Cut, packed, windows
from curate.transforms.texts.sentences import Span, paragraph_spans, sentence_spans
from curate.transforms.texts.tokens import Tokenizer, tokenizer

if TYPE_CHECKING:
    from curate.table import Table
    from curate.task import Task

BATCH = 1024
"""Texts that a model's tokenizer is given at once."""


class SliceText(Transform):
    """Cuts texts that are too long for a model into pieces: one row becomes n, whose ids are ``parent#0`` and so on.

    Texts of all splits are cut alike; a short one stays a row with its own id. Two columns say where in the parent's
    text a piece stands (``<text>_start``, ``<text>_end``, in characters, the end not included). Pieces of one text stay
    together: a task without groups gets the column ``<text>_parent`` as its group. Embeddings that the task brought
    speak of whole texts and are not used for pieces. Nothing is learned from the data.
    Cost: for long texts about 2 s per million words, 6 by sentence; texts that are short enough are passed over.
    Source: windows with overlap as in the tokenizers of transformers; sentence ends by rules for the marks of each
    script.
    """

    modalities = ("text",)

    by: Literal["tokens", "sentence", "paragraph"] = Field(
        "tokens",
        description="what is cut between: tokens (windows of equal length), or sentences or paragraphs, as many as fit"
        " into `tokens`; a longer one is cut by tokens",
    )
    tokens: int = Field(
        256, ge=1, description="most tokens of a piece, those included that a model's tokenizer puts around it"
    )
    tokenizer: str = Field(
        "words",
        description="what a token is: words (runs without blanks; in Chinese, Japanese, Thai and the like each"
        " character), whitespace (runs without blanks), characters, or the name, folder or tokenizer.json of a model of"
        " transformers",
    )
    sentences: int | None = Field(
        None, ge=1, description="most sentences or paragraphs of a piece; as many as fit if left out"
    )
    overlap: int = Field(
        0, ge=0, description="tokens (by sentence or paragraph: those) at a piece's start that end the one before, too"
    )
    min_tokens: int = Field(1, ge=1, description="fewest tokens of the last piece of a text that is cut")
    last: Literal["extend", "join"] = Field(
        "extend",
        description="a last piece that is too short begins earlier, repeating what stands before (extend), or is"
        " joined to the piece before, which is then longer than `tokens` (join)",
    )
    label: Literal["copy", "first", "none"] = Field(
        "copy", description="pieces that have the parent's label: all (copy), the first alone, or none"
    )
    weight: Literal["share", "same"] = Field(
        "share", description="training pieces of one text weigh 1/n each (share), or each as much as a text (same)"
    )

    @model_validator(mode="after")
    def _overlap_is_shorter(self) -> SliceText:
        if self.by == "tokens" and self.overlap >= self.tokens:
            raise ValueError(f"overlap must be smaller than tokens ({self.tokens}), not {self.overlap}")
        if self.min_tokens > self.tokens:
            raise ValueError(f"min_tokens must be at most tokens ({self.tokens}), not {self.min_tokens}")
        if self.by == "tokens" and self.sentences is not None:
            raise ValueError("sentences is for `by: sentence` or `by: paragraph`")
        return self

    def refuses(self, task: Task) -> str | None:
        """Labels of single tokens don't follow their words into pieces."""
        if task.kind == "token_classification":
            return "slice_text cuts texts whose label speaks of the whole; here each word has a tag of its own"
        return super().refuses(task)

    def becomes(self, task: Task) -> Task:
        """With a group, and without an embedding of whole texts."""
        group = task.group or f"{task.text}_parent"
        return task.model_copy(update={"group": group, "embedding": None})

    def apply(self, table: Table, fitted: dict[str, Any] | None = None) -> Table:
        """The table with pieces in place of long texts.

        Raises:
            DataError: the text column holds no text, or columns for the places are taken.
            ConfigError: the tokenizer can't be loaded.
        """
        text = str(table.task.text)
        column = text_column(table, text, self.name)
        rows, parts, starts, ends = self._places(column)
        before = self._offsets(table, text)
        pieces = column.take(pa.array(rows)).combine_chunks()
        cut = np.flatnonzero(parts >= 0)
        texts = [t[a:b] for t, a, b in zip(pieces.take(pa.array(cut)).to_pylist(), starts[cut], ends[cut])]
        values = pc.replace_with_mask(pieces, pa.array(parts >= 0), pa.array(texts, pieces.type))
        task = self.becomes(table.task)
        missing = pieces.is_null().to_numpy(zero_copy_only=False)
        columns: dict[str, pa.Array | pa.ChunkedArray] = {
            text: values,
            f"{text}_start": pa.array(starts + before[rows], pa.int64(), mask=missing),
            f"{text}_end": pa.array(ends + before[rows], pa.int64(), mask=missing),
            **made.kept_together(table, rows, f"{text}_parent")[0],
        }
        if table.task.label is not None and self.label != "copy":
            columns[table.task.label] = self._labels(table, rows, parts)
        return made.made_rows(table, rows, parts, columns, task)

    def weigh(self, made_table: Table) -> Decisions:
        """1/n for each of n training pieces of one text, if asked."""
        return made.shared_weights(made_table, self.name, "pieces of") if self.weight == "share" else Decisions()

    def _places(self, column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """For each new row its parent's place, its number (-1 for a text that stays), its start and end."""
        cutter = tokenizer(self.tokenizer)
        most = self.tokens - cutter.special
        if most < 1:
            raise DataError(
                f"slice_text: tokens: {self.tokens} leaves no room: {cutter.name!r} puts {cutter.special} tokens of its"
                " own around each piece"
            )
        lengths = pc.fill_null(pc.utf8_length(column), 0).to_numpy().astype(np.int64)
        # A token has a byte at least, so what has no more bytes than tokens fits whatever the tokenizer.
        long = pc.fill_null(pc.binary_length(column), 0).to_numpy() > (most if self.sentences is None else 1)
        found: dict[int, list[Span]] = {}
        candidates = np.flatnonzero(long)
        for begin in range(0, len(candidates), BATCH):
            chosen = candidates[begin : begin + BATCH]
            texts = column.take(pa.array(chosen)).to_pylist()
            for row, spans in zip(chosen.tolist(), self._cut(texts, cutter, most)):
                if len(spans) > 1:
                    found[row] = spans
        counts = np.ones(len(column), dtype=np.int64)
        counts[list(found)] = [len(spans) for spans in found.values()]
        rows = np.repeat(np.arange(len(column)), counts)
        parts = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        starts, ends = np.zeros(len(rows), dtype=np.int64), lengths[rows]
        cut = counts[rows] > 1
        if found:
            starts[cut], ends[cut] = np.array([span for row in sorted(found) for span in found[row]]).T
        return rows, np.where(cut, parts, -1), starts, ends

    def _cut(self, texts: list[str], cutter: Tokenizer, most: int) -> list[list[Span]]:
        cut = Cut(most, self.overlap, self.min_tokens, self.last, self.sentences)
        tokens = cutter.spans(texts)
        if self.by == "tokens":
            return [windows(found, cut) for found in tokens]
        units = sentence_spans if self.by == "sentence" else paragraph_spans
        return [
            packed(units(text), found, cut) if len(found) > most or self.sentences else []
            for text, found in zip(texts, tokens)
        ]

    def _labels(self, table: Table, rows: np.ndarray, parts: np.ndarray) -> pa.ChunkedArray:
        """Null where a piece is not to have its parent's label."""
        kept = parts <= 0 if self.label == "first" else parts < 0
        return table.column(str(table.task.label)).take(pa.array(rows, mask=~kept))

    def _offsets(self, table: Table, text: str) -> np.ndarray:
        """(n,) int64: where the texts stand in those that they were cut from before; 0 for texts that were not."""
        names = table.dataset.column_names
        taken = [name for name in (f"{text}_start", f"{text}_end", f"{text}_parent") if name in names]
        if not taken:
            return np.zeros(len(table), dtype=np.int64)
        if table.parents is None or len(taken) < 2 or not pa.types.is_integer(table.column(f"{text}_start").type):
            raise DataError(
                f"slice_text: the column {taken[0]!r} is there already, and the places of pieces go there; rename it"
            )
        return pc.fill_null(table.column(f"{text}_start"), 0).to_numpy().astype(np.int64)
