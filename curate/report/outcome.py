"""The report in one line: what was found, and by how much of what could have been asked."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from curate.report.advice import ABOUT_THE_SET
from curate.report.facts import SENTENCES
from curate.report.material import Material
from curate.report.model import Outcome
from curate.report.plain import percent
from curate.wording import counted, noun

MANY = 0.05
"""Share of rows with issues from which there is a lot to do."""


def outcome(material: Material, flagged: pa.Table, touched: int, noise: float | None) -> Outcome:
    """The report in one line.

    Args:
        material: findings and whatever else there is.
        flagged: the findings that are issues.
        touched: rows with at least one issue, those about the set as a whole aside.
        noise: estimated share of wrong labels, None where nobody estimated it.
    """
    rows = int(material.table.given.sum())
    if not rows:
        return Outcome(level="act", sentence="There are no rows.")
    ran, judged = _ran(material), set(material.findings.summary)
    if not judged and not material.findings.facts:
        read = f"{counted(rows, 'row')} {noun(rows, 'was', 'were')} read"
        return Outcome(level="look", sentence=f"{read}, and no check {'judged one' if ran else 'ran'}.")
    of_the_set, idle = (
        _of_the_set(flagged),
        [name for name in ran if name not in judged and not _says_why(material, name)],
    )
    complete = material.every_check and not idle and not material.skipped
    if touched:
        have = noun(touched, "has", "have")
        sentence = f"{touched:,} of {counted(rows, 'row')} ({percent(touched / rows)}) {have} at least one issue"
        if noise is not None and noise >= 0.001:
            sentence += f"; about {noise:.1%} of the labels look wrong"
        level = "act" if touched / rows >= MANY else "look"
        return Outcome(level=level, sentence=f"{sentence}.{of_the_set}", complete=complete)
    by = "" if complete else _by(len(judged), len(idle), len(material.skipped))
    if of_the_set:
        return Outcome(level="look", sentence=f"No single row is found wrong{by}.{of_the_set}", complete=complete)
    sentence = f"Nothing wrong was found in {counted(rows, 'row')}{by}."
    return Outcome(level="fine", sentence=sentence, complete=complete)


def _by(judged: int, idle: int, skipped: int) -> str:
    """By how many checks, and what became of the others."""
    if idle:
        text = (
            f" by {judged} of {counted(judged + idle, 'check')}; {noun(idle, 'the other', 'the others')} judged no row"
        )
    else:
        text = f" by {counted(judged, 'check')} alone"
    return f"{text}; {counted(skipped, 'check')} could not run" if skipped else text


def _ran(material: Material) -> list[str]:
    """The checks that ran, whether they judged a row or not."""
    timed, steps = material.facts.get("seconds_of_checks", {}), material.facts.get("steps", [])
    named = [*timed, *(step["step"] for step in steps if step["kind"] == "check")]
    return list(dict.fromkeys([*named, *material.findings.summary, *material.findings.facts]))


def _says_why(material: Material, check: str) -> bool:
    """Whether a check that judged no row says itself why there was none for it."""
    return bool(set(SENTENCES) & set(material.findings.facts.get(check, {})))


def _of_the_set(flagged: pa.Table) -> str:
    """A sentence on checks of the set as a whole that flag rows, which are not counted among rows with issues."""
    names = flagged["check"].filter(pc.is_in(flagged["check"], value_set=pa.array(ABOUT_THE_SET)))
    found = sorted(pc.unique(names).to_pylist())
    return f" {' and '.join(found)} {noun(len(found), 'speaks', 'speak')} of the set as a whole." if found else ""
