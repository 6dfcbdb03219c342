"""Inputs that go through a processor of transformers: decoded and augmented here, made into numbers there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from curate.errors import ConfigError
from curate.feed.inputs.audio import Recordings
from curate.feed.inputs.guarded import Guarded
from curate.feed.inputs.image import Images
from curate.feed.inputs.input import Input
from curate.feed.inputs.processed_scene import ProcessedScenes
from curate.feed.inputs.processors import ARGUMENTS, called, layout, takes
from curate.feed.inputs.scene import Scenes
from curate.feed.inputs.text import Texts
from curate.feed.inputs.video import Videos


@dataclass(frozen=True)
class Processed(Guarded):
    """One input, read by a processor.

    Attributes:
        part: reads, decodes and augments.
        processor: an image processor, video processor or feature extractor.
        settings: of its call.
    """

    part: Images | Videos | Recordings
    processor: Any
    settings: Mapping[str, Any]

    @property
    def modality(self) -> str:
        """Its role in the task."""
        return self.part.modality

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.part.columns

    def values(self, rows: pa.Table) -> Sequence[Any]:
        """Bytes and path of each row."""
        return self.part.values(rows)

    def read(self, value: Any) -> Any:
        """As of the part."""
        return self.part.read(value)

    def augment(self, item: Any, change: Callable[[Any], Any]) -> Any:
        """The item after a recipe."""
        return self.part.augment(item, change)

    def finish(self, item: Any) -> Any:
        """The image or frames in their own size, or the samples at the processor's rate."""
        return self.part.finish(item)

    def collate(self, items: Sequence[Any], names: Sequence[str]) -> dict[str, Any]:
        """The entries that the processor gives."""
        if isinstance(self.part, Recordings):
            return called(self.processor, self.settings, list(items), **sounds(self.processor, self.part.rate))
        pixels = [whole(item) for item in items]
        told = layout(pixels)
        if isinstance(self.part, Images):
            return called(self.processor, self.settings, pixels, **told)
        if any(base.__name__ == "BaseVideoProcessor" for base in type(self.processor).__mro__):
            return called(self.processor, self.settings, videos=pixels, **told)
        if takes(self.processor, "videos"):
            return called(self.processor, self.settings, [list(frames) for frames in pixels], **told)
        # A processor of single images reads the frames of all videos one by one.
        found = called(self.processor, self.settings, [frame for frames in pixels for frame in frames], **told)
        return {k: v.unflatten(0, (len(items), -1)) for k, v in found.items()}


@dataclass(frozen=True)
class Together(Guarded):
    """Several inputs that one processor reads at once, as text that refers to an image.

    Attributes:
        parts: read, decode and augment.
        processor: called with a list for each of them.
        settings: of its call.
    """

    parts: tuple[Images | Videos | Recordings | Texts, ...]
    processor: Any
    settings: Mapping[str, Any]

    @property
    def modality(self) -> str:
        """The role of the first."""
        return self.parts[0].modality

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return tuple(column for part in self.parts for column in part.columns)

    def values(self, rows: pa.Table) -> list[tuple[Any, ...]]:
        """The values of all."""
        return list(zip(*(part.values(rows) for part in self.parts), strict=True))

    def read(self, value: tuple[Any, ...]) -> tuple[Any, ...]:
        """The items of all."""
        return tuple(part.read(own) for part, own in zip(self.parts, value))

    def augment(self, item: tuple[Any, ...], change: Callable[..., Any]) -> tuple[Any, ...]:
        """Each item after the operations for its role."""
        return tuple(
            part.augment(own, lambda one, role=part.modality: change(one, role)) for part, own in zip(self.parts, item)
        )

    def finish(self, item: tuple[Any, ...]) -> tuple[Any, ...]:
        """The finished items of all."""
        return tuple(part.finish(own) for part, own in zip(self.parts, item))

    def collate(self, items: Sequence[tuple[Any, ...]], names: Sequence[str]) -> dict[str, Any]:
        """The entries that the processor gives."""
        given: dict[str, Any] = {}
        for place, part in enumerate(self.parts):
            given[ARGUMENTS[part.modality]] = own = [item[place] for item in items]
            if isinstance(part, Images):
                given |= layout(own)
            if isinstance(part, Texts):
                given |= {k: v for k, v in part.settings.items() if k != "return_tensors"}
            if isinstance(part, Recordings):
                given |= sounds(self.processor.feature_extractor, part.rate)
        return called(self.processor, self.settings, **given)


def sounds(extractor: Any, rate: int) -> dict[str, Any]:
    """Arguments of a call with sounds: the rate, and padding for extractors that don't pad by themselves."""
    import inspect

    padding = inspect.signature(extractor.__call__).parameters.get("padding")
    return {"sampling_rate": rate} | ({"padding": True} if padding is not None and padding.default is False else {})


def _longest(processor: Any) -> int | None:
    """Twice the longest side that a processor brings frames to: what crops can choose from without keeping 4K films."""
    sizes = [size for name in ("size", "crop_size") if (size := getattr(processor, name, None)) is not None]
    sides = [side for size in sizes for side in dict(size).values() if isinstance(side, int) and side]
    return 2 * max(sides) if sides else None


def whole(pixels: np.ndarray) -> np.ndarray:
    """Pixels as uint8, rounded where rows were mixed."""
    return pixels if pixels.dtype == np.uint8 else np.rint(pixels).clip(0, 255).astype(np.uint8)


def through(made: Sequence[Input], parts: Mapping[str, Any], together: Any, settings: Mapping[str, Any]) -> list[Input]:
    """The inputs, those that processors read through them.

    Args:
        made: the inputs of a task.
        parts: role -> what reads it.
        together: what reads these, and the text, at once; None where each is read alone.
        settings: of the calls.

    Raises:
        ConfigError: a processor can't take what an input holds.
    """
    if together is not None:
        joint = [one for one in made if one.modality in parts or isinstance(one, Texts)]
        for one in joint:
            if not isinstance(one, Images | Videos | Recordings | Texts):
                raise ConfigError(
                    f"the processor {type(together).__name__} reads several inputs at once, and takes no masks, boxes"
                    " or sound of videos beside them"
                )
        others = [one for one in made if one not in joint]
        return [Together(tuple(joint), together, settings), *others]  # pyright: ignore[reportArgumentType]: as checked
    found: list[Input] = []
    for one in made:
        reader = parts.get(one.modality)
        if reader is None:
            found.append(one)
        elif isinstance(one, Scenes):
            found.append(ProcessedScenes(one, reader, settings))
        elif isinstance(one, Videos):
            found.append(Processed(replace(one, longest=_longest(reader)), reader, settings))
        elif isinstance(one, Images | Recordings):
            found.append(Processed(one, reader, settings))
        else:
            raise ConfigError(f"sound: the processor {type(reader).__name__} takes frames alone: leave out sound")
    return found
