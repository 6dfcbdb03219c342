"""The comparison itself: run the arms, embed, train, score, and judge the differences."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from curate.errors import DataError
from curate.pipeline.cache_folder import resolve
from curate.pipeline.comparison.arms import CURATED, RAW, Arm, Progress, run_arms, trainable_steps, training_lines
from curate.pipeline.comparison.held_out import HeldOut, held_out
from curate.pipeline.comparison.judging import Judged, classes_of, effects_of, number
from curate.pipeline.comparison.modules import Network, refuse_model
from curate.pipeline.comparison.options import HEAD, HEAD_BATCH, Options
from curate.pipeline.comparison.scores import Truth, parts_of, sample_counts, score
from curate.pipeline.comparison.training import Trainer
from curate.pipeline.comparison.writing import refuse, write
from curate.pipeline.pipeline import Pipeline
from curate.pipeline.run import load_source
from curate.randomness import generator
from curate.report.comparison_training import ArmScore, TrainingComparison


def compare(
    pipeline: Pipeline | str | Path,
    table: Any = None,
    test: Any = None,
    *,
    model: str | Callable[..., Any] = HEAD,
    seeds: int = 5,
    steps: Sequence[str] | None = None,
    alone: bool = False,
    metric: str | None = None,
    budget: str | None = None,
    batch_size: int | None = None,
    resamples: int = 1000,
    fit_options: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    cache: str | Path | bool | None = True,
    progress: Progress | None = None,
) -> TrainingComparison:
    """Train the same model on raw rows, on curated rows and without each step, and compare them on untouched test rows.

    Every arm has the same model, number of optimiser steps, seeds and test rows. What a run measures is cached, so
    that rows are embedded once whatever the number of arms.

    Args:
        pipeline: what is to be judged, or the path of its file.
        table: a `Table`, or anything that `curate.load` takes; the pipeline's source if None.
        test: test rows: a `Table` or anything that `curate.load` takes, read like the source, or the name of a split;
            the split ``test`` if None.
        model: ``head`` (a linear head on the embedding), the name or folder of a transformers model, or a callable
            without arguments that makes a new torch module, trained with `curate.fit` on the loader of each arm.
        seeds: how often each arm is trained.
        steps: names of the steps to leave out, one at a time; each if None.
        alone: train with each step alone as well.
        metric: see `METRICS`; by the task and its test rows if None.
        budget: ``20 epochs`` of the raw rows or ``500 steps``; every arm makes the same number of steps.
        batch_size: rows per step; 128 for the head, that of the feed for other models.
        resamples: bootstrap samples of the test rows.
        fit_options: settings of `curate.fit` for a model that is not the head (``learning_rate``, ``loader_options``).
        out: folder for the page, the JSON, every prediction and a manifest.
        cache: folder of the cache; True for the default one; with False or None a temporary one that is removed.
        progress: called with (stage, done, total).

    Raises:
        ConfigError: there is no test split; an option is wrong; the task is none that models are trained for.
        DataError: data can't be read, or an arm has nothing to learn.
    """
    options = Options(
        test,
        model,
        seeds,
        None if steps is None else tuple(steps),
        alone,
        metric,
        budget,
        batch_size,
        resamples,
        dict(fit_options or {}),
    )
    name = "pipeline" if isinstance(pipeline, Pipeline) else str(pipeline)
    pipeline = pipeline if isinstance(pipeline, Pipeline) else Pipeline.from_yaml(pipeline)
    target = None if out is None else Path(out)
    if target is not None:
        refuse(target)
    if not options.is_head:
        refuse_model(options.model)
    folder = resolve(cache)
    if folder is not None:
        return _study(pipeline, table, options, folder, progress, name, target)
    aside = Path(tempfile.mkdtemp(prefix="curate-compare-"))
    try:
        return _study(pipeline, table, options, aside, progress, name, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _study(
    pipeline: Pipeline,
    data: Any,
    options: Options,
    cache: Path,
    progress: Progress | None,
    name: str,
    out: Path | None,
) -> TrainingComparison:
    started = time.perf_counter()
    wanted = options.wanted(trainable_steps(pipeline))
    table = load_source(pipeline, data)
    options.known_metrics(table.task.kind)
    held = held_out(table, options.test)
    metric = options.chosen_metric(table.task.kind, held.table.labels, held.rows)
    truth = _truth(held, metric)
    network = None if options.is_head else Network.of(options.model, held.training, options.fit_options)
    if network is not None:
        network.try_out()
    arms = run_arms(pipeline, held, wanted, alone=options.alone, cache=cache, progress=progress)
    batch_size = options.batch_size or (HEAD_BATCH if options.is_head else pipeline.feed.batch_size)
    raw = next(arm for arm in arms if arm.name == RAW)
    if raw.result is None or not training_lines(raw.result).num_rows:
        raise DataError(f"{table.source}: there are no training rows")
    steps = options.training_steps(training_lines(raw.result).num_rows, batch_size)
    trainer = Trainer(options, table.task.kind or "", len(held.rows), steps, batch_size, cache, progress)
    if network is not None:
        trainer.network, trainer.title, trainer.notes = network, network.title, [*network.notes]
    counts = sample_counts(truth, options.resamples, generator(pipeline.seed, step="comparison.resamples"))
    judged: dict[str, Judged] = {}
    for place, arm in enumerate(arms):
        if progress is not None:
            progress("training", place, len(arms))
        judged[arm.name] = _judge(arm, judged, trainer, truth, counts)
    if progress is not None:
        progress("training", len(arms), len(arms))
    overall, effects, alone = effects_of(judged, truth, trainer.unseen)
    found = TrainingComparison(
        pipeline=name,
        data=table.source,
        test=held.source,
        test_rows=len(truth),
        model=trainer.title,
        metric=metric,
        class_metric=truth.class_metric,
        higher_is_better=truth.higher_is_better,
        seeds=options.seeds,
        steps=steps,
        batch_size=batch_size,
        resamples=options.resamples,
        arms=[_arm(one, judged) for one in judged.values()],
        overall=overall,
        effects=effects,
        alone=alone,
        classes=classes_of(judged[RAW], judged[CURATED], truth),
        notes=list(dict.fromkeys([*held.notes, *trainer.said])),
        seconds=round(time.perf_counter() - started, 3),
    )
    if out is not None:
        write(found, {name: one.predicted for name, one in judged.items()}, held, truth, pipeline, out)
    return found


def _truth(held: HeldOut, metric: str) -> Truth:
    labels, rows = held.table.labels, held.rows
    kind = held.table.task.kind or ""
    groups = None if held.table.groups is None else held.table.groups[rows]
    if kind == "regression":
        assert labels.values is not None
        names, codes = parts_of(labels.values[rows])
        return Truth(kind, metric, names, codes, values=labels.values[rows], groups=groups)
    if kind == "multilabel":
        assert labels.sets is not None
        sets = labels.sets[rows].astype(np.float32)
        return Truth(kind, metric, labels.names, np.full(len(rows), -1), sets=sets, groups=groups)
    return Truth(kind, metric, labels.names, labels.codes[rows], groups=groups)


def _judge(arm: Arm, judged: dict[str, Judged], trainer: Trainer, truth: Truth, counts: np.ndarray) -> Judged:
    if arm.result is None:
        return Judged(arm, None, None)
    if arm.twin is not None:
        twin = judged[arm.twin]
        return Judged(arm, twin.predicted, twin.scores)
    predicted = trainer.predictions(arm, truth)
    return Judged(arm, predicted, score(truth, predicted, counts))


def _arm(one: Judged, judged: dict[str, Judged]) -> ArmScore:
    rows = draws = 0
    if one.arm.result is not None:
        lines = training_lines(one.arm.result)
        rows, draws = len(np.unique(lines["row"].to_numpy())), lines.num_rows
    scores = one.scores
    return ArmScore(
        name=one.arm.name,
        kind=one.arm.kind,
        step=one.arm.step,
        rows=rows,
        draws=draws,
        score=None if scores is None else number(scores.seeds.mean()),
        seeds=[] if scores is None else [float(value) for value in scores.seeds],
        twin=one.arm.twin,
        problem=one.arm.problem,
    )
