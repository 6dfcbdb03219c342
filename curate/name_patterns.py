"""Patterns of names of files, ``{label}_{speaker}_{take:d}``, as regular expressions."""

from __future__ import annotations

import re

from curate.errors import ConfigError

NOTHING = "_"
"""Field that becomes no column."""
HOW = "Write for example '{label}_{speaker}_{take:d}': fields in braces, :d for digits alone, {_} for what says nothing"
_FIELD = re.compile(r"\{(?P<name>\w+)(?P<digits>:d)?\}")


def compiled(pattern: str) -> tuple[list[str], str]:
    """The names of the fields, and a regular expression; a field before one of digits ends where these begin.

    Raises:
        ConfigError: it has no field, one twice or one that begins with a digit, or a brace that is part of none.
    """
    fields = list(_FIELD.finditer(pattern))
    names = [field["name"] for field in fields if field["name"] != NOTHING]
    if re.search(r"[{}]", _FIELD.sub("", pattern)):
        raise ConfigError(f"{pattern!r} has a brace that is part of no field. {HOW}")
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"{pattern!r} has no field, or one twice. {HOW}")
    if wrong := [name for name in names if name[0].isdigit()]:
        raise ConfigError(f"{pattern!r}: the name of a field can't begin with a digit as {wrong[0]!r} does. {HOW}")
    found, end = "", 0
    for field, after in zip(fields, [*fields[1:], None]):
        touching = after is not None and after["digits"] and after.start() == field.end()
        inner = r"\d+" if field["digits"] else "[^/]+?" if touching else "[^/]+"
        found += re.escape(pattern[end : field.start()])
        found += f"(?:{inner})" if field["name"] == NOTHING else f"(?P<{field['name']}>{inner})"
        end = field.end()
    return names, f"^{found}{re.escape(pattern[end:])}$"
