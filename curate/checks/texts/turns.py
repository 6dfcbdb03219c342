"""What is wrong with the turns of one conversation: who speaks, in which order, and whether anything is said."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from curate.sources.columns.written_turns import CALLS

ALIASES = {
    "human": "user", "user": "user", "prompter": "user", "assistant": "assistant", "gpt": "assistant",
    "chatgpt": "assistant", "bot": "assistant", "bard": "assistant", "bing": "assistant", "model": "assistant",
}  # fmt: skip
"""Names that go round for the two who talk."""
OTHERS = frozenset(
    ("system", "developer", "tool", "tool_call", "tool_response", "function", "function_call", "function_response",
     "observation", "ipython", "environment")
)  # fmt: skip

Turns = Sequence[Mapping[str, Any] | None]


def speakers(turns: Turns, who: str) -> list[str]:
    """Who speaks, turn by turn: user, assistant, or as it is written; "" where nobody is named."""
    named = [str((turn or {}).get(who) or "").strip().lower() for turn in turns]
    return [ALIASES.get(name, name) for name in named]


def strange_speaker(turns: Turns, who: str, known: Collection[str]) -> str | None:
    """A sentence about the first turn of a speaker that is not among the known."""
    for place, name in enumerate(speakers(turns, who)):
        if name not in known:
            return f"turn {place + 1} is of {name!r}" if name else f"turn {place + 1} says not who speaks"
    return None


def wrong_order(turns: Turns, who: str) -> str | None:
    """A sentence about the first turn in which the same one speaks again, or the assistant begins."""
    before = None
    for place, name in enumerate(speakers(turns, who)):
        if name == "assistant" and before is None:
            return f"turn {place + 1} is of the assistant, and nobody has asked"
        if name == before and name in ("user", "assistant"):
            return f"turns {place} and {place + 1} are both of the {name}"
        before = name if name not in ("system", "developer") else before
    return None


def unanswered(turns: Turns, who: str) -> str | None:
    """A sentence where the assistant does not have the last word."""
    names = speakers(turns, who)
    if "assistant" not in names:
        return "no turn is of the assistant"
    return None if names[-1] == "assistant" else f"the last of {len(names)} turns is of {names[-1]!r}"


def silent(turns: Turns, what: str) -> str | None:
    """A sentence about the first turn without words or a call of a tool."""
    for place, turn in enumerate(turns):
        said = (turn or {}).get(what)
        words = said.strip() if isinstance(said, str) else said
        if not words and not any((turn or {}).get(call) for call in CALLS):
            return f"turn {place + 1} of {len(turns)} is empty"
    return None
