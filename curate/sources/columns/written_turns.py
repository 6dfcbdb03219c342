"""Conversations that stand in a column as JSON, as CSV files have them, and JSON lines whose turns differ in form."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from curate.sources.columns.column_types import is_text

TURNS = (("role", "content"), ("from", "value"))
"""Who speaks and what is said, in the turns of a conversation."""
CALLS = ("tool_calls", "function_call")
"""Fields that a turn may hold in place of words."""
HEAD = 20
MOST_BROKEN = 0.1
"""Share of the first texts that may be no list of turns; they are conversations without a turn."""


def are_written_turns(column: pa.ChunkedArray) -> bool:
    """Whether the first texts of a column are lists of turns, but for one in ten that may be broken."""
    if not is_text(column.type):
        return False
    head = column.slice(0, 10 * HEAD).drop_null().slice(0, HEAD).to_pylist()
    if sum(not text.lstrip().startswith("[") for text in head) > MOST_BROKEN * len(head):
        return False
    lists = [_turns(text) for text in head]
    return any(lists) and lists.count(None) <= MOST_BROKEN * len(head)


def as_turns(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Such a column as lists of turns: who speaks, what is said in words, and calls of tools as JSON; others unchanged.

    A text that is no list of turns becomes an empty one.
    """
    if not are_written_turns(column):
        return column
    lists = [None if text is None else _turns(text) or [] for text in column.to_pylist()]
    who, what = next(((a, b) for turns in lists for turn in turns or () for a, b in TURNS if {a, b} <= turn.keys()))
    rows = [None if turns is None else [_plain(turn, who, what) for turn in turns] for turns in lists]
    fields = [(name, pa.string()) for name in (who, what, *CALLS)]
    return pa.chunked_array([pa.array(rows, pa.list_(pa.struct(fields)))])


def words_of(value: Any) -> str | None:
    """The words of a turn, which may be a list of parts, as where images stand beside them."""
    parts = value if isinstance(value, list) else [value]
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    return "\n".join(text for text in texts if isinstance(text, str)) or None


def _turns(text: str) -> list[dict[str, Any]] | None:
    """The turns that a text lists, None where it lists something else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    named = isinstance(found, list) and all(
        isinstance(turn, dict) and any({who, what} <= turn.keys() for who, what in TURNS) for turn in found
    )
    return found if named else None


def _plain(turn: dict[str, Any], who: str, what: str) -> dict[str, str | None]:
    speaker = turn.get(who)
    calls = {call: json.dumps(turn[call]) if turn.get(call) else None for call in CALLS}
    return {who: None if speaker is None else str(speaker), what: words_of(turn.get(what)), **calls}
