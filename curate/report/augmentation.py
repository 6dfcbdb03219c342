"""The JSON form of what augment steps make of the rows."""

from __future__ import annotations

from pydantic import Field

from curate.report.part import Part

LEAVES = 0.05
"""Share of an operation's draws that leave their class from which on it is pointed at."""


class OperationEffect(Part):
    """What an operation of an augment step does to training rows, each drawn once by it alone, as if it were sure."""

    step: str = Field(description="the augment step")
    place: str = Field(description="where it stands, e.g. augment[0].image[1].GaussNoise")
    operation: str
    modality: str
    rows: int = Field(ge=0, description="rows that were drawn from; 0 where none could be")
    unchanged: int = Field(ge=0, description="of them, those that it gave back as they were")
    unchanged_share: float | None = Field(None, ge=0, le=1, description="unchanged / rows; null without rows")
    why: str | None = Field(None, description="why rows were left unchanged, or why nothing was measured")


class LabelSafety(Part):
    """How often draws of an operation leave their class, as a head sees it that has not seen the row."""

    step: str = Field(description="the augment step")
    operation: str
    modality: str
    strength: float = Field(gt=0, le=1, description="1 is the operation as it is written")
    draws: int = Field(ge=0, description="draws that were judged")
    left: int = Field(ge=0, description="of them, those that left their class")
    share: float | None = Field(None, ge=0, le=1, description="left / draws; null without draws")
    low: float = Field(ge=0, le=1, description="lower end of the 95 % interval of the share (Wilson)")
    high: float = Field(ge=0, le=1, description="upper end of it")


class SheetDraw(Part):
    """One draw of a row, as the contact sheet shows it."""

    epoch: int = Field(ge=0)
    changed: bool
    done: list[str] = Field(description="the operations that were done, with what was drawn")


class SheetRow(Part):
    """A training row of the contact sheet."""

    row: int = Field(ge=0, description="position in the table")
    row_id: str
    label: str | None
    modality: str
    draws: list[SheetDraw]


class Augmentation(Part):
    """What the augment steps of a pipeline make of the training rows."""

    pipeline: str = Field(description="the file, or the names of the steps")
    steps: list[str] = Field(description="the augment steps, as they stand in the ledger of a run")
    seed: int = Field(ge=0, description="of the draws; that of the pipeline")
    operations: list[OperationEffect]
    label_safety: list[LabelSafety]
    sheet: list[SheetRow]
    notes: list[str] = Field(description="what is left out or could not be measured, and why")

    @property
    def flipping(self) -> list[LabelSafety]:
        """Operations as they are written that take rows out of their class for certain in 5 % of the draws or more."""
        return [line for line in self.label_safety if line.strength == 1.0 and line.low >= LEAVES]
