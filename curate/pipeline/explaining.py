"""What became of one row of a result, and why, as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from curate.ledger import sentences
from curate.task import MEDIA
from curate.wording import counted, noun, some_of

if TYPE_CHECKING:
    from curate.pipeline.curated import Curated
    from curate.table import Table

PIECES_SHOWN = 10
CLASSES_SHOWN = 5


def explained(curated: Curated, row_id: str) -> str:
    """Origin, findings, decisions and outcome of a row that is there, or that a transform made others of."""
    if not (curated.table.row_ids == row_id).any():
        return _pieces(curated, row_id)
    row = curated.table.position(row_id)
    lines = [_whence(curated, row)]
    found = curated.findings.filter(pc.and_(pc.equal(curated.findings["row_id"], row_id), curated.findings["is_issue"]))
    for line in found.to_pylist():
        suggestion = f"; suggested label {line['suggested_label']!r}" if line["suggested_label"] else ""
        lines.append(
            f"found by {line['check']} ({line['issue']}, score {line['score']:.3f}): {line['reason']}{suggestion}"
        )
    if not found.num_rows:
        lines.append("no check flagged it")
    steps = curated.changes.filter(pc.equal(curated.changes["row_id"], row_id))["step"].to_pylist()
    lines += [f"its content was changed by {step}" for step in steps]
    lines += [f"decided by {text}" for text in sentences(curated.ledger_.about(row_id).table)]
    return "\n".join([*lines, *_outcome(curated, row)])


def soft_label_in_words(names: Sequence[str], soft: Sequence[float], *, shares: bool) -> str:
    """The largest numbers of a soft label by class, and how much the others hold.

    Args:
        names: the K classes.
        soft: K numbers in [0, 1].
        shares: whether they sum to 1, one class being right; else each label of a set has a number of its own.
    """
    order = sorted(range(len(soft)), key=lambda k: -soft[k])
    shown = [k for k in order if soft[k] > 0][:CLASSES_SHOWN]
    said = ", ".join(f"{names[k]} {_share(soft[k])}" for k in shown)
    left = [soft[k] for k in order if k not in shown]
    if not any(left):
        return said
    classes = counted(len(left), "other class", "other classes")
    if shares:
        return f"{said}; {sum(left):.2g} over {classes}"
    return f"{said}; at most {max(left):.2g} for {classes}"


def _share(value: float) -> str:
    """At least two decimals, and a third where they would round it off."""
    return f"{value:.3f}".removesuffix("0")


def _pieces(curated: Curated, row_id: str) -> str:
    made = curated.changes.filter(pc.equal(curated.changes["parent"], row_id))
    heirs, steps = made["row_id"].to_pylist(), sorted(set(made["step"].to_pylist()))
    named = some_of(heirs, PIECES_SHOWN)
    these = noun(len(heirs), "that one", "one of these")
    lines = [f"row {row_id} was made into {counted(len(heirs), 'row')} by {', '.join(steps)}: {named}; explain {these}"]
    return "\n".join([*lines, *(f"decided by {text}" for text in sentences(curated.ledger_.about(row_id).table))])


def _whence(curated: Curated, row: int) -> str:
    table = curated.table
    text = f"row {table.row_ids[row]} (number {row}, split {table.splits[row]})"
    where = {"file": None, "line": None} if table.origin is None else table.origin.slice(row, 1).to_pylist()[0]
    if (file := where["file"] or _media_file(table, row)) is not None:
        text += f" from {file}" + (f" line {where['line']}" if where["line"] is not None else "")
    given = table.labels.name(row)
    return text + (f", given label {given!r}" if given is not None else "")


def _media_file(table: Table, row: int) -> str | None:
    for column in (getattr(table.task, role) for role in MEDIA):
        if column is not None and (value := table.rows([row], [column])[column][0].as_py()) is not None:
            return value["path"]
    return None


def _outcome(curated: Curated, row: int) -> list[str]:
    drawn = curated.plan.filter(pc.equal(curated.plan["row"], row)).to_pylist()
    if not drawn:
        return ["outcome: it is in no batch"]
    first, kind = drawn[0], curated.table.task.kind
    text = f"outcome: kept, drawn {counted(len(drawn), 'time')} per epoch" if len(drawn) > 1 else "outcome: kept"
    if first["label"] is not None:
        text += f", label {first['label']!r}"
    lines = [f"{text}, weight {first['weight']:.3g}"]
    soft = first["soft_label"]
    if soft and kind in ("classification", "multilabel") and any(0 < one < 1 for one in soft):
        lines.append(f"soft label: {soft_label_in_words(curated.label_names, soft, shares=kind == 'classification')}")
    code = curated.verdict.codes[row]
    weights = curated.class_weights
    if curated.table.training[row] and code >= 0 and len(weights) and weights[code] != 1:
        lines.append(f"class weight of {curated.label_names[code]!r}: {weights[code]:.3g}")
    return lines
