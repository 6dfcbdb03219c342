"""What can be asked of a loader's sampler beside its mode, declared once for Python and pipeline files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from curate.declared import made
from curate.feed.sampling.curriculum import Curriculum
from curate.feed.sampling.grouping import Grouping
from curate.step import Settings


class SamplingOptions(Settings):
    """How draws are made and put into batches; each field is an option of `curate.feed.make_loader`."""

    grouping: Grouping | None = Field(None, description="of the sampler group_balanced: which groups")
    curriculum: Curriculum | None = Field(
        None, description="of the sampler curriculum: what is easy, and how fast it gets harder"
    )
    bucket_by_length: bool = Field(
        False,
        description="batches of rows of similar length (tokens of texts, seconds of recordings), which pads less;"
        " batch_tokens and batch_seconds imply it",
    )
    batch_tokens: int | None = Field(
        None,
        ge=1,
        description="tokens per batch with padding, at most, in place of batch_size; characters of texts without a"
        " tokenizer, steps of series, or what length_column counts",
    )
    batch_seconds: float | None = Field(
        None, gt=0, description="seconds of audio per batch with padding, at most, in place of batch_size"
    )
    max_batch: int | None = Field(None, ge=1, description="rows per batch at most, with batch_tokens or batch_seconds")
    bucket_window: int = Field(
        64, ge=1, le=1_000_000, description="batches per process among which rows are sorted by length"
    )
    length_column: str | None = Field(
        None, description="column of the table with each row's length, in place of measuring it"
    )

    @property
    def buckets(self) -> bool:
        """Whether batches are made by length."""
        return self.bucket_by_length or self.batch_tokens is not None or self.batch_seconds is not None


OF_TRAINING = ("sampler", "adaptive", "drop_last", "pad", "difficulty", *SamplingOptions.model_fields)
"""Options of a loader that say which draws make a batch in training; held-out rows are drawn once and in order."""


def for_held_out(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that loaders of held-out rows share with training: no row there is drawn in the place of another."""
    shared = {name: value for name, value in options.items() if name not in OF_TRAINING}
    return shared | ({"on_error": "skip"} if shared.get("on_error") == "replace" else {})


def sampling_of(options: Mapping[str, Any]) -> tuple[SamplingOptions, dict[str, Any]]:
    """The options that are of the sampler, and the others. Raises ConfigError where one of the sampler's can't be."""
    own = {name: value for name, value in options.items() if name in SamplingOptions.model_fields}
    rest = {name: value for name, value in options.items() if name not in own}
    return made(SamplingOptions, own, "loader"), rest
