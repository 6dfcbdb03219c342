"""Attributes of pictures as CelebA's ``list_attr_celeba.txt`` has them: a count, names, and a line per picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pyarrow as pa

from curate.sources.folders.listing import Listing
from curate.sources.lists.split_lists import lines_of, places_of
from curate.sources.raw import Raw, media_paths, of_files
from curate.wording import some_of

SPLITS = {"0": "train", "1": "validation", "2": "test"}
YES, NO = "1", "-1"


def with_attributes(folder: Path, source: str, listing: Listing) -> Raw | None:
    """A row per line, with the attributes that hold as labels, its split and identity; None without such a list.

    Splits are those of ``list_eval_partition.txt``, identities those of ``identity_CelebA.txt``.
    """
    named = {PurePosixPath(path).name.lower(): path for path in listing.texts}
    path = next((path for name, path in named.items() if name.startswith("list_attr")), None)
    lines = lines_of(folder / path) if path else []
    if path is None or len(lines) < 3 or not lines[0].isdecimal():
        return None
    names = lines[1].split()
    rows = [line.split() for line in lines[2:]]
    files = listing.media.get("image", [])
    places = places_of(files, bare=True)
    found = [files[places[row[0]]] if row[0] in places else row[0] for row in rows]
    paths = pa.array(found, pa.string())
    labels, remarks = _labels(rows, names)
    columns = {"image": media_paths(paths), "label": pa.array(labels, pa.list_(pa.string()))}
    roles, used = {"image": "image", "label": "label"}, [path]
    for prefix, column, meant in (("list_eval_partition", "split", SPLITS), ("identity", "identity", {})):
        beside = next((one for name, one in named.items() if name.startswith(prefix)), None)
        if beside:
            said = dict(line.split(maxsplit=1) for line in lines_of(folder / beside) if len(line.split()) == 2)
            columns[column] = pa.array([meant.get(said.get(row[0], ""), said.get(row[0])) for row in rows], pa.string())
            used.append(beside)
    if "split" in columns:
        roles["split"] = "split"
    left = [file for file in listing.texts if file not in used]
    gone = sorted(set(files) - set(found))
    notes = [f"labels are the attributes of {path} that are {YES}"]
    if gone:
        notes.append(f"{len(gone):,} images that no line names left out ({some_of(gone)})")
    raw = of_files(folder, source, columns, paths, roles=roles, media={"image": "image"}, remarks=remarks)
    return replace(
        raw,
        class_names={"label": tuple(names)},
        notes=(*notes, *listing.notes([*left, *listing.others, *listing.tables])),
    )


def _labels(
    rows: Sequence[Sequence[str]], names: Sequence[str]
) -> tuple[list[list[str] | None], list[tuple[int, str, str]]]:
    """The names that hold of each row; None, with a remark, where a line has other values or not as many."""
    labels: list[list[str] | None] = []
    remarks = []
    for number, (_, *values) in enumerate(rows):
        if len(values) == len(names) and set(values) <= {YES, NO}:
            labels.append([name for name, value in zip(names, values, strict=True) if value == YES])
        else:
            remarks.append(
                (number, "label_format", f"line {number + 3}: {YES} or {NO} is wanted of {len(names)} names")
            )
            labels.append(None)
    return labels, remarks
