"""The step that cleans text: Unicode form, mojibake, control characters, markup, passages to hide, case, blanks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from curate.step import Transform
from curate.transforms._columns import checked, learnable, replaced, text_column
from curate.transforms.texts import rules, truecase

if TYPE_CHECKING:
    from curate.table import Table
    from curate.task import Task


class CleanText(Transform):
    """Cleans the text of all splits alike, since a model meets the same text in training and in use.

    The rules are done in this order: mojibake, markup, Markdown, Unicode form, control characters, punctuation, case,
    accents, passages to replace (addresses, mentions, numbers), emoji, repeated characters, blanks. Each can be left
    out; only Unicode form, control characters and blanks are on unasked. Nothing is learned from the data but by
    `case: truecase`. A text that is missing stays missing; the run keeps which rows were changed.
    Cost: about 5 s per million short texts, 10 with Markdown, emoji or repeats, 20 with truecase, 60 with mojibake.
    Source: Unicode Standard Annex 15; ftfy (Speer 2019); truecase after Lita et al. 2003, "tRuEcasIng".
    """

    modalities = ("text",)

    columns: tuple[str, ...] = Field((), description="columns of text; the task's text and transcript if left out")
    unicode: Literal["NFC", "NFKC", "none"] = Field(
        "NFC",
        description="Unicode form: NFC (composed letters), NFKC (also full-width letters, ligatures and the like made"
        " plain), or none to leave it",
    )
    mojibake: bool = Field(
        False, description="repair text that was decoded in the wrong encoding (schÃ¶n), with the package ftfy"
    )
    control: bool = Field(True, description="take away control characters and marks that nobody sees")
    markup: bool = Field(False, description="take away HTML comments, scripts and tags, and resolve entities (&amp;)")
    markdown: bool = Field(
        False, description="take away the marks of Markdown; links and pictures become their words, code stays"
    )
    punctuation: bool = Field(False, description="write typographic quotes, dashes and ellipses as a keyboard has them")
    case: Literal["keep", "lower", "upper", "fold", "truecase"] = Field(
        "keep",
        description="turn letters to lower or upper case, fold them (lower case for comparing: ß becomes ss), or give"
        " sentences of small or of capital letters alone the capitals that training texts have (truecase)",
    )
    accents: bool = Field(
        False, description="take the marks off Latin and Greek letters (é becomes e); other scripts stay"
    )
    urls: str | None = Field(None, description="what web addresses are replaced by, e.g. <url>; kept if left out")
    emails: str | None = Field(None, description="what mail addresses are replaced by, e.g. <email>; kept if left out")
    mentions: str | None = Field(None, description="what @names are replaced by, e.g. <user>; kept if left out")
    numbers: str | None = Field(
        None, description="what numbers are replaced by, e.g. <number>, digits within words apart; kept if left out"
    )
    emoji: Literal["keep", "remove", "name"] = Field(
        "keep", description="take emoji away, or write their names (:grinning_face:)"
    )
    repeats: int | None = Field(
        None, ge=1, le=20, description="most times that a letter or mark stands in a row (soooo!!!!); any if left out"
    )
    whitespace: Literal["collapse", "lines", "none"] = Field(
        "collapse",
        description="collapse makes every run of blanks and line ends one blank, lines keeps the lines (at most one"
        " empty one between), both trim the ends; none leaves them",
    )

    def refuses(self, task: Task) -> str | None:
        """Only the columns decide, where they are named."""
        return None if self.columns or task.transcript else super().refuses(task)

    def fit(self, table: Table) -> dict[str, Any]:
        """column -> how words with capitals are written, for truecase; nothing else is learned."""
        if self.case != "truecase":
            return {}
        rows = pa.array(np.flatnonzero(learnable(table)))
        texts = {name: self._before_case(column.take(rows)) for name, column in self._texts(table).items()}
        return {name: truecase.forms(column.drop_null().to_pylist()) for name, column in texts.items()}

    def apply(self, table: Table, fitted: dict[str, Any] | None = None) -> Table:
        """The table with clean text in the columns.

        Raises:
            DataError: a column is missing or holds no text.
            MissingPackage: `mojibake` without ftfy.
        """
        fitted = self.fit(table) if fitted is None else fitted
        texts = self._texts(table)
        return replaced(table, {n: self._clean(c, fitted.get(n, {})).cast(c.type) for n, c in texts.items()})

    def _texts(self, table: Table) -> dict[str, pa.ChunkedArray]:
        """The columns to clean."""
        given = self.columns or tuple(name for name in (table.task.text, table.task.transcript) if name)
        found: dict[str, pa.ChunkedArray] = {}
        for name in checked(table, given, self.name):
            if not pa.types.is_null(table.column(name).type):
                found[name] = text_column(table, name, self.name)
        return found

    def _before_case(self, texts: pa.ChunkedArray) -> pa.ChunkedArray:
        if self.mojibake:
            texts = rules.repaired(texts)
        if self.markup:
            texts = rules.without_markup(texts)
        if self.markdown:
            texts = rules.without_markdown(texts)
        if self.unicode != "none":
            texts = pc.utf8_normalize(texts, self.unicode)
        if self.control:
            texts = rules.without_unseen(texts)
        return rules.plain_punctuation(texts) if self.punctuation else texts

    def _cased(self, texts: pa.ChunkedArray, known: dict[str, str]) -> pa.ChunkedArray:
        if self.case == "truecase":
            return rules.where(texts, pc.is_valid(texts), lambda text: truecase.restored(text, known))
        change = {"keep": None, "lower": pc.utf8_lower, "upper": pc.utf8_upper, "fold": rules.folded}[self.case]
        return texts if change is None else change(texts)

    def _clean(self, texts: pa.ChunkedArray, known: dict[str, str]) -> pa.ChunkedArray:
        texts = self._cased(self._before_case(texts), known)
        if self.accents:
            texts = rules.without_accents(texts)
        for kind in rules.PATTERNS:
            if (replacement := getattr(self, kind)) is not None:
                texts = rules.held_places(texts, kind, replacement)
        if self.emoji != "keep":
            texts = rules.emoji_as(texts, self.emoji)
        if self.repeats is not None:
            texts = rules.at_most(texts, self.repeats)
        return texts if self.whitespace == "none" else rules.blanks(texts, self.whitespace)
