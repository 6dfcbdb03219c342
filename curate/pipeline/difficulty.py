"""How hard rows are by the score of a check, for the sampler `curriculum`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.arrow import texts, values_of
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
    if name is None or name in table.column_names:
        return options
    of_check = pc.is_in(findings.table["check"].cast(pa.string()), value_set=texts([name]))
    found = findings.table.filter(of_check).select(["row_id", "score"])
    if not found.num_rows:
        return options
    # By NumPy: Arrow's `group_by` loads pyarrow's data sets, and with them pandas.
    place = values_of(pc.index_in(found["row_id"].cast(pa.string()), value_set=texts(table.row_ids.tolist())), -1)
    scores = np.full(len(table), np.nan)
    np.fmin.at(scores, place[place >= 0], values_of(found["score"], np.nan)[place >= 0])
    easy = curriculum.easy or "high"
    settings = curriculum.model_copy(update={"by": None, "easy": easy})
    return options | {"curriculum": settings, "difficulty": scores}
