"""How hard rows are by the score of a check, for the sampler `curriculum`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.arrow import texts, values_of
from curate.declared import settings_of
from curate.feed.sampling.curriculum import Curriculum

if TYPE_CHECKING:
    from curate.pipeline.curated import Curated


def by_check(curated: Curated, options: dict[str, Any]) -> dict[str, Any]:
    """The options of a loader, with `difficulty` where the curriculum names a check and no column.

    A row is as hard as its worst issue of that check (its lowest score). A row that the check did not score, as a later
    step cut or made it, is as hard as the row that it came from; where there is none, it comes last.

    Raises:
        ConfigError: the settings of the curriculum can't be.
    """
    if options.get("sampler") != "curriculum" or options.get("difficulty") is not None:
        return options
    curriculum = settings_of(Curriculum, options.get("curriculum"), "curriculum")
    name = curriculum.by
    if name is None or name in curated.table.column_names:
        return options
    findings = curated.findings_.table
    found = findings.filter(pc.is_in(findings["check"].cast(pa.string()), value_set=texts([name])))
    if not found.num_rows:
        return options
    # By NumPy: Arrow's `group_by` loads pyarrow's data sets, and with them pandas.
    encoded = found["row_id"].cast(pa.string()).combine_chunks().dictionary_encode()
    worst = np.full(len(encoded.dictionary) + 1, np.nan)
    np.fmin.at(worst, values_of(encoded.indices), values_of(found["score"], np.nan))
    easy = curriculum.easy or "high"
    settings = curriculum.model_copy(update={"by": None, "easy": easy})
    return options | {"curriculum": settings, "difficulty": worst[_scored(curated, encoded.dictionary)]}


def _scored(curated: Curated, ids: pa.Array) -> np.ndarray:
    """(n,) int64 place among the scored ids of each row, or of the next row above it that has one; -1 for none."""
    table, cut = curated.table, curated.changes.filter(curated.changes["parent"].is_valid())
    heirs, above = cut["row_id"].to_pylist(), cut["parent"].to_pylist()
    if table.parents is not None:
        came = np.flatnonzero(table.parents != table.row_ids)
        heirs, above = heirs + table.row_ids[came].tolist(), above + table.parents[came].tolist()
    parents = dict(zip(heirs, above))
    known = {row_id: place for place, row_id in enumerate(ids.to_pylist())}
    return np.array([_place(row_id, known, parents) for row_id in table.row_ids.tolist()], dtype=np.int64)


def _place(row_id: str | None, known: dict[str, int], parents: dict[str, str]) -> int:
    while row_id is not None and row_id not in known:
        row_id = parents.get(row_id)
    return -1 if row_id is None else known[row_id]
