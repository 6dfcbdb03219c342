"""Torch modules and models of transformers as the model of a comparison: `curate.fit` on the loader of each arm."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import ConfigError, MissingPackage
from curate.media.content import input_columns
from curate.media.torch_audio import guard_torchaudio
from curate.pipeline.comparison.joint import joined
from curate.pipeline.comparison.tested import Tested
from curate.pipeline.curated import Curated
from curate.plan import ORIGINS, schema
from curate.pretrained import opened
from curate.table import HELD_OUT, Table
from curate.task import Task

AUTO = {
    "text": ("AutoModelForSequenceClassification", "tokenizer", "AutoTokenizer"),
    "image": ("AutoModelForImageClassification", "processor", "AutoImageProcessor"),
    "audio": ("AutoModelForAudioClassification", "processor", "AutoFeatureExtractor"),
    "video": ("AutoModelForVideoClassification", "processor", "AutoImageProcessor"),
}
"""Input role -> class of the model, option of the loader, and class of what that is given."""
FINE_TUNING = {"learning_rate": 5e-5, "warmup": 0.1}
WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".h5", ".msgpack", ".ckpt")
"""Endings of files that hold weights; all but the first are refused, as they can hold code."""


@dataclass(frozen=True)
class Network:
    """A model that is trained with `curate.fit`.

    Attributes:
        title: for people.
        make: a new module.
        settings: of `curate.fit`, `loader_options` among them.
        notes: sentences for the report.
    """

    title: str
    make: Callable[[], Any]
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, model: Any, table: Table, settings: Mapping[str, Any]) -> Network:
        """From what the user named: a module or a function that makes one, or a model of transformers.

        Raises:
            ConfigError: there is no such model, or the task has inputs that it can't take.
            MissingPackage: torch or transformers is not installed.
        """
        if callable(model):
            title = getattr(model, "__name__", type(model).__name__)
            return cls(title, _maker(model), dict(settings))
        return _of_transformers(str(model), table.task, settings)

    def try_out(self) -> None:
        """Make a module once, so that one that can't be had is told before the arms are run. Raises ConfigError."""
        import torch

        from curate.feed.fitting.loop import module_of

        with torch.random.fork_rng(devices=[]):
            module_of(self.make)

    def predict(self, result: Curated, tested: Tested, seed: int, steps: int, batch_size: int) -> np.ndarray:
        """(p, K) probabilities or (p, 1) values of the test rows by a model trained on an arm; NaN for rows that could
        not be read."""
        from curate.feed import fit

        data, split, ids = _with_test(result, tested)
        settings = dict(self.settings)
        loader = {"seed": seed} | dict(settings.pop("loader_options", {}))
        fixed = {"validation": False, "max_steps": steps, "batch_size": batch_size, "seed": seed}
        fitted = fit(self.make, data, **fixed, loader_options=loader, **settings)
        said = fitted.predict(split)
        outputs = said.outputs if said.outputs.ndim == 2 else said.outputs[:, None]
        place = {row_id: i for i, row_id in enumerate(said.row_ids.tolist())}
        found = np.array([place.get(row_id, -1) for row_id in ids], dtype=np.int64)
        values = np.full((len(ids), outputs.shape[1]), np.nan, dtype=np.float32)
        values[found >= 0] = outputs[found[found >= 0]]
        return values


def refuse_model(model: Any) -> None:
    """Say of a model of transformers that there is none of that name, or no config in its folder.

    Raises:
        ConfigError: so it is.
        MissingPackage: transformers is not installed.
    """
    if not callable(model):
        _load(str(model), "AutoConfig")


def _load(name: str, auto: str, **options: Any) -> Any:
    guard_torchaudio()  # transformers imports it on sight
    try:
        import transformers
    except ImportError as error:
        raise MissingPackage("transformers", "trainers", f"the model {name!r}") from error

    def loaded(more: dict[str, Any]) -> Any:
        return getattr(transformers, auto).from_pretrained(name, trust_remote_code=False, **options, **more)

    return opened(name, loaded, "compare")


def _maker(model: Any) -> Callable[[], Any]:
    import torch

    if isinstance(model, torch.nn.Module):
        return lambda: copy.deepcopy(model)
    return model


def _of_transformers(name: str, task: Task, settings: Mapping[str, Any]) -> Network:
    modality = task.modality
    if modality not in AUTO or len(task.modalities) > 1:
        raise ConfigError(
            f"models of transformers are trained on text, images, audio or video alone, and the task has"
            f" {' and '.join(task.modalities)}; pass a callable that makes a torch module (in Python), or take the head"
        )
    model_class, option, reader_class = AUTO[modality]
    width = 1 if task.kind == "regression" else len(task.label_names)

    def pretrained() -> Any:
        return _load(name, model_class, num_labels=width, ignore_mismatched_sizes=True, use_safetensors=True)

    def untrained() -> Any:
        import transformers

        return getattr(transformers, model_class).from_config(_load(name, "AutoConfig", num_labels=width))

    loader = dict(settings.get("loader_options", {}))
    if option not in loader:
        loader[option] = reader = _load(name, reader_class)
        if option == "tokenizer" and not set(reader.get_vocab()) - set(reader.all_special_tokens):
            raise ConfigError(
                f"compare: the model {name!r} has no tokenizer, or one that knows no word: save one in its folder, or"
                " pass fit_options={'loader_options': {'tokenizer': ...}} (in Python)"
            )
    settings = FINE_TUNING | dict(settings) | {"loader_options": loader}
    if not _has_weights(Path(name)):
        note = f"the folder {name} holds no weights: the model starts from random ones"
        return Network(f"{name} (random weights)", untrained, settings, (note,))
    return Network(name, pretrained, settings)


def _has_weights(folder: Path) -> bool:
    """Whether a model's name is that of no folder, or of one with weights of some format."""
    return not folder.is_dir() or any(file.suffix in WEIGHTS for file in folder.iterdir())


def _named(result: Curated) -> list[str]:
    """The columns beside the inputs by which the feed of a result draws and sorts lines."""
    feed, table = result.pipeline.feed, result.table
    group = feed.grouping.column if feed.grouping is not None and feed.grouping.column else table.task.group
    asked = (group, None if feed.curriculum is None else feed.curriculum.by, feed.length_column)
    taken = {*input_columns(table.task), table.task.embedding}
    return [name for name in dict.fromkeys(asked) if name in table.dataset.column_names and name not in taken]


def _with_test(result: Curated, tested: Tested) -> tuple[Curated, str, list[str]]:
    """The result with the test rows as a split of its plan, the split's name, and the ids of the test rows."""
    table, rows = result.table, tested.rows
    if tested.table is table:
        split = str(table.splits[rows[0]])
        return result, split, table.row_ids[rows].tolist()
    both = joined(table, tested.table, table.task, _named(result))
    places = rows + len(table)
    splits = result.plan["split"].cast(pa.string())
    plan = result.plan.filter(pc.invert(pc.is_in(splits, value_set=pa.array(HELD_OUT))))
    kind = table.task.kind
    k, n = len(rows), schema(kind)
    lines = {
        "row": pa.array(places),
        "row_id": pa.array(both.row_ids[places], pa.string()),
        "label": pa.nulls(k, n.field("label").type),
        "soft_label": pa.nulls(k, n.field("soft_label").type),
        "weight": pa.array(np.ones(k, np.float32)),
        "origin": pa.DictionaryArray.from_arrays(pa.array(np.zeros(k, np.int8)), pa.array(ORIGINS)),
        "recipe": pa.nulls(k, n.field("recipe").type),
        "split": pa.DictionaryArray.from_arrays(pa.array(np.zeros(k, np.int32)), pa.array(["test"])),
        "copy": pa.array(np.zeros(k, np.int32)),
    }
    added = pa.concat_tables([plan, pa.table(lines, schema=n)]).unify_dictionaries()
    return replace(result, table=both, plan=added), "test", both.row_ids[places].tolist()
