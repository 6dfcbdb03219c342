"""Keyboards: which keys stand beside which, by language."""

from __future__ import annotations

from functools import cache

_LATIN_ROWS = {
    "en": ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"),
    "de": ("1234567890ß", "qwertzuiopü", "asdfghjklöä", "yxcvbnm"),
    "fr": ("&é\"'(-è_çà", "azertyuiop", "qsdfghjklmù", "wxcvbn"),
    "es": ("1234567890", "qwertyuiop", "asdfghjklñ", "zxcvbnm"),
    "it": ("1234567890", "qwertyuiopè", "asdfghjklòà", "zxcvbnm"),
    "pt": ("1234567890", "qwertyuiop", "asdfghjklç", "zxcvbnm"),
    "tr": ("1234567890", "qwertyuıopğü", "asdfghjklşi", "zxcvbnmöç"),
    "da": ("1234567890", "qwertyuiopå", "asdfghjklæø", "zxcvbnm"),
    "no": ("1234567890", "qwertyuiopå", "asdfghjkløæ", "zxcvbnm"),
    "sv": ("1234567890", "qwertyuiopå", "asdfghjklöä", "zxcvbnm"),
    "fi": ("1234567890", "qwertyuiopå", "asdfghjklöä", "zxcvbnm"),
    "cs": ("ěščřžýáíé", "qwertzuiopú", "asdfghjklů", "yxcvbnm"),
    "sk": ("ľščťžýáíé", "qwertzuiopú", "asdfghjklô", "yxcvbnm"),
    "hu": ("123456789öüó", "qwertzuiopőú", "asdfghjkléá", "yxcvbnm"),
    "hr": ("1234567890", "qwertzuiopšđ", "asdfghjklčć", "yxcvbnm"),
    "sl": ("1234567890", "qwertzuiopšđ", "asdfghjklčć", "yxcvbnm"),
}
_OTHER_ROWS = {
    "ru": ("1234567890", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"),
    "uk": ("1234567890", "йцукенгшщзхї", "фівапролджє", "ячсмитьбю"),
    "bg": ("1234567890", "уеишщксдзц", "ьяаожгтнвм", "юйъэфхпрлб"),
    "el": ("1234567890", "ςερτυθιοπ", "ασδφγηξκλ", "ζχψωβνμ"),
    "he": ("1234567890", "קראטוןםפ", "שדגכעיחלךף", "זסבהנמצתץ"),
    "ar": ("1234567890", "ضصثقفغعهخحجد", "شسيبلاتنمكط", "ئءؤرىةوزظ"),
    "fa": ("1234567890", "ضصثقفغعهخحجچ", "شسیبلاتنمکگ", "ظطزرذدپو"),
    # Of InScript and Kedmanee the consonants alone: a mark in the place of a letter would tear a character apart.
    "hi": ("बहगदजड", "परकतचट", "मनवलसय"),
    "th": ("ภถคตจขช", "พรนยบล", "ฟหกดสวง", "ผปอทมฝ"),
    # The five keys that a kana is flicked from on a telephone.
    "ja": (),
}
_FLICKS = (
    "あいうえお かきくけこ さしすせそ たちつてと なにぬねの はひふへほ まみむめも やゆよ らりるれろ わをん"
    " がぎぐげご ざじずぜぞ だぢづでど ばびぶべぼ ぱぴぷぺぽ アイウエオ カキクケコ サシスセソ タチツテト"
    " ナニヌネノ ハヒフヘホ マミムメモ ヤユヨ ラリルレロ ワヲン ガギグゲゴ"
    " ザジズゼゾ ダヂヅデド バビブベボ パピプペポ"
)
JAMO_ROWS = ("ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔ", "ㅁㄴㅇㄹㅎㅗㅓㅏㅣ", "ㅋㅌㅊㅍㅠㅜㅡ")
"""The Korean two-set keyboard."""
SAME_KEYS = {
    "be": "ru", "kk": "ru", "ky": "ru", "mk": "ru", "mn": "ru", "sr": "ru", "tg": "ru", "yi": "he", "ps": "fa",
    "ug": "ar", "ur": "fa", "mr": "hi", "ne": "hi", "sa": "hi", "gl": "es", "eu": "es", "ca": "es", "az": "tr",
}  # fmt: skip
"""Language -> another one whose keys stand for its own."""


def neighbours(rows: tuple[str, ...]) -> dict[str, str]:
    """key -> the keys beside it, in the same case.

    Args:
        rows: the rows of keys, each half a key to the right of the one above it.
    """
    near: dict[str, set[str]] = {}
    for y, row in enumerate(rows):
        for x, key in enumerate(row):
            for dy, dx in ((0, -1), (0, 1), (-1, 0), (-1, 1), (1, -1), (1, 0)):
                if 0 <= y + dy < len(rows) and 0 <= x + dx < len(rows[y + dy]):
                    near.setdefault(key, set()).add(rows[y + dy][x + dx])
    lower = {key: "".join(sorted(keys)) for key, keys in near.items()}
    upper = {
        k.upper(): "".join(x.upper() for x in v if len(x.upper()) == 1) for k, v in lower.items() if len(k.upper()) == 1
    }
    return {key: keys for key, keys in {**upper, **lower}.items() if keys}


@cache
def keys(language: str) -> dict[str, str]:
    """key -> the keys beside it on the keyboard of a language; ``auto`` is QWERTY and one keyboard per other script."""
    if language == "auto":
        merged: dict[str, str] = {}
        for name in ("ru", "el", "he", "ar", "hi", "th", "ja", "en"):
            merged |= keys(name)
        return merged
    if language == "ja":
        return {kana: row.replace(kana, "") for row in _FLICKS.split() for kana in row}
    name = SAME_KEYS.get(language, language)
    return neighbours(_LATIN_ROWS.get(name) or _OTHER_ROWS.get(name) or _LATIN_ROWS["en"])
