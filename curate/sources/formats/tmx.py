"""Translation memories (TMX): units that say the same in several languages."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa

from curate.errors import DataError
from curate.sources.raw import Raw
from curate.wording import counted

LARGEST_FILE = 2 << 30
"""Bytes."""
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
CODES = frozenset(("bpt", "ept", "it", "ph", "ut"))
"""Elements with codes of the format that a segment was taken from, which are no part of what it says."""


def read_tmx(path: Path, name: str) -> Raw:
    """A row per unit, ``translation`` with a text for each language.

    Of several texts in one language the first counts. Entities are not read.

    Raises:
        DataError: the file is no XML, defines entities, or holds no unit in two languages.
    """
    if path.stat().st_size > LARGEST_FILE:
        raise DataError(f"{name}: has more than {LARGEST_FILE >> 30} GB; write the texts as lines of two files")
    _refuse_entities(path, name)
    rows: list[dict[str, str]] = []
    left = 0
    try:
        for _, element in ElementTree.iterparse(path):
            if element.tag != "tu":
                continue
            texts = _texts(element)
            element.clear()
            left += len(texts) < 2
            if len(texts) > 1:
                rows.append(texts)
    except ElementTree.ParseError as error:
        raise DataError(f"{name}: can't be read: {error}") from error
    if not rows:
        raise DataError(f"{name}: there is no unit in two languages")
    languages = [language for language, _ in Counter(one for row in rows for one in row).most_common()]
    kind = pa.struct([(language, pa.string()) for language in languages])
    notes = (f"{path.name}: {counted(left, 'unit')} in one language alone left out",) if left else ()
    return Raw(
        pa.table({"translation": pa.array(rows, kind)}), name, root=path.parent, bases=(path.parent,), notes=notes
    )


def _refuse_entities(path: Path, name: str) -> None:
    """Raise DataError where a head defines entities, which may stand for more than memory holds."""
    with path.open("rb") as file:
        head = file.read(1 << 16).replace(b"\0", b"")
    if b"<!ENTITY" in head or (b"<!DOCTYPE" in head and b"[" in head.partition(b"<!DOCTYPE")[2].partition(b">")[0]):
        raise DataError(f"{name}: defines entities, which are not read")


def _texts(unit: ElementTree.Element) -> dict[str, str]:
    """Language -> text of a unit; languages without their country (``en-US`` is ``en``)."""
    found: dict[str, str] = {}
    for variant in unit.iter("tuv"):
        language = (variant.get(LANGUAGE) or variant.get("lang") or "").split("-")[0].lower()
        segment = variant.find("seg")
        text = " ".join(_said(segment).split()) if segment is not None else ""
        if language and text:
            found.setdefault(language, text)
    return found


def _said(element: ElementTree.Element) -> str:
    inner = ("" if child.tag in CODES else _said(child) for child in element)
    tails = (child.tail or "" for child in element)
    return (element.text or "") + "".join(text + tail for text, tail in zip(inner, tails))
