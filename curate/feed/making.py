"""Making a loader: options checked, inputs settled, rows and plan laid out for the workers."""

from __future__ import annotations

import inspect
import logging
import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from torch import distributed

from curate.arrow import texts
from curate.errors import ConfigError, nearest
from curate.feed import sampler as samplers
from curate.feed.adaptive import Adaptive
from curate.feed.batches import Batches
from curate.feed.inputs.make import make_inputs
from curate.feed.inputs.options import InputOptions, input_options
from curate.feed.inputs.pictures import label_names_of
from curate.feed.loader import Loader
from curate.feed.recipes import Recipes
from curate.feed.sampler import Mode, Sampler
from curate.feed.sampling.arguments import sampler_arguments
from curate.feed.sampling.options import SamplingOptions, sampling_of
from curate.feed.sampling.state import whole
from curate.feed.spilled import Spilled, content_of, rows_of, spill_folder, spill_rows
from curate.feed.targets import Targets
from curate.feed.workers.hiring import Hiring
from curate.table import HELD_OUT, Table
from curate.wording import counted

_logger = logging.getLogger("curate.feed")
TARGETS = frozenset(("labels", "soft_labels", "weights", "row_id", "partner_labels", "share", "mass"))
"""Entries of a batch that keep their names."""


def make_loader(
    table: Table,
    plan: pa.Table,
    *,
    label_names: Sequence[str] | None = None,
    seed: int = 0,
    split: str | None = "train",
    batch_size: int = 32,
    sampler: Mode | Sampler | None = None,
    rank: int | None = None,
    world_size: int | None = None,
    epoch: int = 0,
    drop_last: bool = False,
    pad: bool = False,
    num_workers: int = 0,
    pin_memory: bool = False,
    persistent_workers: bool = False,
    prefetch_factor: int | None = None,
    multiprocessing_context: str | None = None,
    workers: Literal["processes", "threads"] = "processes",
    row_seconds: float | None = None,
    inputs: Mapping[str, str] | None = None,
    tokenizer: Callable[..., Mapping[str, Any]] | None = None,
    tokenizer_options: Mapping[str, Any] | None = None,
    processor: Any = None,
    processor_options: Mapping[str, Any] | None = None,
    on_error: Literal["skip", "replace", "raise"] = "skip",
    transform: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    class_weights: Sequence[float] | np.ndarray | None = None,
    adaptive: Adaptive | Mapping[str, Any] | None = None,
    difficulty: Sequence[float] | np.ndarray | None = None,
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
        rank: this process among `world_size`; 0 if left out.
        world_size: number of processes; 1 if left out, of which there is a warning where several train together.
        epoch: that the first iteration hands out.
        drop_last: see `Sampler`.
        pad: see `Sampler`.
        num_workers: how many decode and augment beside this process; 0 for itself.
        pin_memory: batches in page-locked memory, for faster copies to a GPU.
        persistent_workers: keep the workers from epoch to epoch.
        prefetch_factor: batches that each worker prepares ahead.
        multiprocessing_context: how processes start: fork, spawn or forkserver; the platform's way if left out.
        workers: ``processes``, or ``threads``, which need far less memory, and for images, videos and sounds as little
            time up to about eight of them, as decoding lets other threads run. The batches are the same. A row that
            ends its process (out of memory, a fault of a codec) is found, counted, and left out or replaced; a thread
            takes the program with it.
        row_seconds: a process that reads one row for longer is ended, and the row is one that can't be read.
        inputs: entry of a batch -> the name to give it (``{"pixel_values": "image"}``); targets keep their names, by
            which losses and trainers know them.
        tokenizer: called with a list of texts and `tokenizer_options`; its entries take the place of `text`.
        tokenizer_options: by default ``padding=True, truncation=True, return_tensors="pt"``.
        processor: an image processor, video processor, feature extractor, tokenizer, or processor of several inputs of
            transformers; it resizes, normalises and pads, and says the rate of sounds.
        processor_options: of its calls.
        on_error: of a row that can't be read or augmented: ``skip`` it and count it in `Loader.skipped`; ``replace``
            it by another draw of the same split and class, which follows from the seed like all else, and count it;
            or ``raise``.
        transform: called with every batch in the process that made it; gives the batch to hand out.
        class_weights: for `Loader.class_weights`.
        adaptive: settings of the sampler ``adaptive`` (`curate.feed.adaptive.Adaptive`); `Loader.report` takes what it
            follows.
        difficulty: of each row of the table, for the sampler ``curriculum``, in place of a column.
        options: see `curate.feed.inputs.options.InputOptions` and `curate.feed.sampling.options.SamplingOptions`
            (groups, curriculum, batches by length).

    Raises:
        ConfigError: an option is wrong, or does not fit the table and the plan.
        DataError: a column can't be fed.
    """
    _refuse_kinds(
        truths={"drop_last": drop_last, "pad": pad, "pin_memory": pin_memory, "persistent_workers": persistent_workers},
        functions={"tokenizer": tokenizer, "transform": transform},
        mappings={"inputs": inputs, "tokenizer_options": tokenizer_options, "processor_options": processor_options},
    )
    seed = whole("seed", seed, 0)
    sampling, options = sampling_of(options)
    settings = input_options(options, LOADER_OPTIONS)
    hiring = Hiring(num_workers, workers, persistent_workers, prefetch_factor, multiprocessing_context, row_seconds)
    if on_error not in ("skip", "replace", "raise"):
        raise ConfigError(f"on_error must be 'skip', 'replace' or 'raise', not {on_error!r}")
    if renamed := sorted(TARGETS & set(inputs or {})):
        raise ConfigError(f"inputs: {renamed[0]} can't be renamed; losses and trainers know targets by their names")
    names = tuple(label_names if label_names is not None else table.task.label_names)
    recipes = Recipes.of(plan, seed)
    reading = (tokenizer, tokenizer_options, names, processor, processor_options)
    made = make_inputs(table, plan, recipes, settings, *reading)
    classes, names = names, label_names_of(table.task.kind, names, settings)
    lines = _lines(plan, split)
    mode = sampler or ("sequential" if split in HELD_OUT else "shuffled")
    of_lines = (table, lines, made, settings, difficulty, adaptive)
    if isinstance(mode, Sampler):
        idle = {
            "drop_last": drop_last,
            "pad": pad,
            "adaptive": adaptive is not None,
            "difficulty": difficulty is not None,
        }
        _refuse_idle([name for name, given in idle.items() if given] + sorted(sampling.model_fields_set))
        more = {}
    else:
        more = sampler_arguments(sampling, mode, *of_lines)
    if rank is None and world_size is None and not isinstance(mode, Sampler) and split not in HELD_OUT:
        _warn_of_other_processes()
    share = (0 if rank is None else rank, 1 if world_size is None else world_size)
    order = _sampler(lines, mode, split, batch_size, *share, seed, drop_last, pad, adaptive, more)
    columns = list(dict.fromkeys(column for one in made for column in one.columns))
    dataset = Batches(
        rows_of(table, columns),
        Spilled(lines),
        made,
        Targets.of(table.task.kind, names, lines, weighted=order.mode != "weighted"),
        Recipes.of(lines, seed),
        dict(inputs or {}),
        on_error,
        transform,
        # A worker that took the memory of its next batch when it begins would hold one more than it does now.
        at_once=not num_workers,
        content=content_of(table),
    )
    _refuse_weights(class_weights, names, classes)
    _refuse_no_batch(order, lines)
    loader = Loader(dataset, order, names, class_weights, hiring=hiring, pin_memory=pin_memory)
    if hiring.pickles:
        _prepare_pickling(dataset, spill_folder(loader))
    loader.set_epoch(epoch)
    return loader


LOADER_OPTIONS = (
    *(name for name, one in inspect.signature(make_loader).parameters.items() if one.kind is one.KEYWORD_ONLY),
    *SamplingOptions.model_fields,
    *InputOptions.model_fields,
)
"""All options of a loader."""


def _refuse_kinds(truths: Mapping[str, Any], functions: Mapping[str, Any], mappings: Mapping[str, Any]) -> None:
    """Raise ConfigError for options that are of another kind than they must be; all but the first may be None."""
    for name, value in truths.items():
        if not isinstance(value, bool | np.bool_):
            raise ConfigError(f"{name} must be True or False, not {value!r:.80}")
    for name, value in functions.items():
        if value is not None and not callable(value):
            hint = f", such as transformers.AutoTokenizer.from_pretrained({value!r})" if name == "tokenizer" else ""
            raise ConfigError(f"{name} must be a function{hint if isinstance(value, str) else ''}, not {value!r:.80}")
    for name, value in mappings.items():
        if value is not None and not isinstance(value, Mapping):
            raise ConfigError(f"{name} must be a mapping, not {value!r:.80}")


def _refuse_idle(names: list[str]) -> None:
    """Raise ConfigError for options that say nothing beside a sampler that is made already."""
    if names:
        raise ConfigError(f"{', '.join(names)}: for a sampler that is named; pass such options to the Sampler itself")


def _refuse_weights(weights: Sequence[float] | np.ndarray | None, names: Sequence[str], classes: Sequence[str]) -> None:
    """Raise ConfigError unless there is one for each class; of pixels, the background has one or has none."""
    if weights is None:
        return
    numbers = np.asarray(weights)
    if numbers.dtype.kind not in "biuf" or numbers.shape not in ((len(names),), (len(classes),)):
        found = f"of the shape {numbers.shape}" if numbers.dtype.kind in "biuf" else f"{weights!r:.80}"
        raise ConfigError(
            f"class_weights must be {len(names)} numbers, one per class, not {found}: the classes are"
            f" {', '.join(names)}"
        )
    wrong = np.flatnonzero(~(np.isfinite(numbers) & (numbers >= 0)))
    if len(wrong):
        of = (names if len(names) == len(numbers) else classes)[wrong[0]]
        raise ConfigError(f"class_weights must be finite and at least 0; that of {of!r} is {numbers[wrong[0]]:g}")


def _warn_of_other_processes() -> None:
    """Say that every process draws all rows, where several train together and none was told its share."""
    if distributed.is_available() and distributed.is_initialized() and (count := distributed.get_world_size()) > 1:
        _logger.warning(
            "%d processes train together, and each of them will draw every row: say curated.loader(rank=%d,"
            " world_size=%d), or rank=0, world_size=1 where that is meant",
            count, distributed.get_rank(), count,
        )  # fmt: skip


def _refuse_no_batch(order: Sampler, lines: pa.Table) -> None:
    """Raise ConfigError where no process has a batch; without `drop_last` one may have none where lines are few."""
    if order.drop_last and lines.num_rows and not len(order):
        draws = counted(lines.num_rows, "draw")
        processes = counted(order.world_size, "process", "processes")
        raise ConfigError(f"drop_last leaves no batch: {draws} for {processes} in batches of {order.batch_size}")


def _lines(plan: pa.Table, split: str | None) -> pa.Table:
    """The lines of a split. Raises ConfigError where the plan has others only."""
    if split is None:
        return plan
    if not isinstance(split, str):
        raise ConfigError(f"split must be the name of one, or None for all, not {split!r:.80}")
    # By the chunk, and without a copy where all lines are of the split: the plan may be larger than memory.
    known = sorted({str(name) for chunk in plan["split"].chunks for name in pc.unique(chunk).to_pylist()})
    if known == [split]:
        return plan
    lines = plan.filter(pc.is_in(plan["split"].cast(pa.string()), value_set=texts([split])))
    if not lines.num_rows and plan.num_rows:
        raise ConfigError(f"the plan has no split {split!r}{nearest(split, known)}; there is {', '.join(known)}")
    return lines


def _sampler(
    lines: pa.Table, asked: Mode | Sampler, split: str | None, batch_size: int, rank: int, world_size: int,
    seed: int, drop_last: bool, pad: bool, adaptive: Adaptive | Mapping[str, Any] | None, more: Mapping[str, Any],
) -> Sampler:  # fmt: skip
    if isinstance(asked, Sampler):
        if asked.n != lines.num_rows:
            raise ConfigError(
                f"the sampler draws from {asked.n} lines, and split {split!r} has {lines.num_rows}: make it from"
                " the lines of that split"
            )
        return asked
    if not isinstance(asked, str):
        raise ConfigError(
            f"sampler must be a mode ({', '.join(samplers.MODES)}) or a curate.feed.Sampler, not {asked!r}"
        )
    return Sampler(lines, asked, batch_size, rank, world_size, seed, drop_last, pad, adaptive=adaptive, **more)


def _prepare_pickling(dataset: Batches, folder: Path) -> None:
    """Lay rows and plan in files that workers map, and make sure that the rest can be sent to them."""
    dataset.rows = spill_rows(dataset.rows, folder)
    dataset.plan.spill(folder / "plan.arrow")
    if dataset.content is not None:
        dataset.content.spill(folder / "content.arrow")
    for name, part in (("transform", dataset.transform), ("tokenizer and inputs", dataset.inputs)):
        try:
            pickle.dumps(part)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ConfigError(
                f"the {name} can't be sent to workers that are not forked ({error}): define functions at the top of a"
                " module, or pass multiprocessing_context='fork'"
            ) from error
