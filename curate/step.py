"""The step contract: frozen settings and one verb, in four kinds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import ConfigDict, Field, field_validator

from curate import registry
from curate.declared import Declared
from curate.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    import pyarrow as pa

    from curate.findings import Findings
    from curate.ledger import Decisions
    from curate.made import Made
    from curate.table import Labels, Table
    from curate.task import Task


def snake_case(name: str) -> str:
    """``LabelErrors`` -> ``label_errors``: the name of the step and of its file."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


class Settings(Declared):
    """Frozen settings; unknown ones are refused."""

    model_config = ConfigDict(ser_json_inf_nan="constants")

    name: ClassVar[str]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Name the class after itself."""
        super().__pydantic_init_subclass__(**kwargs)
        cls.name = snake_case(cls.__name__)

    def changed(self) -> dict[str, Any]:
        """The settings that differ from their defaults, as plain YAML values."""
        return self.model_dump(mode="json", exclude_defaults=True)


class Step(Settings):
    """One step of a pipeline. Its name is its file's name."""

    kind: ClassVar[str]
    modalities: ClassVar[tuple[str, ...]] = ()
    """Input roles that the step works on; empty for any."""
    embeds: ClassVar[bool] = False
    """Whether the step asks for the embedding or what is made from it, so that the one decoding pass makes it, too."""

    def wants_embedding(self, task: Task) -> bool:
        """Whether it asks for the embedding of such a task's rows, or for what is made from it."""
        return self.embeds

    def relocated(self, moved: Callable[[str], str]) -> Self:
        """The same step with the paths that its settings name changed by `moved`; most steps name none."""
        return self

    def faults(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """What is wrong with settings that a library has to look at: place among the settings, and what is wrong."""
        return iter(())

    def refuses(self, task: Task) -> str | None:
        """Why this step can't be used for such a task (a sentence), or None if it can."""
        if self.modalities and not set(self.modalities) & set(task.modalities):
            return (
                f"{self.name} works on {' or '.join(self.modalities)}, and the task has {' and '.join(task.modalities)}"
            )
        return None


class Fix(Settings):
    """Turns flagged findings into decisions. Its name is its file's name in `curate/fixes`."""

    needs_suggestion: ClassVar[bool] = False
    """Whether it takes findings alone that suggest a label."""
    takes_all: ClassVar[bool] = False
    """Whether it takes every finding that meets its conditions, so that none of these is left to `otherwise`."""

    issue: tuple[str, ...] = Field(
        default=(), description="only findings of these issues; all of the check's if left out"
    )
    max_score: float = Field(default=1.0, ge=0, le=1, description="only findings with at most this score (0 is worst)")

    @field_validator("issue", mode="before", json_schema_input_type=str | tuple[str, ...])
    @classmethod
    def _one_issue(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    def refuses(self, task: Task) -> str | None:
        """Why this fix can do nothing for such a task (a sentence), or None if it can."""
        return None

    def decide(self, step: str, flagged: pa.Table, evidence: Any) -> tuple[Decisions, np.ndarray]:
        """Decisions about flagged findings.

        Args:
            step: name of the check, for the ledger.
            flagged: m lines of findings (`curate.findings.SCHEMA`), each row at most once, all of training rows.
            evidence: the `curate.evidence.Evidence` that the check judged by.

        Returns:
            The decisions, and an (m,) bool mask of the lines that this fix took; the others go to `otherwise`.
        """
        raise NotImplementedError


FixSpec = str | dict[str, Any]
_WITHOUT = "use another, such as review"


class Check(Step):
    """Finds what is wrong and changes nothing. With `fix`, its findings become decisions."""

    kind: ClassVar[str] = "check"
    default: ClassVar[bool] = True
    """Whether `curate audit` runs it unasked where it applies."""
    issues: ClassVar[tuple[str, ...]] = ()
    """The kinds of finding that it gives; empty where they are not known beforehand."""
    suggests: ClassVar[tuple[str, ...]] = ()
    """Those of its issues that may suggest a label. A check of another package that names none may suggest any."""
    unfixable: ClassVar[Mapping[str, str]] = {}
    """Those of its issues about whose rows no fix ever decides -> why (a sentence)."""
    idle_fixes: ClassVar[Mapping[str, str]] = {}
    """Names of fixes that change nothing about its rows -> why (a sentence)."""
    spends: ClassVar[bool] = False
    """Whether it works on large measures that are given back once it has: an audit runs it before the others."""

    fix: FixSpec | None = Field(
        default=None,
        description="what to do with flagged rows: drop, relabel, soften, weight, review, keep, or one of these with"
        " settings and `otherwise` for the rows that it leaves; nothing if left out",
    )
    limit: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="largest share of all training rows, and of any class, that the fix may touch",
    )

    @field_validator("fix")
    @classmethod
    def _known_fix(cls, value: FixSpec | None) -> FixSpec | None:
        if value is not None:
            try:
                fixes = registry.fixes(value)
            except ConfigError as error:
                raise ValueError(str(error)) from None
            for name in (name for fix in fixes for name in fix.issue):
                if cls.issues and name not in cls.issues:
                    known = ", ".join(cls.issues)
                    raise ValueError(f"{cls.name} finds no issue {name!r}{nearest(name, cls.issues)}; it finds {known}")
            if why := cls.idle(fixes):
                raise ValueError(why)
        return value

    @classmethod
    def idle(cls, fixes: Sequence[Fix]) -> str | None:
        """Why one of the fixes can never change anything (a sentence), or None if each of them may."""
        taken: set[str] = set()
        taken_all = False
        for fix in fixes:
            asked = set(fix.issue or cls.issues)
            if asked and asked <= cls.unfixable.keys():
                return f"the fix {fix.name} never gets a row: {cls.unfixable[min(asked)]}"
            if fix.name in cls.idle_fixes:
                return f"the fix {fix.name} can do nothing: {cls.idle_fixes[fix.name]}"
            if fix.needs_suggestion and (why := cls._unsuggested(fix, asked)):
                return why
            if taken_all or (asked and asked <= taken):
                return f"the fix {fix.name} never gets a row: what is before it takes them all"
            if fix.takes_all and fix.max_score == 1:
                taken, taken_all = taken | asked, not fix.issue
        return None

    @classmethod
    def _unsuggested(cls, fix: Fix, asked: set[str]) -> str | None:
        """Why none of the issues that a fix asks for ever suggests a label, or None if one may."""
        suggests = set(cls.suggests)
        if suggests & (asked or suggests) or not (suggests or registry.is_own(cls.name)):
            return None
        able = f" but for {', '.join(cls.suggests)}" if cls.suggests else ""
        return f"{cls.name} suggests no labels{able}, so that the fix {fix.name} can do nothing: {_WITHOUT}"

    def needs(self, task: Task) -> tuple[str, ...]:
        """Names of the per-row measures that `find` will ask for, so that one pass can take them all."""
        return ()

    def find(self, evidence: Any) -> Findings:
        """Scores for every active row that the check applies to, flags and suggestions."""
        raise NotImplementedError


class Transform(Step):
    """Gives rows new content: 1 to 0, 1 or n."""

    kind: ClassVar[str] = "transform"

    def fit(self, table: Table) -> dict[str, Any]:
        """What the transform learns, from training rows alone, as JSON values; it is saved with the result."""
        return {}

    def apply(self, table: Table, fitted: dict[str, Any] | None = None) -> Table:
        """The table with new content, by what `fit` learned (of this table if None is given)."""
        raise NotImplementedError

    def completed(self, table: Table, fitted: dict[str, Any]) -> Table:
        """The table with this transform's columns filled in rows that were synthesised after it; most have theirs."""
        return table

    def becomes(self, task: Task) -> Task:
        """The task of the table that `apply` gives, where the transform sets roles; what follows is judged by it."""
        return task

    def weigh(self, made: Table) -> Decisions:
        """Entries about the rows that `apply` made: how much each training row among them weighs."""
        from curate.ledger import Decisions

        return Decisions()

    @property
    def replayed(self) -> bool:
        """Whether rows that a trained model is used on go through it, too (`curated.transform`)."""
        return True


class Balance(Step):
    """Decides how often and how strongly training rows count."""

    kind: ClassVar[str] = "balance"

    def decide(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> Decisions | Made:
        """Repeats, weights, soft labels or drops of active training rows; a step that synthesises gives new rows, too.

        Args:
            labels: of all rows, as earlier steps left them.
            evidence: the `curate.evidence.Evidence` of the rows.
            rng: all the chance there is.
        """
        raise NotImplementedError


class Augment(Step):
    """A recipe of seeded changes of items, carried out by the feed on training draws."""

    kind: ClassVar[str] = "augment"

    def decide(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> Decisions:
        """Extra draws of active training rows that the step asks for; none if it does not say otherwise."""
        from curate.ledger import Decisions

        return Decisions()

    def settled(self, labels: Labels, evidence: Any) -> Augment:
        """The step with what it takes from the data (the sizes of classes) written into its settings."""
        return self

    def recipe(self, task: Task) -> dict[str, Any]:
        """The recipe as plain JSON values, as it stands in the plan. Raises ConfigError for unknown operations."""
        raise NotImplementedError
