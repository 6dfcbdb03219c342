"""JUnit XML: gates and issues as test cases. A case fails where a gate fails, so that it agrees with the exit code."""

from __future__ import annotations

from xml.etree import ElementTree as xml

from curate.report.model import Document, GateOutcome, Issue
from curate.report.plain import percent, printable
from curate.wording import counted

SHOWN = 20


def junit(document: Document) -> str:
    """One suite per check with a case per issue, and one suite of gates.

    Args:
        document: its worst rows are listed in the cases.
    """
    root = xml.Element("testsuites", name="curate")
    if document.gates:
        gates = xml.SubElement(root, "testsuite", name="gates")
        for gate in document.gates:
            case = xml.SubElement(gates, "testcase", classname="curate.gates", name=_text(gate.text))
            if gate.failed:
                xml.SubElement(case, "failure", type="gate", message=_text(gate.sentence))
            else:
                xml.SubElement(case, "system-out").text = _text(gate.sentence)
    for check, said in document.checks.items():
        suite = xml.SubElement(root, "testsuite", name=_text(check))
        for name, issue in said.issues.items():
            case = xml.SubElement(suite, "testcase", classname=_text(f"curate.{check}"), name=_text(name))
            listed = _listed(issue)
            if failed := [gate for gate in document.gates if _speaks_of(gate, check, name)]:
                message = _text("; ".join(gate.sentence for gate in failed))
                xml.SubElement(case, "failure", type="gate", message=message).text = listed
            elif listed:
                xml.SubElement(case, "system-out").text = listed
    for check, why in document.skipped.items():
        suite = xml.SubElement(root, "testsuite", name=_text(check))
        case = xml.SubElement(suite, "testcase", classname=_text(f"curate.{check}"), name="ran")
        xml.SubElement(case, "error", type="skipped", message=_text(f"could not run: {why}"))
    _count(root, document.seconds)
    xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + xml.tostring(root, encoding="unicode") + "\n"


def _speaks_of(gate: GateOutcome, check: str, issue: str) -> bool:
    return gate.failed and gate.check == check and gate.issue in (None, issue)


def _listed(issue: Issue) -> str:
    if not issue.issues:
        return ""
    lines = [f"{issue.issues:,} of {counted(issue.rows, 'row')} ({percent(issue.share)})"]
    for row in [row for row in issue.worst if row.flagged][:SHOWN]:
        where = "" if row.file is None else f" {row.file}" + ("" if row.line is None else f":{row.line}")
        lines.append(f"{row.score:.3f} {row.row_id}{where}: {row.reason}")
    return "\n".join(map(_text, lines))


def _text(text: str) -> str:
    """Text without the characters that XML can't hold; the writer escapes the rest."""
    return printable(text)


def _count(root: xml.Element, seconds: float | None) -> None:
    totals: dict[str, int] = {"tests": 0, "failures": 0, "errors": 0}
    for suite in root:
        counts = {
            "tests": len(suite),
            "failures": len(suite.findall("testcase/failure")),
            "errors": len(suite.findall("testcase/error")),
        }
        for name, count in counts.items():
            suite.set(name, str(count))
            totals[name] += count
    for name, count in totals.items():
        root.set(name, str(count))
    if seconds is not None:
        root.set("time", f"{seconds:.3f}")
