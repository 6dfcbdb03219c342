"""Measures that workers of a cluster can import: one that a row ends its worker with, and one that lacks a package."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from curate.balance.resampling.nearest import _Search
from curate.errors import MissingPackage
from curate.evidence.measure import Measure


class Deadly(Measure):
    name, modality = "test.deadly", "text"
    fields = {"test.length": ("int64", ())}

    def measure(self, items):
        texts = items.to_pylist()
        if "deadly" in texts:
            os._exit(11)
        return {"test.length": np.array([len(text) for text in texts])}


class Hanging(Measure):
    name, modality = "test.hanging", "text"
    fields = {"test.hung": ("int64", ())}

    def measure(self, items):
        while "hanging" in items.to_pylist():
            time.sleep(1)
        return {"test.hung": np.zeros(len(items), np.int64)}


class Vectors(Measure):
    """A vector that hangs on the text alone."""

    name, modality, width = "test.vectors", "text", 48
    fields = {"test.vectors": ("float32", (width,))}

    def measure(self, items):
        seeds = [list(text.encode()) for text in items.to_pylist()]
        vectors = [np.random.default_rng(seed).normal(size=self.width) for seed in seeds]
        return {"test.vectors": np.array(vectors, np.float32).reshape(-1, self.width)}


class Held(Measure):
    """One node holds its first chunk until it is killed, and a file tells that it has begun."""

    name, modality = "test.held", "text"
    fields = {"test.number": ("int64", ())}

    def __init__(self, mark, node):
        self.mark, self.node = mark, node

    def measure(self, items):
        import ray

        if ray.get_runtime_context().get_node_id() == self.node:
            self.mark.touch()
            time.sleep(60)
        time.sleep(0.1)
        return {"test.number": np.array([int(text.split()[1]) for text in items.to_pylist()])}


class Lacking(Measure):
    name, modality = "test.lacking", "text"
    fields = {"test.lack": ("int64", ())}

    def measure(self, items):
        raise MissingPackage("unobtainium", "text", "the measure test.lacking")


class HeldShard:
    """One node writes half of its first shard and holds it until it is killed, and a file tells that it has begun."""

    def __init__(self, mark, node):
        self.mark, self.node = mark, node

    def __call__(self, reading, blocks, path, first):
        import ray

        from curate.pipeline.exporting import webdataset

        if ray.get_runtime_context().get_node_id() == self.node:
            path.write_bytes(b"half of a shard")
            self.mark.touch()
            time.sleep(60)
        time.sleep(0.1)
        webdataset._write(reading, blocks, path, first)


@dataclass
class HeldSearch(_Search):
    """One node holds its first block of a search until it is killed, and a file tells that it has begun."""

    mark: Path | None = None
    node: str = ""

    def __call__(self, values, queries):
        import ray

        if self.mark is not None and ray.get_runtime_context().get_node_id() == self.node:
            self.mark.touch()
            time.sleep(60)
        time.sleep(0.1)
        return super().__call__(values, queries)
