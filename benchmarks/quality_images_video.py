"""Quality of images and of video: planted faults found, false alarms on real sets, cost; CleanVision side by side.

    python -m benchmarks.quality_images_video [--data ../shared/data] [--planted 40] [--cleanvision PYTHON]

Each issue of `image_quality` is planted into photos that are added to 600 untouched ones (one issue at a time), each
issue of `video_quality` into clips that are added to 24 untouched ones. Found is the share of the planted files that
are flagged for that issue, false the share of all untouched rows of the real set that are. PYTHON is the interpreter of
an environment with CleanVision; both judge one folder with all faults that CleanVision has issues for.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import curate
from benchmarks import image_video_faults as faults
from curate.checks.image_quality import ImageQuality
from curate.checks.video_quality import VideoQuality
from curate.evidence import Evidence, EvidenceSettings
from curate.evidence.measures.image import ImageStatistics
from curate.evidence.measures.image_marks import ImageMarks
from curate.evidence.measures.video import VideoStatistics
from curate.evidence.measures.video_sharpness import VideoSharpness
from curate.evidence.measures.video_timeline import VideoTimeline
from curate.media import image, video

PEER_ISSUES = {
    "dark": "dark", "bright": "light", "blurry": "blurry", "low_information": "low_information",
    "odd_aspect": "odd_aspect_ratio", "odd_size": "odd_size", "greyscale": "grayscale",
}  # fmt: skip
PEER = """
import json, sys, time
from cleanvision import Imagelab
started = time.perf_counter()
lab = Imagelab(data_path=sys.argv[1])
lab.find_issues({name: {} for name in sys.argv[2].split(",")}, n_jobs=1, verbose=False)
seconds = time.perf_counter() - started
table = lab.issues
flags = {c[3:-6]: [p.rsplit("/", 1)[-1] for p in table.index[table[c]]] for c in table if c.endswith("_issue")}
print(json.dumps({"seconds": seconds, "flags": flags}))
"""
File = faults.File


def flagged(check: ImageQuality | VideoQuality, files: Sequence[File], role: str) -> dict[str, set[str]]:
    """Issue -> names of the files that the check flags for it."""
    columns = {role: [{"bytes": data, "path": name} for name, data in files], "id": [name for name, _ in files]}
    table = curate.load(columns, task=curate.Task(kind="unlabeled", id="id", **{role: role}))
    found = check.find(Evidence(table, EvidenceSettings(workers=1, encoder="classic")))
    issues: dict[str, set[str]] = {issue: set() for issue in found.summary.get(check.name, {})}
    for line in found.flagged.select(["issue", "row_id"]).to_pylist():
        issues[line["issue"]].add(line["row_id"])
    return issues


def table_of(
    title: str, check: Callable[[Sequence[File]], dict[str, set[str]]], clean: Sequence[File],
    untouched: Sequence[File], planted: dict[str, list[File]],
) -> None:  # fmt: skip
    """Print issue, planted, found, false alarms."""
    alarms = check(untouched)
    print(f"\n{title}: {len(untouched)} untouched rows, faults beside {len(clean)} of them")
    print(f"{'issue':<22}{'planted':>8}{'found':>8}{'false':>8}")
    for issue in sorted(alarms.keys() | planted.keys()):
        files = planted.get(issue, [])
        names = {name for name, _ in files}
        share = f"{len(check([*clean, *files]).get(issue, set()) & names) / len(names):.0%}" if names else "-"
        print(f"{issue:<22}{len(names):>8}{share:>8}{len(alarms.get(issue, ())) / len(untouched):>8.2%}")


def as_grey(pixels: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 without colour."""
    return np.repeat(np.rint(pixels.mean(-1, keepdims=True)).astype(np.uint8), 3, axis=-1)


def cost_of_images(pixels: Sequence[np.ndarray]) -> None:
    """Print milliseconds per image of bare decoding, of decoding and measuring."""
    data = [faults.encoded(p, quality=88) for p in pixels]
    measures = (ImageStatistics(), ImageMarks())
    best = {"decode": np.inf, "all": np.inf}
    for _ in range(3):
        started = time.perf_counter()
        items = [image.decode(d) for d in data]
        middle = time.perf_counter()
        for measure in measures:
            measure.measure(items)
        best["decode"] = min(best["decode"], middle - started)
        best["all"] = min(best["all"], time.perf_counter() - started)
    side = pixels[0].shape[0]
    decode, whole = (1000 * best[name] / len(data) for name in ("decode", "all"))
    print(
        f"\ncost at {side} px, one thread: decode {decode:.2f} ms, with all measures {whole:.2f} ms"
        f" ({whole / decode:.1f} x)"
    )


def side_by_side(python: str, clean: Sequence[File], planted: dict[str, list[File]]) -> None:
    """Print what both find in one folder."""
    files = [*clean, *(f for issue in PEER_ISSUES for f in planted[issue])]
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files:
            (Path(folder) / name).write_bytes(data)
        call = [python, "-c", PEER, folder, ",".join(PEER_ISSUES.values())]
        out = subprocess.run(call, capture_output=True, text=True, check=False)
    if out.returncode:
        print(f"\nCleanVision failed: {out.stderr.strip().splitlines()[-1]}")
        return
    theirs = json.loads(out.stdout.strip().splitlines()[-1])
    started = time.perf_counter()
    ours = flagged(ImageQuality(), files, "image")
    seconds = time.perf_counter() - started
    base = {name for name, _ in clean}
    print(f"\none folder, {len(files)} files       found: curate  CleanVision   false: curate  CleanVision")
    for issue, other in PEER_ISSUES.items():
        names = {name for name, _ in planted[issue]}
        mine, peer = ours[issue], set(theirs["flags"].get(other, ()))
        shares = [len(m & names) / len(names) for m in (mine, peer)] + [len(m & base) / len(base) for m in (mine, peer)]
        print(f"{issue:<28}{shares[0]:>12.0%}{shares[1]:>13.0%}{shares[2]:>16.2%}{shares[3]:>13.2%}")
    print(f"milliseconds per file: curate {1000 * seconds / len(files):.1f} (15 issues), CleanVision"
          f" {1000 * theirs['seconds'] / len(files):.1f} ({len(PEER_ISSUES)} issues)")  # fmt: skip


def videos(folder: Path, count: int, rng: np.random.Generator) -> None:
    """Print the tables of video."""
    shots = faults.shots_of(faults.footage(folder / "originals", width=96))
    clean = faults.clean_videos(shots, 24, rng)
    with (folder / "clips.csv").open() as file:
        rows = list(csv.DictReader(file))
    real = [(r["file"].rpartition("/")[2], next(folder.rglob(r["file"].rpartition("/")[2])).read_bytes()) for r in rows]
    table_of(
        "video",
        lambda files: flagged(VideoQuality(), files, "video"),
        clean,
        clean,
        faults.video_faults(shots, count, rng),
    )
    found = flagged(VideoQuality(), real, "video")
    print("\nvideo_scenes, 36 real clips")
    cuts = {f"nasa_13013_{i}.mp4" for i in ("08",)} | {f"bikes_0{i}.mp4" for i in (1, 3, 5, 7, 9)}
    truth = {"cuts": cuts, "overcompressed": {n for (n, _), r in zip(real, rows) if r["quality"] == "distorted"}}
    for issue, names in found.items():
        true = truth.get(issue, set())
        if true:
            hits = len(names & true)
            print(f"{issue}: precision {hits / max(len(names), 1):.2f}, recall {hits / len(true):.2f}")
        elif names:
            print(f"{issue}: {len(names)} flagged without a known fault")
    best = np.full(3, np.inf)
    for _ in range(3):
        started = time.perf_counter()
        for _, data in real:
            video.decode(data)
        middle = time.perf_counter()
        items = [video.decode(data, skim=True) for _, data in real]
        skimmed = time.perf_counter()
        for measure in (VideoStatistics(), VideoTimeline(), VideoSharpness()):
            measure.measure(items)
        best = np.minimum(best, [middle - started, skimmed - middle, time.perf_counter() - middle])
    frames = sum(item.frame_count for item in items)
    decode, skim, whole = 1000 * best / frames
    print(
        f"cost per frame of 192 px: decode {decode:.2f} ms, with small copies {skim:.2f} ms,"
        f" with measures {whole:.2f} ms"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--planted", type=int, default=40, help="faulty images of each issue")
    parser.add_argument("--planted-videos", type=int, default=6, help="faulty clips of each issue")
    parser.add_argument("--cleanvision", help="interpreter of an environment with CleanVision")
    given = parser.parse_args(arguments)
    rng = np.random.default_rng(0)

    def judge(files: Sequence[File]) -> dict[str, set[str]]:
        return flagged(ImageQuality(), files, "image")

    folder = given.data / "cifar10n_3000" / "images"
    if folder.is_dir():
        files = [(path.name, path.read_bytes()) for path in sorted(folder.rglob("*.jpg"))]
        planted = faults.image_faults(
            [image.decode(data).pixels for _, data in files[: given.planted]], given.planted, rng
        )
        table_of("cifar10n_3000, 32 px", judge, files[:600], files, planted)
        if given.cleanvision:
            side_by_side(given.cleanvision, files[:600], {k: v[:12] for k, v in planted.items()})
        else:
            print("\nCleanVision left out: name its interpreter by --cleanvision")
    else:
        print(f"cifar10n_3000 left out: {folder} is missing")
    crops = faults.photo_crops(220, 256, rng)
    photos = [(f"photo_{place:03d}.jpg", faults.encoded(p)) for place, p in enumerate(crops[:200])]
    table_of("crops of two photos, 256 px", judge, photos, photos, faults.image_faults(crops[200:], 20, rng))
    grey = [(name, faults.encoded(as_grey(image.decode(data).pixels))) for name, data in photos]
    coloured = {"coloured": [(f"coloured_{name}", data) for name, data in photos[:5]]}
    table_of("the same in grey, some in colour", judge, grey, grey, coloured)
    cost_of_images(faults.photo_crops(40, 384, rng))
    if (given.data / "video_scenes").is_dir():
        videos(given.data / "video_scenes", given.planted_videos, rng)
    else:
        print(f"video_scenes left out: {given.data / 'video_scenes'} is missing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
