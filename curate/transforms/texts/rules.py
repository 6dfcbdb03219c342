"""Rules that clean a column of texts: each takes texts and gives texts, missing ones stay missing."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import MissingPackage

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

_MARKDOWN = (
    (r"(?m)^[ \t]*(?:```|~~~)[^\n]*$", ""),  # fences; the code between stays
    (r"(?m)^ {0,3}\[[^\]\n]+\]:[ \t]+\S+[^\n]*$", ""),  # where links lead to
    (r"!\[([^\]\n]*)\]\((?:[^()\n]|\([^()\n]*\))*\)", r"\1"),
    (r"\[([^\]\n]+)\]\((?:[^()\n]|\([^()\n]*\))*\)", r"\1"),
    (r"\[([^\]\n]+)\]\[[^\]\n]*\]", r"\1"),
    (r"<((?:https?|ftp|mailto):[^\s<>]+)>", r"\1"),
    (r"(?m)^\|?[ \t]*:?-{3,}:?[ \t]*(?:\|[ \t]*:?-{3,}:?[ \t]*)+\|?[ \t]*$", ""),
    (r"(?m)^ {0,3}(?:={3,}|(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$", ""),
    (r"(?m)^ {0,3}#{1,6}[ \t]+", ""),
    (r"(?m)^ {0,3}(?:>[ \t]?)+", ""),
    (r"(?m)^([ \t]*)[*+-][ \t]+(?:\[[ xX]\][ \t]+)?", r"\1"),
    (r"`+([^`\n]+)`+", r"\1"),
    (r"\*\*([^*\s](?:[^*\n]*[^*\s])?)\*\*", r"\1"),
    (r"~~([^~\n]+)~~", r"\1"),
    (r"(?m)(^|[\s\pP])__([^_\s](?:[^_\n]*[^_\s])?)__($|[\s\pP])", r"\1\2\3"),
    (r"(?m)(^|[\s\pP])\*([^*\s](?:[^*\n]*[^*\s])?)\*($|[\s\pP])", r"\1\2\3"),
    (r"(?m)(^|[\s\pP])_([^_\s](?:[^_\n]*[^_\s])?)_($|[\s\pP])", r"\1\2\3"),
)
_PUNCTUATION = (
    (r"[\x{201c}-\x{201f}\x{2033}\x{ab}\x{bb}]", '"'),
    (r"[\x{2018}-\x{201b}\x{2032}\x{2039}\x{203a}]", "'"),
    (r"[\x{2010}-\x{2015}\x{2212}]", "-"),
    (r"\x{2026}", "..."),
)
PATTERNS = {
    "urls": (
        r"(?i)(?:\b(?:https?|ftp)://|\bwww\.)[a-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*[a-z0-9/_~=#&%\-]",
        "",
    ),
    "emails": (r"[A-Za-z0-9._%+\-]*[A-Za-z0-9_%+\-]@(?:[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}", ""),
    "mentions": (r"(^|[^\pL\pN_@./])@[\pL\pN_]+", r"\1"),
    "numbers": (r"(^|[^\p{Latin}\p{Greek}\p{Cyrillic}\p{Arabic}\pN_])\p{Nd}+(?:[.,:/'’٫٬]\p{Nd}+)*", r"\1"),
}
"""Kind of passage -> what it looks like, and what of the match stays before its replacement."""
_PICTOGRAM = (
    r"[\x{1f1e6}-\x{1f1ff}\x{1f300}-\x{1f64f}\x{1f680}-\x{1f6ff}\x{1f7e0}-\x{1f7eb}\x{1f900}-\x{1f9ff}"
    r"\x{1fa70}-\x{1faff}\x{2600}-\x{27bf}\x{2b05}-\x{2b07}\x{2b1b}\x{2b1c}\x{2b50}\x{2b55}\x{231a}\x{231b}\x{2328}"
    r"\x{23cf}\x{23e9}-\x{23f3}\x{23f8}-\x{23fa}\x{25b6}\x{25c0}\x{25fb}-\x{25fe}\x{2934}\x{2935}\x{1f004}\x{1f0cf}"
    r"\x{1f18e}\x{1f191}-\x{1f19a}\x{1f201}\x{1f21a}\x{1f22f}\x{1f232}-\x{1f23a}\x{1f250}\x{1f251}]"
)
_DRESS = r"[\x{fe0e}\x{fe0f}\x{1f3fb}-\x{1f3ff}\x{e0020}-\x{e007f}]*"
EMOJI = (
    rf"{_PICTOGRAM}{_DRESS}(?:\x{{200d}}(?:{_PICTOGRAM}|[\x{{2640}}\x{{2642}}]){_DRESS})*|[0-9#*]\x{{fe0f}}?\x{{20e3}}"
)


def substituted(texts: pa.ChunkedArray, rules: tuple[tuple[str, str], ...]) -> pa.ChunkedArray:
    """Regular expressions replaced, one after the other."""
    for pattern, replacement in rules:
        texts = pc.replace_substring_regex(texts, pattern, replacement)
    return texts


def repaired(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text with mojibake undone. Pure ASCII can hold none and is passed over. Raises MissingPackage."""
    try:
        import ftfy
    except ImportError as error:
        raise MissingPackage("ftfy", "text", "repairing mojibake") from error
    suspect = pc.fill_null(pc.invert(pc.string_is_ascii(texts)), False)
    return where(texts, suspect, ftfy.fix_encoding)


def without_markup(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text without HTML comments, scripts and tags; entities resolved, an ampersand that starts none stays."""

    def resolve(text: str) -> str:
        return _ENTITY.sub(lambda found: html.unescape(found.group()), text)

    texts = substituted(texts, ((_HIDDEN, " "), (_BLOCK_TAG, "\n"), (_INLINE_TAG, "")))
    return where(texts, pc.fill_null(pc.match_substring(texts, "&"), False), resolve)


def without_markdown(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text without the marks of Markdown: links and pictures become their words, code stays."""
    return substituted(texts, _MARKDOWN)


def without_unseen(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text without control characters and marks that nobody sees."""
    return pc.replace_substring_regex(texts, _UNSEEN, "")


def plain_punctuation(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Typographic quotes, dashes and ellipses as a keyboard has them."""
    return substituted(texts, _PUNCTUATION)


def without_accents(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Latin and Greek letters without their marks. In other scripts marks are vowels, tones or other letters."""
    texts = pc.utf8_normalize(texts, "NFD")
    texts = pc.replace_substring_regex(texts, r"([\p{Latin}\p{Greek}])[\x{300}-\x{36f}]+", r"\1")
    return pc.utf8_normalize(texts, "NFC")


def held_places(texts: pa.ChunkedArray, kind: str, replacement: str) -> pa.ChunkedArray:
    """Passages of a kind (`PATTERNS`) replaced by a word that stands for them."""
    pattern, kept = PATTERNS[kind]
    return pc.replace_substring_regex(texts, pattern, kept + replacement.replace("\\", "\\\\"))


def emoji_as(texts: pa.ChunkedArray, how: str) -> pa.ChunkedArray:
    """Emoji taken away (remove), or written as ``:grinning_face:`` by their Unicode names (name)."""
    if how == "remove":
        return pc.replace_substring_regex(texts, EMOJI, "")
    return where(texts, pc.fill_null(pc.match_substring_regex(texts, _PICTOGRAM), False), _named)


def _in_python(pattern: str) -> str:
    """A pattern of Arrow's as the standard library writes it."""
    return re.sub(r"\\x\{([0-9a-f]+)\}", lambda found: re.escape(chr(int(found[1], 16))), pattern)


_DRESSED = re.compile(
    rf"({_in_python(_PICTOGRAM)}){_in_python(_DRESS)}(?:\u200d(?={_in_python(_PICTOGRAM)}|[\u2640\u2642]))?"
)


def _named(text: str) -> str:
    def name(found: re.Match[str]) -> str:
        return f":{unicodedata.name(found[1], 'emoji').lower().replace(' ', '_')}:"

    return _DRESSED.sub(name, text)


def at_most(texts: pa.ChunkedArray, times: int) -> pa.ChunkedArray:
    """The same letter or mark no more than so many times in a row; digits stay."""
    pattern = re.compile(rf"([^\W\d_]|[!?.,…~\-_=*#。！？～、・])\1{{{times},}}")

    def shorten(text: str) -> str:
        return pattern.sub(lambda found: found[1] * times, text)

    return where(texts, pc.is_valid(texts), shorten)


def folded(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Lower case in which letters compare equal that differ in case alone (ß becomes ss)."""
    lower = pc.utf8_lower(texts)
    return where(lower, pc.fill_null(pc.invert(pc.string_is_ascii(lower)), False), str.casefold)


def blanks(texts: pa.ChunkedArray, how: str) -> pa.ChunkedArray:
    """Runs of blanks as one (collapse), or line by line (lines); ends trimmed."""
    if how == "collapse":
        texts = pc.replace_substring_regex(texts, rf"(?:\s|\x0b|\x{{85}}|\x{{2028}}|\x{{2029}}|{_SPACES})+", " ")
    else:
        lines = ((r"\r\n?|\x{85}|\x{2028}|\x{2029}", "\n"), (_SPACES, " "), (r" ?\n ?", "\n"), (r"\n{3,}", "\n\n"))
        texts = substituted(texts, lines)
    return pc.utf8_trim_whitespace(texts)


def where(texts: pa.ChunkedArray, mask: pa.ChunkedArray, change: Callable[[str], str]) -> pa.ChunkedArray:
    """The texts with `change` done to those in the mask, the only ones that go through Python."""
    if not pc.any(mask).as_py():
        return texts
    changed = pa.array([change(text) for text in texts.filter(mask).to_pylist()], texts.type)
    return pa.chunked_array([pc.replace_with_mask(texts.combine_chunks(), mask.combine_chunks(), changed)])
