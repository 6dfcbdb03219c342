"""From what the user names as the data to the reader that reads it."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from curate.declared import made
from curate.errors import ConfigError, DataError, nearest
from curate.sources.assemble import assemble
from curate.sources.fetching.urls import is_remote, shown
from curate.sources.file_kinds import ARROW, JSON, TABLES, TEXT, TextOptions, ending, media_kind
from curate.sources.folders.folder import files_as_folder, read_folder
from curate.sources.folders.parallel_texts import language_pairs, read_parallel
from curate.sources.formats.hub import HUB_NAME, from_hub
from curate.sources.formats.tables import read_several, read_table
from curate.sources.formats.text_lines import are_rows
from curate.sources.lists.numbered_labels import with_class_names
from curate.sources.objects import from_object
from curate.sources.raw import Raw
from curate.sources.shards.shards import local_shard, read_shards
from curate.table import Table
from curate.task import Task
from curate.wording import noun


def load(
    source: Any,
    task: Task | Mapping[str, Any] | None = None,
    *,
    kind: str | None = None,
    file_names: str | None = None,
    tier: str | None = None,
    label: str | None = None,
    label_columns: Sequence[str] | None = None,
    annotators: Sequence[str] | None = None,
    tokens: str | None = None,
    id: str | None = None,
    split: str | None = None,
    group: str | None = None,
    text: str | None = None,
    image: str | None = None,
    audio: str | None = None,
    video: str | None = None,
    series: str | None = None,
    features: str | Sequence[str] | None = None,
    mask: str | None = None,
    boxes: str | None = None,
    box_format: str | None = None,
    date_order: str | None = None,
    transcript: str | None = None,
    start: str | None = None,
    end: str | None = None,
    duration: str | None = None,
    time_unit: str | None = None,
    embedding: str | None = None,
    probabilities: str | None = None,
    label_names: Sequence[str] | None = None,
    target: str | os.PathLike[str] | None = None,
    root: str | os.PathLike[str] | None = None,
    splits: str | Sequence[str] | None = None,
    max_rows: int | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    config: str | None = None,
    revision: str | None = None,
) -> Table:
    """Read data into a table, from wherever they are.

    Args:
        source: a folder (one per class; media with a metadata file, lists of labels or captions, transcripts, parts
            labelled by Audacity, Raven or Praat, or masks; names of files that say the label; COCO, WIDER FACE, YOLO,
            VOC, LabelMe, VIA, CVAT; tables; the arrays of MNIST, CIFAR and SVHN; parallel texts such as ``train.en``
            and ``train.de``; what `save_to_disk` wrote), a file (csv, tsv, jsonl, json, parquet, arrow, feather, npz,
            arff, dat of KEEL, conll, conllu, libsvm, tmx, txt with a text per line, labelled lines of fastText, ts and
            UCR tables of series, exports of Label Studio, doccano and Prodigy, tar shards of webdataset), a glob or a
            list of files, the ``owner/name`` of a data set on the hub (``hf://owner/name``), URLs of files
            (``https://``, ``s3://``, ``gs://``, with ``{000..012}`` for numbers) or of a folder in a bucket, a
            `datasets.Dataset` or `DatasetDict`, a DataFrame, an Arrow table, a dict of columns, or a Table, which is
            given back as it is.
        task: roles of the columns; what it leaves out is inferred.
        kind: of the task; with the following, the same as naming it in `task`.
        file_names: what the names of files say, such as ``{label}_{speaker}_{take:d}``: each field becomes a column.
        tier: of Praat's TextGrids, whose intervals are the rows; the first that most files have if left out.
        label: column of labels.
        label_columns: columns that each say with 1 or 0 (or -1) whether a row has the label of their name.
        annotators: columns with the labels of several annotators; their majority is the label if none is named.
        tokens: column of word lists, for token classification.
        id: column of unique row ids.
        split: column that says train, validation or test.
        group: column of groups that must stay together.
        text: column of texts.
        image: column of images (file names or bytes).
        audio: column of audio.
        video: column of video.
        series: column of time series.
        features: column of vectors, or the scalar columns of a table.
        mask: column of segmentation masks.
        boxes: column of bounding boxes.
        box_format: of the boxes: xyxy, xywh, cxcywh, each in pixels or with ``_relative``; found if left out.
        date_order: of dates such as 01/02/2024: day_first or month_first, where no date of their column tells.
        transcript: column of transcripts.
        start: column that says when in its sound or video a row begins: the row is that part of the file.
        end: column that says when in its sound or video a row ends.
        duration: column that says how long the part is, in the place of `end`.
        time_unit: of these: seconds, milliseconds, samples or frames; found if left out. ignored: files are read whole.
        embedding: column of the user's own embedding vectors.
        probabilities: column of the user's own out-of-sample probabilities.
        label_names: the classes in their order.
        target: file or folder of what the deployed model will see, or the name of a split.
        root: folder that media paths are relative to and must stay in; that of the file or the folder if left out.
        splits: only these splits.
        max_rows: at most so many rows, evenly spaced.
        delimiter: of delimited text; found if left out.
        encoding: of text files; found if left out.
        config: configuration of a data set on the hub.
        revision: of a data set on the hub.

    Raises:
        ConfigError: roles that do not exist, or that can't be inferred: all at once.
        DataError: the source can't be read.
    """
    given = _given(
        task, kind=kind, file_names=file_names, tier=tier, label=label, label_columns=label_columns, id=id, split=split,
        annotators=annotators, tokens=tokens, group=group, text=text, image=image, audio=audio, video=video, mask=mask,
        series=series, features=features, boxes=boxes, box_format=box_format, date_order=date_order, start=start,
        transcript=transcript, end=end, duration=duration, time_unit=time_unit, embedding=embedding,
        probabilities=probabilities, label_names=label_names, target=None if target is None else os.fspath(target),
    )  # fmt: skip
    if isinstance(source, Table):
        if given.model_dump(exclude_defaults=True):
            raise ConfigError("the source is a table with a task of its own; name roles where it is first loaded")
        return source
    if max_rows is not None and max_rows < 1:
        raise ConfigError(f"max_rows must be at least 1, not {max_rows}")
    if delimiter is not None and len(delimiter) != 1:
        raise ConfigError(f"the delimiter must be one character, not {delimiter!r}")
    if root is not None and _remote(source):
        raise ConfigError("root can't be set for remote data: media files are relative to the URL")
    reading: dict[str, Any] = {"tier": given.tier, "max_rows": max_rows if splits is None else None}
    raw = read(source, delimiter=delimiter, encoding=encoding, config=config, revision=revision, **reading)
    if given.tier is not None and raw.tier is None:
        raise ConfigError(f"{raw.source}: tier is one of Praat's TextGrids, and there are none beside recordings here")
    wanted = [splits] if isinstance(splits, str) else splits
    return assemble(raw, given, root=_root(root, raw), keep_splits=wanted, max_rows=max_rows)


def _given(task: Task | Mapping[str, Any] | None, **roles: Any) -> Task:
    said = {role: value for role, value in roles.items() if value is not None}
    for role in {"annotators", "label_columns"} & said.keys():
        said[role] = tuple(said[role])
    if "features" in said and not isinstance(said["features"], str):
        said["features"] = tuple(said["features"])
    if task is not None and not isinstance(task, Task | Mapping):
        raise ConfigError(
            f"the task must be a curate.Task, or a mapping such as {{'text': 'question'}}, not {task!r:.80}"
        )
    before = task.model_dump(exclude_defaults=True) if isinstance(task, Task) else dict(task or {})
    for role, value in said.items():
        if role in before and before[role] != value:
            raise ConfigError(f"the task says {role}: {before[role]!r}, and the call says {value!r}; say it once")
    return made(Task, {**before, **said}, "task")


def _root(root: str | os.PathLike[str] | None, raw: Raw) -> Path | None:
    if root is None:
        return raw.root
    folder = Path(root)
    if not folder.is_dir():
        raise DataError(f"root {os.fspath(root)!r} is no folder")
    return folder


def read(
    source: Any,
    *,
    delimiter: str | None,
    encoding: str | None,
    config: str | None,
    revision: str | None,
    tier: str | None = None,
    max_rows: int | None = None,
) -> Raw:
    """The reader for a source, and what it found; with `max_rows` readers may give so few, evenly spaced."""
    options: TextOptions = {"delimiter": delimiter, "encoding": encoding}
    _refuse_foreign(source, {"delimiter": delimiter, "encoding": encoding}, {"config": config, "revision": revision})
    if isinstance(source, str) and (source.startswith("hf://") or is_hub_name(source)):
        return from_hub(source, config, revision)
    if urls := _remote(source):
        from curate.sources.remote import from_remote  # with what speaks HTTP

        return from_remote(urls, options, max_rows=max_rows)
    if isinstance(source, str | os.PathLike):
        return _from_path(os.fspath(source), options, tier)
    if isinstance(source, list | tuple) and source and all(isinstance(s, str | os.PathLike) for s in source):
        return _from_files([Path(item) for item in source], f"{len(source)} files", options)
    return from_object(source)


def _remote(source: Any) -> list[str]:
    """The URLs that are named; none where the source is something else. Raises ConfigError for URLs among files."""
    given = source if isinstance(source, list | tuple) else [source]
    urls = [item for item in given if is_remote(item)]
    if urls and len(urls) < len(given):
        raise ConfigError(f"{shown(urls[0])}: URLs and files here can't be read together")
    return urls


def _refuse_foreign(source: Any, of_text: Mapping[str, str | None], of_hub: Mapping[str, str | None]) -> None:
    """Options that the source has no use for are a mistake of the user, not something to pass over."""
    path = isinstance(source, str | os.PathLike)
    hub = isinstance(source, str) and (source.startswith("hf://") or is_hub_name(source))
    files = path or (isinstance(source, list | tuple) and all(isinstance(s, str | os.PathLike) for s in source))
    known = ending(os.fspath(source)) if path and Path(os.fspath(source)).is_file() else ""
    refused = dict(of_hub) if not hub else {}
    if hub or not files or known in ARROW or known == ".npz" or media_kind(known):
        refused |= of_text
    elif known in JSON:
        refused |= {"delimiter": of_text["delimiter"]}
    strange = sorted(name for name, value in refused.items() if value is not None)
    if strange:
        kinds = {"a data set of the hub": hub, f"a {known} file": known, "a path": files, "data in memory": True}
        what = next(kind for kind, fits in kinds.items() if fits)
        raise ConfigError(f"{' and '.join(strange)} can't be set for {what}")


def is_hub_name(source: str) -> bool:
    """``owner/name`` that is nothing here; not where the first part is a folder here, for then it is a slip."""
    if not HUB_NAME.match(source) or os.path.lexists(source) or Path(source.split("/")[0]).is_dir():
        return False
    return not media_kind(source) and ending(source) not in (*TABLES, *TEXT, ".npz")


def _from_path(name: str, options: TextOptions, tier: str | None) -> Raw:
    path = Path(name).expanduser()
    try:
        is_folder, is_file, exists = path.is_dir(), path.is_file(), path.exists()
    except PermissionError as error:
        raise DataError(f"{name}: may not be read (permission denied)") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{name!r} is no path: {error}") from error
    try:
        if is_folder:
            return read_folder(path, name, tier=tier, **options)
        if is_file:
            return _from_file(path, name, options)
    except PermissionError as error:
        raise DataError(f"{name}: may not be read (permission denied)") from error
    except OSError as error:
        raise DataError(f"{name}: can't be read: {error.strerror or error}") from error
    if exists:
        raise DataError(f"{name}: neither a folder nor a regular file")
    if any(mark in name for mark in "*?["):
        found = sorted(Path(match) for match in glob.glob(str(path), recursive=True))  # noqa: PTH207 (absolute patterns)
        if not found:
            raise DataError(f"{name}: no file matches")
        return _from_files([p for p in found if p.is_file()] or found, name, options)
    beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    raise DataError(f"{name}: there is no such file or folder{nearest(path.name, beside)}")


def _from_file(path: Path, name: str, options: TextOptions) -> Raw:
    if not os.access(path, os.R_OK):
        raise DataError(f"{name}: may not be read (permission denied)")
    if not path.stat().st_size:
        raise DataError(f"{name}: the file is empty (0 bytes)")
    if media_kind(path.name):
        return files_as_folder([path], name)
    if ending(path.name) == ".tar":
        return read_shards([local_shard(path, path.name)], name)
    return with_class_names(read_table(path, source=name, **options), path.parent)


def _from_files(paths: list[Path], name: str, options: TextOptions) -> Raw:
    missing = [path for path in paths if not path.exists()]
    if missing:
        texts = "; texts are given as {'text': [...]}" if len(missing) == len(paths) else ""
        raise DataError(
            f"{missing[0]}: there is no such file ({len(missing)} of {len(paths)} {noun(len(missing), 'is', 'are')}"
            f" missing){texts}"
        )
    if folders := [path for path in paths if path.is_dir()]:
        raise DataError(f"{folders[0]}: a folder among the files; name files alone, or one folder")
    if all(ending(path.name) == ".tar" for path in paths):
        return read_shards([local_shard(path, path.name) for path in sorted(paths)], name)
    media = [path for path in paths if media_kind(path.name) or ending(path.name) in TEXT]
    if media and len(media) < len(paths):
        other = next(path for path in paths if path not in media)
        raise DataError(f"{name}: media files and tables ({other.name}) can't be read together")
    paths = [path.absolute() for path in paths]
    if media and all(ending(path.name) in TEXT for path in paths) and are_rows([path.name for path in paths]):
        media = []
    home = Path(os.path.commonpath([path.parent for path in paths]))
    pairs = language_pairs([os.path.relpath(path, home) for path in paths])
    if sum(map(len, pairs.values())) == len(paths):
        return read_parallel(home, pairs, name, options["encoding"])
    if media:
        return files_as_folder(paths, name)
    return read_several(paths, name, home, **options)
