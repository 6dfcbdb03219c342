"""The step that cleans text: Unicode form, mojibake, control characters, markup, blanks, case."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from curate.errors import DataError, MissingPackage
from curate.step import Transform
from curate.transforms._columns import checked, replaced

if TYPE_CHECKING:
    from curate.table import Table
    from curate.task import Task

# Control characters but tab and line ends; zero-width, direction and byte-order marks that nobody sees. The joiners
# U+200C and U+200D stay: Persian, Indic scripts and emoji need them.
_UNSEEN = (
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\x{ad}\x{200b}\x{200e}\x{200f}\x{202a}-\x{202e}"
    r"\x{2060}-\x{2064}\x{2066}-\x{2069}\x{feff}\x{fff9}-\x{fffb}\x{ffff}]"
)
_BLOCKS = (
    "address|article|aside|blockquote|body|br|center|dd|details|div|dl|dt|fieldset|figcaption|figure|footer|form|"
    "h[1-6]|head|header|hr|html|legend|li|main|nav|ol|option|p|pre|section|select|summary|table|tbody|td|tfoot|th|"
    "thead|title|tr|ul"
)
_INLINE = (
    "a|abbr|acronym|area|audio|b|base|bdi|bdo|big|button|canvas|caption|cite|code|col|colgroup|data|datalist|del|dfn|"
    "dialog|dir|em|embed|font|frame|frameset|i|iframe|img|input|ins|kbd|label|link|map|mark|marquee|meta|meter|nobr|"
    "noscript|object|optgroup|output|param|picture|progress|q|rp|rt|ruby|s|samp|script|small|source|span|strike|strong|"
    "style|sub|sup|svg|template|textarea|time|track|tt|u|var|video|wbr|!doctype"
)
_ATTRIBUTES = r"""(?:\s(?:[^<>"']|"[^"]*"|'[^']*')*)?/?"""
_HIDDEN = r"(?is)<!--.*?-->|<script\b[^>]*>.*?</script\s*>|<style\b[^>]*>.*?</style\s*>"
_BLOCK_TAG = rf"(?is)</?(?:{_BLOCKS}){_ATTRIBUTES}>"
_INLINE_TAG = rf"(?is)</?(?:{_INLINE}){_ATTRIBUTES}>"
_SPACES = r"[ \t\x{a0}\x{1680}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]+"
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


class CleanText(Transform):
    """Cleans the text of all splits alike, since a model meets the same text in training and in use.

    The rules are done in this order: mojibake, markup, Unicode form, control characters, case, blanks. Each can be
    left out. Nothing is learned from the data. A text that is missing stays missing.
    Cost: about 8 s per million short texts, 15 with markup, 60 with mojibake.
    Source: Unicode Standard Annex 15; ftfy (Speer 2019).
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
    whitespace: Literal["collapse", "lines", "none"] = Field(
        "collapse",
        description="collapse makes every run of blanks and line ends one blank, lines keeps the lines (at most one"
        " empty one between), both trim the ends; none leaves them",
    )
    lowercase: bool = Field(False, description="turn letters to lower case")

    def refuses(self, task: Task) -> str | None:
        """Only the columns decide, where they are named."""
        return None if self.columns or task.transcript else super().refuses(task)

    def apply(self, table: Table, fitted: dict[str, Any] | None = None) -> Table:
        """The table with clean text in the columns.

        Raises:
            DataError: a column is missing or holds no text.
            MissingPackage: `mojibake` without ftfy.
        """
        given = self.columns or tuple(name for name in (table.task.text, table.task.transcript) if name)
        cleaned: dict[str, pa.ChunkedArray] = {}
        for name in checked(table, given, self.name):
            column = table.column(name)
            if pa.types.is_null(column.type):
                continue
            if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
                raise DataError(f"clean_text: column {name!r} holds {column.type}, not text")
            cleaned[name] = self._clean(column).cast(column.type)
        return replaced(table, cleaned)

    def _clean(self, texts: pa.ChunkedArray) -> pa.ChunkedArray:
        if self.mojibake:
            texts = _repaired(texts)
        if self.markup:
            texts = pc.replace_substring_regex(texts, _HIDDEN, " ")
            texts = pc.replace_substring_regex(texts, _BLOCK_TAG, "\n")
            texts = _resolved(pc.replace_substring_regex(texts, _INLINE_TAG, ""))
        if self.unicode != "none":
            texts = pc.utf8_normalize(texts, self.unicode)
        if self.control:
            texts = pc.replace_substring_regex(texts, _UNSEEN, "")
        if self.lowercase:
            texts = pc.utf8_lower(texts)
        if self.whitespace == "collapse":
            texts = pc.replace_substring_regex(texts, rf"(?:\s|\x0b|\x{{85}}|\x{{2028}}|\x{{2029}}|{_SPACES})+", " ")
        elif self.whitespace == "lines":
            texts = pc.replace_substring_regex(texts, r"\r\n?|\x{85}|\x{2028}|\x{2029}", "\n")
            texts = pc.replace_substring_regex(texts, _SPACES, " ")
            texts = pc.replace_substring_regex(texts, r" ?\n ?", "\n")
            texts = pc.replace_substring_regex(texts, r"\n{3,}", "\n\n")
        return texts if self.whitespace == "none" else pc.utf8_trim_whitespace(texts)


def _repaired(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text with mojibake undone. Pure ASCII can hold none and is passed over."""
    try:
        import ftfy
    except ImportError as error:
        raise MissingPackage("ftfy", "text", "repairing mojibake") from error
    suspect = pc.fill_null(pc.invert(pc.string_is_ascii(texts)), False)
    return _where(texts, suspect, ftfy.fix_encoding)


def _resolved(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text with HTML entities resolved; an ampersand that starts none stays."""

    def resolve(text: str) -> str:
        return _ENTITY.sub(lambda found: html.unescape(found.group()), text)

    return _where(texts, pc.fill_null(pc.match_substring(texts, "&"), False), resolve)


def _where(texts: pa.ChunkedArray, mask: pa.ChunkedArray, change: Any) -> pa.ChunkedArray:
    """The texts with `change` done to those in the mask, the only ones that go through Python."""
    if not pc.any(mask).as_py():
        return texts
    changed = pa.array([change(text) for text in texts.filter(mask).to_pylist()], texts.type)
    return pa.chunked_array([pc.replace_with_mask(texts.combine_chunks(), mask.combine_chunks(), changed)])
