"""Findings packed for the cache are what they were, however their columns lie in memory."""

import numpy as np
import pyarrow as pa

from curate.findings import BLOCK_LINES, Findings
from curate.pipeline.packed_findings import packed, unpacked

ROWS = BLOCK_LINES + 100


def found(table, issues=3, reverse=False):
    rows = np.arange(len(table))[:: -1 if reverse else 1]
    flagged = {7: "odd", BLOCK_LINES + 7: "odder"}
    mask = np.isin(np.arange(len(rows)), list(flagged))
    return Findings.join(
        [
            Findings.of("check", f"issue {k}", rows, table.row_ids, np.where(mask, 0.1, 1.0), mask, reason=flagged)
            for k in range(issues)
        ]
    )


def test_lines_are_those_that_were_packed(make_table):
    table = make_table(np.arange(ROWS) % 3)
    both = Findings.join([found(table), found(table, 1, reverse=True)])
    lines = packed(both, table)
    assert pa.types.is_dictionary(lines.schema.field("reason").type)
    assert unpacked(lines, {}, table).table.equals(both.table)


def test_findings_whose_ids_are_not_those_of_their_rows_are_not_packed(make_table):
    table, other = make_table(np.arange(ROWS) % 3), make_table(np.arange(ROWS) % 3, key=[f"s{k}" for k in range(ROWS)])
    assert packed(Findings.join([found(table), found(other, 1)]), table) is None


def test_ids_in_other_chunks_than_rows_are_compared(make_table):
    table = make_table()
    rows = np.arange(len(table))
    lines = Findings.of("check", "issue", rows, table.row_ids, np.ones(len(rows)), rows < 0).table
    ids = pa.chunked_array([lines["row_id"].slice(0, 4).combine_chunks(), lines["row_id"].slice(4).combine_chunks()])
    lines = lines.set_column(1, "row_id", ids)
    assert unpacked(packed(Findings(lines), table), {}, table).table.equals(lines)
