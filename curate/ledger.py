"""The ledger: decisions about rows, append-only; how they combine, how one undoes them, how one reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import DataError, nearest
from curate.wording import counted, noun, some_of

SMALLEST = 0.01
"""Classes with less mass are not named in the ledger; what they have together is spread evenly."""

ACTIONS = ("drop", "relabel", "soften", "weight", "repeat", "subset", "synthesize", "review", "keep")
MACHINE = "curate"
SCHEMA = pa.schema(
    [
        ("row_id", pa.string()),
        ("step", pa.string()),
        ("action", pa.string()),
        ("score", pa.float32()),
        ("before", pa.string()),
        ("after", pa.string()),
        ("reason", pa.string()),
        ("author", pa.string()),
    ]
)


@dataclass(frozen=True)
class Decisions:
    """Entries for the ledger (`SCHEMA`).

    An entry with a null `row_id` speaks of a whole class, which `before` names: ``weight`` (its class weight) or
    ``soften`` (the soft label of its rows). What `after` holds depends on the action:

    ============  =============================================================================================
    drop          null
    relabel       the new label
    soften        JSON object label -> probability; mass that is missing to 1 is spread evenly over the other classes
    weight        a factor of the row's weight, or the weight of the class
    repeat        how many extra draws of the row there are
    subset        JSON list of the members of an ensemble that the row is in, from 0 on, a number for each draw; once a
                  step has said this of any row, training rows of which it is not said are in no member
    synthesize    JSON object that says how to make the row
    review, keep  null
    ============  =============================================================================================
    """

    table: pa.Table = field(default_factory=SCHEMA.empty_table)

    @classmethod
    def of(
        cls,
        step: str,
        action: str,
        row_ids: Sequence[str | None] | np.ndarray,
        reason: str | Sequence[str],
        score: np.ndarray | None = None,
        before: Sequence[str | None] | None = None,
        after: str | Sequence[str | None] | None = None,
        author: str = MACHINE,
    ) -> Decisions:
        """Entries of one action of one step; scalars are repeated for every row."""
        if action not in ACTIONS:
            raise ValueError(f"unknown action {action!r}")
        m = len(row_ids)

        def texts(value: str | Sequence[str | None] | None) -> pa.Array:
            if value is None:
                return pa.nulls(m, pa.string())
            return pa.array([value] * m if isinstance(value, str) else list(value), pa.string())

        columns = [
            pa.array(row_ids, pa.string()),
            texts(step),
            texts(action),
            pa.nulls(m, pa.float32()) if score is None else pa.array(np.asarray(score, dtype=np.float32)),
            texts(before),
            texts(after),
            texts(reason),
            texts(author),
        ]
        return cls(pa.table(columns, schema=SCHEMA))

    @classmethod
    def join(cls, parts: Iterable[Decisions]) -> Decisions:
        """Several as one, in order."""
        return cls(pa.concat_tables([SCHEMA.empty_table(), *(part.table for part in parts)]))

    def __len__(self) -> int:
        """Number of entries."""
        return self.table.num_rows

    def by(self, step: str) -> Decisions:
        """The same entries as those of a step of that name."""
        names = pa.repeat(pa.scalar(step), len(self))
        return Decisions(self.table.set_column(SCHEMA.get_field_index("step"), SCHEMA.field("step"), names))

    def without(self, steps: Iterable[str]) -> Decisions:
        """What remains when the entries of some steps are left out (undo)."""
        known = pa.array(list(steps), pa.string())
        return Decisions(self.table.filter(pc.invert(pc.is_in(self.table["step"], value_set=known))))

    def about(self, row_id: str) -> Decisions:
        """The entries about one row."""
        return Decisions(self.table.filter(pc.equal(self.table["row_id"], row_id)))

    def handed_down(self, parents: Mapping[str, str]) -> Decisions:
        """What was decided about rows, once more for each row that was made from one of them.

        Args:
            parents: id of the new row -> id of the row that it was made from.
        """
        heirs: dict[str, list[str]] = {}
        for heir, parent in parents.items():
            heirs.setdefault(parent, []).append(heir)
        above = self.table.filter(pc.is_in(self.table["row_id"], value_set=pa.array(list(heirs), pa.string())))
        lines = [
            {**entry, "row_id": heir, "reason": f"made from row {entry['row_id']}: {entry['reason']}"}
            for entry in above.to_pylist()
            for heir in heirs[entry["row_id"]]
        ]
        return Decisions(pa.Table.from_pylist(lines, SCHEMA))


@dataclass(frozen=True)
class Verdict:
    """What all entries together say of the rows of a table.

    Attributes:
        dropped: (n,) bool.
        dropped_by: row -> step that dropped it.
        codes: (n,) int64, label codes after relabelling.
        soft: row -> (K,) float32 soft label, for rows with one of their own.
        weight: (n,) float32, the product of the row's factors.
        repeats: (n,) int64, extra draws.
        review: (n,) bool, rows that a person should look at.
        class_weights: (K,) float32, 1 where no step said otherwise.
        class_soft: (K, K) float32, what a hard label of class k stands for; the identity where no step said otherwise.
        synthetic: (n,) bool, rows that a step made.
    """

    dropped: np.ndarray
    dropped_by: Mapping[int, str]
    codes: np.ndarray
    soft: Mapping[int, np.ndarray]
    weight: np.ndarray
    repeats: np.ndarray
    review: np.ndarray
    class_weights: np.ndarray
    class_soft: np.ndarray
    synthetic: np.ndarray


def sparse(mass: np.ndarray, names: Sequence[str]) -> str:
    """(K,) probabilities -> JSON object of those of at least 0.01, to four decimals, the largest first."""
    named = np.flatnonzero(mass >= SMALLEST)
    if not len(named):
        named = np.array([mass.argmax()])
    named = named[np.argsort(-mass[named], kind="stable")]
    return json.dumps({names[k]: round(float(mass[k]), 4) for k in named}, ensure_ascii=False)


def spread(after: str, names: Sequence[str]) -> np.ndarray:
    """(K,) float32 that sums to 1, from the `after` of a ``soften`` entry (see `Decisions`).

    Raises:
        DataError: it names a class that the task does not have, or no shares of the classes.
    """
    given: Mapping[str, float] = json.loads(after)
    place = {name: k for k, name in enumerate(names)}
    unknown = [name for name in given if name not in place]
    if unknown:
        raise _unknown_class(unknown[0], names)
    vector = np.zeros(len(names), dtype=np.float64)
    rest = np.ones(len(names), dtype=bool)
    for name, mass in given.items():
        vector[place[name]], rest[place[name]] = mass, False
    if rest.any():
        vector[rest] = max(0.0, 1.0 - vector.sum()) / rest.sum()
    if not (vector.min() >= 0 and 0 < vector.sum() < np.inf):
        raise DataError(f"the ledger gives the soft label {after}: shares must be at least 0, and not all 0")
    return (vector / vector.sum()).astype(np.float32)


def _unknown_class(name: str, names: Sequence[str]) -> DataError:
    return DataError(f"the ledger names the class {name!r}, which the task does not have{nearest(name, names)}")


def _standing(entries: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The entries that no person overrules (see `combine`)."""
    by_person = [entry for entry in entries if entry["author"] != MACHINE]
    rows = {entry["row_id"] for entry in by_person if entry["action"] != "review"} - {None}
    classes = {(entry["before"], entry["action"]) for entry in by_person if entry["row_id"] is None}
    for entry in entries:
        of_row = entry["row_id"] in rows and entry["action"] in ("drop", "relabel", "soften", "weight")
        of_class = entry["row_id"] is None and (entry["before"], entry["action"]) in classes
        if entry["author"] != MACHINE or not (of_row or of_class):
            yield entry


def combine(decisions: Decisions, row_ids: np.ndarray, codes: np.ndarray, names: Sequence[str]) -> Verdict:
    """What the ledger amounts to.

    Entries count in order: of relabel and soften the last one stands, weights multiply, repeats add up, a drop stays.
    A person's entries outrank the machine's whatever the order: once a person has spoken of a row (anything but
    ``review``), the machine's drop, relabel, soften and weight of that row count for nothing; the person's own remain.
    Of a class's weights, and of its soft labels, the last entry stands, a person's before all of the machine's.
    Decisions about rows and classes that are not in the table are passed over (they belong to removed rows).

    Raises:
        DataError: a row is to have a label that the task does not have.
    """
    n, k = len(row_ids), len(names)
    place = {str(row_id): i for i, row_id in enumerate(row_ids)}
    class_place = {name: i for i, name in enumerate(names)}
    dropped, review = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    weight, repeats = np.ones(n, dtype=np.float64), np.zeros(n, dtype=np.int64)
    class_weights, class_soft = np.ones(k, dtype=np.float32), np.eye(k, dtype=np.float32)
    codes, soft, dropped_by = codes.copy(), {}, {}
    synthetic = np.zeros(n, dtype=bool)
    entries = decisions.table.select(["row_id", "action", "before", "after", "step", "author"]).to_pylist()
    for entry in _standing(entries):
        action, after = entry["action"], entry["after"]
        if entry["row_id"] is None:
            c = class_place.get(entry["before"])
            if c is None:
                continue
            if action == "weight":
                class_weights[c] = float(after)
            elif action == "soften":
                class_soft[c] = spread(after, names)
            continue
        row = place.get(entry["row_id"])
        if row is None:
            continue
        if action == "drop":
            dropped[row] = True
            dropped_by.setdefault(row, entry["step"])
        elif action == "keep" and entry["author"] != MACHINE:
            dropped[row] = False
            dropped_by.pop(row, None)
        elif action == "relabel":
            if after is not None and after not in class_place:
                raise _unknown_class(after, names)
            codes[row] = -1 if after is None else class_place[after]
            soft.pop(row, None)
        elif action == "soften":
            soft[row] = spread(after, names)
        elif action == "weight":
            weight[row] *= float(after)
        elif action == "repeat":
            repeats[row] += int(after)
        elif action == "synthesize":
            synthetic[row] = True
        elif action == "review":
            review[row] = True
    weight = weight.astype(np.float32)
    return Verdict(dropped, dropped_by, codes, soft, weight, repeats, review, class_weights, class_soft, synthetic)


def sentences(entries: pa.Table) -> list[str]:
    """One sentence per entry: what was done, by which step, and why."""
    return [_sentence(entry) for entry in entries.to_pylist()]


def _made_from(after: str | None) -> str:
    """`` from rows ...`` where the entry names the rows that a new one was made from."""
    found = json.loads(after) if after else {}
    rows = found.get("from") if isinstance(found, dict) else None
    return f" from {noun(len(rows), 'row')} {some_of(rows)}" if rows else ""


def _sentence(entry: Mapping[str, Any]) -> str:
    before, after, action = entry["before"], entry["after"], entry["action"]
    if action == "soften":
        given = sorted(json.loads(after).items(), key=lambda pair: -pair[1])
        rest = 1 - sum(mass for _, mass in given)
        after = ", ".join(f"{name} {mass:.2f}" for name, mass in given)
        after += f", {rest:.2g} evenly over the other classes" if rest >= SMALLEST / 2 else ""
    after = f"{float(after):.3g}" if action == "weight" else after
    times = counted(int(after), "more time") if action == "repeat" else ""
    done = {
        "drop": "dropped",
        "relabel": f"relabelled from {before!r} to {after!r}" if before is not None else f"labelled {after!r}",
        "soften": f"given the soft label {after}",
        "weight": f"weighted by {after}",
        "repeat": f"drawn {times}",
        "subset": f"put into the members {after} of an ensemble",
        "synthesize": "made by synthesis" + (_made_from(after) if action == "synthesize" else ""),
        "review": "set aside for review",
        "keep": "kept",
    }[action]
    subject = f"class {before!r} was " if entry["row_id"] is None else ""
    by = "" if entry["author"] == MACHINE else f" by {entry['author']}"
    score = "" if entry["score"] is None else f" (score {entry['score']:.3f})"
    return f"{entry['step']}: {subject}{done}{by}: {entry['reason']}{score}"
