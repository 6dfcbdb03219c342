"""Freed memory goes back to the system where the allocator can do that, and only for sets that are large."""

import platform
import resource
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from curate.evidence import freed


def test_only_large_sets_give_memory_back(monkeypatch):
    calls = []
    monkeypatch.setattr(freed, "_trim", lambda: calls.append)
    freed.give_back(freed.LEAST_ROWS - 1)
    assert calls == []
    freed.give_back(freed.LEAST_ROWS)
    assert calls == [0]


def test_an_allocator_without_such_a_call_is_left_alone(monkeypatch):
    asked = []
    monkeypatch.setattr(freed, "_trim", lambda: asked.append("which call"))
    freed.give_back(10**9)
    assert asked == ["which call"]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_the_call_of_this_system_can_be_made():
    assert freed._trim()(0) in (0, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_arrow_gives_back_what_it_keeps_for_later():
    arrow = pa.array(["a text of some length"] * 2_000_000)
    taken = resident()
    del arrow
    freed.give_back(freed.LEAST_ROWS)
    assert resident() < taken - 30_000_000  # of 50 million bytes


def resident():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
