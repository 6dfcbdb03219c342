"""Contact data and secrets in a text: where they stand, and how many of each kind there are."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.evidence.measure import Measure

KINDS = ("email", "phone", "iban", "card", "secret")

# Every repetition below is bounded and starts at a boundary, so that hostile text costs time in proportion to its
# length.
EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,6}[^\W\d_]{2,24}(?![\w@-])")
DIGITS = re.compile(
    r"(?<![A-Za-z0-9_.,])(?:\+|\()?\d(?:[ ()./\-\u00a0\u2011\u2013]{0,3}\d){6,22}(?![A-Za-z0-9_]|[.,]\d)"
)
IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ \-]?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])")
KNOWN_SECRET = re.compile(
    r"(?<![A-Za-z0-9_])(?:"
    r"(?:AKIA|ASIA|AGPA|AROA)[0-9A-Z]{16}(?![0-9A-Za-z])"
    r"|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}|glpat-[\w-]{20,64}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,250}|AIza[\w-]{35}|ya29\.[\w-]{20,250}"
    r"|[rs]k_(?:live|test)_[A-Za-z0-9]{16,128}|sk-(?:[a-z]{2,8}-)?[A-Za-z0-9_-]{20,200}"
    r"|hf_[A-Za-z0-9]{30,64}|npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,250}|SG\.[\w-]{16,64}\.[\w-]{16,64}"
    r"|eyJ[\w-]{10,2000}\.eyJ[\w-]{10,4000}\.[\w-]{10,2000}"
    r")"
)
PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z]{2,12} ){0,3}PRIVATE KEY-----")
NAMED_SECRET = re.compile(
    r"(?i)(?<![A-Za-z0-9])(?:api[_ -]?key|access[_ -]?key|secret[_ -]?key|client[_ -]?secret|auth[_ -]?token|"
    r"access[_ -]?token|password|passwd|pwd|secret|token)[\"']?[ \t]{0,3}(?:[:=]|:=|is)[ \t]{0,3}[\"']?"
    r"([^\s\"'<>,;]{8,128})"
)
URL_SECRET = re.compile(r"(?<=://)[^\s:/@]{1,64}:([^\s:/@]{3,64})@(?=[\w.-])")
ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|(?:6011|65\d\d|64[4-9]\d|62\d\d|35\d\d)\d{12}"
    r"|3(?:0[0-5]|[68]\d)\d{11}"
)
PHONE_WORD = re.compile(
    r"(?i)(?:call|phone|tel|mobile|mob|cell|fax|whatsapp|text|sms|ring|dial|contact|appel|anruf|handy|llam)\W{0,3}"
    r"(?:\w{1,12}\W{1,3}){0,3}$"
)
CANDIDATE = {
    "email": "@",
    "phone": r"(?:\d[ ()./\-\x{a0}\x{2011}\x{2013}]{0,3}){7}",
    "iban": r"[A-Za-z]{2}\d{2}[ \-]?[A-Za-z0-9]",
    "secret": r"(?i)AKIA|ASIA|AGPA|AROA|gh[pousr]_|github_pat|glpat-|xox[abeoprs]-|AIza|ya29\.|[rs]k[_-]|hf_|npm_|pypi-"
    r"|SG\.|eyJ|PRIVATE KEY|key|secret|token|passw|pwd|://",
}
"""What RE2 looks for first; texts without it are passed over."""
_COUNTRIES = {
    15: "NO",
    16: "BE",
    18: "DK FI FO GL NL",
    19: "MK SI",
    20: "AT BA EE KZ LT LU XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU",
    31: "MT SC",
    32: "LC",
}
IBAN_LENGTHS = {country: length for length, many in _COUNTRIES.items() for country in many.split()}


class Span(NamedTuple):
    """A piece of a text: its kind, the place of its first character (from 0) and of the first one after it."""

    kind: str
    start: int
    end: int


class TextContacts(Measure):
    """Counts of e-mail addresses, phone numbers, IBANs and cards (with right checksums) and secrets; -1 for null.

    Source: ISO 13616 (IBAN), ISO/IEC 7812 (Luhn), E.164 and national forms of phone numbers.
    """

    name = "text.contacts"
    version = 2
    modality = "text"
    fields = {f"text.{kind}_count": ("int32", ()) for kind in KINDS}

    def measure(self, items: pa.Array) -> dict[str, np.ndarray]:
        """Values of n texts."""
        null = items.is_null().to_numpy(zero_copy_only=False)
        counts = {kind: np.where(null, -1, 0).astype(np.int32) for kind in KINDS}
        some = np.zeros(len(items), dtype=bool)
        for regex in CANDIDATE.values():
            some |= pc.fill_null(pc.match_substring_regex(items, regex), False).to_numpy(zero_copy_only=False)
        for place in np.flatnonzero(some).tolist():
            for span in contacts(items[place].as_py()):
                counts[span.kind][place] += 1
        return {f"text.{kind}_count": values for kind, values in counts.items()}


def contacts(text: str) -> list[Span]:
    """Contact data and secrets of a text, in the order in which they stand, none within another."""
    spans = [
        Span("secret", *found.span())
        for found in KNOWN_SECRET.finditer(text)
        if not found.group().startswith("sk-") or _random(found.group())
    ]
    spans += [Span("secret", *found.span()) for found in PRIVATE_KEY.finditer(text)]
    spans += [Span("secret", *found.span(1)) for found in NAMED_SECRET.finditer(text) if _random(found.group(1))]
    spans += [Span("secret", *found.span(1)) for found in URL_SECRET.finditer(text)]
    spans += [Span("iban", found.start(), end) for found in IBAN.finditer(text) if (end := _iban_end(found))]
    spans += [Span("email", *found.span()) for found in EMAIL.finditer(text)]
    for found in DIGITS.finditer(text):
        if card := _card_place(found):
            spans.append(Span("card", *card))
        elif place := _phone_place(text, *found.span()):
            spans.append(Span("phone", *place))
    taken, free = [], bytearray(len(text))
    for span in spans:  # the surest kinds come first, and keep their place
        if not any(free[span.start : span.end]):
            taken.append(span)
            free[span.start : span.end] = b"\x01" * (span.end - span.start)
    return sorted(taken, key=lambda span: span.start)


def is_card(written: str) -> bool:
    """Whether digits (blanks and hyphens aside) have a card issuer's beginning and length and a right checksum."""
    if re.search(r"[^\d \-]", written):
        return False
    digits = re.sub(r"\D", "", written)
    if not ISSUERS.fullmatch(digits) or len(set(digits)) < 2:
        return False
    doubled = [int(d) * (1 + place % 2) for place, d in enumerate(reversed(digits))]
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0


def _card_place(found: re.Match[str]) -> tuple[int, int] | None:
    """Where in a run of digits a card number begins and ends; another number may stand before it, an expiry date
    behind it."""
    if not found.group()[0].isdigit():
        return None
    places = [found.start() + place for place, c in enumerate(found.group()) if c.isdigit()]
    for first, begin in enumerate(places):
        if first and places[first - 1] + 1 == begin:
            continue
        for last in (first + count - 1 for count in (19, 16, 15, 14, 13)):
            ends = last < len(places) and (last + 1 == len(places) or places[last + 1] > places[last] + 1)
            if ends and is_card(found.string[begin : places[last] + 1]):
                return begin, places[last] + 1
    return None


def _iban_end(found: re.Match[str]) -> int:
    """Where the IBAN ends that begins there, 0 if none does."""
    length = IBAN_LENGTHS.get(found.group()[:2].upper(), 0)
    plain, end = "", found.start()
    for character in found.group():
        if len(plain) == length:
            break
        plain += character.upper() if character.isalnum() else ""
        end += 1
    whole = end == found.end() or not found.string[end].isalnum()
    if not length or len(plain) != length or not whole:
        return 0
    number = int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4]))
    return end if number % 97 == 1 else 0


def _phone_place(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Where among digits a phone number stands: all of them, or without a short number in front or behind."""
    front = re.match(r"\d{1,3} +", text[start:end])
    back = re.search(r" +\d{1,3}$", text[start:end])
    starts = [start] + ([start + front.end()] if front else [])
    ends = [end] + ([start + back.start()] if back else [])
    return next(((a, b) for b in ends for a in starts if a < b and _is_phone(text, a, b)), None)


def _is_phone(text: str, start: int, end: int) -> bool:
    """Whether digits are written as a phone number is: international, with a trunk 0, North American, or announced."""
    written = text[start:end]
    digits = re.sub(r"\D", "", written)
    if not 7 <= len(digits) <= 15 or len(set(digits)) < 3 or ("/" in written and len(digits) < 9):
        return False
    if re.fullmatch(r"\d{4}[-./]\d{1,2}[-./]\d{1,2}(?:\D{1,3}\d\d){0,3}|\d{1,2}[-./]\d{1,2}[-./]\d{4}", written):
        return False
    if re.fullmatch(r"\d{1,3}(?:\.\d{1,3}){3}|\d+\.\d+", written):  # an address of the internet, a decimal number
        return False
    if "isbn" in text[max(0, start - 12) : start].lower():
        return False
    if written.startswith("+"):
        return len(digits) >= 8
    if digits.startswith("00"):
        return len(digits) >= 10 and digits[2] != "0"
    if written.startswith(("0", "(0")):
        return 9 <= len(digits) <= 12 and digits[1] != "0"
    if re.fullmatch(r"(?:1[ .\-]?)?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .\-])[2-9]\d\d[ .\-]?\d{4}", written):
        return True
    announced = PHONE_WORD.search(text, max(0, start - 40), start)
    return announced is not None and len(digits) <= 12


def _random(value: str) -> bool:
    """Whether a value looks made by a machine or chosen as a password: letters and digits, or long and varied."""
    letters, digits = any(c.isalpha() for c in value), any(c.isdigit() for c in value)
    varied = len(set(value)) >= min(8, 0.5 * len(value))
    return letters and digits and varied and "://" not in value
