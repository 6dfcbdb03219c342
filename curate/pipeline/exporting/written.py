"""What an export has written, and its manifest: every row of the result is in a file or named with a reason."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate import __version__
from curate.pipeline.exporting.lines import Lines
from curate.pipeline.files import folder_aside, refuse_folder, sha256
from curate.storage import write_text
from curate.wording import counted, noun

MANIFEST = "export.json"


@dataclass(frozen=True)
class Written:
    """An export.

    Attributes:
        folder: where it lies.
        form: its format.
        rows: split -> lines written.
        skipped: row id -> reason, of rows whose files could not be read any more.
        notes: what the files do not carry, as sentences.
    """

    folder: Path
    form: str
    rows: Mapping[str, int]
    skipped: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The accounts as sentences."""
        counts = ", ".join(f"{split} {count:,}" for split, count in self.rows.items())
        lines = [f"{self.folder}: {self.form}, {sum(self.rows.values()):,} lines ({counts})"]
        if self.skipped:
            row_id, reason = next(iter(self.skipped.items()))
            are, said = noun(len(self.skipped), "is", "are"), noun(len(self.skipped), "row", "among them row")
            lines.append(
                f"{counted(len(self.skipped), 'row')} could not be read and {are} left out, {said} {row_id}: {reason}"
            )
        return "\n".join([*lines, *self.notes])

    def to_json(self) -> str:
        """The same for programs."""
        return json.dumps(
            {"folder": str(self.folder), "format": self.form, "rows": dict(self.rows)}
            | {"skipped": dict(self.skipped), "notes": list(self.notes)},
            ensure_ascii=False,
        )


@dataclass
class Account:
    """What a writer counts.

    Attributes:
        rows: split -> lines.
        extra: more entries of the manifest.
        digests: SHA-256 of files, by their paths in the folder, that those who wrote them have told or that was asked.
    """

    rows: dict[str, int] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def digest(self, folder: Path, name: str) -> str:
        """The SHA-256 of a file in the folder, which is written."""
        if name not in self.digests:
            self.digests[name] = sha256(folder / name)
        return self.digests[name]


@contextmanager
def writing(out: Path, form: str, lines: Lines, notes: tuple[str, ...] = ()) -> Iterator[tuple[Path, Account]]:
    """A folder that appears at `out`, with its manifest, when the block ends well.

    Raises:
        ConfigError: `out` is a file, or a folder with anything but an earlier export.
        StorageError: it can't be written.
    """
    account = Account()
    with folder_aside(out.resolve(), ours=is_export, whose="curate export") as folder:
        yield folder, account
        # A folder on a file system that machines share may list what others have written only after a while.
        told = {folder / name for name in account.digests}
        files = sorted(told | {path for path in folder.rglob("*") if path.is_file()})
        names = [path.relative_to(folder).as_posix() for path in files]
        curated = lines.curated
        manifest = {
            "curate": __version__,
            "export": form,
            "rows": account.rows,
            "skipped": lines.skipped,
            "notes": [*notes, *_notes(lines)],
            "label_names": curated.label_names,
            "class_weights": [round(float(weight), 6) for weight in curated.class_weights],
            "pipeline": curated.pipeline.to_yaml(),
            "files": {name: account.digest(folder, name) for name in names},
        } | account.extra
        write_text(folder / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


def written(out: Path, form: str, lines: Lines, rows: Mapping[str, int], notes: tuple[str, ...] = ()) -> Written:
    """The account of a finished export."""
    return Written(out, form, dict(rows), dict(lines.skipped), (*notes, *_notes(lines)))


def refuse(out: Path) -> None:
    """Raise as `curate.pipeline.files.refuse_folder` where no export can go to `out`."""
    refuse_folder(out, is_export, "curate export")


def is_export(folder: Path) -> bool:
    """Whether a folder holds an export of curate."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and {"curate", "export", "files"} <= manifest.keys()


def _notes(lines: Lines) -> list[str]:
    """What a reader of the files must do himself."""
    plan = lines.curated.plan
    found = []
    if not lines.repeated:
        repeated = int((np.bincount(plan["row"].to_numpy()) > 1).sum())
        if repeated:
            found.append(
                f"{counted(repeated, 'row')} {noun(repeated, 'is', 'are')} drawn more than once an epoch, as the column"
                " draws says; repeated=True (--repeated) writes a line per draw"
            )
    found += [
        f"the split {split!r} is called {name!r} in the files" for split, name in lines.names.items() if name != split
    ]
    recipes = pc.unique(plan["recipe"].cast(pa.string())).drop_null().to_pylist()
    if any(recipes):
        found.append("augmentation is done by curate's loader while training; the files hold the rows as they are")
    weights = lines.curated.class_weights
    if len(weights) and not np.allclose(weights, 1.0):
        found.append(f"class weights are for the loss; they stand in {MANIFEST}")
    return found
