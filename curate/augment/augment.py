"""The step that changes items on their way into a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from curate import step
from curate.augment.operations import build
from curate.augment.operations.catalogue import MODALITIES, expand, parse, relocated
from curate.augment.recipe.intensity import Schedule, Strength, by_rarity
from curate.errors import ConfigError, nearest
from curate.wording import with_article

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np

    from curate.ledger import Decisions
    from curate.table import Labels
    from curate.task import Task


def _formed(spec: Any) -> Any:
    """One clear complaint instead of one per member of the union."""
    try:
        parse(spec)
    except ConfigError as error:
        raise ValueError(str(error)) from error
    return spec


OperationSpec = Annotated[str | dict[str, dict[str, Any] | None], BeforeValidator(_formed)]


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Operations = Annotated[
    tuple[OperationSpec, ...], BeforeValidator(_several, json_schema_input_type=str | tuple[OperationSpec, ...])
]
MEASURED = ("strength_by_rarity", "max_flips")
"""Settings that need classes without naming any."""
ClassesOf = dict[str, tuple[str, ...]]


class Augment(step.Augment):
    """Changes training items by chance, anew in each epoch, each by its own seed.

    Operations are done in order, each with its own probability `p`. Images take the transforms of Albumentations by
    their own names and parameters, and RandAugment, TrivialAugment and AugMix; masks, boxes and keypoints move along.
    Videos take the video operations, and those of images, each drawn once for the whole clip. Text, sound, series and
    features take the operations of this library. In a list of image operations, the name of a preset stands for its
    operations. What is drawn for a row depends on the seed, the epoch, the row's id, the step and the copy, and on
    nothing else.

    Strength and schedule give a number in [0, 1] for each draw, their product. It scales the magnitude of every
    operation that has one (its ranges are drawn in towards the value that does nothing) and the probability of the
    others.
    """

    image: Operations = Field(
        (),
        description="operations on images and video frames: names of Albumentations transforms, RandAugment,"
        " TrivialAugment, AugMix, or {name: parameters}; or a preset (light, medium, strong,"
        " document, medical, natural)",
    )
    video: Operations = Field((), description="operations on clips: names, or {name: settings}")
    text: Operations = Field((), description="operations on text: names, or {name: settings}")
    audio: Operations = Field((), description="operations on sound: names, or {name: settings}")
    series: Operations = Field((), description="operations on time series: names, or {name: settings}")
    features: Operations = Field((), description="operations on vectors of numbers: names, or {name: settings}")
    probability: float = Field(1.0, ge=0, le=1, description="probability that anything is done to a draw")
    keep_original: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the draws that are left as they are; the same draws in every augment step",
    )
    classes: tuple[str, ...] | None = Field(
        None, description="names of the classes whose rows are changed; all if left out"
    )
    only: ClassesOf = Field(
        default={}, description="operation -> the classes that it is for (HorizontalFlip: [cat, dog]); all if left out"
    )
    never: ClassesOf = Field(
        default={}, description="operation -> the classes that it is not for (HorizontalFlip: ['2', '5'])"
    )
    strength: Strength | dict[str, Strength] = Field(
        1.0, description="strength of the operations in [0, 1], of all classes or by class (1 for classes left out)"
    )
    strength_by_rarity: bool = Field(
        False,
        description="strength by the number of training rows: 1 for the rarest class, less with the root of the size",
    )
    operation_strength: dict[str, Strength] = Field(
        default={}, description="strength of single operations in [0, 1], times that of the class; 1 if left out"
    )
    max_flips: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="largest share of an operation's draws that may leave their class, as a head that learned from"
        " other rows sees it; what does so more often is weakened to the strength that does not, or left out",
    )
    schedule: Schedule | None = Field(
        None, description="intensity over the epochs: {from: 0.2, to: 1.0, epochs: 10, form: linear or cosine}"
    )
    draws: Literal["all", "repeated"] = Field(
        "all", description="all draws, or only the repeated ones, so that each row is also seen as it is"
    )
    repeats: Annotated[int, Field(ge=0, le=1000)] | dict[str, Annotated[int, Field(ge=0, le=1000)]] = Field(
        0, description="extra draws of each training row per epoch, of all or by class; each is changed by its own seed"
    )

    @model_validator(mode="after")
    def _something_to_do(self) -> Augment:
        if not any(getattr(self, modality) for modality in MODALITIES):
            raise ValueError(f"no operation is named: list some under {', '.join(MODALITIES)}")
        if self.strength_by_rarity and self.strength != 1.0:
            raise ValueError("strength and strength_by_rarity both say how strongly; leave out one")
        return self

    def relocated(self, moved: Callable[[str], str]) -> Augment:
        """The same step with the files that its operations read elsewhere."""
        listed = {m: tuple(relocated(m, spec, moved) for spec in getattr(self, m)) for m in MODALITIES}
        return self.model_copy(update={m: specs for m, specs in listed.items() if specs != getattr(self, m)})

    def faults(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Unknown operations, and settings that an operation does not take."""
        for modality in MODALITIES:
            for place, spec in enumerate(getattr(self, modality)):
                try:
                    for one in expand(modality, [spec]):
                        build(modality, one)
                except ConfigError as error:
                    yield (modality, place), str(error)

    def refuses(self, task: Task) -> str | None:
        """Operations are there for inputs that the task does not have, or classes are named where there are none."""
        inputs = set(task.modalities) | ({"image"} if "video" in task.modalities else set())
        if self.text and task.kind == "token_classification":
            return "augment has text operations, which move and drop words, and the tags would stand at others"
        for modality in MODALITIES:
            if getattr(self, modality) and modality not in inputs:
                return (
                    f"augment has {modality} operations, and the task has {' and '.join(task.modalities) or 'no input'}"
                )
        return None

    def decide(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> Decisions:
        """Extra draws of the active training rows that `repeats` and `classes` name."""
        import numpy as np

        from curate.ledger import Decisions

        rows = np.flatnonzero(evidence.table.training & evidence.active)
        times = self._times(labels)[rows]
        rows, times = rows[times > 0], times[times > 0]
        reason = "augment makes further draws of it, each changed by its own seed"
        return Decisions.of(
            self.name, "repeat", evidence.table.row_ids[rows], reason, after=[str(n) for n in times.tolist()]
        )

    def _times(self, labels: Labels) -> np.ndarray:
        """(n,) int64 extra draws of each row; of several classes, the one with the most decides."""
        import numpy as np

        if self.classes is None and isinstance(self.repeats, int):
            return np.full(len(labels), self.repeats)
        own = self.repeats if isinstance(self.repeats, dict) else dict.fromkeys(labels.names, self.repeats)
        named = [own.get(name, 0) if self.classes is None or name in self.classes else 0 for name in labels.names]
        of_class = np.array([*named, 0], np.int64)
        if labels.sets is not None:
            return (labels.sets * of_class[:-1]).max(1, initial=0)
        return of_class[labels.codes]

    def settled(self, labels: Labels, evidence: Any) -> Augment:
        """This step with what it takes from the data: strengths by the rarity of classes, and by `max_flips`."""
        update: dict[str, Any] = {}
        if self.strength_by_rarity:
            counts = labels.counts(evidence.table.training & evidence.active)
            strength = by_rarity(dict(zip(labels.names, counts.tolist())))
            update = {"strength": strength, "strength_by_rarity": False}
        if self.max_flips is not None:
            from curate.augment.safety import advised, label_safety

            found = advised(label_safety(evidence, self), self.max_flips)
            update |= {"operation_strength": self.operation_strength | found, "max_flips": None}
        return self.model_copy(update=update)

    def recipe(self, task: Task) -> dict[str, Any]:
        """The settings that matter, presets written out, after every operation was built once.

        Raises:
            ConfigError: an unknown operation, a wrong parameter, an unknown class, or a modality that the task lacks;
                all that is wrong at once.
        """
        wrong = [reason] if (reason := self.refuses(task)) else []
        listed: dict[str, list[Any]] = {}
        for modality in MODALITIES:
            if own := getattr(self, modality):
                listed[modality] = expand(modality, own)
                wrong += self._wrong_operations(modality, listed[modality], task)
        named = {parse(spec)[0] for specs in listed.values() for spec in specs}
        for setting in ("only", "never", "operation_strength"):
            for operation in getattr(self, setting):
                if operation not in named:
                    wrong.append(
                        f"augment.{setting}: {operation!r} is not among the operations{nearest(operation, named)}"
                    )
        wrong += self._wrong_classes(task)
        if wrong:
            raise ConfigError("; ".join(wrong))
        settings = {
            key: value
            for key, value in self.changed().items()
            if key not in ("repeats", "strength_by_rarity", "max_flips")
        }
        return {"step": "augment", **settings, **listed}

    def _wrong_operations(self, modality: str, specs: list[Any], task: Task) -> list[str]:
        wrong = []
        for place, spec in enumerate(specs):
            try:
                role = getattr(build(modality, spec), "needs", None)
            except ConfigError as error:
                wrong.append(f"augment.{modality}[{place}]: {error}")
                continue
            if role and not getattr(task, role):
                wrong.append(f"augment.{modality}[{place}]: {parse(spec)[0]} needs {role}, and the task has none")
        return wrong

    def _wrong_classes(self, task: Task) -> list[str]:
        """What is wrong with the classes that the settings name, setting by setting."""
        by_class = {
            "classes": self.classes,
            "only": [name for names in self.only.values() for name in names],
            "never": [name for names in self.never.values() for name in names],
            "strength": list(self.strength) if isinstance(self.strength, dict) else None,
            "strength_by_rarity": [] if self.strength_by_rarity else None,
            "max_flips": [] if self.max_flips is not None else None,
            "repeats": list(self.repeats) if isinstance(self.repeats, dict) else None,
        }
        given = {
            setting: names for setting, names in by_class.items() if names or (names == [] and setting in MEASURED)
        }
        if task.kind not in ("classification", "multilabel", "detection", None):
            return [f"augment.{setting}: {with_article(str(task.kind))} task has no classes" for setting in given]
        if not task.label_names:
            return []
        return [
            f"augment.{setting}: no class {name!r}{nearest(name, task.label_names)}"
            for setting, names in given.items()
            for name in dict.fromkeys(names or ())
            if name not in task.label_names
        ]
