"""Gates: thresholds such as ``label_errors > 2%`` that make an audit fail."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate import registry
from curate.errors import ConfigError, nearest
from curate.findings import Findings
from curate.report.advice import ABOUT_THE_SET
from curate.report.model import GateOutcome
from curate.step import Check
from curate.table import Table
from curate.wording import counted

ANY = "any"
"""Name that stands for every check but those that speak of the set or of classes."""

_FORM = re.compile(
    r"\s*(?P<check>\w+)(?:\.(?P<issue>\w+))?\s*(?:\[\s*(?P<split>[^\]]*?)\s*\])?"
    r"\s*(?P<op>>=|>)\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<percent>%?)\s*"
)
_OPERATORS: dict[str, Callable[[float, float], bool]] = {">": operator.gt, ">=": operator.ge}
_EXAMPLES = "'label_errors > 2%', 'unreadable > 0', 'image_quality.blurry > 1%' or 'label_errors[test] > 0'"


@dataclass(frozen=True)
class Gate:
    """A threshold on the rows that a check (or one issue of it) flags: a count, or a share of the rows judged.

    Attributes:
        text: as it was written.
        check: name of a check, or ``any``.
        issue: one issue of the check, None for all.
        split: only rows of this split, None for all.
        op: ``>`` or ``>=``.
        bound: a count, or a share in [0, 1].
        is_share: which of the two.
    """

    text: str
    check: str
    issue: str | None
    split: str | None
    op: str
    bound: float
    is_share: bool

    @classmethod
    def parse(cls, text: str) -> Gate:
        """Read ``CHECK[.ISSUE][[SPLIT]] > NUMBER[%]``. Raises ConfigError."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise ConfigError(f"can't read the gate {text!r}; write for example {_EXAMPLES}")
        check, issue = match["check"], match["issue"]
        known = [*registry.step_names(), ANY]
        if check not in known:
            raise ConfigError(f"the gate {text!r} names no known check{nearest(check, known)}")
        if check == ANY and issue is not None:
            raise ConfigError(f"the gate {text!r} names an issue, but 'any' stands for all checks and has none")
        _must_be_found(text, check, issue)
        if match["split"] == "":
            raise ConfigError(f"the gate {text!r} names no split between its brackets; write for example [test]")
        share = bool(match["percent"])
        bound = float(match["number"]) / (100 if share else 1)
        if share and bound > 1:
            raise ConfigError(f"the gate {text!r} can never fail: no share is larger than 100%")
        return cls(text.strip(), check, issue, match["split"], match["op"], bound, share)

    def must_fit(self, table: Table) -> None:
        """Raises ConfigError where it names a split that the table lacks."""
        there = sorted(set(table.splits.tolist()))
        if self.split is not None and self.split not in there:
            raise ConfigError(
                f"the gate {self.text!r} names the split {self.split!r}{nearest(self.split, there)}, and the data"
                f" have {', '.join(there)}"
            )

    @property
    def subject(self) -> str:
        """What is counted: ``check``, ``check.issue``, with the split in brackets."""
        name = self.check + (f".{self.issue}" if self.issue else "")
        return name + (f"[{self.split}]" if self.split else "")

    def judge(self, findings: Findings, table: Table, new: np.ndarray | None = None) -> GateOutcome:
        """Whether the threshold is passed.

        Args:
            findings: of an audit.
            table: the rows that were judged.
            new: (m,) bool, lines of the findings that count; all if None.

        Raises:
            ConfigError: nothing was judged that the gate speaks of.
        """
        counts = self._mask(findings.table)
        if self.split is not None:
            self.must_fit(table)
            counts &= (table.splits == self.split)[findings.table["row"].to_numpy()]
        if not counts.any():
            raise ConfigError(f"the gate {self.text!r} can't be judged: {self._idle(findings)}")
        row = findings.table["row"].to_numpy()
        rows = len(np.unique(row[counts]))
        counts &= findings.table["is_issue"].to_numpy()
        if new is not None:
            counts &= new
        flagged = len(np.unique(row[counts]))
        return self._outcome(flagged, rows, new is not None)

    def _mask(self, lines: pa.Table) -> np.ndarray:
        if self.check == ANY:
            about_rows = pc.invert(pc.is_in(lines["check"], value_set=pa.array(ABOUT_THE_SET)))
            return about_rows.to_numpy().astype(bool)
        mask = pc.equal(lines["check"], self.check).to_numpy().astype(bool)
        return mask if self.issue is None else mask & pc.equal(lines["issue"], self.issue).to_numpy().astype(bool)

    def _idle(self, findings: Findings) -> str:
        summary = findings.summary
        if self.check in summary and self.issue is not None and self.issue not in summary[self.check]:
            known = summary[self.check]
            return f"{self.check} has no issue {self.issue!r}{nearest(self.issue, known)}; it judged {', '.join(known)}"
        return f"{self.subject} judged no row; judged were {', '.join(summary) or 'none'}"

    def _outcome(self, flagged: int, rows: int, is_new: bool) -> GateOutcome:
        value = flagged / rows if self.is_share else flagged
        failed = _OPERATORS[self.op](value, self.bound)
        found = f"{flagged:,} {'new ' if is_new else ''}of {counted(rows, 'row')} ({flagged / rows:.2%})"
        sentence = f"gate {'failed' if failed else 'passed'}: {self.text}: {found}"
        return GateOutcome(
            text=self.text,
            check=None if self.check == ANY else self.check,
            issue=self.issue,
            split=self.split,
            failed=failed,
            flagged=flagged,
            rows=rows,
            sentence=sentence,
        )


def _must_be_found(text: str, check: str, issue: str | None) -> None:
    """Refuse a step that is no check, and an issue that the check never finds."""
    if check == ANY:
        return
    step = registry.step(check)
    if not issubclass(step, Check):
        raise ConfigError(f"the gate {text!r} names {check!r}, which is a {step.kind} step and no check")
    if issue is not None and step.issues and issue not in step.issues:
        raise ConfigError(
            f"the gate {text!r} names the issue {issue!r}{nearest(issue, step.issues)}; {check} finds"
            f" {', '.join(step.issues)}"
        )


def judge(
    gates: Sequence[Gate],
    findings: Findings,
    table: Table,
    *,
    new: np.ndarray | None = None,
    skipped: Mapping[str, str] | None = None,
) -> tuple[list[GateOutcome], list[str]]:
    """Judge several gates.

    Args:
        gates: the gates.
        findings: of an audit.
        table: the rows that were judged.
        new: (m,) bool, lines of the findings that count; all if None.
        skipped: check -> why it could not run.

    Returns:
        The outcomes of those that can be judged, and a sentence about each that can't because its check was skipped.

    Raises:
        ConfigError: a gate speaks of something that was not looked for.
    """
    outcomes, open_gates = [], []
    for gate in gates:
        if skipped and gate.check in skipped:
            open_gates.append(f"gate not judged: {gate.text}: {gate.check} could not run: {skipped[gate.check]}")
        else:
            outcomes.append(gate.judge(findings, table, new))
    return outcomes, open_gates
