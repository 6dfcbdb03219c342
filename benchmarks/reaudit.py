"""What a second audit costs: with no change, with 1 % new rows, with 1 % changed, with 1 % removed.

    python -m benchmarks.reaudit [--only image,text,audio] [--size 3000] [--repeats 1] [--quick] [--stages] [--cold]
        [--encoder NAME] [--originals FOLDER] [--json FILE]

Every audit is a process of its own (`curate audit DATA`), as a user runs it; its cost is the CPU time of that process
and of all that it starts, so start-up and imports count. Modules are compiled beforehand, as an installation does.
Bounds: no change at most 2 % of the first, 1 % new rows at most 5 %. Each repeat begins with an empty cache; the table
gives medians. `--quick` leaves out what has no bound, `--stages` says what the seconds go into, `--cold` asks whether
the findings of the set that has grown are, byte for byte, those of an audit without any cache.
Images are crops of two photographs, or of the pictures of `--originals`.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks._installed import compiled, environment
from benchmarks._phases import MARK
from benchmarks._reaudit_sets import GrowingSet

SIZES = {"image": 3000, "text": 20_000, "audio": 1500}
BOUNDS = {"no change": 0.02, "1 % new": 0.05}
MOMENTS = ("first", "no change", "1 % new", "1 % changed", "1 % removed")
QUICK = MOMENTS[:3]
LARGEST_STAGES = 15


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", default="image,text,audio", help="kinds, by commas")
    options.add_argument("--size", type=int, help="rows; a size by kind if left out")
    options.add_argument("--repeats", type=int, default=1)
    options.add_argument("--quick", action="store_true", help="first, no change and 1 %% new alone")
    options.add_argument("--stages", action="store_true", help="CPU seconds by stage")
    options.add_argument("--cold", action="store_true", help="compare the findings with those of a cold audit")
    options.add_argument("--encoder", default="auto", help="what embeds the rows: auto, or as of `curate audit`")
    options.add_argument("--originals", type=Path, help="folder of pictures that images are cut from")
    options.add_argument("--json", type=Path)
    options.add_argument("--work", type=Path, help="folder for the sets; a temporary one if left out")
    chosen = options.parse_args()
    moments = QUICK if chosen.quick else MOMENTS
    compiled()
    found = {}
    for kind in chosen.only.split(","):
        size = chosen.size or SIZES[kind]
        with tempfile.TemporaryDirectory(dir=chosen.work) as work:
            more = ["--encoder", chosen.encoder]
            begun = partial(GrowingSet, kind, originals=chosen.originals)
            rounds = [_round(begun(Path(work) / str(i)), size, moments, more) for i in range(chosen.repeats)]
            if chosen.stages:
                _print_stages(kind, _stages(begun(Path(work) / "stages"), size, more))
            if chosen.cold:
                print(f"{kind}: {_cold(begun(Path(work) / 'cold'), size, more)}")
        found[kind] = {"rows": size} | {m: median(r[m] for r in rounds) for m in moments}
    _print(found, moments)
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _round(held: GrowingSet, size: int, moments: tuple[str, ...], more: list[str]) -> dict[str, float]:
    """Moment -> CPU seconds of the audit."""
    some, seconds = max(size // 100, 1), {}
    held.add(size)
    changes = {"1 % new": held.add, "1 % changed": held.change, "1 % removed": held.remove}
    for moment in moments:
        if moment in changes:
            changes[moment](some)
        seconds[moment] = audit_seconds(held.data, held.home / "cache", *more)
    shutil.rmtree(held.home)
    return seconds


def _stages(held: GrowingSet, size: int, more: list[str]) -> dict[str, dict[str, float]]:
    """Moment -> stage -> CPU seconds of the process, without what lies in stages within it."""
    seconds = {}
    held.add(size)
    for moment in QUICK:
        if moment == "1 % new":
            held.add(max(size // 100, 1))
        phases = [sys.executable, "-m", "benchmarks._phases", str(held.data), "--cache", str(held.home / "cache")]
        said = _run([*phases, "--json", *more]).rsplit(MARK, 1)[1]
        seconds[moment] = {name: stage["cpu"] for name, stage in json.loads(said)["phases"].items()}
    return seconds


def _cold(held: GrowingSet, size: int, more: list[str]) -> str:
    """Whether an audit of the grown set over a warm cache finds what one without any finds."""
    found: list[bytes] = []
    held.add(size)
    audit_seconds(held.data, held.home / "cache", *more)
    held.add(max(size // 100, 1))
    for place in ("cache", "none"):
        path = held.home / f"{place}.parquet"
        audit_seconds(held.data, held.home / place, "--findings", str(path), *more)
        found.append(path.read_bytes())
    equal = "equal" if found[0] == found[1] else "NOT EQUAL"
    return f"findings of the grown set over a warm and over an empty cache are {equal}, byte for byte"


def audit_seconds(data: Path, cache: Path, *more: str) -> float:
    """CPU seconds of `curate audit`, its start-up and all that it starts among them."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run([sys.executable, "-m", "curate", "audit", str(data), "--cache", str(cache), "--format", "json", *more])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def _print_stages(kind: str, seconds: dict[str, dict[str, float]]) -> None:
    names = {name for of_moment in seconds.values() for name in of_moment}
    largest = sorted(names, key=lambda name: -seconds["1 % new"].get(name, 0.0))[:LARGEST_STAGES]
    print(f"{kind + ', CPU seconds by stage':36}" + "".join(f"{moment:>12}" for moment in QUICK))
    for name in largest:
        print(f"{name:36}" + "".join(f"{seconds[moment].get(name, 0.0):12.2f}" for moment in QUICK))


def _print(found: dict[str, dict[str, float]], moments: tuple[str, ...]) -> None:
    print(f"{'kind':6} {'rows':>7} {'first':>9} " + " ".join(f"{moment:>18}" for moment in moments[1:]))
    for kind, row in found.items():
        cells = []
        for moment in moments[1:]:
            share = row[moment] / row["first"]
            bound = BOUNDS.get(moment)
            verdict = "" if bound is None else ("  ok" if share <= bound else " OVER")
            cells.append(f"{row[moment]:6.2f} s {share:5.1%}{verdict}".rjust(18))
        print(f"{kind:6} {row['rows']:7,} {row['first']:7.1f} s " + " ".join(cells))
    print("bounds: no change at most 2 % of the first, 1 % new rows at most 5 %")


if __name__ == "__main__":
    main()
