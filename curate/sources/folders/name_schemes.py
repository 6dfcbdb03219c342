"""Public sets whose names of files say label and speaker: RAVDESS, CREMA-D, EmoDB, SAVEE, TESS, spoken digits, KTH.

Those of UCF101 say the video that a clip was cut from, beside folders and lists that say the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from curate.sources.folders.class_folders import layout
from curate.sources.folders.listing import Listing, split_path
from curate.sources.raw import Raw, media_paths, of_files
from curate.wording import some_of

LEAST = 4
"""Files from which on names that all fit are no chance."""
NOTHING: Mapping[str, str] = {}
SOURCE = "source_video"
"""Column of the videos that clips were cut from."""
_UCF = re.compile(r"v_(?P<source>(?P<label>[A-Za-z0-9]+)_g\d{2})_c\d{2}")
"""UCF101 and UCF50: class, group and clip; groups are numbered anew in each class."""
_RAVDESS = {
    "01": "neutral", "02": "calm", "03": "happy", "04": "sad", "05": "angry", "06": "fearful", "07": "disgust",
    "08": "surprised",
}  # fmt: skip
_CREMA = {"ANG": "angry", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}
_EMODB = {
    "W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "happiness", "T": "sadness", "N": "neutral"
}  # fmt: skip
_SAVEE = {
    "a": "anger", "d": "disgust", "f": "fear", "h": "happiness", "n": "neutral", "sa": "sadness", "su": "surprise"
}  # fmt: skip


class Scheme(NamedTuple):
    """How the files of a set are called.

    Attributes:
        name: of the set.
        kinds: of its media.
        pattern: that every stem fits; its groups are columns, ``label`` and ``group`` play these roles.
        group: what the group is.
        codes: of the labels, in words.
    """

    name: str
    kinds: tuple[str, ...]
    pattern: re.Pattern[str]
    group: str
    codes: Mapping[str, str] = NOTHING


SCHEMES = (
    Scheme(
        "RAVDESS",
        ("audio", "video"),
        re.compile(
            r"(?P<modality>0[1-3])-(?P<channel>0[12])-(?P<label>0[1-8])-(?P<intensity>0[12])-(?P<statement>0[12])-"
            r"(?P<repetition>0[12])-(?P<group>[01]\d|2[0-4])"
        ),
        "actor",
        _RAVDESS,
    ),
    Scheme(
        "CREMA-D",
        ("audio", "video"),
        re.compile(
            r"(?P<group>1\d{3})_(?P<sentence>[A-Z]{3})_(?P<label>ANG|DIS|FEA|HAP|NEU|SAD)_(?P<level>LO|MD|HI|XX?)"
        ),
        "actor",
        _CREMA,
    ),
    Scheme(
        "EmoDB",
        ("audio",),
        re.compile(r"(?P<group>\d{2})(?P<text>[ab]\d{2})(?P<label>[WLEAFTN])(?P<version>[a-z]?)"),
        "speaker",
        _EMODB,
    ),
    Scheme(
        "SAVEE",
        ("audio", "video"),
        re.compile(r"(?P<group>DC|JE|JK|KL)_(?P<label>a|d|f|h|n|sa|su)(?P<sentence>\d{2})"),
        "speaker",
        _SAVEE,
    ),
    Scheme(
        "TESS",
        ("audio",),
        re.compile(r"(?P<group>OAF?|YAF)_(?P<word>[a-z]+)_(?P<label>angry|disgust|fear|happy|neutral|ps|sad)"),
        "speaker",
        {"ps": "pleasant surprise"},
    ),
    Scheme(
        "the spoken digits of FSDD or AudioMNIST",
        ("audio",),
        re.compile(r"(?P<label>\d)_(?P<group>[a-z]+|\d{2})_(?P<take>\d{1,2})"),
        "speaker",
    ),
    Scheme(
        "KTH's actions",
        ("video",),
        re.compile(
            r"person(?P<group>\d{2})_(?P<label>boxing|handclapping|handwaving|jogging|running|walking)"
            r"_d(?P<scene>[1-4])_uncomp"
        ),
        "person",
    ),
)


def files_by_scheme(folder: Path, source: str, listing: Listing) -> Raw | None:
    """A row per file, with what its name says; None where the names of some files fit no scheme of a public set.

    Folders of splits are splits, others (one per actor) say nothing.
    """
    if len(listing.media) != 1:
        return None
    [(kind, files)] = listing.media.items()
    stems = [split_path(file)[1] for file in files]
    scheme = next((one for one in SCHEMES if kind in one.kinds and one.pattern.fullmatch(stems[0])), None)
    matches = [scheme.pattern.fullmatch(stem) for stem in stems] if scheme else []
    found = [match.groupdict() for match in matches if match]
    if scheme is None or len(found) < max(LEAST, len(files)) or len({one["label"] for one in found}) < 2:
        return None
    splits, _, _ = layout(files)
    paths = pa.array(files, pa.string())
    columns: dict[str, pa.Array] = {kind: media_paths(paths)}
    columns |= {_column(name, scheme): pa.array([one[name] for one in found]) for name in scheme.pattern.groupindex}
    labels = [scheme.codes.get(one["label"], one["label"]) for one in found]
    columns["label"] = pa.array(labels, pa.string())
    roles = {kind: kind, "label": "label", "group": scheme.group}
    if any(splits):
        columns["split"], roles["split"] = pa.array(splits, pa.string()), "split"
    notes = [
        f"names of files are those of {scheme.name}: labels ({some_of(sorted(set(labels)), 3, repr)}) and"
        f" {scheme.group} (the group) are what they say, folders are no classes;"
        " --file-names (task: {file_names: ...}) says otherwise"
    ]
    left = [*listing.texts, *listing.others, *listing.tables, *listing.arrays]
    notes += listing.notes(left)
    return of_files(folder, source, columns, paths, notes=tuple(notes), roles=roles, media={kind: kind})


def _column(name: str, scheme: Scheme) -> str:
    return scheme.group if name == "group" else name


def with_source_videos(raw: Raw) -> Raw:
    """The clips of UCF101 with the video that each was cut from as their group, and the label of the name if none else.

    Clips of one group show the same people in the same place, so that splits and folds must not tear it apart.
    """
    if raw.media.get("video") is None or "group" in raw.roles or raw.origin is None:
        return raw
    stems = [split_path(path)[1] for path in raw.origin["file"].cast(pa.string()).to_pylist()]
    found = [match for stem in stems if (match := _UCF.fullmatch(stem))]
    if len(found) < max(LEAST, len(stems)):
        return raw
    raw = raw.with_column(SOURCE, pa.array([match["source"] for match in found], pa.string()))
    roles = {**raw.roles, "group": SOURCE}
    if "label" not in roles and len({match["label"] for match in found}) > 1:
        raw = raw.with_column("label", pa.array([match["label"] for match in found], pa.string()))
        roles["label"] = "label"
    note = (
        f"names of files are those of UCF101: class and group ({found[0]['source']!r}) are the video that a clip was"
        " cut from, which is the group; --group (task: {group: ...}) names another"
    )
    return replace(raw, roles=roles, notes=(*raw.notes, note))
