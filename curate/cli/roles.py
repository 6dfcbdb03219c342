"""Options that say what the columns of the data are, for every command that reads data."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

import typer

_SENTENCES = {
    "kind": "What is asked of a row: classification, multilabel, regression, token_classification, segmentation,"
    " detection, transcription or unlabeled; inferred if left out.",
    "file_names": "What the names of files say: '{label}_{speaker}_{take:d}' makes a column of each field (:d for"
    " digits alone, {_} for none, slashes for folders); label, group, split and id play these roles.",
    "tier": "Tier of Praat's TextGrids whose intervals are the rows; the first that most files have if left out.",
    "label": "Column with the label.",
    "label_columns": "Comma-separated columns that each say with 1 or 0 (or -1) whether a row has the label of their"
    " name.",
    "annotators": "Comma-separated columns with the labels of several annotators; their majority is the label.",
    "text": "Column with the text.",
    "image": "Column with images.",
    "audio": "Column with audio.",
    "video": "Column with video.",
    "series": "Column with time series.",
    "tokens": "Column with the words of each row, for tags of tokens.",
    "transcript": "Column with the transcript of audio or video.",
    "start": "Column that says when in its sound or video a row begins.",
    "end": "Column that says when in its sound or video a row ends.",
    "duration": "Column that says how long the part of the sound or video is, in the place of --end.",
    "time_unit": "What these count: seconds, milliseconds, samples or frames; found if left out. ignored: files are"
    " read whole.",
    "mask": "Column with segmentation masks.",
    "probabilities": "Column with a model's out-of-sample output: probabilities, arrays of pixels, or boxes with"
    " scores.",
    "boxes": "Column with bounding boxes.",
    "box_format": "Of the boxes: xyxy, xywh or cxcywh, in pixels or with _relative; found if left out.",
    "date_order": "Of dates such as 01/02/2024: day_first or month_first; asked only where no date of a column tells.",
    "features": "Column with vectors, or a comma-separated list of a table's columns.",
    "id": "Column with a unique id.",
    "split": "Column that says train, validation or test.",
    "group": "Column of groups that folds must not tear apart.",
}


def with_roles(command: Callable[..., int]) -> Callable[..., int]:
    """A command with an option for every role in the place of its parameter `roles`.

    The command gets the roles that were named as a mapping for `curate.load`, or None if none was.
    """
    own = inspect.signature(command)
    hints = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    for parameter in own.parameters.values():
        if parameter.name == "roles":
            parameters += [_option(role, sentence) for role, sentence in _SENTENCES.items()]
        else:
            parameters.append(parameter.replace(annotation=hints[parameter.name]))

    @functools.wraps(command)
    def called(**given: Any) -> int:
        named = {role: given.pop(role) for role in _SENTENCES}
        return command(**given, roles=_columns(named))

    called.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": int}
    called.__signature__ = own.replace(parameters=parameters, return_annotation=int)  # type: ignore[attr-defined]
    del called.__wrapped__  # type: ignore[attr-defined]
    return called


def _option(role: str, sentence: str) -> inspect.Parameter:
    option = typer.Option(help=sentence, show_default=False, rich_help_panel="Columns")
    return inspect.Parameter(
        role, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=Annotated[str | None, option]
    )


def _columns(named: dict[str, str | None]) -> dict[str, Any] | None:
    given: dict[str, Any] = {role: column for role, column in named.items() if column is not None}
    for role in {"annotators", "label_columns"} & given.keys():
        given[role] = tuple(name.strip() for name in given[role].split(",") if name.strip())
    if "," in (features := given.get("features", "")):
        given["features"] = [name.strip() for name in features.split(",")]
    return given or None
