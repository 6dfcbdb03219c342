"""The engine 'ray' against the local one: equal plans on two nodes, and with one of them killed in mid-pass.

    python -m benchmarks.ray_engine [--only images,texts,classes] [--size 400] [--json FILE]

A cluster of two nodes with one processor and 100 MB of objects each is made on this machine, and ended again. The file
of each plan is compared byte by byte with that of the local engine, and the findings with it; so are shards that the
nodes write of the result. Seconds are wall time and tell what a cluster costs that gains nothing, as its nodes share
this machine. What goes through the driver is weighed, pickled: bytes per row that the measuring pass gives back, and MB
of all else; without a cache, in which case sums of d x d numbers weigh most, and with one in which the nodes leave
their vectors, these sums, and what is said of rows and classes. With one, MB that the driver itself reads of what the
nodes left there are weighed, too. `classes` are ten times as many rows of 24 numbers in 100 classes, every 15th without
a label, where what is said of rows and classes weighs most.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ |= {"RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "OMP_NUM_THREADS": "1"}

import numpy as np

import curate
from curate.engines.ray_engine import RayEngine
from curate.evidence.parcels import SentPass
from curate.evidence.parts.left import PlacedRows
from curate.evidence.parts.rows import PartedRows

STORE_BYTES = 100 << 20
SIDE_PX = 96
SHARD_ROWS = 50
CLASSES, WIDTH = 100, 24
LIMITED = {"limit": 1.0}
STEPS: dict[str, list[Any]] = {
    "images": [
        {"label_errors": {"fix": "soften", **LIMITED}},
        {"near_duplicates": {"fix": "drop", **LIMITED}},
        {"outliers": {"fix": "review", **LIMITED}},
        {"image_quality": {"fix": "review", **LIMITED}},
        {"select": {"method": "k_centre", "share": 0.9}},
        {"resample": {"method": "tomek_links"}},
        {"oversample": {}},
        "class_weights",
    ],
    "texts": [
        {"label_errors": {"fix": "soften", **LIMITED}},
        {"near_duplicates": {"fix": "drop", **LIMITED}},
        {"text_quality": {"fix": "review", **LIMITED}},
        "class_weights",
    ],
    "classes": [
        {"label_errors": {"fix": "soften", **LIMITED}},
        {"pseudo_label": {"method": "fixed", "min_confidence": 0.9}},
        {"select": {"share": 0.9, "method": "uncertainty", "keep": "easiest"}},
        "focal_weights",
    ],
}
TASKS = {"classes": {"kind": "classification", "text": "text", "label": "label", "embedding": "vector"}}
KILLED_IN = {"classes": "fitting"}
"""Stage in which a node is killed, where that is not the measuring pass."""
ROWS = {"classes": 10}
"""Times the size that is asked for."""


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", default="images,texts,classes", help="kinds, by commas")
    options.add_argument("--size", type=int, default=400, help="rows")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    try:
        import ray  # noqa: F401
    except ImportError:
        sys.exit(print("skipped: Ray is not installed (pip install 'curate-data[ray]')"))
    found = {}
    for kind in chosen.only.split(","):
        with tempfile.TemporaryDirectory() as folder:
            rows = ROWS.get(kind, 1) * chosen.size
            found[kind] = {"rows": rows} | compared(kind, rows, Path(folder))
    show(found)
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def compared(kind: str, size: int, folder: Path) -> dict[str, Any]:
    """Seconds and equality of the runs of one kind."""
    from ray.cluster_utils import Cluster

    makers = {"images": pictures, "texts": texts, "classes": classes}
    data = makers[kind](folder / "data", size)
    pipeline = curate.Pipeline(STEPS[kind], task=TASKS.get(kind), evidence={"encoder": "classic"})
    seconds, local = timed(pipeline, data, folder / "local")
    told: dict[str, Any] = {"local_seconds": seconds, "draws": local.plan.num_rows}
    node = {"num_cpus": 1, "object_store_memory": STORE_BYTES}
    began = time.perf_counter()
    cluster = Cluster(initialize_head=True, head_node_args=node | {"include_dashboard": False})
    try:
        second = cluster.add_node(**node)
        told["cluster_seconds"] = round(time.perf_counter() - began, 1)
        reach = {"engine": "ray", "address": cluster.address}
        with weighed() as weight:
            told["ray_seconds"], result = timed(pipeline, data, folder / "ray", **reach)
        told |= {"ray_equal": equal(local, result), **{f"ray_{name}": value for name, value in weight(size).items()}}
        with weighed() as weight:
            told["kept_seconds"], result = timed(pipeline, data, folder / "kept", cache=folder / "cache", **reach)
        told |= {"kept_equal": equal(local, result), **{f"kept_{name}": value for name, value in weight(size).items()}}
        killed: list[int] = []

        def kill(stage: str, done: int, total: int) -> None:
            if stage.startswith(KILLED_IN.get(kind, "measure")) and not killed:
                killed.append(done)
                cluster.remove_node(second, allow_graceful=False)

        again = {"progress": kill, "cache": folder / "cache again", **reach}
        told["killed_seconds"], result = timed(pipeline, data, folder / "killed", **again)
        told |= {"killed_equal": equal(local, result), "killed_after_rows": killed[0] if killed else None}
        told |= exported(local, folder, reach)
    finally:
        cluster.shutdown()
    return told


def timed(pipeline: curate.Pipeline, data: Path, out: Path, **options: Any) -> tuple[float, curate.Curated]:
    """Wall seconds of a run, without a cache unless one is named, and its result."""
    began = time.perf_counter()
    result = pipeline.run(str(data), out, **{"cache": False, **options})
    return round(time.perf_counter() - began, 1), result


@contextmanager
def weighed() -> Iterator[Callable[[int], dict[str, float]]]:
    """Within the block, what Ray is given, what is made of it, and what is read here of what lies in parts is weighed;
    gives a function of the number of rows."""
    import ray.cloudpickle as pickle

    measured: list[int] = []
    weight: list[int] = []
    read: list[int] = []
    ordered_map, taken = RayEngine.ordered_map, {kind: kind.taken for kind in (PartedRows, PlacedRows)}

    def counted(self: RayEngine, work: Any, given: Iterable[Any], workers: int = 0) -> Iterator[Any]:
        def passing() -> Iterator[Any]:
            for piece in given:
                weight.append(len(pickle.dumps(piece)))
                yield piece

        weight.append(len(pickle.dumps(work)))
        for made in ordered_map(self, work, passing(), workers):
            (measured if isinstance(work, SentPass) else weight).append(len(pickle.dumps(made)))
            yield made

    def read_here(self: Any, rows: np.ndarray) -> np.ndarray:
        found = taken[type(self)](self, rows)
        read.append(found.nbytes)
        return found

    def told(rows: int) -> dict[str, float]:
        megabytes = {"else_mb": round(sum(weight) / 1e6, 1), "read_mb": round(sum(read) / 1e6, 1)}
        return {"row_bytes": sum(measured) // rows} | megabytes

    RayEngine.ordered_map = counted
    for kind in taken:
        kind.taken = read_here
    try:
        yield told
    finally:
        RayEngine.ordered_map = ordered_map
        for kind, own in taken.items():
            kind.taken = own


def exported(result: curate.Curated, folder: Path, reach: dict[str, Any]) -> dict[str, Any]:
    """Seconds of writing WebDataset shards here and by the node that is left, and whether the bytes are the same."""
    told: dict[str, Any] = {}
    for name, where in (("local", {}), ("ray", reach)):
        began = time.perf_counter()
        result.to_webdataset(folder / f"shards_{name}", max_rows=SHARD_ROWS, **where)
        told[f"shards_{name}_seconds"] = round(time.perf_counter() - began, 1)
    here, there = (
        {path.name: path.read_bytes() for path in (folder / f"shards_{name}").iterdir()} for name in ("local", "ray")
    )
    return told | {"shards": len(here) - 1, "shards_equal": here == there}


def equal(one: curate.Curated, other: curate.Curated) -> bool:
    """Whether the files of the plan have the same bytes, and the findings are equal."""
    files = [(result.folder or Path()) / "plan.parquet" for result in (one, other)]
    return files[0].read_bytes() == files[1].read_bytes() and one.findings.equals(other.findings)


def pictures(folder: Path, size: int) -> Path:
    """Three classes of pictures, every 20th label wrong, every 25th a copy, one file that is no picture."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for row in range(size):
        true = row % 3
        place = folder / f"class_{(true + (row % 20 == 7)) % 3}"
        place.mkdir(parents=True, exist_ok=True)
        slope = np.linspace(0, 60, SIDE_PX)
        light = [slope[:, None], slope[None], slope[::-1][:, None]][true] + 60
        noise = rng.normal(0, 25, (8, 8, 3)).repeat(SIDE_PX // 8, 0).repeat(SIDE_PX // 8, 1)
        pixels = np.clip(light[..., None] + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(place / f"{row:06}.png")
        if row % 25 == 0:
            Image.fromarray(pixels).save(place / f"copy_{row:06}.jpg", quality=85)
    (folder / "class_0" / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing of the kind")
    return folder


def texts(folder: Path, size: int) -> Path:
    """Two classes of texts, every 20th label wrong, every 25th text nearly a copy."""
    rng = np.random.default_rng(1)
    words = np.array([f"word{number:04}" for number in range(2_000)])
    lines, last = [], ""
    for row in range(size):
        own = words[:1_200] if row % 2 else words[800:]
        last = f"{last} indeed" if row % 25 == 24 else " ".join(rng.choice(own, 60))
        lines.append(json.dumps({"text": last, "label": ("even", "odd")[(row + (row % 20 == 7)) % 2]}))
    return written(folder, lines)


def classes(folder: Path, size: int) -> Path:
    """Rows around the middles of 100 classes, every 20th label wrong."""
    rng = np.random.default_rng(2)
    middles, lines = rng.normal(size=(CLASSES, WIDTH)), []
    for row in range(size):
        true = row % CLASSES
        vector = [round(number, 4) for number in (middles[true] + rng.normal(0, 0.7, WIDTH)).tolist()]
        label = None if row % 15 == 4 else f"class {(true + (row % 20 == 7)) % CLASSES}"
        lines.append(json.dumps({"text": f"row {row}", "label": label, "vector": vector}))
    return written(folder, lines)


def written(folder: Path, lines: list[str]) -> Path:
    """A file of these lines."""
    file = folder.with_suffix(".jsonl")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def show(found: dict[str, dict[str, Any]]) -> None:
    """The table."""
    heads = ("", "rows", "draws", "local s", "ray s", "same bytes", "bytes/row", "else MB")
    heads += ("cache s", "same bytes", "bytes/row", "else MB", "read MB")
    heads += ("killed s", "after rows", "same bytes", "shards", "local s", "ray s", "same bytes")
    keys = ("rows", "draws", "local_seconds", "ray_seconds", "ray_equal", "ray_row_bytes")
    keys += ("ray_else_mb", "kept_seconds", "kept_equal", "kept_row_bytes", "kept_else_mb", "kept_read_mb")
    keys += ("killed_seconds", "killed_after_rows", "killed_equal")
    keys += ("shards", "shards_local_seconds", "shards_ray_seconds", "shards_equal")
    print("".join(f"{head:>12}" for head in heads))
    for kind, told in found.items():
        print(f"{kind:>12}" + "".join(f"{told[key]!s:>12}" for key in keys))


if __name__ == "__main__":
    main()
