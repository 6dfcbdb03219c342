"""The parts of a pipeline file that are not steps: where the data is, and how it is fed."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class SourceSettings(BaseModel):
    """The `source:` part: what `curate.load` is given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str | tuple[str, ...] = Field(
        description="a folder, file, glob, list of them, saved dataset or hub id; relative to the pipeline file"
    )
    root: str | None = Field(default=None, description="folder that media paths are relative to and confined to")

    @field_validator("path", mode="before")
    @classmethod
    def _list_to_tuple(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value


class FeedSettings(BaseModel):
    """The `feed:` part: what `curated.loader()` does when it is not told otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch_size: int = Field(default=32, ge=1, description="rows per batch")
    sampler: Literal["sequential", "shuffled", "weighted", "balanced"] = Field(
        default="shuffled",
        description="order of the draws: as planned, shuffled, by weight, or every class equally often",
    )
    num_workers: int = Field(default=0, ge=0, le=256, description="processes that decode and augment")
    drop_last: bool = Field(default=False, description="leave out a last batch that is not full")
    image_size: int | tuple[int, int] | None = Field(
        default=None,
        description="pixels (or height, width) that images are resized to; their own size if all are equal",
    )
    sampling_rate: int | None = Field(default=None, ge=1000, le=768_000, description="hertz that audio is resampled to")
    max_seconds: float | None = Field(default=None, gt=0, description="longest audio or video that is fed, in seconds")
    frames: int = Field(default=8, ge=1, le=10_000, description="frames per video clip")
    mean: tuple[float, ...] | None = Field(default=None, description="per channel, subtracted from pixels in [0, 1]")
    std: tuple[float, ...] | None = Field(default=None, description="per channel, by which pixels are divided")
    on_error: Literal["skip", "raise"] = Field(
        default="skip", description="what to do with a row that can't be decoded any more: skip and count it, or stop"
    )

    @field_validator("image_size", "mean", "std", mode="before")
    @classmethod
    def _list_to_tuple(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value
