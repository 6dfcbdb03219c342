"""Conversations, instructions and preferences that a language model should not learn from as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from curate.checks.judging.bounds import Bounded, findings
from curate.checks.texts.turns import OTHERS, Turns, silent, speakers, strange_speaker, unanswered, wrong_order
from curate.findings import Findings
from curate.sources.columns.joined_texts import ANSWERS, JOINED, LEADING, parts_of, texts_of, turns
from curate.sources.columns.written_turns import as_turns
from curate.step import Check
from curate.task import Task

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

MAY_BE_NONE = ("answers",)
"""Columns of answers that are empty where a question can't be answered."""
MAY_BE_EQUAL = ("premise", "hypothesis", "sentence1", "sentence2", "question1", "question2", "text1", "text2")
"""Columns of pairs that a label compares: the same text twice is a pair, too."""


class DialogueQuality(Check):
    """Finds conversations, instructions and preferences that a language model should not learn from as they are.

    For data whose text was joined of the columns of a row or of the turns of a conversation. Issues: `no_question`,
    `no_answer` (nothing is asked or answered, or the assistant does not have the last word), `empty_turn`,
    `strange_role` (a speaker that hardly any other turn has), `role_order` (the same one speaks twice in a row, or the
    assistant begins), `same_texts` (question and answer, the chosen and the rejected answer, or source and target are
    equal), `opposite_preference` (another row chooses what this one rejects). What more than `max_rare_share` of the
    rows have is taken for the way of the set and flagged nowhere. Scores are 0 or 1. Cost: a pass over the columns.
    """

    modalities = ("text",)
    issues: ClassVar[tuple[str, ...]] = (
        "no_question",
        "no_answer",
        "empty_turn",
        "strange_role",
        "role_order",
        "same_texts",
        "opposite_preference",
    )

    max_rare_share: float = Field(
        1 / 3, gt=0, le=1, description="an issue is one only where fewer than this share of the rows have it"
    )
    max_strange_share: float = Field(
        0.02, gt=0, le=1, description="strange_role: the largest share of the turns that a role of its own may have"
    )

    def refuses(self, task: Task) -> str | None:
        """Refuse texts that were not joined of parts."""
        if "text" in task.modalities and task.text != JOINED:
            return f"{self.name} judges what was joined of turns or columns, and {task.text!r} is a column of its own"
        return super().refuses(task)

    def find(self, evidence: Evidence) -> Findings:
        """One line per issue and active row."""
        rows = np.flatnonzero(evidence.active)
        table = evidence.table
        columns = pa.table({name: table.column(name) for name in table.column_names})
        parts = [name for name in parts_of(columns) if name != table.task.label]
        wrong: dict[str, dict[int, str]] = {issue: {} for issue in self.issues}
        chosen = columns.select(parts).take(pa.array(rows))
        for issue, place, why in self._wrong(pa.table({name: as_turns(chosen[name]) for name in parts})):
            wrong[issue].setdefault(place, why)
        issues = []
        for issue, reasons in wrong.items():
            score = np.ones(len(rows))
            if len(reasons) < self.max_rare_share * len(rows) or len(rows) < 1 / self.max_rare_share:
                score[list(reasons)] = 0.0
            issues.append(Bounded(issue, score, reasons.__getitem__))
        return findings(self.name, evidence, rows, issues)

    def _wrong(self, columns: pa.Table) -> Iterator[tuple[str, int, str]]:
        """(issue, place, why) of everything that is wrong."""
        talks = [name for name in columns.column_names if turns(columns[name].type)]
        for name in talks:
            yield from self._of_turns(name, columns[name])
        said = dict(pair for name in columns.column_names for pair in _named_texts(columns[name], name))
        if not talks:
            yield from _without(said)
        yield from _same(said)
        if "chosen" in said and "rejected" in said:
            yield from _opposite(said)

    def _of_turns(self, name: str, column: pa.ChunkedArray) -> Iterator[tuple[str, int, str]]:
        who, what = turns(column.type) or ("", "")
        lists: list[Turns | None] = column.to_pylist()
        counts = Counter(speaker for told in lists for speaker in speakers(told or (), who))
        least = self.max_strange_share * sum(counts.values())
        known = {"user", "assistant", *OTHERS, *(role for role, count in counts.items() if role and count > least)}
        asks, answers = name.strip().lower() in LEADING, name.strip().lower() in ANSWERS
        for place, told in enumerate(lists):
            if not told:
                yield "no_question" if asks else "no_answer", place, f"{name!r} has no turn"
                continue
            found = {
                "empty_turn": silent(told, what),
                "strange_role": strange_speaker(told, who, known),
                "no_answer": None if asks else unanswered(told, who),
                "role_order": None if answers else wrong_order(told, who),
                "no_question": None if answers or "user" in speakers(told, who) else "nobody asks",
            }
            yield from ((issue, place, f"{name!r}: {why}") for issue, why in found.items() if why)


def _named_texts(column: pa.ChunkedArray, name: str) -> Iterator[tuple[str, list[str | None]]]:
    """The texts of a column under its name in lower case, those of a struct under the names of its fields."""
    found = texts_of(column)
    for k, texts in enumerate(found):
        yield (name if len(found) == 1 else column.type.field(k).name).strip().lower(), texts.to_pylist()


def _without(said: dict[str, list[str | None]]) -> Iterator[tuple[str, int, str]]:
    """Rows in which a column of questions or of answers is empty."""
    asked = [said[name] for name in LEADING if name in said]
    if asked:
        for place, texts in enumerate(zip(*asked)):
            if not any(texts):
                yield "no_question", place, "nothing is asked"
    for name, texts in said.items():
        if name in LEADING or (asked and name not in ANSWERS) or name in MAY_BE_NONE:
            continue
        yield from (("no_answer", place, f"{name!r} is empty") for place, text in enumerate(texts) if not text)


def _same(said: dict[str, list[str | None]]) -> Iterator[tuple[str, int, str]]:
    for one, other in combinations([name for name in said if name not in MAY_BE_EQUAL], 2):
        for place, (text, again) in enumerate(zip(said[one], said[other])):
            if text and again and text.strip() == again.strip():
                yield "same_texts", place, f"{one!r} and {other!r} are equal"


def _opposite(said: dict[str, list[str | None]]) -> Iterator[tuple[str, int, str]]:
    prompts = said.get("prompt") or said.get("question") or said.get("instruction") or [None] * len(said["chosen"])
    lines = list(zip(prompts, said["chosen"], said["rejected"]))
    there = set(lines)
    for place, (prompt, chosen, rejected) in enumerate(lines):
        if chosen != rejected and (prompt, rejected, chosen) in there:
            yield "opposite_preference", place, "another row chooses, of the same question, what is rejected here"
