"""Measures that are taken by workers of another machine are those that are taken here."""

import dataclasses
import io

import datasets
import numpy as np
import pyarrow as pa
import pytest
from fake_ray import FakeRay, WorkerCrashedError
from PIL import Image

from curate.engines.engine import using
from curate.engines.ray_engine import ALONE, RayEngine
from curate.errors import ConfigError
from curate.evidence import measuring
from curate.evidence.keeper import Pace
from curate.evidence.measurements import registered
from curate.evidence.parcels import SentPass
from curate.evidence.settings import EvidenceSettings
from curate.media.content import content_hashes, row_ids
from curate.stored import Stored
from curate.table import Table
from curate.task import Task

MEDIA = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
IMAGES = ("image.statistics", "image.print")


def png(level):
    rng = np.random.default_rng(level)
    pixels = np.clip(rng.normal(60 + level, 20, (16, 24, 3)), 0, 255).astype(np.uint8)
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "PNG")
    return sink.getvalue()


def table_of(column, role, root=None):
    data = pa.table({role: column})
    hashed = content_hashes([data[role]], root)
    task = Task(kind="unlabeled", **{role: role})
    return Table(datasets.Dataset(data), task, row_ids(hashed.content), hashed.content, root)


def pictures(folder, rows=20):
    """Half embedded, half in files, one of each broken, one file for two rows."""
    values = []
    for row in range(rows):
        data = b"\x89PNG nothing" if row in (3, 4) else png(row)
        if row % 2:
            values.append({"bytes": data, "path": None})
        else:
            (folder / f"{row}.png").write_bytes(data)
            values.append({"bytes": None, "path": f"{row}.png"})
    return table_of(pa.array([*values, values[0]], MEDIA), "image", folder)


def taken(table, names, ray=None, rows=3):
    measures, pace = registered(names), Pace(chunk_rows=rows)
    if ray is None:
        return measuring.take(table, measures, EvidenceSettings(isolate=False), pace=pace)
    with using(RayEngine(ray)):
        return measuring.take(table, measures, EvidenceSettings(), pace=pace)


def same(one, other):
    assert one.broken == other.broken
    assert one.values.keys() == other.values.keys()
    for name, values in one.values.items():
        assert values.dtype == other.values[name].dtype
        np.testing.assert_array_equal(values, other.values[name])


def test_pictures_in_memory_and_in_files(tmp_path):
    table, ray = pictures(tmp_path), FakeRay()
    here, there = taken(table, IMAGES), taken(table, IMAGES, ray)
    same(here, there)
    assert sorted(there.broken) == [3, 4]
    assert ray.done == 7


@pytest.mark.parametrize("rows", [1, 5, 100])
def test_texts(rows):
    table = table_of(pa.array(["a text", "", None, "another text, with a link http://x.y", "a text"]), "text")
    names = ("text.statistics", "text.minhash")
    same(taken(table, names), taken(table, names, FakeRay(), rows))


def test_series():
    rng = np.random.default_rng(0)
    table = table_of(pa.array([rng.normal(size=50).tolist() for _ in range(9)]), "series")
    same(taken(table, ["series.statistics"]), taken(table, ["series.statistics"], FakeRay()))


def test_files_that_a_node_lacks_are_sent(tmp_path):
    table, nowhere = pictures(tmp_path), tmp_path / "nowhere"

    def moved(value):
        if isinstance(value, SentPass):
            value._pass._root = nowhere
        return value

    ray = FakeRay(moved=moved)
    same(taken(table, IMAGES), taken(table, IMAGES, ray))
    # Of 7 chunks all but the last have a file among their rows.
    assert ray.done == 13


def test_a_file_that_is_gone_everywhere_is_reported_once(tmp_path):
    table = pictures(tmp_path)
    (tmp_path / "6.png").unlink()
    here, there = taken(table, IMAGES), taken(table, IMAGES, FakeRay())
    same(here, there)
    assert "6.png" in there.broken[6]


def stored(folder):
    table = table_of(pa.array([f"text number {row}" for row in range(10)]), "text")
    path = folder / "table.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, pa.schema([("text", pa.string())])) as writer:
        writer.write_table(table.dataset.with_format("arrow")[:])
    return table, dataclasses.replace(table, dataset=Stored(path))


def test_rows_of_a_mapped_file_are_named_and_not_sent(tmp_path):
    in_memory, mapped = stored(tmp_path)
    sizes = []

    def moved(value):
        if not isinstance(value, SentPass):
            sizes.append(hasattr(value.chunk.columns, "stored"))
        return value

    same(taken(in_memory, ["text.statistics"]), taken(mapped, ["text.statistics"], FakeRay(moved=moved)))
    assert sizes == [True] * 4


def test_rows_of_a_mapped_file_that_a_node_has_another_of_are_sent(tmp_path):
    in_memory, mapped = stored(tmp_path)

    def moved(value):
        if not isinstance(value, SentPass) and hasattr(value.chunk.columns, "stored"):
            return dataclasses.replace(
                value, chunk=dataclasses.replace(value.chunk, columns=dataclasses.replace(value.chunk.columns, size=1))
            )
        return value

    ray = FakeRay(moved=moved)
    same(taken(in_memory, ["text.statistics"]), taken(mapped, ["text.statistics"], ray))
    assert ray.done == 8


def test_other_versions_on_a_node_are_refused(tmp_path):
    def moved(value):
        if isinstance(value, SentPass):
            value._prints["image.statistics"] = "0" * 32
        return value

    with pytest.raises(ConfigError, match=r"other versions of the libraries behind image\.statistics; install"):
        taken(pictures(tmp_path), IMAGES, FakeRay(moved=moved))


def test_a_row_on_which_workers_die_is_reported_and_the_others_measured(tmp_path):
    table = pictures(tmp_path)

    class Deadly(FakeRay):
        def get(self, ref):
            piece = self.open[ref][3]
            if 7 in piece.chunk.rows:
                self.open.pop(ref)
                raise WorkerCrashedError
            return super().get(ref)

    here, there = taken(table, IMAGES), taken(table, IMAGES, Deadly(), 8)
    assert there.broken[7].endswith(f"died or took too long, {ALONE} times with this row alone")
    assert there.broken.keys() - here.broken.keys() == {7}
    for name, values in here.values.items():
        others = np.arange(len(table)) != 7
        np.testing.assert_array_equal(values[others], there.values[name][others])


def test_nothing_of_a_parcel_travels_twice(tmp_path):
    sent = []

    def moved(value):
        if not isinstance(value, SentPass):
            sent.append(value.read_here)
        return value

    taken(pictures(tmp_path), IMAGES, FakeRay(moved=moved))
    assert sent == [None] * 7
