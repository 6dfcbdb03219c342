"""Gates: thresholds such as ``label_errors > 2%`` that make an audit fail."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow.compute as pc

from curate import registry
from curate.errors import ConfigError, nearest
from curate.findings import Findings

_FORM = re.compile(
    r"\s*(?P<check>\w+)(?:\.(?P<issue>\w+))?\s*(?P<op>>=|>)\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<percent>%?)\s*"
)
_OPERATORS: dict[str, Callable[[float, float], bool]] = {">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True)
class Gate:
    """A threshold on the rows that a check (or one issue of it) flags: a count, or a share of the rows judged."""

    text: str
    check: str
    issue: str | None
    op: str
    bound: float
    is_share: bool

    @classmethod
    def parse(cls, text: str) -> Gate:
        """Read ``CHECK[.ISSUE] > NUMBER[%]``. Raises ConfigError."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise ConfigError(
                f"can't read the gate {text!r}; write for example 'label_errors > 2%' or 'unreadable > 0'"
            )
        check = match["check"]
        if check not in registry.step_names():
            raise ConfigError(f"the gate {text!r} names no known check{nearest(check, registry.step_names())}")
        share = bool(match["percent"])
        bound = float(match["number"]) / (100 if share else 1)
        return cls(text.strip(), check, match["issue"], match["op"], bound, share)

    def judge(self, findings: Findings) -> str | None:
        """A sentence if the threshold is passed, None if not. Raises ConfigError if the check did not run."""
        lines = findings.only(self.check, self.issue).table
        if not lines.num_rows:
            ran = sorted({f"{c}.{i}" for c, issues in findings.summary.items() for i in issues})
            what = self.check + (f".{self.issue}" if self.issue else "")
            raise ConfigError(f"the gate {self.text!r} can't be judged: {what} judged no row; judged: {', '.join(ran)}")
        rows = pc.count_distinct(lines["row"]).as_py()
        flagged = pc.count_distinct(lines.filter(lines["is_issue"])["row"]).as_py()
        value = flagged / rows if self.is_share else flagged
        if not _OPERATORS[self.op](value, self.bound):
            return None
        return f"gate failed: {self.text}: {flagged} of {rows} rows ({flagged / rows:.2%})"


def judge(gates: Sequence[Gate], findings: Findings) -> list[str]:
    """The sentences of all gates that failed."""
    return [sentence for gate in gates if (sentence := gate.judge(findings)) is not None]
