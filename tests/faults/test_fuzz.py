"""A small turn of the fuzzer: mutated media never crash, hang or escape the decoders, and are accounted for."""

import numpy as np
import pytest

from benchmarks._fuzz_child import became
from benchmarks._fuzz_seeds import seeds
from benchmarks._mutations import MUTATORS, mutated
from benchmarks.fuzz import FAULTS, Decoding, decode, mutants, write
from curate.evidence.measure import Measure
from curate.evidence.narrowing import measure_all

FILES = {"image": 120, "audio": 60, "video": 30}


@pytest.mark.parametrize("modality", FILES)
def test_decoders(modality, tmp_path):
    paths = [path for folder in write(modality, FILES[modality], 3, tmp_path) for path in folder.glob("?/0*")]
    assert len(paths) == FILES[modality]
    counts = decode(modality, paths, limit=60.0, workers=1)
    assert not any(counts.outcomes[fault] for fault in FAULTS), counts.faults
    assert counts.outcomes["fine"] + counts.outcomes["unreadable"] == FILES[modality]
    assert counts.outcomes["unreadable"] > FILES[modality] / 3


def test_a_row_that_a_measure_fails_on_is_a_fault():
    class Upset(Measure):
        name, version, modality, fields = "upset", 1, "audio", {"upset": ("float32", ())}

        def measure(self, items):
            raise MemoryError("244 GiB")

    [reason] = measure_all(Upset(), ["one"])[1].values()
    assert became(reason)["outcome"] == "escaped"
    assert became("the WAV audio is cut off: 0.50 s of 1.00 s are there")["outcome"] == "unreadable"


def test_a_mutant_depends_on_its_number_and_the_seed_alone():
    few = [(name, how) for name, _, how in mutants("image", 5, 7)]
    many = [(name, how) for name, _, how in mutants("image", 9, 7)]
    assert many[:5] == few
    assert [how for _, _, how in mutants("image", 9, 8)] != [how for _, how in many]


def test_every_mutation_takes_every_length():
    rng = np.random.default_rng(0)
    for change in MUTATORS:
        for length in (1, 2, 5, 700):
            data = rng.bytes(length)
            assert isinstance(change(data, rng, b"xyz"), bytes)
    data, how = mutated(next(iter(seeds("image").values())), b"x" * 50, rng)
    assert 1 <= len(how) <= 4
    assert isinstance(data, bytes)


def test_a_child_that_dies_or_hangs_is_counted_and_replaced(tmp_path):
    import os
    import stat

    good, pipe = tmp_path / "good.png", tmp_path / "pipe.png"
    good.write_bytes(seeds("image")["plain.png"])
    os.mkfifo(pipe)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    child = Decoding("image", limit=1.0)
    try:
        assert child.ask(good)["outcome"] == "fine"
        assert child.ask(pipe)["outcome"] == "hung"
        assert child.ask(tmp_path / "missing.png")["outcome"] == "crashed"
        child._limit = 60.0
        assert child.ask(good)["outcome"] == "fine"
    finally:
        child.close()
