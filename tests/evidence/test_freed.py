"""Freed memory goes back to the system where the allocator can do that, and only for sets that are large."""

import platform

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
