"""The image audit against one bare decode of each file and against CleanVision.

    python -m benchmarks.image_audit [--size 2000] [--repeats 5] [--folder FOLDER] [--originals FOLDER]
        [--peers FOLDER] [--json PATH]

The audit loads a folder of JPEG files of 256 to 512 pixels, takes every image measure and looks for near-duplicates
(the checks unreadable, image_quality, exact_duplicates and near_duplicates), without a cache. Ways run in turns, each
in a process of its own that has imported what it needs; CPU seconds are those of all threads and child processes.
CleanVision runs with one process and with one per core, all its issues on; the faster one counts. `--peers` names a
folder to import it from. The files are put together from parts of pictures (`_photos`), of `--originals` if named.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks._contest import bound, contest, measured, on_cores, show, write_json

CHECKS = ("unreadable", "image_quality", "exact_duplicates", "near_duplicates")
BARE = ("opencv decode", "pillow decode", "simplejpeg decode")
AUDITS = ("curate, 1 core", "curate, 2 cores")
PEERS = ("cleanvision, 1 process", "cleanvision, process per core")
QUIET = 1.15
"""Wall time of the audit on one core over its CPU time: beyond that other programs had the core, too."""


def decoding(library: str, files: list[Path]) -> Callable[[], None]:
    """Read and decode every file, one after the other."""
    if library.startswith("opencv"):
        import cv2
        import numpy as np

        def one(data: bytes) -> object:
            return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)

    elif library.startswith("pillow"):
        from io import BytesIO

        from PIL import Image

        def one(data: bytes) -> object:
            return Image.open(BytesIO(data)).convert("RGB").tobytes

    else:
        import simplejpeg

        def one(data: bytes) -> object:
            return simplejpeg.decode_jpeg(data, "RGB")

    def run() -> None:
        for file in files:
            one(file.read_bytes())

    run_few = [one(file.read_bytes()) for file in files[:8]]
    assert run_few
    return run


def auditing(folder: Path) -> Callable[[], Mapping[str, Any]]:
    """Load and audit a folder of images."""
    import curate
    from curate.evidence import EvidenceSettings
    from curate.pipeline.auditing import audit

    def run(of: Path = folder) -> Mapping[str, Any]:
        report = audit(
            curate.load(of, curate.Task(kind="unlabeled", image="image")),
            list(CHECKS),
            evidence=EvidenceSettings(encoder="classic"),
            cache=None,
        )
        found = report.findings
        issues = found.filter(found["is_issue"])["issue"].value_counts().to_pylist()
        return {"rows": len(report.material.table), "flagged": {str(i["values"]): i["counts"] for i in issues}}

    with tempfile.TemporaryDirectory() as few:
        for file in sorted(folder.iterdir())[:16]:
            (Path(few) / file.name).write_bytes(file.read_bytes())
        run(Path(few))  # imports and tables that are made once
    return run


def peering(folder: Path, processes: int) -> Callable[[], Mapping[str, Any]]:
    """CleanVision's audit of the folder with all its issues. Exits with 3 where it is missing."""
    try:
        from cleanvision import Imagelab
    except ImportError as error:
        print(
            f"CleanVision can't be imported ({error}); pip install it, or name its folder by --peers", file=sys.stderr
        )
        raise SystemExit(3) from None

    def run() -> Mapping[str, Any]:
        lab = Imagelab(data_path=str(folder), verbose=False)
        lab.find_issues(n_jobs=processes, verbose=False)
        flags = [column for column in lab.issues if column.startswith("is_")]
        return {"flagged": {column: int(lab.issues[column].sum()) for column in flags}}

    return run


def run_one(way: str, folder: Path) -> None:
    """One way, in this process."""
    files = sorted(folder.iterdir())
    if way in BARE:
        measured(decoding(way, files))
    elif way in AUDITS:
        on_cores(1 + AUDITS.index(way))
        measured(auditing(folder))
    else:
        measured(peering(folder, 1 if way == PEERS[0] else os.cpu_count() or 1))


def main() -> None:
    """Run the ways in turns and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = os.environ.get("CURATE_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(shared), help="shared data, for frames of real videos")
    parser.add_argument("--size", type=int, default=2_000, help="files")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="judge the files of this folder, and write none")
    parser.add_argument("--originals", type=Path, help="folder of pictures whose parts the files are made of")
    parser.add_argument("--peers", type=Path, help="folder that CleanVision is imported from")
    parser.add_argument("--no-peers", action="store_true", help="leave CleanVision out")
    parser.add_argument("--json", type=Path, help="write what was measured to this file")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peers is not None:
        os.environ["PYTHONPATH"] = f"{args.peers}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        sys.path.append(str(args.peers))
    if args.one is not None:
        run_one(args.one, args.folder)
        return
    with tempfile.TemporaryDirectory() as made:
        folder = args.folder
        if folder is None:
            from benchmarks._photos import write_photos

            folder = Path(made) / "photos"
            write_photos(folder, args.size, args.data, originals=args.originals)
        rows = len(list(folder.iterdir()))
        more = [] if args.peers is None else ["--peers", str(args.peers)]
        ways = [*BARE, *AUDITS, *(() if args.no_peers else PEERS)]
        results = contest(__spec__.name, ways, ["--folder", str(folder), *more], args.repeats)
    print(f"{rows:,} JPEG files, medians of {args.repeats}")
    show(results, rows, BARE[0])
    ours, two = (results[way] for way in AUDITS)
    bounds = [
        bound(f"CPU of the audit to that of {way}", ours.median_cpu / results[way].median_cpu, 3, False)
        for way in BARE[:2]
    ]
    if not args.no_peers:
        peer = min((results[way].median_cpu for way in PEERS if results[way].cpu), default=float("nan"))
        bounds.append(
            bound("CPU of CleanVision's faster setting to that of the audit", peer / ours.median_cpu, 7, True)
        )
    bounds.append(bound("wall time on one core to that on two", ours.median_wall / two.median_wall, 1.7, True))
    if (waited := ours.median_wall / ours.median_cpu) > QUIET:
        print(f"  other programs had the cores, too (on one core wall is {waited:.1f} times CPU): walls tell little")
    write_json(args.json, results, bounds, rows)


if __name__ == "__main__":
    main()
