"""What the audits of audio and of video have in common as benchmarks: ways, options, ratios."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks._contest import bound, contest, measured, on_cores, show, write_json

AUDITS = ("curate, 1 core", "curate, 2 cores")


@dataclass(frozen=True)
class Contest:
    """One benchmark.

    Attributes:
        module: its name, ``benchmarks.audio_audit``.
        role: audio or video.
        checks: of the audit.
        bare: way -> what decodes one file, made once in the process that runs it.
        write: (folder, count, shared data) -> files.
        size: how many by default.
        most: largest ratio to the first bare way that is wanted.
    """

    module: str
    role: str
    checks: tuple[str, ...]
    bare: Mapping[str, Callable[[], Callable[[bytes], object]]]
    write: Callable[[Path, int, Path], None]
    size: int
    most: float

    def run(self, about: str | None) -> None:
        """Run the ways in turns and print the ratios."""
        parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
        shared = os.environ.get("CURATE_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data")
        parser.add_argument("--data", type=Path, default=Path(shared), help="shared data that files are made from")
        parser.add_argument("--size", type=int, default=self.size, help="files")
        parser.add_argument("--repeats", type=int, default=5)
        parser.add_argument("--folder", type=Path, help="judge the files of this folder, and write none")
        parser.add_argument("--json", type=Path, help="write what was measured to this file")
        parser.add_argument("--one", help=argparse.SUPPRESS)
        args = parser.parse_args()
        if args.one is not None:
            self._one(args.one, args.folder)
            return
        if args.folder is None and not args.data.is_dir():
            print(f"left out: there are no shared data at {args.data}")
            return
        with tempfile.TemporaryDirectory() as made:
            folder = args.folder
            if folder is None:
                folder = Path(made) / "files"
                self.write(folder, args.size, args.data)
            rows = len(list(folder.iterdir()))
            results = contest(self.module, [*self.bare, *AUDITS], ["--folder", str(folder)], args.repeats)
        first = next(iter(self.bare))
        print(f"{rows:,} {self.role} files, medians of {args.repeats}")
        show(results, rows, first)
        ours, two = (results[way] for way in AUDITS)
        ratio = ours.median_cpu / results[first].median_cpu
        bounds = [bound(f"CPU of the audit to that of {first}", ratio, self.most, False)]
        sped = ours.median_wall / two.median_wall
        bounds.append(bound("wall time on one core to that on two", sped, 1.7, True))
        write_json(args.json, results, bounds, rows)

    def _one(self, way: str, folder: Path) -> None:
        files = sorted(folder.iterdir())
        if way in self.bare:
            decode = self.bare[way]()
            decode(files[0].read_bytes())

            def run() -> None:
                for file in files:
                    decode(file.read_bytes())

            measured(run)
            return
        on_cores(1 + AUDITS.index(way))
        with tempfile.TemporaryDirectory() as few:
            for file in files[:8]:
                (Path(few) / file.name).write_bytes(file.read_bytes())
            self._audit(Path(few))  # imports and tables that are made once
        measured(lambda: self._audit(folder))

    def _audit(self, folder: Path) -> Mapping[str, Any]:
        import curate
        from curate.evidence import EvidenceSettings
        from curate.pipeline.auditing import audit

        task = curate.Task(kind="unlabeled", **{self.role: self.role})
        settings = EvidenceSettings(encoder="classic")
        report = audit(curate.load(folder, task), list(self.checks), evidence=settings, cache=None)
        found = report.findings
        issues = found.filter(found["is_issue"])["issue"].value_counts().to_pylist()
        return {"rows": len(report.material.table), "flagged": {str(i["values"]): i["counts"] for i in issues}}
