"""Markdown: the section of a dataset card about size, classes and quality, with the card's YAML at the top.

The YAML holds what is known of the data and nothing else: a licence, a language or authors are for people to add.
Source: Hugging Face, dataset cards.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import yaml

from curate.report.advice import touched
from curate.report.facts import facts_shown
from curate.report.model import Check, Document
from curate.report.plain import one_line, percent
from curate.wording import counted

MOST_CLASSES = 40
MOST_FACTS = 12
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))
_TASKS = {
    ("text", "classification"): "text-classification",
    ("text", "multilabel"): "text-classification",
    ("image", "classification"): "image-classification",
    ("image", "multilabel"): "image-classification",
    ("image", "segmentation"): "image-segmentation",
    ("image", "detection"): "object-detection",
    ("audio", "classification"): "audio-classification",
    ("audio", "transcription"): "automatic-speech-recognition",
    ("video", "classification"): "video-classification",
    ("features", "classification"): "tabular-classification",
    ("features", "regression"): "tabular-regression",
}


def markdown(document: Document) -> str:
    """The section. Nothing of the data can form markup: names are escaped, and so is what would be HTML."""
    parts = [_front(document), "# Data quality", _outcome(document)]
    parts += [_gates(document), _first(document), _issues(document), _structure(document), _classes(document)]
    parts += [_whole(document), _notes(document)]
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str, longest: int = 200) -> str:
    """One line of text that Markdown shows as it is."""
    text = one_line(text, longest).replace("&", "&amp;").replace("<", "&lt;")
    text = re.sub(r"([\\`*_\[\]#|~$])", r"\\\1", text)
    # Addresses and names of people would become links and mentions in GitHub's dialect.
    text = text.replace("@", "&#64;").replace("://", "&#58;//")
    return re.sub(r"(?i)\bwww\.", "www&#46;", text)


def _front(document: Document) -> str:
    known: dict[str, object] = {}
    roles = document.task.roles
    kinds = [_TASKS[role, document.task.kind or ""] for role in roles if (role, document.task.kind or "") in _TASKS]
    if kinds:
        known["task_categories"] = kinds[:1]
    known["size_categories"] = [next((name for most, name in _SIZES if document.rows < most), "n>10M")]
    known["tags"] = ["data-quality", "curate"]
    return f"---\n{yaml.safe_dump(known, sort_keys=False, allow_unicode=True)}---"


def _outcome(document: Document) -> str:
    mark = {"fine": "🟢", "part": "⚪", "look": "🟡", "act": "🔴"}[document.outcome.shown]
    return f"{mark} **{escaped(document.outcome.sentence)}**"


def _gates(document: Document) -> str:
    lines = [f"- {'❌' if gate.failed else '✅'} {escaped(gate.sentence)}" for gate in document.gates]
    lines += [f"- ⚠️ {escaped(f'{check} could not run: {why}', 400)}" for check, why in document.skipped.items()]
    if document.baseline is not None:
        lines.append(f"- {escaped(document.baseline.sentence, 400)}")
    return "\n".join(lines)


def _first(document: Document) -> str:
    if not document.first:
        return ""
    lines = []
    for place, advice in enumerate(document.first, 1):
        step = f": `{one_line(advice.yaml).replace('`', '')}`" if advice.yaml else ""
        lines.append(f"{place}. {escaped(advice.title)} ({touched(advice)}){step}")
    return "## What to do first\n\n" + "\n".join(lines)


def _issues(document: Document) -> str:
    lines = [
        (escaped(check), escaped(name), f"{issue.issues:,}", f"{issue.rows:,}", percent(issue.share))
        for check, said in document.checks.items()
        for name, issue in said.issues.items()
        if issue.issues
    ]
    quiet = [
        escaped(check if len(said.issues) == 1 else f"{check}.{name}")
        for check, said in document.checks.items()
        for name, issue in said.issues.items()
        if not issue.issues
    ]
    parts = ["## Issues"] if lines or quiet else []
    if lines:
        parts.append(_table(("check", "issue", "rows flagged", "rows judged", "share"), lines, numbers=3))
    if quiet:
        parts.append(f"Looked for and not found: {', '.join(quiet)}.")
    return "\n\n".join(parts)


def _structure(document: Document) -> str:
    task = document.task
    roles = [
        f"- {role}: {escaped(named) if isinstance(named, str) else counted(len(named), 'column')}"
        for role, named in task.roles.items()
    ]
    kind = [f"- kind: {task.kind}"] if task.kind else []
    splits = [(escaped(name), f"{rows:,}") for name, rows in document.splits.items()]
    table = _table(("split", "rows"), splits, numbers=1)
    return "## Structure\n\n" + "\n".join(kind + roles) + "\n\n" + table


def _classes(document: Document) -> str:
    if not document.classes:
        return ""
    ordered = sorted(document.classes, key=lambda one: -one.rows)
    with_after = any(one.after is not None for one in ordered)
    total = sum(one.rows for one in ordered) or 1
    lines = [
        (escaped(one.name, 60), f"{one.rows:,}", percent(one.rows / total), *([f"{one.after:,}"] if with_after else []))
        for one in ordered[:MOST_CLASSES]
    ]
    head = ("class", "rows", "share", *(("after",) if with_after else ()))
    text = "## Classes\n\n" + _table(head, lines, numbers=len(head) - 1)
    rest = len(ordered) - MOST_CLASSES
    return text + (f"\n\nand {rest:,} smaller classes" if rest > 0 else "")


def _whole(document: Document) -> str:
    """What checks learned about the set as a whole."""
    parts = [line for check, said in document.checks.items() for line in _facts(check, said)]
    return "## The set as a whole\n\n" + "\n".join(parts) if parts else ""


def _facts(check: str, said: Check) -> list[str]:
    facts = [fact for fact in facts_shown(said.facts, ("rows", "issues")) if not fact.long and fact.text]
    if not facts:
        return []
    sentences = [escaped(fact.text, 400) for fact in facts if fact.is_sentence]
    named = [f"{escaped(fact.name.replace('_', ' '))} {escaped(fact.text)}" for fact in facts if not fact.is_sentence]
    return [f"- **{escaped(check)}**: " + " ".join([*sentences, "; ".join(named[:MOST_FACTS])]).strip()]


def _notes(document: Document) -> str:
    lines = [f"- {escaped(note, 400)}" for note in document.notes]
    encoder = f", embedding by {escaped(document.encoder)}" if document.encoder else ""
    made = f"Made by curate {document.curate_version} from {counted(document.rows, 'row')}{encoder}."
    return "\n".join(lines) + ("\n\n" if lines else "") + made


def _table(head: Sequence[str], lines: Sequence[Sequence[str]], numbers: int) -> str:
    """A table whose last `numbers` columns are aligned to the right."""
    words = len(head) - numbers
    rule = ["---"] * words + ["---:"] * numbers
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *lines))
