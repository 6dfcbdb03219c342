"""Processors of transformers as they are: which of their parts reads which input of a task, and what that settles."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from curate.errors import ConfigError
from curate.feed.inputs.options import InputOptions
from curate.task import Task

BASES = {
    "ProcessorMixin": "several",
    "PreTrainedTokenizerBase": "text",
    "BaseVideoProcessor": "video",
    "ImageProcessingMixin": "image",
    "FeatureExtractionMixin": "audio",
}
"""Class of transformers -> the input that its kind reads. By name, so that transformers need not be loaded."""
PARTS = {"image": "image_processor", "video": "video_processor", "audio": "feature_extractor", "text": "tokenizer"}
ARGUMENTS = {"image": "images", "video": "videos", "audio": "audio", "text": "text"}
"""Input -> its argument where a processor of several inputs is called."""
OF_PIXELS = ("image_size", "fit", "different_sizes", "mean", "std", "pixels")
"""Options that do what image processors do."""


@dataclass(frozen=True)
class Processing:
    """What processors do for a task.

    Attributes:
        parts: input of the task -> what reads it; texts are left to the tokenizer, unless they are read together.
        together: what reads several inputs at once, as they refer to each other; None where each is read alone.
        tokenizer: for texts, words and transcripts.
        settings: of every call of a processor.
    """

    parts: Mapping[str, Any] = field(default_factory=dict)
    together: Any = None
    tokenizer: Callable[..., Mapping[str, Any]] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls, processor: Any, tokenizer: Callable[..., Mapping[str, Any]] | None, settings: Mapping[str, Any], task: Task
    ) -> Processing:
        """For a task. Raises ConfigError for a processor that reads none of its inputs, or one tokenizer too many."""
        if processor is None:
            if settings:
                raise ConfigError("processor_options are for a processor: pass processor=...")
            return cls(tokenizer=tokenizer)
        kind = kind_of(processor)
        reads = {role: getattr(processor, part, None) for role, part in PARTS.items()}
        own = {r: p for r, p in reads.items() if p is not None} if kind == "several" else {kind: processor}
        if kind == "image" and task.image is None and task.video is not None:
            own = {"video": processor}
        parts = {role: part for role, part in own.items() if role != "text" and getattr(task, role) is not None}
        wants_text = task.text is not None or task.transcript is not None
        if not parts and not ("text" in own and wants_text):
            raise ConfigError(
                f"the processor {type(processor).__name__} reads {' and '.join(own)}, and the task has"
                f" {' and '.join(task.modalities)}"
            )
        if "text" in own and wants_text:
            if tokenizer is not None:
                raise ConfigError(f"the processor {type(processor).__name__} has a tokenizer: leave out tokenizer=...")
            tokenizer = own["text"]
        read = [*parts, *(["text"] if "text" in own and task.text is not None else [])]
        together = processor if kind == "several" and len(read) > 1 else None
        if together is not None and task.tokens is not None and task.kind == "token_classification":
            raise ConfigError(
                "words with tags can't go through a processor of several inputs: pass its tokenizer alone"
            )
        return cls(parts, together, tokenizer, dict(settings))

    def settled(self, options: InputOptions) -> InputOptions:
        """The options with what the processors take into their own hands.

        Raises:
            ConfigError: an option that does what a processor does again, or says otherwise.
        """
        changed: dict[str, Any] = {}
        for role, part in self.parts.items():
            name = type(part).__name__
            if role == "audio":
                rate = getattr(part, "sampling_rate", None)
                if rate is None:
                    raise ConfigError(f"the processor {name} does not say its sampling_rate")
                if options.sampling_rate not in (None, rate):
                    raise ConfigError(
                        f"sampling_rate={options.sampling_rate}, and the processor {name} is for {rate} samples per"
                        " second: leave out sampling_rate"
                    )
                changed["sampling_rate"] = int(rate)
                continue
            given = [o for o in OF_PIXELS if getattr(options, o) != InputOptions.model_fields[o].default]
            if options.image_size == "native":
                given.remove("image_size")
            if given:
                raise ConfigError(
                    f"{', '.join(given)}: the processor {name} resizes and normalises itself, and it would be done"
                    f" twice; leave {'it' if len(given) == 1 else 'them'} out, or configure the processor"
                    " (processor_options)"
                )
            if getattr(part, "do_reduce_labels", None):
                raise ConfigError(
                    f"do_reduce_labels of the processor {name} would shift the numbers of the classes once more: make"
                    " it with do_reduce_labels=False; background and ignore_value say what the values of masks mean"
                )
            changed["image_size"] = "native"
        return options.model_copy(update=changed)


def kind_of(processor: Any) -> str:
    """The input that a processor reads, ``several`` of one of several inputs. Raises ConfigError for other objects."""
    for base in type(processor).__mro__:
        if base.__name__ in BASES:
            return BASES[base.__name__]
    raise ConfigError(
        f"processor must be an image processor, video processor, feature extractor, tokenizer or processor of"
        f" transformers, not {type(processor).__name__}; anything else that is done to a batch can be its transform"
    )


def option_for(processor: Any) -> str:
    """The option of a loader that an object is for: ``processor``, or ``tokenizer`` (also for any other callable)."""
    known = [BASES[base.__name__] for base in type(processor).__mro__ if base.__name__ in BASES]
    return "processor" if known and known[0] != "text" else "tokenizer"


def takes(processor: Any, argument: str) -> bool:
    """Whether a processor has an argument of that name."""
    functions = [getattr(processor, name, None) for name in ("preprocess", "__call__")]
    return any(argument in inspect.signature(one).parameters for one in functions if one is not None)


def called(processor: Any, settings: Mapping[str, Any], *given: Any, **arguments: Any) -> dict[str, Any]:
    """What a processor makes of a batch, as tensors. Raises ConfigError where that is no mapping."""
    found = processor(*given, **{"return_tensors": "pt", **arguments, **settings})
    if not isinstance(found, Mapping):
        raise ConfigError(f"the processor {type(processor).__name__} must give a mapping, not {type(found).__name__}")
    return {name: _plain(value) for name, value in found.items()}


def layout(pixels: Sequence[Any]) -> dict[str, Any]:
    """Argument of a call with (..., height, width, 3) pixels of which some are 1 or 3 pixels high.

    Processors would take that for the channels.
    """
    return {"input_data_format": "channels_last"} if any(one.shape[-3] in (1, 3) for one in pixels) else {}


def _plain(value: Any) -> Any:
    """Without the classes of transformers, whose pickles other processes would have to load."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value
