"""What a batch's inputs look like: sizes, rates, lengths and names, declared once for all modalities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from curate.errors import ConfigError, nearest
from curate.step import Settings


class InputOptions(Settings):
    """How the inputs of a batch are made; each field is an option of `curate.feed.make_loader`."""

    image_size: int | tuple[int, int] | Literal["native"] | None = Field(
        None,
        description="side, or (height, width), in pixels, of every image and frame. native: as they are, which must be"
        " one size per batch. If left out: the size that the first 16 training images have after decoding and"
        " augmentation, if it is the same for all and either an operation made it or no side is longer than 224;"
        " else 224",
    )
    fit: Literal["squash", "letterbox", "crop"] = Field(
        "squash",
        description="how an image comes to that size: stretched, shrunk to fit in with black bars, or filling it and"
        " cut off around the centre",
    )
    mean: tuple[float, ...] | None = Field(
        None, description="per channel (or one for all), subtracted from pixels in [0, 1]"
    )
    std: tuple[float, ...] | None = Field(None, description="per channel (or one for all), pixels are divided by it")
    max_pixels: int = Field(100_000_000, gt=0, description="largest image or frame that is decoded, in pixels")
    max_bytes: int = Field(2_000_000_000, gt=0, description="largest media file that is read, in bytes")
    sampling_rate: int | None = Field(
        None,
        ge=1000,
        le=768_000,
        description="samples per second of audio. If left out: that of the first 16 recordings of the plan if it is"
        " the same for all, else 16000",
    )
    max_seconds: float | None = Field(
        None, gt=0, description="audio is cut off after so many seconds, and of a video only these are looked at"
    )
    frames: int = Field(8, ge=1, le=10_000, description="frames per video, evenly spaced; shorter ones repeat frames")
    categories: Literal["codes", "one_hot"] = Field(
        "codes",
        description="how names among the scalar columns become numbers: place among the sorted names, or one column"
        " per name",
    )
    max_tokens: int | None = Field(None, ge=1, description="texts are cut off after so many tokens")

    @field_validator("image_size")
    @classmethod
    def _sensible_size(cls, value: Any) -> Any:
        sides = value if isinstance(value, tuple) else (value,) if isinstance(value, int) else ()
        if any(not 1 <= side <= 16_384 for side in sides):
            raise ValueError("a side must have 1 to 16384 pixels")
        return value

    @field_validator("image_size", "mean", "std", mode="before")
    @classmethod
    def _list_to_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _three_channels(self) -> InputOptions:
        for name in ("mean", "std"):
            values = getattr(self, name)
            if values is not None and len(values) not in (1, 3):
                raise ValueError(f"{name} must have one number, or three (red, green, blue), not {len(values)}")
        if self.std is not None and any(value <= 0 for value in self.std):
            raise ValueError("std must be greater than 0")
        return self

    @property
    def size(self) -> tuple[int, int] | None:
        """(height, width) where the option says it."""
        if isinstance(self.image_size, int):
            return self.image_size, self.image_size
        return self.image_size if isinstance(self.image_size, tuple) else None


def input_options(given: Mapping[str, Any]) -> InputOptions:
    """The options of that names and values. Raises ConfigError for all that is wrong, with the nearest right names."""
    try:
        return InputOptions(**given)
    except ValidationError as error:
        wrong = []
        for problem in error.errors():
            name = str(problem["loc"][0]) if problem["loc"] else ""
            if problem["type"] == "extra_forbidden":
                wrong.append(f"unknown option {name!r}{nearest(name, InputOptions.model_fields)}")
            else:
                message = problem["msg"].removeprefix("Value error, ")
                wrong.append(f"{name} = {problem['input']!r}: {message}" if name else message)
        raise ConfigError("loader: " + "; ".join(dict.fromkeys(wrong))) from None
