"""A Ray cluster of two nodes on this machine: what a run gives there, also with one of them killed. Prints JSON.

python tests/engines/two_nodes.py FOLDER
"""

import json
import os
import shutil
import sys
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path

os.environ |= {"RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "OMP_NUM_THREADS": "1", "RAY_DEDUP_LOGS": "0"}
os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])

import numpy as np
import ray
from deadly import Deadly, Hanging, Held, HeldSearch, HeldShard, Lacking, Vectors
from PIL import Image
from ray.cluster_utils import Cluster
from threadpoolctl import threadpool_limits

import curate
from curate.balance.resample import Resample
from curate.balance.resampling import nearest
from curate.engines import choosing, ray_engine
from curate.errors import MissingPackage
from curate.evidence import parcels
from curate.evidence.cache import Cache
from curate.evidence.evidence import Evidence
from curate.evidence.exact_search import QUERIES, Chosen
from curate.evidence.keeper import Pace
from curate.evidence.lists.neighbours import listed_search
from curate.evidence.measuring import take
from curate.evidence.pairs import _nearest, _pictures
from curate.evidence.parts import lying
from curate.evidence.parts.left import array_writer, opened
from curate.evidence.parts.rows import PartedRows, UnitRows
from curate.evidence.probabilities import cross_validated
from curate.evidence.settings import EvidenceSettings
from curate.pipeline.exporting import webdataset

STORE = 100 << 20
ROWS = 96
STEPS = [
    {"label_errors": {"fix": "soften", "limit": 1.0}},
    {"near_duplicates": {"fix": "drop", "limit": 1.0}},
    {"outliers": {"fix": "review", "limit": 1.0}},
    {"oversample": {}},
    "class_weights",
]


def pictures(folder):
    """Two classes of pictures with a few wrong labels, three copies and a file that is none."""
    rng = np.random.default_rng(0)
    for row in range(ROWS):
        bright = row % 3 == 0
        named = ("bright", "dark")[bright == (row % 17 == 16)]
        place = folder / named
        place.mkdir(parents=True, exist_ok=True)
        tone = np.linspace(40, 90, 48)[:, None, None] + (90 if bright else 0)
        noise = rng.normal(0, 20, (6, 6, 3)).repeat(8, 0).repeat(8, 1)
        pixels = np.clip(tone + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(place / f"{row:03}.png")
        if row < 3:
            Image.fromarray(pixels).save(place / f"copy_{row}.jpg", quality=90)
    (folder / "dark" / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing of the kind")
    return folder


def writings():
    """Texts with near copies, in memory."""
    rng = np.random.default_rng(1)
    words = np.array([f"w{number:03}" for number in range(400)])
    texts = [" ".join(rng.choice(words[:200] if row % 2 else words[200:], 30)) for row in range(ROWS)]
    texts += [text.replace("w1", "w2", 1) for text in texts[:8]]
    return {"text": texts, "label": ["odd" if row % 2 else "even" for row in range(len(texts))]}


def plan_of(pipeline, data, out, kept=False, **options):
    """The bytes of the plan's file, and the findings."""
    curated = pipeline.run(data, out, cache=kept, **options)
    return (curated.folder / "plan.parquet").read_bytes(), curated.findings, curated


def compared(folder, cluster, node):
    """Whether the plans are equal: local, on two nodes, and with one of them killed in the pass."""
    data = str(pictures(folder / "pictures"))
    pipeline = curate.Pipeline(STEPS, evidence={"encoder": "classic"})
    local, findings, curated = plan_of(pipeline, data, folder / "local")
    counts = curated.plan["origin"].to_pylist()
    told = {"draws": len(counts), "broken": sum(one["unreadable"] for one in curated.accounts)}
    plan, found, _ = plan_of(pipeline, data, folder / "two", engine="ray", address=cluster.address)
    told |= {"two nodes": plan == local, "findings": found.equals(findings)}
    killed = []

    def kill(stage, done, total):
        if stage.startswith("measure") and not killed:
            killed.append(done)
            cluster.remove_node(node, allow_graceful=False)

    plan, found, _ = plan_of(pipeline, data, folder / "killed", engine="ray", address=cluster.address, progress=kill)
    return told | {"killed": plan == local, "after rows": killed[0]}


def parted(folder, cluster, node):
    """What is made of vectors that the nodes leave in the cache, with a node killed while heads are fitted on them."""
    count, killed = QUERIES + 500, []
    places, codes, folds = np.arange(count), np.arange(count) % 3, (np.arange(count) // 3 % 5).astype(np.int8)
    table = curate.load({"text": [f"text {row}" for row in range(count)]}, task=curate.Task(text="text"))

    def kill(done, total):
        if not killed:
            killed.append(done)
            cluster.remove_node(node, allow_graceful=False)

    def made(rows, progress=None, writer=None):
        vectors = UnitRows([rows], np.zeros(count, dtype=bool))
        near = listed_search(Chosen(vectors, places), places[::4], places, 5)
        return [*near, opened(cross_validated(vectors, codes, 3, folds, progress, writer=writer)["rows_values"])]

    here = made(take(table, [Vectors()], EvidenceSettings()).values["test.vectors"])
    with choosing.chosen("ray"), array_writer(folder) as writer:
        rows = take(table, [Vectors()], EvidenceSettings(), folder / "parts", parts=True).values["test.vectors"]
        there = made(rows, kill, writer)
    told = {"parts": len(rows.parts) if isinstance(rows, PartedRows) else 0, "killed fitting": bool(killed)}
    told["in parts"] = all(np.array_equal(one, other) for one, other in zip(here, there))
    told["left"] = not (there[-1].flags.writeable or writer.came_back)
    return told | {"sound": not Cache(folder / "parts").verify()}


def kept(folder, cluster, node):
    """Whether the plan is the same with a cache that the nodes share, when it is filled, a node killed, and read."""
    data, told = str(folder / "pictures"), {}
    pipeline, killed = curate.Pipeline(STEPS, evidence={"encoder": "classic"}), []
    local = (folder / "local" / "plan.parquet").read_bytes()

    def kill(stage, done, total):
        if stage.startswith("measure") and not killed:
            killed.append(done)
            cluster.remove_node(node, allow_graceful=False)

    for name in ("filled", "read"):
        curated = pipeline.run(data, folder / name, cache=folder / "cache", engine="ray", progress=kill)
        told[name] = (curated.folder / "plan.parquet").read_bytes() == local
        if name == "filled":
            shutil.rmtree(folder / "cache" / "estimates")
            shutil.rmtree(folder / "cache" / "results", ignore_errors=True)
    return told | {"killed filling": bool(killed)}


def of_texts(folder):
    """Whether texts in memory and rows of a mapped file give the same plan as here."""
    steps = [{"near_duplicates": {"fix": "drop", "limit": 1.0}}, "text_quality"]
    pipeline = curate.Pipeline(steps, evidence={"encoder": "classic"})
    task = curate.Task(kind="classification", text="text", label="label")
    table = curate.load(writings(), task=task)
    local, findings, _ = plan_of(pipeline, table, folder / "text_local")
    plan, found, _ = plan_of(pipeline, table, folder / "text_ray", engine="ray")
    opened = curate.open(folder / "text_local").table
    again, _, _ = plan_of(pipeline, opened, folder / "text_again", engine="ray")
    shared, _, _ = plan_of(pipeline, table, folder / "text_shared", engine="ray", kept=folder / "text_cache")
    flagged = int(np.sum(findings["is_issue"].to_numpy(zero_copy_only=False)))
    return {
        "texts": plan == local,
        "flagged": flagged,
        "found": found.equals(findings),
        "mapped": again == local,
        "shared": shared == local,
    }


def deadly():
    """The rows that are reported where one ends its worker, and how a missing package comes out of a worker."""
    task = curate.Task(text="text")
    table = curate.load({"text": [f"text {row}" for row in range(10)] + ["deadly"]}, task=task)
    two = curate.load({"text": ["fine", "hanging"]}, task=task)
    parcels.BASE_SECONDS = 2.0
    with choosing.chosen("ray"):
        hung = take(two, [Hanging()], EvidenceSettings())
        parcels.BASE_SECONDS = 60.0
        measured = take(table, [Deadly()], EvidenceSettings())
        try:
            take(table, [Lacking()], EvidenceSettings())
            missing = ""
        except MissingPackage as error:
            missing = str(error)
    lengths = measured.values["test.length"]
    right = lengths[:10].tolist() == [len(f"text {row}") for row in range(10)]
    dead, stuck = ({str(row): why for row, why in found.broken.items()} for found in (measured, hung))
    return {"dead": dead, "hung": stuck, "rest": right, "missing": missing}


def lost(folder, cluster, node):
    """What a pass gives of which a node is killed while it has a chunk in hand."""
    mark, rows = folder / "begun", 400
    table = curate.load({"text": [f"text {row}" for row in range(rows)]}, task=curate.Task(text="text"))
    with killed_at(mark, cluster, node) as killed, choosing.chosen("ray") as engine:
        found = take(table, [Held(mark, node.node_id)], EvidenceSettings(), pace=Pace(chunk_rows=2))
    right = found.values["test.number"].tolist() == list(range(rows)) and not found.broken
    return {"again": engine.again, "all there": right, "killed in hand": bool(killed)}


@contextmanager
def killed_at(mark, cluster, node):
    """Within the block, the node is killed as soon as there is such a file; the list is not empty then."""
    over, killed = threading.Event(), []

    def watch():
        while not (mark.exists() or over.wait(0.05)):
            pass
        if mark.exists():
            killed.append(True)
            cluster.remove_node(node, allow_graceful=False)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield killed
    finally:
        over.set()
        watching.join()


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def shards(folder, cluster, node):
    """Whether exports are those of this process, also with a node killed while it writes a shard."""
    curated, here, told = curate.open(folder / "local"), folder / "here", {}
    curated.to_webdataset(here, max_rows=5)
    with killed_at(folder / "writing", cluster, node) as killed, choosing.chosen("ray") as engine:
        webdataset._write = HeldShard(folder / "writing", node.node_id)
        curated.to_webdataset(folder / "there", max_rows=5)
    told["shards"] = contents(folder / "there") == contents(here) and len(contents(here)) > 15
    told |= {"shards again": engine.again, "killed writing": bool(killed)}
    curated.to_parquet(here)
    curated.to_parquet(folder / "there", engine="ray")
    return told | {"parquet": contents(folder / "there") == contents(here)}


def numbers():
    """Rows of whole numbers, many of them equally far from each other."""
    rng = np.random.default_rng(0)
    codes = rng.choice(3, 5_000, p=[0.6, 0.3, 0.1])
    columns = {f"x{place}": np.rint(2 * rng.normal(size=len(codes)) + codes).tolist() for place in range(20)}
    task = curate.Task(kind="classification", features=list(columns), label="label")
    return curate.load(columns | {"label": [f"class {code}" for code in codes]}, task=task)


def resampled(folder, cluster, node):
    """Whether rows are chosen and made as here, with a node killed while it searches for neighbours."""
    steps = [Resample(method="all_knn"), Resample(method="smote_enn", kind_sel="mode")]
    steps += [Resample(method="cluster_centroids", voting=voting, to={"class 0": 300}) for voting in ("hard", "soft")]
    table, lying.PIECE_BYTES = numbers(), 1 << 18

    def decided(cache=None):
        evidence = Evidence(table, EvidenceSettings(), cache=cache)
        made = [step.decide(evidence.labels, evidence, np.random.default_rng(0)) for step in steps]
        return [part for one in made for part in (getattr(one, "decisions", one).table, getattr(one, "rows", one))]

    with threadpool_limits(limits=2, user_api="openmp"):
        here = decided()
    with killed_at(folder / "searching", cluster, node) as killed, choosing.chosen("ray") as engine:
        nearest._Search = partial(HeldSearch, mark=folder / "searching", node=node.node_id)
        there = decided(folder / "matrices")
    same = [one.equals(other) if hasattr(one, "equals") else one.table.equals(other.table)
            for one, other in zip(here, there, strict=True)]  # fmt: skip
    told = {"resampled": all(same), "resampled rows": [len(getattr(one, "table", one)) for one in here]}
    left = [str(path) for path in (folder / "matrices").rglob("*.npy")]
    return told | {"searched again": engine.again, "killed searching": bool(killed), "matrices left": left}


def counted(engine, ran):
    """Note what the engine is given to do, and in how many pieces."""
    passed_on = engine.ordered_map

    def ordered_map(self, work, given, workers=0):
        for made in passed_on(self, work, given, workers):
            work = getattr(work, "work", work)
            while isinstance(work, partial):
                work = work.func
            name = getattr(work, "__qualname__", type(work).__qualname__)
            ran[name] = ran.get(name, 0) + 1
            yield made

    engine.ordered_map = ordered_map


def main(folder):
    ray_engine.LOOK_SECONDS, ran = 1.0, {}
    _pictures.SENT_PAIRS, _nearest.EXACT_ROWS, _nearest.ASKED = 32, 50, 32
    counted(ray_engine.RayEngine, ran)
    arguments = {"num_cpus": 1, "object_store_memory": STORE}
    cluster = Cluster(initialize_head=True, head_node_args=arguments | {"include_dashboard": False})
    try:
        node = cluster.add_node(**arguments)
        told = compared(folder, cluster, node)
        ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
        node = cluster.add_node(**arguments)
        cluster.wait_for_nodes()
        told |= lost(folder, cluster, node) | of_texts(folder) | deadly()
        node = cluster.add_node(**arguments)
        cluster.wait_for_nodes()
        told |= shards(folder, cluster, node)
        for look in (parted, kept, resampled):
            node = cluster.add_node(**arguments)
            cluster.wait_for_nodes()
            told |= look(folder, cluster, node)
        told |= {"ran": ran}
    finally:
        ray.shutdown()
        cluster.shutdown()
    print("told:" + json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
