"""Faults that are planted into texts: issue -> a function of (text, all texts, generator) -> the faulty text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Plant = Callable[[str, Sequence[str], np.random.Generator], str]
SIGNS = ("$$$ ||| +++ === x", "%%^&*#@! ~~", "→→→ ◆◆◆ a", "<<>> ((())) ;;;")
DISCLAIMER = "This message and its attachments are confidential and meant for the addressee only."
FOREIGN = {
    "de": "Ich möchte gerne wissen, wann meine neue Karte endlich bei mir ankommt",
    "fr": "Je voudrais savoir pourquoi mon paiement a été refusé hier soir",
    "es": "Necesito cambiar la fecha de mi vuelo para la próxima semana",
    "it": "Vorrei sapere quanto costa spedire questo pacco in Germania",
    "pl": "Chciałbym wiedzieć, dlaczego moja płatność została odrzucona",
    "ru": "Я хотел бы узнать, почему мой платёж был отклонён",
    "pt": "Gostaria de saber quando é que o meu cartão vai chegar",
    "nl": "Ik wil graag weten waarom mijn betaling is geweigerd",
    "ja": "私のカードがいつ届くのか知りたいのですが",
    "ar": "أريد أن أعرف لماذا تم رفض عملية الدفع الخاصة بي",
    "el": "Θα ήθελα να μάθω γιατί απορρίφθηκε η πληρωμή μου",
    "sv": "Jag skulle vilja veta varför min betalning inte gick igenom",
}

OWN = ("de", "nl", "it", "ar", "sv")
"""Languages that are not foreign to the multilingual set (Swedish is too near to its Danish)."""


def _insert(text: str, piece: str, rng: np.random.Generator) -> str:
    words = text.split(" ")
    place = int(rng.integers(len(words) + 1))
    return " ".join([*words[:place], piece, *words[place:]])


def _digits(rng: np.random.Generator, count: int) -> str:
    return "".join(map(str, rng.integers(0, 10, count)))


def _card(rng: np.random.Generator) -> str:
    body = "4" + _digits(rng, 14)
    doubled = [int(d) * (1 + place % 2) for place, d in enumerate(reversed(body + "0"))]
    check = -sum(v - 9 * (v > 9) for v in doubled) % 10
    number = body + str(check)
    return number if rng.random() < 0.5 else " ".join(number[i : i + 4] for i in range(0, 16, 4))


def _iban(rng: np.random.Generator) -> str:
    country, length = (("DE", 18), ("NL", 0), ("FR", 23), ("GB", 0), ("ES", 20))[int(rng.integers(5))]
    body = {"NL": "ABNA" + _digits(rng, 10), "GB": "NWBK" + _digits(rng, 14)}.get(country) or _digits(rng, length)
    number = int("".join(str(int(c, 36)) for c in f"{body}{country}00"))
    written = f"{country}{98 - number % 97:02d}{body}"
    return written if rng.random() < 0.5 else " ".join(written[i : i + 4] for i in range(0, len(written), 4))


def _phone(rng: np.random.Generator) -> str:
    forms = ("+44 20 79## 0###", "+49 151 2345 67##", "(5##) 2##-1###", "555-2##-9###", "07700 900###")
    forms += ("+1-212-5##-01##", "0033 1 42 ## 56 7#", "+91 98765 4##21")
    form = forms[int(rng.integers(len(forms)))]
    return "".join(str(rng.integers(1, 10)) if c == "#" else c for c in form)


def _secret(rng: np.random.Generator) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    mixed = alphabet + alphabet.lower()

    def draw(characters: str, count: int) -> str:
        return "".join(characters[int(i)] for i in rng.integers(0, len(characters), count))

    forms = (
        lambda: "AKIA" + draw(alphabet, 16), lambda: "ghp_" + draw(mixed, 36), lambda: "sk_live_" + draw(mixed, 24),
        lambda: "AIza" + draw(mixed, 35), lambda: "api_key=" + draw(mixed, 32), lambda: "hf_" + draw(mixed, 34),
        lambda: "password: " + draw(mixed, 10) + "7a", lambda: "https://bob:" + draw(mixed, 9) + "@db.example.org/x",
    )  # fmt: skip
    return forms[int(rng.integers(len(forms)))]()


def _mojibake(text: str, texts: Sequence[str], rng: np.random.Generator) -> str:
    pieces = ("café", "it’s “fine”", "Zürich – Genève", "100 €", "garçon", "naïve résumé", "señor Muñoz", "Ærøskøbing")
    piece = pieces[int(rng.integers(len(pieces)))].encode("utf-8")
    return _insert(text, piece.decode("cp1252" if rng.random() < 0.7 else "latin-1", "replace"), rng)


def _mash(text: str, texts: Sequence[str], rng: np.random.Generator) -> str:
    letters = "asdfghjklqwertyuiopzxcvbnm"
    words = ["".join(letters[int(i)] for i in rng.integers(0, 26, int(rng.integers(4, 11)))) for _ in range(4)]
    return " ".join(words)


def _markup(text: str, texts: Sequence[str], rng: np.random.Generator) -> str:
    forms = ("<p>{}</p>", "{}<br />", '<a href="http://x.y/z">{}</a>', "{}&nbsp;&amp; more", "<div class='c'>{}</div>")
    forms += ("[b]{}[/b]", "Dear {{{{first_name}}}}, {}", "<span style='color:red'>{}", "{}&#39;s", "<!-- c -->{}")
    return forms[int(rng.integers(len(forms)))].format(text)


def _hidden(text: str, texts: Sequence[str], rng: np.random.Generator) -> str:
    place = int(rng.integers(1, max(len(text), 2)))
    return text[:place] + "\u200b\u202e\u2060\u00ad\U000e0041"[int(rng.integers(5))] + text[place:]


def _lookalike(text: str, texts: Sequence[str], rng: np.random.Generator) -> str:
    return _insert(text, ("pаypal", "Аmazon", "bаnk", "ассоunt", "micrоsoft")[int(rng.integers(5))], rng)


def _repeated(text: str, texts: Sequence[str], rng: np.random.Generator) -> str:
    forms = (
        lambda: " ".join([text] * 4),
        lambda: text + " please" * (30 + 2 * len(text.split())),
        lambda: text[:1] + "a" * 40,
        lambda: "asd" * 12,
    )
    return forms[int(rng.integers(len(forms)))]()


def _garbled(text: str, texts: Sequence[str], rng: np.random.Generator) -> str:
    place = int(rng.integers(1, max(len(text), 2)))
    return text[:place] + "\ufffd\x00\x07\x1b"[int(rng.integers(4))] + text[place:]


def _foreign(text: str, texts: Sequence[str], rng: np.random.Generator) -> str:
    """A sentence in a language that no text of the set is in (sets of many languages have the first ones)."""
    known = OWN if any("\u0600" < c < "\u06ff" for other in texts[-100:] for c in other) else ()
    others = [sentence for language, sentence in FOREIGN.items() if language not in known]
    return others[int(rng.integers(len(others)))]


def _mixed(text: str, texts: Sequence[str], rng: np.random.Generator) -> str:
    others = [texts[int(k)] for k in rng.integers(0, len(texts), 2)]
    return f"{max(text, *others, key=len)}. {_foreign(text, texts, rng)}"


def _cut(text: str, texts: Sequence[str], rng: np.random.Generator) -> str:
    """As a limit of so many characters leaves the longest texts: all of one length, longer than any whole one."""
    joined = " ".join(texts[int(i)] for i in rng.integers(0, len(texts), 40))
    return joined[: 10 + max(map(len, texts))]


PLANTS: dict[str, Plant] = {
    "empty": lambda t, a, r: ("", "   ", "...", "-", "\n")[int(r.integers(5))],
    "too_short": lambda t, a, r: "abcdefghijklmnopqrstuvwxyz"[int(r.integers(26))],
    "too_long": lambda t, a, r: " ".join(a[int(i)] for i in r.integers(0, len(a), 400)),
    "mostly_symbols": lambda t, a, r: SIGNS[int(r.integers(4))],
    "mostly_digits": lambda t, a, r: _digits(r, 14) + " id " + _digits(r, 6),
    "repeated": _repeated,
    "truncated": _cut,
    "garbled": _garbled,
    "mojibake": _mojibake,
    "hidden_characters": _hidden,
    "lookalike_letters": _lookalike,
    "markup": _markup,
    "wrong_language": _foreign,
    "mixed_language": _mixed,
    "gibberish": _mash,
    "boilerplate": lambda t, a, r: f"{t}{'' if t.endswith(('.', '!', '?')) else '.'} {DISCLAIMER}",
    "email": lambda t, a, r: _insert(t, f"jo.doe{r.integers(999)}@mail-{r.integers(99)}.example.com", r),
    "phone": lambda t, a, r: _insert(t, _phone(r), r),
    "iban": lambda t, a, r: _insert(t, _iban(r), r),
    "card": lambda t, a, r: _insert(t, _card(r), r),
    "secret": lambda t, a, r: _insert(t, _secret(r), r),
}  # fmt: skip
