"""Making the rows that classes lack, by a model of their features or by a generator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from curate.balance._from_python import split
from curate.balance.synthesis import gaussian_copula
from curate.balance.synthesis.closeness import Closeness
from curate.balance.synthesis.frame import Frame
from curate.balance.synthesis.generators import Seen, as_rows, language_model
from curate.balance.synthesis.redrawing import ROUNDS, Drawn, drawn
from curate.balance.synthesis.vae import ConditionalVae
from curate.media.content import input_columns
from curate.table import Labels, Table
from curate.wording import counted, noun

if TYPE_CHECKING:
    from curate.balance.synthesize import Synthesize

FEWEST_AT_ONCE, MOST_AT_ONCE = 4, 16
"""New rows that a generator is asked for with the same examples."""


@dataclass(frozen=True)
class Batch:
    """New rows of one class.

    Attributes:
        code: the class.
        rows: their inputs.
        said: for each row what the reason says of it.
        how: for each row how it was made, as JSON values.
    """

    code: int
    rows: pa.Table
    said: list[str]
    how: list[dict[str, Any]]


def by_model(
    step: Synthesize,
    short: Mapping[int, int],
    rows: np.ndarray,
    labels: Labels,
    table: Table,
    rng: np.random.Generator,
    seed: int,
) -> tuple[list[Batch], list[str]]:
    """Rows of features by a model of the real ones.

    Args:
        step: the settings.
        short: class -> how many rows it lacks.
        rows: (m,) int64 positions of the real rows, in an order of their own.
        labels: of all rows.
        table: the table.
        rng: of the draws.
        seed: of a network.

    Returns:
        The new rows, and notes.
    """
    frame, codes = Frame.of(table, rows), labels.codes[rows]
    real = frame.values.only(rows)
    whole = np.isfinite(real.numbers).any(1) | (real.codes.shape[1] > 0)
    rows, real, codes = rows[whole], real.only(np.flatnonzero(whole)), codes[whole]
    closeness = Closeness(real, codes, frame.sizes, step.min_distance)
    if step.method == "vae":
        network = ConditionalVae(real, codes, frame.sizes, step.hidden, step.latent, step.epochs, seed)
        draw = {k: lambda n, k=k: network.draw(k, n, rng) for k in short}
    else:
        copulas = gaussian_copula.fit(real, codes, rng)
        draw = {k: lambda n, k=k: copulas[k].draw(n, rng) for k in short if k in copulas}
    batches, notes = [], []
    for code, missing in short.items():
        if code not in draw or not (codes == code).any():
            continue
        found = drawn(draw[code], closeness, code, missing)
        notes.append(_account(labels.names[code], missing, found, closeness, code))
        batches.append(_batch(code, found, frame, table.row_ids[rows], closeness))
    return batches, notes


def _batch(code: int, found: Drawn, frame: Frame, ids: np.ndarray, closeness: Closeness) -> Batch:
    least = closeness.least[code]
    said = [f"{away:.3g} from the closest real row (at least {least:.3g})" for away in found.away.tolist()]
    how = [
        {"closest": str(ids[real]), "distance": round(away, 4), "least_distance": round(least, 4)}
        for real, away in zip(found.nearest.tolist(), found.away.tolist(), strict=True)
    ]
    return Batch(code, pa.table(frame.columns(found.values)), said, how)


def _account(name: str, missing: int, found: Drawn, closeness: Closeness, code: int) -> str:
    made = len(found.values)
    text = f"{counted(made, 'row')} of class {name!r}"
    if made < missing:
        text += f" of the {missing} wanted, for no more could be had that are no copies"
    if found.rejected:
        rejected = f"{counted(found.rejected, 'draw')} {noun(found.rejected, 'was', 'were')} rejected"
        text += f"; {rejected} as nearer than {closeness.least[code]:.3g} to a real row"
    if made:
        text += (
            f"; the closest real row is {float(np.median(found.away)):.3g} away at the median, that of a real row"
            f" {closeness.usual[code]:.3g}"
        )
    return text


def by_generator(
    step: Synthesize,
    short: Mapping[int, int],
    rows: np.ndarray,
    labels: Labels,
    table: Table,
    rng: np.random.Generator,
) -> tuple[list[Batch], list[str]]:
    """Rows by a function or a language model; contents that are there already are asked for again."""
    kind, name = split(step.method)
    if kind == "transformers":
        generate = language_model(name, step.prompt, step.max_tokens, step.temperature)
    else:
        generate = step._given
    seen, columns, batches, notes = Seen(table, rows), input_columns(table.task), [], []
    for code, wanted in short.items():
        own, parts, how = rows[labels.codes[rows] == code], [], []
        missing, rejected, idle = wanted, 0, 0
        while missing and idle < ROUNDS:
            shown = own[rng.choice(len(own), min(step.examples, len(own)), replace=False)]
            asked = min(max(missing, FEWEST_AT_ONCE), MOST_AT_ONCE)
            found = as_rows(generate(labels.names[code], table.rows(shown, columns), asked, rng), table, name)
            fresh = seen.new(found)
            rejected += found.num_rows - len(fresh)
            fresh = fresh[:missing]
            idle = 0 if len(fresh) else idle + 1
            missing -= len(fresh)
            parts.append(found.select(list(columns)).take(pa.array(fresh)))
            how += [{"from": table.row_ids[shown].tolist()} for _ in fresh]
        made = pa.concat_tables(parts)
        batches.append(Batch(code, made, [f"shown {min(step.examples, len(own))} rows of the class"] * len(how), how))
        notes.append(_told(labels.names[code], wanted, made.num_rows, rejected))
    return batches, notes


def _told(name: str, wanted: int, made: int, rejected: int) -> str:
    text = f"{counted(made, 'row')} of class {name!r}"
    if made < wanted:
        text += f" of the {wanted} wanted, for the generator gave no more that are new"
    return text + (f"; {rejected} were empty or there already" if rejected else "")
