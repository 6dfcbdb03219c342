"""Task: which column plays which role, what kind of problem it is, and the names of the classes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from curate.declared import Declared
from curate.errors import ConfigError
from curate.name_patterns import compiled

Kind = Literal[
    "classification",
    "multilabel",
    "regression",
    "token_classification",
    "segmentation",
    "detection",
    "transcription",
    "unlabeled",
]
MODALITIES = ("text", "image", "audio", "video", "series", "features")
MEDIA = ("image", "audio", "video")
DECODED = (*MEDIA, "mask")
"""Roles whose columns hold encoded files."""
BoxFormat = Literal["xyxy", "xywh", "cxcywh", "xyxy_relative", "xywh_relative", "cxcywh_relative"]
TimeUnit = Literal["seconds", "milliseconds", "samples", "frames", "ignored"]
DateOrder = Literal["day_first", "month_first"]

BACKGROUND_NAMES = ("background", "bg", "void")
"""Names under which a class of pixels is no object."""


class Task(Declared):
    """Roles of the columns of a table. A role that the data does not have is None.

    `features` is either one column that holds a vector per row, or the list of the scalar columns of a table
    (numbers and categories mixed).
    """

    kind: Kind | None = Field(default=None, description="kind of problem; inferred from the label column if left out")
    text: str | None = Field(default=None, description="column with the text")
    tokens: str | None = Field(
        default=None,
        description="column with the words of each row, for token classification (the label lists their tags)",
    )
    image: str | None = Field(default=None, description="column with images (paths or encoded bytes)")
    audio: str | None = Field(default=None, description="column with audio (paths or encoded bytes)")
    video: str | None = Field(default=None, description="column with video (paths or encoded bytes)")
    series: str | None = Field(default=None, description="column with time series (channels x length, or length)")
    features: str | tuple[str, ...] | None = Field(
        default=None, description="column with one vector per row, or the list of a table's scalar columns"
    )
    mask: str | None = Field(default=None, description="column with segmentation masks (paths or encoded bytes)")
    boxes: str | None = Field(default=None, description="column with bounding boxes")
    box_format: BoxFormat | None = Field(
        default=None,
        description="what the four numbers of a box are: corners (xyxy), a corner and the sides (xywh, as in COCO), or"
        " the middle and the sides (cxcywh), in pixels or, relative, as shares of the image's sides; found if left out",
    )
    date_order: DateOrder | None = Field(
        default=None,
        description="how times are read from a column of dates such as 01/02/2024, none of which tells the day from the"
        " month; day first if left out",
    )
    transcript: str | None = Field(default=None, description="column with the transcript of audio or video")
    start: str | None = Field(
        default=None,
        description="column that says when in its sound or video a row begins (a number, or a clock like 00:01:02.5);"
        " the row is that part of the file",
    )
    end: str | None = Field(
        default=None,
        description="column that says when in its sound or video a row ends, itself not included; missing for the end"
        " of the file",
    )
    duration: str | None = Field(
        default=None, description="column that says how long the part is, in the place of `end`"
    )
    time_unit: TimeUnit | None = Field(
        default=None,
        description="what start, end and duration count: seconds, milliseconds, samples of the sound or frames of the"
        " video; by the names of the columns and the lengths of files if left out. ignored: files are read whole",
    )
    file_names: str | None = Field(
        default=None,
        description="what the names of files say, each field in braces a column: '{label}_{speaker}_{take:d}' (digits"
        " alone), '{group}/{_}-{label}' (the folder, too; what {_} stands for is no column). label, group, split and id"
        " play these roles",
    )
    tier: str | None = Field(
        default=None,
        description="tier of Praat's TextGrids whose intervals are the rows, and their texts the labels or transcripts;"
        " the first that most files have if left out",
    )
    label: str | None = Field(default=None, description="column with the label")
    annotators: tuple[str, ...] = Field(
        default=(),
        description="columns with the labels of several annotators, one column each; their majority is the label if"
        " none is named",
    )
    label_columns: tuple[str, ...] = Field(
        default=(),
        description="columns that each say with 1 or 0 (or -1) whether a row has the label of the column's name;"
        " together they are the label",
    )
    label_names: tuple[str, ...] = Field(default=(), description="the classes in order; found in the data if left out")
    group: str | None = Field(default=None, description="column of groups that folds and splits must not tear apart")
    split: str | None = Field(default=None, description="column that says train, validation or test")
    id: str | None = Field(default=None, description="column with a unique row id; a content hash if left out")
    embedding: str | None = Field(default=None, description="column with the user's own embedding vectors")
    probabilities: str | None = Field(
        default=None,
        description="column with the user's own out-of-sample model output: probabilities, one per label name (for tags"
        " one list per token); for masks, paths of arrays classes x height x width; for boxes, the model's boxes with"
        " label and score",
    )

    target: str | None = Field(
        default=None,
        description="what the deployed model will see: a file or folder read as the data are (relative to the pipeline"
        " file), or the name of a split; drift compares the training rows with it",
    )

    @field_validator("features", mode="before")
    @classmethod
    def _list_to_tuple(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("file_names")
    @classmethod
    def _is_pattern(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                compiled(value)
            except ConfigError as error:
                raise ValueError(str(error)) from None
        return value

    @model_validator(mode="after")
    def _roles_differ(self) -> Task:
        seen: dict[str, str] = {}
        for role in (*MODALITIES, "label", "id", "split"):
            column = getattr(self, role)
            for name in (column,) if isinstance(column, str) else column or ():
                if name in seen:
                    raise ValueError(f"column {name!r} cannot be both {seen[name]} and {role}")
                seen[name] = role
        return self

    @property
    def modalities(self) -> tuple[str, ...]:
        """The input roles that this task has, strongest carrier of content first."""
        return tuple(role for role in ("video", "image", "audio", "text", "series", "features") if getattr(self, role))

    @property
    def modality(self) -> str:
        """The main input role. Raises ConfigError where there is none."""
        if not self.modalities:
            raise ConfigError("the task has no input: name the column of text, image, audio, video, series or features")
        return self.modalities[0]

    @property
    def feature_columns(self) -> tuple[str, ...]:
        """The columns behind `features`: none, the one vector column, or the scalar columns."""
        if self.features is None:
            return ()
        return (self.features,) if isinstance(self.features, str) else self.features
