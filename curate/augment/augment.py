"""The step that changes items on their way into a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from curate import step
from curate.augment.operations import build
from curate.augment.operations.catalogue import MODALITIES, parse
from curate.errors import ConfigError, nearest

if TYPE_CHECKING:
    from curate.task import Task


def _formed(spec: Any) -> Any:
    """One clear complaint instead of one per member of the union."""
    try:
        parse(spec)
    except ConfigError as error:
        raise ValueError(str(error)) from error
    return spec


OperationSpec = Annotated[str | dict[str, dict[str, Any] | None], BeforeValidator(_formed)]


class Augment(step.Augment):
    """Changes training items by chance, anew in each epoch, each by its own seed.

    Operations are done in order, each with its own probability `p`. Images take the transforms of Albumentations by
    their own names and parameters (videos too, each drawn once for the whole clip); text, sound, series and features
    take the operations of this library. What is drawn for a row depends on the seed, the epoch, the row's id, the
    step and the copy, and on nothing else.
    """

    image: tuple[OperationSpec, ...] = Field(
        (),
        description="operations on images and video frames: names of Albumentations transforms, or {name: parameters}",
    )
    text: tuple[OperationSpec, ...] = Field((), description="operations on text: names, or {name: settings}")
    audio: tuple[OperationSpec, ...] = Field((), description="operations on sound: names, or {name: settings}")
    series: tuple[OperationSpec, ...] = Field((), description="operations on time series: names, or {name: settings}")
    features: tuple[OperationSpec, ...] = Field(
        (), description="operations on vectors of numbers: names, or {name: settings}"
    )
    probability: float = Field(1.0, ge=0, le=1, description="probability that anything is done to a draw")
    classes: tuple[str, ...] | None = Field(
        None, description="names of the classes whose rows are changed; all if left out"
    )
    draws: Literal["all", "repeated"] = Field(
        "all", description="all draws, or only the repeated ones, so that each row is also seen as it is"
    )

    @model_validator(mode="after")
    def _something_to_do(self) -> Augment:
        if not any(getattr(self, modality) for modality in MODALITIES):
            raise ValueError(f"no operation is named: list some under {', '.join(MODALITIES)}")
        return self

    def refuses(self, task: Task) -> str | None:
        """Operations are there for inputs that the task does not have."""
        inputs = {"image" if modality == "video" else modality for modality in task.modalities}
        for modality in MODALITIES:
            if getattr(self, modality) and modality not in inputs:
                return (
                    f"augment has {modality} operations, and the task has {' and '.join(task.modalities) or 'no input'}"
                )
        return None

    def recipe(self, task: Task) -> dict[str, Any]:
        """The settings that matter, after every operation was built once.

        Raises:
            ConfigError: an unknown operation, a wrong parameter, an unknown class, or a modality that the task lacks;
                all that is wrong at once.
        """
        wrong = [reason] if (reason := self.refuses(task)) else []
        for modality in MODALITIES:
            for place, spec in enumerate(getattr(self, modality)):
                try:
                    operation = build(modality, spec)
                    moves = getattr(operation, "moves_pixels", False)
                except ConfigError as error:
                    wrong.append(f"augment.{modality}[{place}]: {error}")
                    continue
                if moves and (task.mask or task.boxes):
                    target = "mask" if task.mask else "boxes"
                    wrong.append(f"augment.{modality}[{place}]: {spec!r} would move the image away from its {target}")
        if self.classes is not None and task.kind not in ("classification", "multilabel", None):
            wrong.append(f"augment.classes: a {task.kind} task has no classes")
        elif self.classes is not None and task.label_names:
            for name in self.classes:
                if name not in task.label_names:
                    wrong.append(f"augment.classes: no class {name!r}{nearest(name, task.label_names)}")
        if wrong:
            raise ConfigError("; ".join(wrong))
        return {"step": "augment", **self.changed()}
