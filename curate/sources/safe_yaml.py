"""YAML of strangers: nothing is built of it but its nodes, and no deeper than the parser's own stack holds."""

from __future__ import annotations

import yaml


def line_nested_deeper(text: str, most: int) -> int | None:
    """The first line, from 1, on which collections stand in more than `most` others; None if there is none.

    To be asked before the text is composed, which is done by recursion. Raises `yaml.YAMLError`.
    """
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > most:
                return event.start_mark.line + 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return None
