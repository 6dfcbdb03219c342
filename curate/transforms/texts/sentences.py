"""Where sentences and paragraphs begin and end, in any script, without a model."""

from __future__ import annotations

import re

Span = tuple[int, int]

_CLOSERS = r"[\"'”’»)\]}」』）】〉》〕］｝〗〙〛]*"
_ALWAYS = r"[。！？｡।॥؟۔።፧፨။។៕։᠃᠉]"
"""Marks that end a sentence whether or not a blank follows."""
_BOUNDARY = re.compile(
    rf"(?P<always>{_ALWAYS}(?:{_ALWAYS}|[!?.…])*{_CLOSERS})"
    rf"|(?P<western>[.!?…‼⁇-⁉]+{_CLOSERS})(?=\s|[\u3041-\u30ff\u3400-\u9fff]|$)"
    r"|(?P<gap>\n[^\S\n]*\n\s*|\n(?=[^\S\n]*(?:[-*•▪◦‣·–]|\d{1,3}[.)])\s))"
    r"|(?P<blank>(?<=[\u0e00-\u0eff])[ \u00a0\u3000]+(?=[\u0e00-\u0eff]))"
)
_END = r"(?:\r\n|\r(?!\n)|\n|\u2029)"
_PARAGRAPH = re.compile(rf"{_END}(?:[^\S\r\n]*{_END})+|\u2029")
_LINE = re.compile(rf"{_END}|\u2028")
_OPENERS = "\"'“‘„«»([{¿¡「『（【-–— \t\r\n\u00a0"
_LAST_WORD = re.compile(r"([^\s\"'“‘„«(\[{]+)$")
_INITIAL = re.compile(r"^(?:[^\W\d_]\.)*[^\W\d_]$")
_ENUMERATION = re.compile(r"^\W*(?:\d{1,3}|[ivxlc]{1,5}|[a-z])$", re.IGNORECASE)
THAI_UNIT = 24
"""Thai and Lao write blanks between phrases as well as sentences: one is taken for an end after so many characters."""
_ABBREVIATIONS = (
    "mr mrs ms dr prof st sr jr rev col sgt capt lt hon gov rep vs etc al approx dept est inc ltd corp eds"
    " cf e.g i.e viz resp jan feb apr jun jul aug sept oct nov dec tue thu a.m p.m u.s u.k ph.d"
    " z.b d.h u.a bzw bspw usw evtl ggf inkl exkl tel vgl hr dipl mio mrd"
    " m mme mlle mm av env éd chap sra srta dña ud uds vd pág núm sig.ra dott avv ecc"
    " dhr mevr drs blz bijv enz o.a г гг стр ул т.е т.д т.п др рис тыс млн млрд руб"
)
_NUMBERED = "no nos nr fig figs eq eqs vol vols ch sec sect art abs p pp s str bd ed núm pág"
ABBREVIATIONS, NUMBERED = frozenset(_ABBREVIATIONS.split()), frozenset(_NUMBERED.split())
"""Words that a full stop belongs to, in lower case and without it: always, and where a number follows."""


def sentence_spans(text: str) -> list[Span]:
    """Start and end of each sentence, without the blanks around it; together they hold all but blanks.

    Marks of the East Asian, Indic, Arabic, Ethiopic and other scripts end a sentence wherever they stand; a full stop,
    question or exclamation mark does where a blank follows, the word before is no abbreviation, initial or number of
    a list, and the next letter is not small. An empty line and the mark of a list end one, a lone line end does not.
    """
    spans: list[Span] = []
    start = 0
    for found in _BOUNDARY.finditer(text):
        if _ends(text, start, found):
            _add(text, start, found.end(), spans)
            start = found.end()
    _add(text, start, len(text), spans)
    return spans


def paragraph_spans(text: str) -> list[Span]:
    """Start and end of each paragraph: what empty lines part, or where there are none, the lines."""
    breaks = _PARAGRAPH if _PARAGRAPH.search(text.strip()) else _LINE
    spans: list[Span] = []
    start = 0
    for found in breaks.finditer(text):
        _add(text, start, found.start(), spans)
        start = found.end()
    _add(text, start, len(text), spans)
    return spans


def _ends(text: str, start: int, found: re.Match[str]) -> bool:
    if found["always"] or found["gap"]:
        return True
    if found["blank"]:
        return found.start() - start >= THAI_UNIT
    after = text[found.end() : found.end() + 40].lstrip(_OPENERS)
    if after[:1].islower():
        return False
    if not found["western"].startswith(".") or found["western"].startswith(".."):
        return True
    before = text[start : found.start()]
    if _ENUMERATION.match(before):
        return False
    word = _LAST_WORD.search(before)
    if word is None:
        return True
    if word[1].lower() in NUMBERED and after[:1].isdigit():
        return False
    return word[1].lower() not in ABBREVIATIONS and not (_INITIAL.match(word[1]) and word[1][0].isupper())


def _add(text: str, start: int, end: int, spans: list[Span]) -> None:
    part = text[start:end]
    begin = start + len(part) - len(part.lstrip())
    stop = start + len(part.rstrip())
    if stop > begin:
        spans.append((begin, stop))
