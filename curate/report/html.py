"""The report as one page: own templates, style and script in it, no network, nothing of the data ever run."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from curate.report import charts
from curate.report.advice import ABOUT_CLASSES, touched
from curate.report.comparison import Comparison
from curate.report.facts import QUESTION, Fact, facts_shown
from curate.report.listing import block, listing
from curate.report.material import Material
from curate.report.model import Document, Issue, Row
from curate.report.plain import percent, plain, printable
from curate.report.previews import previews
from curate.report.previews.item import Budget, Preview
from curate.report.sheet import lines as sheet_lines

HERE = Path(__file__).parent
NOTHING = ("0", "0.0%", "no", "–")
"""Facts that say that there is nothing to say."""
REPEATED = ("rows", "issues", "confusions")
"""Facts of a check that its section says anyway."""


@dataclass(frozen=True)
class Card:
    """One row of an issue."""

    row: Row
    previews: list[Preview]


@dataclass(frozen=True)
class Section:
    """One issue with its worst rows, in groups where it has them (a group of one else)."""

    anchor: str
    title: str
    check: str
    name: str
    issue: Issue
    description: str
    facts: list[Fact]
    columns: list[charts.Column]
    threshold: float | None
    groups: list[list[Card]]
    shown: int
    about_classes: bool
    yaml: str | None

    @property
    def grouped(self) -> bool:
        """Whether rows stand in groups."""
        return any(card.row.group is not None for group in self.groups for card in group)


@dataclass(frozen=True)
class Whole:
    """What a check learned about the set; `question` is the one that it answers."""

    check: str
    question: str | None
    description: str
    facts: list[Fact]


def page(material: Material, document: Document, max_bytes: int, findings_path: str | None) -> str:
    """The whole page.

    Args:
        material: what the rows are shown from.
        document: what is said.
        max_bytes: encoded media that the page may hold.
        findings_path: where all findings are kept, None if that is not known.
    """
    style, script = _asset("page.css"), _asset("page.js")
    budget = Budget(max_bytes)
    sheet = [] if material.augmented is None else sheet_lines(material.augmented, budget)
    sections = _sections(material, document, budget.left)
    policy = (
        "default-src 'none'; img-src data:; media-src data:; "
        f"style-src '{_digest(style)}'; script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'"
    )
    values = material.table.labels.values
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            d=document,
            style=Markup(style),
            script=Markup(script),
            policy=policy,
            sections=sections,
            sheet=sheet,
            safety=[] if document.augmentation is None else charts.safety(document.augmentation.label_safety),
            quiet=[
                (name, issue)
                for name, check in document.checks.items()
                for issue, n in check.issues.items()
                if not n.issues
            ],
            balance=charts.balance(document.classes),
            spread=None if values is None else charts.spread(values),
            heat=charts.heat_map(document.confusion),
            whole=_whole(document, {section.check for section in sections}),
            measures=charts.measures(document.measures),
            mapped=len(material.views.rows),
            left=_left(document),
            findings_path=findings_path,
            facts=facts_shown(document.facts, ("encoder", "seconds")),
            listing=Markup(block(listing(material))),
        )
    )


def _left(document: Document) -> int | None:
    """Rows that a run left, where these are not all: its measures and its map are of them alone."""
    accounts = document.accounts or []
    gone = sum(account.dropped + account.unreadable for account in accounts)
    return sum(account.kept for account in accounts) if gone else None


def _whole(document: Document, shown: set[str]) -> list[Whole]:
    """What checks learned about the set as a whole and no section of an issue says; sentences first."""
    found = []
    for check, said in document.checks.items():
        facts = facts_shown(said.facts, REPEATED)
        counts = {name for name in said.facts if name in said.issues}
        facts = [fact for fact in facts if fact.name not in counts]
        question = next((fact.text for fact in facts if fact.name == QUESTION), None)
        facts = [fact for fact in facts if fact.name != QUESTION]
        says = any(fact.long or fact.text not in NOTHING for fact in facts)
        if says and (check not in shown or question):
            found.append(Whole(check, question, said.description, facts))
    return sorted(found, key=lambda one: (one.question is None, not one.facts[0].is_sentence))


def _sections(material: Material, document: Document, max_bytes: int) -> list[Section]:
    """Issues with flagged rows: those to deal with first come first."""
    # The first piece of advice about a check is the most useful one.
    advice = {one.check: one for one in reversed(document.first)}
    named = [one.check for one in document.first if one.check in document.checks]
    order = list(dict.fromkeys([*named, *document.checks]))
    flagged = [(check, name) for check in order for name, n in document.checks[check].issues.items() if n.issues]
    left, sections = max_bytes, []
    for place, (check, name) in enumerate(flagged):
        # Each issue has its share of the page, and what earlier ones left over.
        budget = Budget(left // (len(flagged) - place))
        before = budget.left
        found, issue = document.checks[check], document.checks[check].issues[name]
        about_classes = check in ABOUT_CLASSES
        groups = [] if about_classes else _groups(material, issue, budget)
        left -= before - budget.left
        first = not any(section.check == check for section in sections)
        sections.append(
            Section(
                anchor=f"issue-{place}",
                title=_title(check, name, len(found.issues)),
                check=check,
                name=name,
                issue=issue,
                description=found.description if first else "",
                facts=facts_shown(found.facts, (*REPEATED, *found.issues)) if first else [],
                columns=charts.columns(issue.histogram),
                threshold=issue.histogram.threshold,
                groups=groups,
                shown=sum(row.flagged for row in issue.worst),
                about_classes=about_classes,
                yaml=advice[check].yaml if first and check in advice else None,
            )
        )
    return sections


def _groups(material: Material, issue: Issue, budget: Budget) -> list[list[Card]]:
    reasons = {row.row: row.reason for row in issue.worst}
    shown = previews(material.table, reasons, budget, _beside(issue))
    groups: list[list[Card]] = []
    for row in issue.worst:
        card = Card(row, shown[row.row])
        if groups and row.group is not None and groups[-1][0].row.group == row.group:
            groups[-1].append(card)
        else:
            groups.append([card])
    return groups


def _beside(issue: Issue) -> dict[int, int]:
    """row -> the row of its group that stays, for every other row of the group."""
    stays: dict[int, int] = {}
    for row in sorted(issue.worst, key=lambda row: row.flagged):
        if row.group is not None:
            stays.setdefault(row.group, row.row)
    return {row.row: stays[row.group] for row in issue.worst if row.group is not None and stays[row.group] != row.row}


def _title(check: str, issue: str, issues: int) -> str:
    return check if issues == 1 else f"{check}: {issue}"


@cache
def _environment() -> jinja2.Environment:
    # select_autoescape() would leave `*.html.j2` unescaped, and the default escapes nothing.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_final,
    )
    environment.filters |= {
        "measured": lambda name: _words(name.replace(".", " ")),
        "words": _words,
        "percent": percent,
        "thousands": lambda n: f"{n:,}",
        "touched": touched,
    }
    return environment


def _final(value: Any) -> Any:
    """What every expression of a template passes through: text shows its control characters, None is nothing."""
    if value is None:
        return ""
    return value if isinstance(value, Markup | jinja2.Undefined) else printable(str(value))


def _words(name: str) -> str:
    """``label_errors`` -> ``Label errors``."""
    text = plain(name).replace("_", " ").strip()
    return text[:1].upper() + text[1:]


@cache
def _asset(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def comparison_page(comparison: Comparison) -> str:
    """The difference of two audits or results as a page without a script."""
    style = _asset("page.css")
    policy = f"default-src 'none'; style-src '{_digest(style)}'; base-uri 'none'; form-action 'none'"
    template = _environment().get_template("comparison.html.j2")
    return template.render(c=comparison, style=Markup(style), policy=policy)
