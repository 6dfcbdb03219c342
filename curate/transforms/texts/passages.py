"""A long text as passages that a model can read at once, and what it made of them as one text again."""

from __future__ import annotations

from curate.transforms.texts.pieces import Cut, packed
from curate.transforms.texts.sentences import Span, sentence_spans
from curate.transforms.texts.tokens import tokenizer
from curate.transforms.texts.writers import Writer


def passages(text: str, model: Writer, room: int) -> list[Span]:
    """Passages of whole sentences that the model can read at once."""
    if len(text) <= room or int(model.tokens([text])[0]) <= room:
        return [(0, len(text))]
    # A sentence is weighed by its words at most: what the model makes of one word is not known before.
    units = sentence_spans(text)
    sizes = model.tokens([text[start:end] for start, end in units])
    spans: list[Span] = []
    used = room + 1
    for (start, end), size in zip(units, sizes.tolist()):
        if size > room:
            spans.extend(_windows(text, start, end, room, size))
            used = room + 1
        elif used + size > room:
            spans.append((start, end))
            used = size
        else:
            spans[-1] = (spans[-1][0], end)
            used += size
    return spans


def _windows(text: str, start: int, end: int, room: int, size: int) -> list[Span]:
    """A sentence that is too long, in windows of words that hold about as many tokens as there is room for."""
    tokens = tokenizer("words").spans([text[start:end]])[0] + start
    most = max(1, len(tokens) * room // max(size, 1))
    return packed([(start, end)], tokens, Cut(most))


def put_together(text: str, spans: list[Span], written: list[str]) -> str:
    """The translations with what stood between the passages, an empty one in place of its own words."""
    parts = []
    for i, ((_, end), new) in enumerate(zip(spans, written)):
        between = text[end : spans[i + 1][0]] if i + 1 < len(spans) else ""
        parts.append(new + (between if between or i + 1 == len(spans) else " "))
    return "".join(parts)
