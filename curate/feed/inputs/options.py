"""What a batch's inputs look like: sizes, rates, lengths and names, declared once for all modalities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from curate.declared import made
from curate.step import Settings
from curate.task import Task


class InputOptions(Settings):
    """How the inputs of a batch are made; each field is an option of `curate.feed.make_loader`."""

    meant: ClassVar[Mapping[str, str]] = {
        "shuffle": "say sampler: shuffled, or sequential",
        "size": "did you mean 'image_size'?",
        "max_length": "did you mean 'max_tokens'?",
        "truncation": "say max_tokens",
        "collate_fn": "a function of each batch is the loader's transform",
        "generator": "order and augmentation follow from seed",
        "worker_init_fn": "what workers draw follows from seed, whichever of them does it",
        "timeout": "did you mean 'row_seconds'?",
        "device": "batches go to a device by loader.prefetch_to(device)",
    }

    image_size: int | tuple[int, int] | Literal["native"] | None = Field(
        None,
        description="side, or (height, width), in pixels, of every image and frame. native: as they are, which must be"
        " one size per batch. If left out: the size that the first 16 training images have after decoding and"
        " augmentation, if it is the same for all and either an operation made it or no side is longer than 224;"
        " else 224",
    )
    fit: Literal["squash", "letterbox", "crop", "within"] = Field(
        "squash",
        description="how an image comes to that size: stretched, shrunk or enlarged to fit in with black bars, filling"
        " it and cut off around the centre, or (within) fitting in without bars, so that sizes differ",
    )
    different_sizes: Literal["refuse", "pad", "list"] = Field(
        "refuse",
        description="images of several sizes in a batch: an error; padded at the right and the bottom to the largest,"
        " with a pixel_mask; or a list of B tensors. With pad and list images keep their size unless fit is within",
    )
    mean: tuple[float, ...] | None = Field(
        None, description="per channel (or one for all), subtracted from pixels in [0, 1]"
    )
    std: tuple[float, ...] | None = Field(None, description="per channel (or one for all), pixels are divided by it")
    pixels: Literal["float32", "uint8"] = Field(
        "float32",
        description="numbers that images and frames are handed out as: float32, in [0, 1] or normalised, or uint8 in"
        " [0, 255], a quarter of the bytes, which are scaled and normalised where they are used"
        " (the input's `normalization` says by what)",
    )
    max_pixels: int = Field(100_000_000, gt=0, description="largest image or frame that is decoded, in pixels")
    max_bytes: int = Field(2_000_000_000, gt=0, description="largest media file that is read, in bytes")
    background: int | None = Field(
        0,
        ge=0,
        le=65_535,
        description="of masks: value without an object, which is class 0, before the label names, where these name no"
        " background; null where every value is a class",
    )
    ignore_value: int | None = Field(
        255, ge=0, le=65_535, description="of masks: value that does not count where it is no class; null for none"
    )
    ignore_index: int = Field(
        -100,
        description="what labels of pixels and tokens hold where nothing counts: -100 as for torch's losses, 255 for"
        " segmentation models of transformers that compute their own",
    )
    box_targets: Literal["torchvision", "detr"] = Field(
        "torchvision",
        description="form of the boxes of an image: torchvision's (boxes: left, top, right, bottom in pixels; labels"
        " from 1, since 0 is its background), or that of DETR and its kin in transformers (boxes: middle, width, height"
        " as shares of the sides; class_labels from 0; size, orig_size, area, iscrowd)",
    )
    min_visibility: float = Field(
        0.0, ge=0, le=1, description="share of its area that a box must keep in the picture; others are left out"
    )
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
    sound: bool = Field(
        False, description="hand out the sound track of videos, too, over the same stretch of time as their frames"
    )
    frames: int = Field(8, ge=1, le=10_000, description="frames per video, evenly spaced; shorter ones repeat frames")
    frames_decoded: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="frames per video that operations see and choose from (a stretch, another speed), of which then"
        " `frames` are handed out, evenly spaced; as many as `frames` if left out",
    )
    categories: Literal["codes", "one_hot"] = Field(
        "codes",
        description="how names among the scalar columns become numbers: place among the sorted names, or one column"
        " per name",
    )
    max_tokens: int | None = Field(
        None, ge=1, description="texts are cut off after so many tokens of the loader's tokenizer"
    )
    tagged_pieces: Literal["first", "all"] = Field(
        "first", description="which pieces of a word carry its tag where the tokenizer cuts it into several"
    )
    decoder_start_token: int | None = Field(
        None,
        ge=0,
        description="token that the model itself puts before the transcript, as Whisper does: left out of labels that"
        " begin with it",
    )

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

    @model_validator(mode="after")
    def _enough_frames(self) -> InputOptions:
        if self.frames_decoded is not None and self.frames_decoded < self.frames:
            raise ValueError(f"frames_decoded is {self.frames_decoded}, and {self.frames} frames are handed out")
        return self

    @model_validator(mode="after")
    def _sizes_agree(self) -> InputOptions:
        varying = self.different_sizes != "refuse"
        if self.fit == "within" and not varying:
            raise ValueError("fit: within gives images of different sizes; say different_sizes: pad or list")
        if varying and self.fit != "within" and self.image_size not in (None, "native"):
            raise ValueError(
                f"different_sizes: {self.different_sizes} does nothing where image_size and fit: {self.fit} bring all"
                " images to one size; fit: within keeps their proportions"
            )
        return self

    @property
    def keeps_sizes(self) -> bool:
        """Whether images are fed in sizes of their own."""
        return self.image_size == "native" or (self.different_sizes != "refuse" and self.fit != "within")

    @property
    def size(self) -> tuple[int, int] | None:
        """(height, width) where the option says it."""
        if isinstance(self.image_size, int):
            return self.image_size, self.image_size
        return self.image_size if isinstance(self.image_size, tuple) else None


PICTURES = ("image", "video")
ONLY_FOR: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("image_size", "fit", "different_sizes", "mean", "std", "pixels"), PICTURES),
    **dict.fromkeys(("frames", "frames_decoded", "sound"), ("video",)),
    "sampling_rate": ("audio", "video"),
    "max_seconds": ("audio", "video"),
    "max_tokens": ("text", "tokens", "transcript"),
    "box_targets": ("boxes",),
    "min_visibility": ("boxes",),
    "categories": ("features",),
    "tagged_pieces": ("tokens",),
    "decoder_start_token": ("transcript",),
}
"""Option -> the roles of a task of which it says something."""
OF_TOKENS = ("max_tokens", "tagged_pieces", "decoder_start_token")
"""Options that say something of what a tokenizer makes."""


def idle(options: InputOptions, task: Task) -> Iterator[tuple[str, str]]:
    """Options that were changed and say nothing of any of the task's inputs, and why."""
    for name, roles in ONLY_FOR.items():
        value = getattr(options, name)
        if value != InputOptions.model_fields[name].default and not any(getattr(task, role) for role in roles):
            has = " and ".join(task.modalities) or "no input"
            yield name, f"{value!r} says nothing here: it is for {' or '.join(roles)}, and the task has {has}"


def without_tokens(options: InputOptions) -> list[str]:
    """Sentences about options that were changed and say something of tokens, for where nothing makes any."""
    return [
        f"{name} = {getattr(options, name)!r} says nothing of texts as they are: pass tokenizer=..., or a processor"
        " that has one"
        for name in OF_TOKENS
        if getattr(options, name) != InputOptions.model_fields[name].default
    ]


def input_options(given: Mapping[str, Any], more: Iterable[str] = ()) -> InputOptions:
    """The options of that names and values. Raises ConfigError for all that is wrong, with the nearest right names.

    Args:
        given: name -> value.
        more: names of options that are not of inputs, one of which may have been meant.
    """
    return made(InputOptions, given, "loader", more)
