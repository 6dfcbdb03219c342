"""The parts of a pipeline file that are not steps: where the data is, and how it is fed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from curate.declared import Declared
from curate.feed.adaptive import Adaptive
from curate.feed.inputs.options import InputOptions
from curate.feed.sampling.modes import OF_MODE, Mode
from curate.feed.sampling.options import SamplingOptions
from curate.task import Task


class SourceSettings(Declared):
    """The `source:` part: what `curate.load` is given."""

    meant: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("task", *Task.model_fields), "what the columns are stands beside source, under task"
    )

    path: str | tuple[str, ...] = Field(
        description="a folder, file, glob, list of them, saved dataset or hub id; relative to the pipeline file"
    )
    root: str | None = Field(
        default=None,
        description="folder that media paths are relative to and confined to; relative to the pipeline file",
    )
    splits: str | tuple[str, ...] | None = Field(default=None, description="only these splits")
    max_rows: int | None = Field(default=None, ge=1, description="at most so many rows, evenly spaced")
    delimiter: str | None = Field(
        default=None, min_length=1, max_length=1, description="of delimited text; found if left out"
    )
    encoding: str | None = Field(default=None, description="of text files; found if left out")
    config: str | None = Field(default=None, description="configuration of a data set on the hub")
    revision: str | None = Field(default=None, description="revision of a data set on the hub")

    @field_validator("path", "splits", mode="before")
    @classmethod
    def _list_to_tuple(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value


OF_PYTHON = (
    "split", "rank", "world_size", "epoch", "pad", "pin_memory", "persistent_workers", "prefetch_factor",
    "multiprocessing_context", "inputs", "tokenizer", "tokenizer_options", "processor", "processor_options",
    "transform", "class_weights", "difficulty",
)  # fmt: skip
"""Options of `curate.feed.make_loader` that no file can say: they are objects, or of one process alone."""


class FeedSettings(InputOptions, SamplingOptions):
    """The `feed:` part: what `curated.loader()` does when it is not told otherwise."""

    meant: ClassVar[Mapping[str, str]] = {
        **InputOptions.meant,
        "seed": "the pipeline's own seed stands beside feed, not in it",
        "label_names": "it is a part of the task: task: {label_names: [...]}",
        **dict.fromkeys(OF_PYTHON, "it is said in Python: curated.loader(...)"),
    }

    batch_size: int = Field(default=32, ge=1, description="rows per batch")
    sampler: Mode = Field(
        default="shuffled",
        description="order of the draws: as planned, shuffled, by weight, every class or group equally often, easy rows"
        " first, or as the loss or recall that training reports asks for",
    )
    adaptive: Adaptive | None = Field(default=None, description="of the sampler adaptive: how it follows reports")
    num_workers: int = Field(default=0, ge=0, le=256, description="processes that decode and augment")
    drop_last: bool = Field(default=False, description="leave out a last batch that is not full")
    workers: Literal["processes", "threads"] = Field(
        default="processes",
        description="what they are: threads share memory, processes survive a codec that crashes",
    )
    row_seconds: float | None = Field(
        default=None, gt=0, description="a row that takes a worker process longer counts as one that can't be read"
    )
    on_error: Literal["skip", "replace", "raise"] = Field(
        default="skip",
        description="what to do with a row that can't be read or augmented: leave it out and count it, draw another of"
        " its class, or stop",
    )

    @model_validator(mode="after")
    def _adaptive_sampler(self) -> FeedSettings:
        for name, mode in OF_MODE.items():
            if getattr(self, name, None) is not None and self.sampler != mode:
                raise ValueError(f"{name} says nothing with the sampler {self.sampler!r}; choose sampler: {mode}")
        return self
