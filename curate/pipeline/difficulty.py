"""How hard rows are by the score of a check, for the sampler `curriculum`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.declared import settings_of
from curate.feed.sampling.curriculum import Curriculum
from curate.findings import Findings
from curate.table import Table


def by_check(table: Table, findings: Findings, options: dict[str, Any]) -> dict[str, Any]:
    """The options of a loader, with `difficulty` where the curriculum names a check and no column.

    A row is as hard as its worst issue of that check (its lowest score); a row that the check did not score comes last.

    Raises:
        ConfigError: the settings of the curriculum can't be.
    """
    if options.get("sampler") != "curriculum" or options.get("difficulty") is not None:
        return options
    curriculum = settings_of(Curriculum, options.get("curriculum"), "curriculum")
    name = curriculum.by
    if name is None or name in table.dataset.column_names:
        return options
    found = findings.table.filter(pc.equal(findings.table["check"], name)).select(["row_id", "score"])
    if not found.num_rows:
        return options
    worst = found.group_by("row_id").aggregate([("score", "min")])
    rows = pa.array(table.row_ids.tolist(), pa.string())
    place = pc.index_in(rows, value_set=worst["row_id"].combine_chunks().cast(pa.string()))
    scores = worst["score_min"].take(place).to_numpy().astype(np.float64)
    easy = curriculum.easy or "high"
    settings = curriculum.model_copy(update={"by": None, "easy": easy})
    return options | {"curriculum": settings, "difficulty": scores}
