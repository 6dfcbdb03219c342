import errno
import os
import tempfile
import threading

import numpy as np
import pyarrow as pa
import pytest

import curate
from curate.engines.watched import can_watch
from curate.errors import ConfigError, StorageError
from curate.evidence import Evidence, EvidenceSettings, memory
from curate.evidence.measure import Measure, blank
from curate.media import audio, image
from curate.media.weights import decoded_bytes

MEDIA = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
RNG = np.random.default_rng(0)


def pictures(sides):
    payloads = [image.encode(RNG.integers(0, 255, (side, side, 3), dtype=np.uint8), "JPEG") for side in sides]
    column = pa.array([{"bytes": data, "path": None} for data in payloads], MEDIA)
    return curate.load(pa.table({"image": column}), curate.Task(kind="unlabeled", image="image"))


@pytest.fixture
def unlimited():
    yield
    memory.limit_memory(None)


@pytest.mark.parametrize(
    ("given", "size"),
    [("2GB", 2 * 10**9), ("512 MiB", 2**29), ("1.5gib", 3 * 2**29), (10**9, 10**9), ("90m", 9 * 10**7)],
)
def test_amounts_of_memory(given, size):
    assert memory.parse_ceiling(given) == size
    assert EvidenceSettings(memory=given).memory == size


@pytest.mark.parametrize("given", ["much", "2 GBit", "-1GB", "1MB", 5, ""])
def test_what_is_no_amount_is_refused(given):
    with pytest.raises(ConfigError, match="memory"):
        EvidenceSettings(memory=given)


def test_the_option_of_the_process_goes_first(unlimited):
    assert memory.ceiling(None) is None
    assert memory.ceiling(10**9) == 10**9
    memory.limit_memory("2GB")
    assert memory.ceiling(10**9) == 2 * 10**9
    with pytest.raises(ConfigError, match="--memory: 'lots' is no amount"):
        memory.limit_memory("lots")


def test_who_asks_for_too_much_waits_until_it_is_there():
    room, order = memory.Room(10), []
    assert room.take(6, wait=False)
    assert not room.take(5, wait=False)
    waiting = threading.Thread(target=lambda: order.append(room.take(10, wait=True)))
    waiting.start()
    room.give_back(6)
    waiting.join(10)
    assert order == [True]
    assert not room.take(1, wait=False)


def test_chunks_shrink_with_the_ceiling():
    assert memory.chunk_rows(256, None, 4_200, 2) == 256
    assert memory.chunk_rows(256, 10**9, 4_200, 2) == 256
    assert memory.chunk_rows(256, 64_000_000, 100_000, 4) == 20
    assert memory.chunk_rows(256, 64_000_000, 10**9, 4) == 1


def test_values_beyond_the_ceiling_stand_in_a_file():
    fields = {"print": ("int8", (64, 64)), "level": ("float32", ()), "wide": ("float32", (900,)), "name": ("str", ())}
    values = memory.blanks(fields, 6_000, 64_000_000)
    assert [name for name in fields if isinstance(values[name], np.memmap)] == ["print", "wide"]
    for name, (dtype, shape) in fields.items():
        np.testing.assert_array_equal(values[name], blank(dtype, shape, 6_000))
    values["print"][17] = 3
    assert (values["print"][17] == 3).all()
    assert not any(isinstance(array, np.memmap) for array in memory.blanks(fields, 6_000, None).values())


def test_weights_are_near_what_decoding_takes():
    jpeg = image.encode(np.zeros((400, 300, 3), np.uint8), "JPEG")
    png = image.encode_png(np.zeros((400, 300, 3), np.uint8))
    assert decoded_bytes(jpeg, "image") == len(jpeg) + 400 * 300 * 9
    assert decoded_bytes(png, "image") == len(png) + 400 * 300 * 12
    wav = audio.encode_wav(np.zeros((2, 8_000), np.float32), 8_000)
    assert decoded_bytes(wav, "audio") == len(wav) + 2 * 8_000 * 16
    assert decoded_bytes(b"not media", "video") == 9


@pytest.mark.parametrize("isolate", [True, False])
def test_a_ceiling_changes_no_value_and_names_what_is_too_large(isolate):
    if isolate and not can_watch():
        pytest.skip("watched processes are forks, which this system has not")
    table = pictures([40, 2_000, 60, 1_000, 1_200, 80])
    wide = Evidence(table, EvidenceSettings(encoder="classic", workers=2, isolate=isolate))
    narrow = Evidence(table, EvidenceSettings(encoder="classic", workers=2, isolate=isolate, memory="64MB"))
    assert dict(wide.broken) == {}
    assert list(narrow.broken) == [1]
    assert "more than half of the memory that may be taken (64 MB; memory)" in narrow.broken[1]
    there = [0, 2, 3, 4, 5]
    for name in ("image.sharpness", "image.print", "image.width"):
        np.testing.assert_array_equal(wide.measure(name)[there], narrow.measure(name)[there])


def test_a_ceiling_leaves_fewer_models_at_once():
    class Model(Measure):
        name, modality, parallel, at_once = "test.model", "text", False, property(lambda self: 8)

    assert memory.models_at_once(Model(), None) == 8
    assert memory.models_at_once(Model(), 2 * 10**9) == 3
    assert memory.models_at_once(Model(), 10**8) == 1


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="room is asked for on POSIX alone")
def test_values_that_the_disk_has_no_room_for_are_an_error_not_a_crash(monkeypatch, tmp_path):
    asked = []

    def full(descriptor, start, size):
        asked.append(size)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StorageError, match=r"the disk is full.*TMPDIR"):
        memory.blanks({"wide": ("float32", (256,))}, 1000, limit=1000)
    assert asked == [4 * 256 * 1000]
