"""The members of an ensemble: for each a result of its own, whose ledger leaves out the rows that it lacks."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from curate.errors import DataError
from curate.ledger import Decisions
from curate.pipeline.drawing import make_plan
from curate.pipeline.verdicts import verdict_of
from curate.report.views import Views

if TYPE_CHECKING:
    from curate.pipeline.curated import Curated

AUTHOR = "the ensemble"


def members(curated: Curated) -> list[Curated]:
    """One result per member; none where no step made an ensemble.

    Raises:
        DataError: two steps made one.
    """
    entries = curated.ledger.filter(pc.equal(curated.ledger["action"], "subset"))
    steps = entries["step"].unique().to_pylist()
    if not steps:
        return []
    if len(steps) > 1:
        raise DataError(f"the steps {' and '.join(steps)} made an ensemble each; leave one of them out")
    inside = {
        line["row_id"]: Counter(json.loads(line["after"])) for line in entries.select(["row_id", "after"]).to_pylist()
    }
    count = 1 + max((number for own in inside.values() for number in own), default=-1)
    return [_member(curated, steps[0], inside, number, count) for number in range(count)]


def _member(curated: Curated, step: str, inside: dict[str, Counter[int]], number: int, count: int) -> Curated:
    table, plan = curated.table, curated.plan
    drawn = np.zeros(len(table), dtype=bool)
    drawn[plan["row"].to_numpy()] = True
    ids = table.row_ids[drawn & table.training].tolist()
    named = f"member {number} of {count}"
    out = [row_id for row_id in ids if number not in inside.get(row_id, ())]
    more = {row_id: inside[row_id][number] - 1 for row_id in ids if inside.get(row_id, {}).get(number, 0) > 1}
    rest = curated.ledger_.table.filter(pc.not_equal(curated.ledger["action"], "subset"))
    ledger = Decisions.join(
        [
            Decisions(rest),
            # Not the machine's judgement of a row, which a person's word would outrank: it stands for kept rows, too.
            Decisions.of(step, "drop", out, f"it is not in {named}", author=AUTHOR),
            Decisions.of(step, "repeat", list(more), f"drawn anew for {named}", after=[str(n) for n in more.values()]),
        ]
    )
    verdict = verdict_of(ledger, table)
    recipes = plan["recipe"].combine_chunks().dictionary_decode().unique().drop_null().to_pylist()
    own = make_plan(table, verdict, recipes[0] if recipes else None)
    kept = np.bincount(own["row"].to_numpy(), minlength=len(table))
    accounts = []
    for line in curated.accounts:
        here = table.splits == line["split"]
        left = int((kept[here] > 0).sum())
        accounts.append(
            {**line, "kept": left, "dropped": line["dropped"] + line["kept"] - left} | {"draws": int(kept[here].sum())}
        )
    return replace(
        curated,
        ledger_=ledger,
        plan=own,
        accounts=accounts,
        facts={**curated.facts, "member": number, "members": count},
        notes=(*curated.notes, f"This is {named} of the ensemble by {step}."),
        folder=None,
        views=Views(),
    )
