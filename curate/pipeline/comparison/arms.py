"""The arms of a comparison: the raw rows, the whole pipeline, and the pipeline without each of its steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import ConfigError, CurateError, StorageError
from curate.evidence.order import fingerprint
from curate.pipeline.comparison.held_out import HeldOut
from curate.pipeline.comparison.options import FEED
from curate.pipeline.comparison.tested import Tested, tested
from curate.pipeline.curated import Curated
from curate.pipeline.difficulty import by_check
from curate.pipeline.pipeline import Pipeline
from curate.pipeline.run import run
from curate.table import HELD_OUT

Kind = Literal["raw", "curated", "without", "alone"]
Progress = Callable[[str, int, int], None]
RAW, CURATED = "raw", "curated"


@dataclass(frozen=True)
class Arm:
    """One way to prepare the training rows.

    Attributes:
        name: ``raw``, ``curated``, ``without STEP`` or ``STEP alone``.
        kind: which of these.
        step: the step that is left out or stands alone, None for the first two.
        result: of its run; None where it could not be carried out.
        tested: the test rows as the run's transforms make them; None where it could not be carried out.
        problem: why it could not.
        twin: the arm that trains on just the same, so that it need not be trained again.
    """

    name: str
    kind: Kind
    step: str | None = None
    result: Curated | None = None
    tested: Tested | None = None
    problem: str | None = None
    twin: str | None = None


@dataclass(frozen=True)
class _Plan:
    name: str
    kind: Kind
    step: str | None
    pipeline: Pipeline


def run_arms(
    pipeline: Pipeline, held: HeldOut, steps: Sequence[str], *, alone: bool, cache: Path, progress: Progress | None
) -> list[Arm]:
    """Run every arm on the same table with the same cache, the whole pipeline first after the raw rows.

    An arm that can't be run (a later step needs the one that is left out) says so in `problem`; the whole pipeline
    must run.

    Raises:
        CurateError: what the run of the raw rows or of the whole pipeline raises.
    """
    planned = _planned(pipeline, steps, alone)
    arms: list[Arm] = []
    seen: dict[str, str] = {}
    for number, plan in enumerate(planned):
        if progress is not None:
            progress("arms", number, len(planned))
        arms.append(_run(plan, held, cache, progress, seen))
    if progress is not None:
        progress("arms", len(planned), len(planned))
    return arms


def trainable_steps(pipeline: Pipeline) -> list[str]:
    """What can be left out of a pipeline: its steps, and the sampler of its feed where it is not the usual one."""
    return [*pipeline.step_names, *([FEED] if pipeline.feed.sampler != "shuffled" else [])]


def _planned(pipeline: Pipeline, steps: Sequence[str], alone: bool) -> list[_Plan]:
    plain = _with(pipeline, [], sampled=False)
    found = [_Plan(RAW, "raw", None, plain), _Plan(CURATED, "curated", None, pipeline)]
    names = pipeline.step_names
    for step in steps:
        if step == FEED:
            found.append(_Plan(f"without {step}", "without", step, _with(pipeline, pipeline.steps, sampled=False)))
            if alone:
                found.append(_Plan(f"{step} alone", "alone", step, _with(pipeline, [], sampled=True)))
            continue
        place = names.index(step)
        rest = [one for i, one in enumerate(pipeline.steps) if i != place]
        found.append(_Plan(f"without {step}", "without", step, _with(pipeline, rest, sampled=True)))
        if alone:
            single = _with(pipeline, [pipeline.steps[place]], sampled=False)
            found.append(_Plan(f"{step} alone", "alone", step, single))
    return found


def _with(pipeline: Pipeline, steps: Sequence[object], *, sampled: bool) -> Pipeline:
    """The pipeline with other steps, and with its sampler or the usual one."""
    usual = {"sampler": "shuffled", "adaptive": None, "grouping": None, "curriculum": None}
    feed = pipeline.feed if sampled else pipeline.feed.model_copy(update=usual)
    return Pipeline(
        list(steps),  # type: ignore[arg-type]
        source=pipeline.source,
        task=pipeline.task,
        evidence=pipeline.evidence,
        feed=feed,
        seed=pipeline.seed,
        folder=pipeline.folder,
    )


def _run(plan: _Plan, held: HeldOut, cache: Path, progress: Progress | None, seen: dict[str, str]) -> Arm:
    arm = Arm(plan.name, plan.kind, plan.step)
    try:
        result = run(plan.pipeline, held.training, cache=cache, progress=progress)
        after = tested(result, held)
        key = lesson_key(result, after)
    except StorageError:
        raise
    except CurateError as error:
        if plan.kind in ("raw", "curated"):
            raise
        return replace(arm, problem=str(error))
    twin = seen.setdefault(key, plan.name)
    return replace(arm, result=result, tested=after, twin=None if twin == plan.name else twin)


def sampling(result: Curated) -> dict[str, Any]:
    """How the feed of a result asks for draws: its groups and curriculum, with ``difficulty`` where a check says it.

    Raises:
        ConfigError: the curriculum is by a check that this arm leaves out.
    """
    feed, table = result.pipeline.feed, result.table
    asked = {"sampler": feed.sampler, "grouping": feed.grouping, "curriculum": feed.curriculum}
    found = by_check(result, asked)
    by = None if feed.sampler != "curriculum" or feed.curriculum is None else feed.curriculum.by
    if by is not None and "difficulty" not in found and by not in table.dataset.column_names:
        raise ConfigError(f"the curriculum is by {by!r}, which is no column, and no check that scores rows here")
    return found


def training_lines(result: Curated) -> pa.Table:
    """The lines of a plan that a model learns from: those of the split ``train``, as the loader draws them."""
    plan = result.plan
    splits = plan["split"].cast(pa.string())
    lines = plan.filter(pc.equal(splits, "train"))
    return lines if lines.num_rows else plan.filter(pc.invert(pc.is_in(splits, value_set=pa.array(HELD_OUT))))


def lesson_key(result: Curated, tested: Tested) -> str:
    """Fingerprint of all that training on a result, and testing it, depends on."""
    lines, table = training_lines(result), result.table
    parts: list[object] = [table.content[lines["row"].to_numpy()], lines["weight"].to_numpy(), lines["copy"].to_numpy()]
    for name in ("row_id", "label", "recipe"):
        column = lines[name].combine_chunks()
        parts.append((column.dictionary_decode() if pa.types.is_dictionary(column.type) else column).to_pylist())
    soft = lines["soft_label"].combine_chunks()
    parts += [pc.is_valid(soft).to_numpy(zero_copy_only=False), pc.list_flatten(soft).to_numpy(zero_copy_only=False)]
    parts.append(sampling(result).get("difficulty"))
    parts += [result.class_weights, result.pipeline.feed.model_dump_json(), table.task.model_dump_json()]
    parts += [tested.table.content[tested.rows], tested.owner]
    return fingerprint(*parts, result.ledger.filter(pc.equal(result.ledger["action"], "subset"))["after"].to_pylist())
