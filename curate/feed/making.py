"""Making a loader: options checked, inputs settled, rows and plan laid out for the workers."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import ConfigError, nearest
from curate.feed import sampler as samplers
from curate.feed.adaptive import Adaptive
from curate.feed.batches import Batches
from curate.feed.inputs.make import make_inputs
from curate.feed.inputs.options import input_options
from curate.feed.loader import Loader
from curate.feed.recipes import Recipes
from curate.feed.sampler import Mode, Sampler
from curate.feed.spilled import Spilled, spill_folder, spill_rows
from curate.feed.targets import Targets
from curate.table import HELD_OUT, Table


def make_loader(
    table: Table,
    plan: pa.Table,
    *,
    label_names: Sequence[str] | None = None,
    seed: int = 0,
    split: str | None = "train",
    batch_size: int = 32,
    sampler: Mode | Sampler | None = None,
    rank: int = 0,
    world_size: int = 1,
    epoch: int = 0,
    drop_last: bool = False,
    pad: bool = False,
    num_workers: int = 0,
    pin_memory: bool = False,
    persistent_workers: bool = False,
    prefetch_factor: int | None = None,
    multiprocessing_context: str | None = None,
    inputs: Mapping[str, str] | None = None,
    tokenizer: Callable[..., Mapping[str, Any]] | None = None,
    tokenizer_options: Mapping[str, Any] | None = None,
    on_error: Literal["skip", "raise"] = "skip",
    transform: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    class_weights: Sequence[float] | np.ndarray | None = None,
    adaptive: Adaptive | Mapping[str, Any] | None = None,
    **options: Any,
) -> Loader:
    """A loader over the draws of a plan.

    Args:
        table: the rows.
        plan: one line per draw (`curate.plan.schema`), all splits.
        label_names: the K classes; the task's if left out.
        seed: of order and augmentation.
        split: whose lines are drawn; None for all.
        batch_size: rows per batch and rank.
        sampler: a mode of `Sampler`, or a sampler over the lines of the split (which then says batch size, rank, world
            size and seed of the order). If left out: sequential for validation and test, else shuffled. Where lines
            are drawn by ``weighted``, `weights` are 1: they count in the drawing.
        rank: this process among `world_size`.
        world_size: number of processes.
        epoch: that the first iteration hands out.
        drop_last: see `Sampler`.
        pad: see `Sampler`.
        num_workers: processes that decode and augment; 0 for this one.
        pin_memory: batches in page-locked memory, for faster copies to a GPU.
        persistent_workers: keep the workers from epoch to epoch.
        prefetch_factor: batches that each worker prepares ahead.
        multiprocessing_context: how workers start: fork, spawn or forkserver; the platform's way if left out.
        inputs: entry of a batch -> the name to give it (``{"pixel_values": "image"}``).
        tokenizer: called with a list of texts and `tokenizer_options`; its entries take the place of `text`.
        tokenizer_options: by default ``padding=True, truncation=True, return_tensors="pt"``.
        on_error: ``skip`` (count it in `Loader.skipped`) or ``raise`` for a row that can't be read or augmented.
        transform: called with every batch in the process that made it; gives the batch to hand out.
        class_weights: for `Loader.class_weights`.
        adaptive: settings of the sampler ``adaptive`` (`curate.feed.adaptive.Adaptive`); `Loader.report` takes what it
            follows.
        options: see `curate.feed.inputs.options.InputOptions`.

    Raises:
        ConfigError: an option is wrong, or does not fit the table and the plan.
        DataError: a column can't be fed.
    """
    settings = input_options(options)
    _check(table, split, on_error, num_workers, persistent_workers, prefetch_factor, multiprocessing_context)
    names = tuple(label_names if label_names is not None else table.task.label_names)
    recipes = Recipes.of(plan, seed)
    made = make_inputs(table, plan, recipes, settings, tokenizer, tokenizer_options)
    lines = _lines(plan, split)
    order = _sampler(lines, sampler, split, batch_size, rank, world_size, seed, drop_last, pad, adaptive)
    columns = list(dict.fromkeys(column for one in made for column in one.columns))
    dataset = Batches(
        table.dataset.select_columns(columns).with_format("arrow"),
        Spilled(lines),
        made,
        Targets.of(table.task.kind, names, lines, weighted=order.mode != "weighted"),
        Recipes.of(lines, seed),
        dict(inputs or {}),
        on_error,
        transform,
    )
    loader = Loader(
        dataset,
        order,
        names,
        class_weights,
        num_workers=num_workers,
        pin_memory=pin_memory,
        persistent_workers=persistent_workers,
        prefetch_factor=prefetch_factor,
        multiprocessing_context=multiprocessing_context if num_workers else None,
        worker_init_fn=_begin_worker,
    )
    if num_workers and (multiprocessing_context or _platforms_way()) != "fork":
        _prepare_pickling(dataset, spill_folder(loader))
    loader.set_epoch(epoch)
    return loader


def _platforms_way() -> str:
    """How processes start by default, asked without settling it for the rest of the program."""
    return multiprocessing.get_start_method(allow_none=True) or multiprocessing.get_all_start_methods()[0]


def _check(
    table: Table,
    split: str | None,
    on_error: str,
    num_workers: int,
    persistent_workers: bool,
    prefetch_factor: int | None,
    context: str | None,
) -> None:
    if table.task.kind in ("segmentation", "detection", "token_classification"):
        raise ConfigError(
            f"the loader does not feed {table.task.kind} tasks: masks, boxes and tags of tokens are not in its batches;"
            " take curated.dataset"
        )
    if on_error not in ("skip", "raise"):
        raise ConfigError(f"on_error must be 'skip' or 'raise', not {on_error!r}")
    if isinstance(num_workers, bool) or not isinstance(num_workers, int) or num_workers < 0:
        raise ConfigError(f"num_workers must be a whole number of at least 0, not {num_workers!r}")
    if not num_workers and (persistent_workers or prefetch_factor is not None):
        raise ConfigError("persistent_workers and prefetch_factor are for num_workers of at least 1")
    known = multiprocessing.get_all_start_methods()
    if context is not None and context not in known:
        raise ConfigError(f"multiprocessing_context must be one of {', '.join(known)}, not {context!r}")


def _lines(plan: pa.Table, split: str | None) -> pa.Table:
    """The lines of a split. Raises ConfigError where the plan has others only."""
    if split is None:
        return plan
    splits = plan["split"].cast(pa.string())
    lines = plan.filter(pc.equal(splits, split))
    if not lines.num_rows and plan.num_rows:
        known = sorted(str(name) for name in pc.unique(splits).to_pylist())
        raise ConfigError(f"the plan has no split {split!r}{nearest(split, known)}; there is {', '.join(known)}")
    return lines


def _sampler(
    lines: pa.Table, asked: Mode | Sampler | None, split: str | None, batch_size: int, rank: int, world_size: int,
    seed: int, drop_last: bool, pad: bool, adaptive: Adaptive | Mapping[str, Any] | None,
) -> Sampler:  # fmt: skip
    if isinstance(asked, Sampler):
        if adaptive is not None:
            raise ConfigError("adaptive is for a sampler that is named; pass it to the Sampler itself")
        if asked.n != lines.num_rows:
            raise ConfigError(
                f"the sampler draws from {asked.n} lines, and split {split!r} has {lines.num_rows}: make it from"
                " the lines of that split"
            )
        return asked
    if asked is not None and not isinstance(asked, str):
        raise ConfigError(
            f"sampler must be a mode ({', '.join(samplers.MODES)}) or a curate.feed.Sampler, not {asked!r}"
        )
    mode = asked or ("sequential" if split in HELD_OUT else "shuffled")
    return Sampler(lines, mode, batch_size, rank, world_size, seed, drop_last, pad, adaptive=adaptive)


def _prepare_pickling(dataset: Batches, folder: Path) -> None:
    """Lay rows and plan in files that workers map, and make sure that the rest can be sent to them."""
    dataset.rows = spill_rows(dataset.rows, folder)
    dataset.plan.spill(folder)
    for name, part in (("transform", dataset.transform), ("tokenizer and inputs", dataset.inputs)):
        try:
            pickle.dumps(part)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ConfigError(
                f"the {name} can't be sent to workers that are not forked ({error}): define functions at the top of a"
                " module, or pass multiprocessing_context='fork'"
            ) from error


def _begin_worker(worker: int) -> None:
    """Leave threads to the number of workers; libraries that were used before a fork may hang in theirs."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    if find_spec("cv2") is not None:
        import cv2

        cv2.setNumThreads(0)
