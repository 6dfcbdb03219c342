import os
import signal
import subprocess
import sys
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pytest

from curate.errors import ConfigError, DataError, MissingPackage, StorageError
from curate.evidence import measuring
from curate.evidence.cache import Cache
from curate.evidence.keeper import Pace
from curate.evidence.measure import Measure
from curate.evidence.measures import MEASURES, by_field
from curate.evidence.settings import EvidenceSettings
from curate.media import audio, image
from curate.media.content import content_hashes, row_ids
from curate.table import Table
from curate.task import Task

ABSENT = {
    "audio.quiet_stretches",  # no such stretch
    "audio.flat_peak_stretch",
    "audio.channel_difference_db",  # mono
    "audio.channel_sum_db",
    "audio.snr_db",  # too short to tell
    "audio.bandwidth_hz",
    "video.print_seconds",  # pictures that a shorter video does not have
    "video.fineness",  # no frame has detail
    "video.edge_kurtosis",
}
"""Measures that a whole file may lack."""
MEDIA = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def table_of(columns, root=None, **roles):
    data = pa.table(columns)
    names = [name for role in roles.values() for name in ((role,) if isinstance(role, str) else role)]
    hashed = content_hashes([data[name] for name in names], root)
    return Table(datasets.Dataset(data), Task(kind="unlabeled", **roles), row_ids(hashed.content), hashed.content, root)


def images_of(payloads):
    return table_of({"image": pa.array([{"bytes": data, "path": None} for data in payloads], MEDIA)}, image="image")


def png(level, side=8):
    return image.encode_png(np.full((side, side, 3), level, np.uint8))


def take(table, measures, cache=None, workers=1, chunk=7, progress=None, isolate=False, **limits):
    pace = Pace(chunk_rows=chunk, flush_rows=1)
    settings = EvidenceSettings(workers=workers, isolate=isolate, **limits)
    return measuring.take(table, measures, settings, cache, progress, pace)


def same(left, right):
    assert left.broken == right.broken
    assert left.values.keys() == right.values.keys()
    for name, values in left.values.items():
        np.testing.assert_array_equal(values, right.values[name])


class Level(Measure):
    """Mean level of an image; counts its calls and items, and fails on a level."""

    name = "image.test_level"
    modality = "image"
    fields = {"image.test_level": ("float32", ()), "image.test_vector": ("float32", (2,))}

    def __init__(self, fails_on=None, parallel=True):
        self.fails_on, self.parallel, self.items = fails_on, parallel, 0

    def measure(self, items):
        levels = np.array([item.pixels.mean() for item in items])
        if self.fails_on is not None and (levels == self.fails_on).any():
            raise ValueError(f"level {self.fails_on}")
        self.items += len(items)
        return {"image.test_level": levels, "image.test_vector": np.stack([levels, -levels], 1)}


@pytest.fixture(scope="module")
def mixed():
    """40 images: levels 0 to 39, of which row 5 is cut off, 11 is no image, 17 and 30 equal row 3."""
    payloads = [png(level) for level in range(40)]
    payloads[5] = payloads[5][:40]
    payloads[11] = b"<html>404</html>"
    payloads[17] = payloads[30] = payloads[3]
    return images_of(payloads)


def test_every_row_is_measured_or_named(mixed):
    level = Level()
    found = take(mixed, [level, by_field("image.brightness")])
    assert sorted(found.broken) == [5, 11]
    assert "cut off" in found.broken[5]
    assert "HTML" in found.broken[11]
    expected = np.arange(40, dtype=np.float32)
    expected[[5, 11]] = np.nan
    expected[[17, 30]] = 3
    np.testing.assert_array_equal(found.values["image.test_level"], expected)
    np.testing.assert_array_equal(found.values["image.test_vector"], np.stack([expected, -expected], 1))
    assert found.values["image.width"].tolist() == [-1 if row in (5, 11) else 8 for row in range(40)]
    assert level.items == 36  # 40 less 2 broken and 2 copies
    assert found.facts["image"] == {"rows": 38, "hits": 0, "measured": 38, "broken": 2}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("chunk", [1, 7, 100, None])
def test_workers_and_chunks_change_nothing(workers, chunk, mixed):
    measures = [Level(), by_field("image.brightness"), by_field("image.border_fraction")]
    same(take(mixed, measures, workers=workers, chunk=chunk), take(mixed, measures))


def test_the_order_of_rows_changes_nothing_else(mixed):
    order = np.random.default_rng(0).permutation(40)
    straight, turned = take(mixed, [Level()]), take(mixed.select(order), [Level()])
    for name, values in straight.values.items():
        np.testing.assert_array_equal(values[order], turned.values[name])
    assert {int(order[row]): reason for row, reason in turned.broken.items()} == straight.broken


def test_memory_bounds_change_nothing(mixed, monkeypatch):
    straight = take(mixed, [Level()])
    monkeypatch.setattr("curate.evidence.decoding.GROUP_BYTES", 1)
    same(take(mixed, [Level()]), straight)


def test_each_row_is_decoded_once_for_all_measures(mixed, monkeypatch):
    calls = []
    decode = image.decode
    monkeypatch.setattr(image, "decode", lambda *given: calls.append(1) or decode(*given))
    level = Level()
    level.least_side = by_field("image.brightness").least_side
    take(mixed, [measure for measure in MEASURES if measure.modality == "image"] + [level])
    assert len(calls) == 38


def test_what_wants_all_pixels_is_shown_all(monkeypatch):
    import cv2

    rng = np.random.default_rng(0)
    small = rng.integers(0, 255, (30, 26, 3), dtype=np.uint8)
    wide = cv2.resize(small, (2_600, 3_000), interpolation=cv2.INTER_CUBIC)
    table = images_of([image.encode(picture, "JPEG") for picture in (small, wide)])
    sides = []

    class Side(Level):
        def measure(self, items):
            sides.extend(max(item.pixels.shape[:2]) for item in items)
            return super().measure(items)

    whole = take(table, [Side(), by_field("image.brightness")])
    assert sides == [30, 3_000]
    part = Side()
    part.least_side = 1_024
    reduced = take(table, [part, by_field("image.brightness")])
    assert sides[2:] == [30, 1_500]
    assert whole.values["image.width"].tolist() == reduced.values["image.width"].tolist() == [26, 2_600]
    np.testing.assert_array_equal(whole.values["image.brightness"], reduced.values["image.brightness"])
    np.testing.assert_allclose(whole.values["image.test_level"], reduced.values["image.test_level"], atol=0.5)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_a_failing_measure_costs_only_the_row_it_fails_on(workers, chunk, mixed):
    found = take(mixed, [Level(fails_on=20.0), by_field("image.brightness")], workers=workers, chunk=chunk)
    assert sorted(found.broken) == [5, 11, 20]
    assert found.broken[20] == "image.test_level failed: ValueError: level 20.0"
    assert np.isfinite(found.values["image.test_level"]).sum() == 37
    assert np.isfinite(found.values["image.brightness"]).sum() == 38


def test_what_a_measure_failed_on_is_not_cached(mixed, tmp_path):
    take(mixed, [Level(fails_on=20.0)], tmp_path)
    found = take(mixed, [Level()], tmp_path)
    assert sorted(found.broken) == [5, 11]
    assert found.facts["image"]["measured"] == 1


def test_a_measure_that_fails_everywhere_ends_the_run(mixed):
    class Never(Level):
        def measure(self, items):
            raise ValueError("no model")

    with pytest.raises(DataError, match=r"no model .and so on all 36 rows"):
        take(mixed, [Never()])


def test_a_missing_package_ends_the_run(mixed):
    class Lacking(Level):
        def measure(self, items):
            raise MissingPackage("thing", "image", "measuring")

    with pytest.raises(MissingPackage):
        take(mixed, [Lacking()], workers=2)


def test_a_measure_that_breaks_its_word_is_an_error(mixed):
    class Liar(Level):
        def measure(self, items):
            return {"image.test_level": np.zeros(len(items) + 1), "image.test_vector": np.zeros((len(items), 2))}

    with pytest.raises(ValueError, match=r"shape .* declared"):
        take(mixed, [Liar()])


def test_unequal_tasks_and_fields_are_refused(mixed):
    with pytest.raises(ConfigError, match="needs audio"):
        take(mixed, [by_field("audio.peak")])
    with pytest.raises(ConfigError, match="two measures give"):
        take(mixed, [Level(), Level()])
    with pytest.raises(ConfigError, match=r"did you mean .image\.brightness."):
        by_field("image.brightnes")


def test_the_second_run_decodes_nothing(mixed, tmp_path, monkeypatch):
    first = take(mixed, [Level(), by_field("image.border_fraction")], tmp_path)
    monkeypatch.setattr(image, "decode", None)
    second = take(mixed, [Level(), by_field("image.border_fraction")], tmp_path)
    same(first, second)
    assert second.facts["image"] == {"rows": 38, "hits": 38, "measured": 0, "broken": 2}


def test_new_rows_cost_new_rows_alone(mixed, tmp_path):
    take(mixed, [Level()], tmp_path)
    more = images_of([png(level) for level in (200, 3, 201, 4)])
    level = Level()
    found = take(more, [level], tmp_path)
    assert level.items == 2
    assert found.values["image.test_level"].tolist() == [200, 3, 201, 4]


def test_a_new_measure_leaves_the_others_alone(mixed, tmp_path):
    take(mixed.select(range(20)), [Level()], tmp_path)
    level = Level()
    found = take(mixed, [level, by_field("image.brightness")], tmp_path)
    assert level.items == 19  # rows 20 to 39, less the copy of row 3
    assert np.isfinite(found.values["image.brightness"]).sum() == 38


def test_versions_parameters_and_limits_are_part_of_the_key(mixed, tmp_path):
    take(mixed, [Level()], tmp_path)
    other = Level()
    other.version = 2
    assert take(mixed, [other], tmp_path).facts["image"]["hits"] == 2  # the undecodable rows
    third = Level()
    third.parameters = {"x": 1}
    assert take(mixed, [third], tmp_path).facts["image"]["hits"] == 2
    small = take(mixed, [Level()], tmp_path, max_pixels=63)
    assert len(small.broken) == 40
    assert "max_pixels" in small.broken[0]
    assert len(take(mixed, [Level()], tmp_path).broken) == 2


def test_damaged_chunks_are_measured_again(mixed, tmp_path):
    first = take(mixed, [Level()], tmp_path)
    chunks = sorted(tmp_path.rglob("*.arrow"))
    assert len(chunks) > 4
    raw = bytearray(chunks[2].read_bytes())
    raw[len(raw) // 2] ^= 1
    chunks[2].write_bytes(raw)
    second = take(mixed, [Level()], tmp_path)
    same(first, second)
    assert second.facts["image"]["measured"] > 0
    assert len(second.notes) == 1
    assert "damaged" in second.notes[0]
    assert take(mixed, [Level()], tmp_path).facts["image"]["measured"] == 0


def test_a_cache_that_cannot_be_written_costs_a_note(mixed, tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("curate.evidence.cache.write", refuse)
    found = take(mixed, [Level()], tmp_path)
    same(found, take(mixed, [Level()]))
    assert len(found.notes) == 1
    assert "Permission denied" in found.notes[0]


def test_a_file_in_place_of_the_cache_is_refused(mixed, tmp_path):
    (tmp_path / "cache").write_text("")
    with pytest.raises(StorageError):
        take(mixed, [Level()], tmp_path / "cache")


def test_an_interrupted_run_keeps_its_chunks(mixed, tmp_path):
    class Stops(Level):
        def measure(self, items):
            if self.items >= 14:
                raise KeyboardInterrupt
            return super().measure(items)

    with pytest.raises(KeyboardInterrupt):
        take(mixed, [Stops()], tmp_path)
    level = Level()
    found = take(mixed, [level], tmp_path)
    assert level.items < 36
    same(found, take(mixed, [Level()]))


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[1])
import importlib.util
spec = importlib.util.spec_from_file_location("measuring_tests", sys.argv[2])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)

class Level(tests.Level):
    def measure(self, items):
        if self.items >= 21:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().measure(items)

table = tests.images_of([tests.png(level) for level in range(60)])
tests.take(table, [Level()], Path(sys.argv[3]), workers=int(sys.argv[4]), chunk=7)
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_resumes(workers, tmp_path):
    here = Path(__file__)
    command = [sys.executable, "-c", KILLED, str(here.parents[2]), str(here), str(tmp_path), str(workers)]
    run = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert run.returncode == -signal.SIGKILL, run.stderr
    table = images_of([png(level) for level in range(60)])
    level = Level()
    resumed = take(table, [level], tmp_path)
    kept = resumed.facts["image"]["hits"]
    assert level.items == 60 - kept
    # One worker writes a chunk before it begins the next; with two, some of those in flight are lost.
    assert kept == 21 if workers == 1 else kept <= 28
    assert resumed.values["image.test_level"].tolist() == list(range(60))
    assert Cache(tmp_path).verify() == []


def test_files_that_vanish_are_named_and_not_remembered(tmp_path):
    for level in range(3):
        (tmp_path / f"{level}.png").write_bytes(png(level))
    column = pa.array([{"bytes": None, "path": f"{level}.png"} for level in range(3)], MEDIA)
    table = table_of({"image": column}, tmp_path, image="image")
    (tmp_path / "1.png").rename(tmp_path / "gone.png")
    cache = tmp_path / "cache"
    found = take(table, [Level()], cache)
    assert list(found.broken) == [1]
    assert "does not exist" in found.broken[1]
    (tmp_path / "gone.png").rename(tmp_path / "1.png")
    assert take(table, [Level()], cache).broken == {}


@pytest.mark.parametrize("isolate", [False, True])
def test_files_that_change_are_named_and_keep_their_place_in_the_cache_free(isolate, tmp_path):
    for level in range(3):
        (tmp_path / f"{level}.png").write_bytes(png(level))
    column = pa.array([{"bytes": None, "path": f"{level}.png"} for level in range(3)], MEDIA)
    table = table_of({"image": column}, tmp_path, image="image")
    (tmp_path / "1.png").write_bytes(png(200))
    (tmp_path / "2.png").write_bytes(png(2)[:-20])
    found = take(table, [Level()], tmp_path / "cache", isolate=isolate)
    assert found.broken == {row: f"'{row}.png' has changed since the data were read; run again" for row in (1, 2)}
    assert np.isnan(found.values["image.test_level"][1:]).all()
    for level in range(3):
        (tmp_path / f"{level}.png").write_bytes(png(level))
    again = take(table, [Level()], tmp_path / "cache", isolate=isolate)
    assert again.broken == {}
    assert again.values["image.test_level"].tolist() == [0, 1, 2]


def test_rows_that_the_source_could_not_read_are_not_touched(mixed):
    from dataclasses import replace

    problems = pa.table({"row": [2, 3], "issue": ["unreadable", "label_format"], "reason": ["ragged line", "x"]})
    table = replace(mixed, problems=problems)
    found = take(table, [Level()])
    assert found.broken[2] == "ragged line"
    assert sorted(found.broken) == [2, 5, 11]
    assert np.isnan(found.values["image.test_level"][2])
    assert found.values["image.test_level"][3] == 3


def test_missing_media_are_broken_rows(mixed):
    column = pa.array([{"bytes": png(1), "path": None}, None, {"bytes": None, "path": None}], MEDIA)
    found = take(table_of({"image": column}, image="image"), [Level()])
    assert sorted(found.broken) == [1, 2]


def test_many_modalities_in_one_task():
    sound = audio.encode_wav(np.full((1, 800), 0.5, np.float32), 8_000)
    columns = {
        "image": pa.array([{"bytes": png(9), "path": None}, {"bytes": b"x", "path": None}, None], MEDIA),
        "audio": pa.array([{"bytes": sound, "path": None}] * 3, MEDIA),
        "text": pa.array(["two words", None, "你好"]),
        "series": pa.array([[1.0, 2.0], [3.0], None], pa.list_(pa.float64())),
        "age": pa.array([1.0, None, float("nan")]),
        "city": pa.array(["a", "b", None]),
    }
    roles = {name: name for name in ("image", "audio", "text", "series")}
    table = table_of(columns, **roles, features=("age", "city"))
    found = take(table, [measure for measure in MEASURES if measure.modality in table.task.modalities], chunk=2)
    assert sorted(found.broken) == [1, 2]
    assert found.values["image.width"].tolist() == [8, -1, -1]
    np.testing.assert_allclose(found.values["audio.peak"], 0.5, atol=1e-4)
    assert found.values["text.words"].tolist() == [2, -1, 2]
    assert found.values["series.length"].tolist() == [2, 1, -1]
    np.testing.assert_allclose(found.values["features.missing_fraction"], [0, 0.5, 1])
    assert found.values["image.format"].tolist() == ["PNG", "", ""]
    assert found.values["text.characters"].dtype == np.int32


def test_measures_that_are_not_parallel_run_one_at_a_time(mixed):
    import threading

    class Alone(Level):
        inside = threading.Semaphore(1)

        def measure(self, items):
            assert self.inside.acquire(blocking=False)
            try:
                return super().measure(items)
            finally:
                self.inside.release()

    found = take(mixed, [Alone(parallel=False)], workers=4, chunk=1)
    assert sorted(found.broken) == [5, 11]


def test_a_model_that_says_so_is_run_by_several_threads_of_one_thread_each(mixed):
    import threading
    import time

    torch = pytest.importorskip("torch")
    inside, seen = [], []

    class Model(Level):
        at_once = property(lambda self: 2)

        def measure(self, items):
            inside.append(threading.get_ident())
            seen.append((len(inside), torch.get_num_threads()))
            time.sleep(0.02)
            inside.pop()
            return super().measure(items)

    found = take(mixed, [Model(parallel=False)], workers=4, chunk=1)
    assert sorted(found.broken) == [5, 11]
    assert {count for count, _ in seen} == {1, 2}
    assert {threads for _, threads in seen} == {1}


def test_an_empty_table_and_no_measures():
    empty = images_of([])
    found = take(empty, [Level()])
    assert found.values["image.test_vector"].shape == (0, 2)
    assert found.broken == {}
    assert take(images_of([png(1)]), []).values == {}


def test_progress_ends_at_the_total(mixed):
    seen = []
    take(mixed, [Level()], progress=lambda *given: seen.append(given))
    assert seen[-1] == ("measure image", 38, 38)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_real_sets_are_whole_and_equal_over_workers(shared_data, tmp_path):
    sets = {
        "image": sorted((shared_data / "cifar10n_3000" / "images").glob("*/*.jpg"))[::10],
        "audio": sorted((shared_data / "fsdd_600" / "recordings").glob("*.wav"))[::6],
        "video": sorted((shared_data / "video_scenes" / "clips").rglob("*.mp4"))[::4],
    }
    for role, paths in sets.items():
        column = pa.array([{"bytes": None, "path": str(p.relative_to(shared_data))} for p in paths], MEDIA)
        table = table_of({role: column}, shared_data, **{role: role})
        measures = [measure for measure in MEASURES if measure.modality == role]
        one = take(table, measures, workers=1, chunk=7)
        same(one, take(table, measures, tmp_path, workers=2, chunk=100))
        same(one, take(table, measures, tmp_path, workers=2))
        assert one.broken == {}
        for field, (dtype, _) in [pair for measure in measures for pair in measure.fields.items()]:
            if dtype == "float32" and field not in ABSENT:
                assert np.isfinite(one.values[field]).all(), field
