"""Quoting a piece of a text in a reason: where it stands, short, on one line, with secrets and contact data masked."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # reports that quote nothing need not load all measures
    from curate.evidence.measures.text_contacts import Span

MOST = 48
_BLANKS = re.compile(r"\s+")
_UNSEEN = re.compile(r"[^\S ]|[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def place(start: int, end: int) -> str:
    """``characters 12-27``: the first character counts 0, the end is the place after the last one (as in a slice)."""
    return f"characters {start}-{end}"


def quoted(text: str, start: int, end: int) -> str:
    """``characters 12-27: “...”``, with what is secret in it masked."""
    return f"{place(start, end)}: “{shortened(text, start, end)}”"


def shortened(text: str, start: int, end: int) -> str:
    """A piece of a text on one line, at most 48 characters of it, masked; unseen characters by their code point."""
    from curate.evidence.measures.text_contacts import Span, contacts

    whole = text[max(0, start - 200) : end + 200]
    offset = max(0, start - 200)
    piece, last = [], start
    for span in contacts(whole):
        begin, stop = span.start + offset, span.end + offset
        if stop <= start or begin >= end:
            continue
        piece.append(text[last : max(last, begin)])
        piece.append(masked(text, Span(span.kind, begin, stop)))
        last = min(end, stop)
    piece.append(text[last:end])
    line = _UNSEEN.sub(lambda c: f"U+{ord(c.group()):04X}" if not c.group().isspace() else " ", "".join(piece))
    line = _BLANKS.sub(" ", line)
    return line if len(line) <= MOST else line[: MOST // 2] + " … " + line[-MOST // 2 + 3 :]


def masked(text: str, span: Span) -> str:
    """Contact data or a secret with its middle hidden, so that a report doesn't spread it.

    An e-mail address keeps a first letter and the end of its domain, numbers their last two digits, a secret the
    beginning that tells whose key it is (at most 4 characters, and at most a quarter).
    """
    written = text[span.start : span.end]
    if span.kind == "email":
        name, _, domain = written.rpartition("@")
        return f"{name[:1]}•••@•••.{domain.rpartition('.')[2]}"
    if span.kind in ("phone", "card"):
        return f"{written[:1] if written[0] == '+' else ''}•••{written[-2:]}"
    if span.kind == "iban":
        return f"{written[:2]}•••{written[-2:]}"
    return f"{written[: min(4, len(written) // 4)]}•••"


def hidden(text: str, kinds: Collection[str] | None = None) -> str:
    """The text with the middle of contact data and secrets as dots; of the same length, so that places in it hold.

    Args:
        text: any text.
        kinds: which kinds are hidden; all if None.
    """
    from curate.evidence.measures.text_contacts import contacts

    out = list(text)
    for span in contacts(text):
        if kinds is None or span.kind in kinds:
            written = text[span.start : span.end]
            out[span.start : span.end] = [c if keep else "•" for c, keep in zip(written, _kept(written, span.kind))]
    return "".join(out)


def _kept(written: str, kind: str) -> list[bool]:
    """Which characters `masked` shows of what is written, too."""
    n = len(written)
    if kind == "email":
        at, dot = written.rindex("@"), written.rindex(".")
        return [place in (0, at) or place >= dot for place in range(n)]
    if kind in ("phone", "card"):
        return [place >= n - 2 or (place == 0 and written[0] == "+") for place in range(n)]
    if kind == "iban":
        return [place < 2 or place >= n - 2 for place in range(n)]
    return [place < min(4, n // 4) for place in range(n)]
