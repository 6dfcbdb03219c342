import ctypes
import multiprocessing
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from curate.engines.attention import looking_at
from curate.engines.watched import can_watch, watched_map
from curate.errors import ConfigError, DataError, MissingPackage

pytestmark = pytest.mark.skipif(not can_watch(), reason="watched processes are forks, which this system has not")


@dataclass
class Some:
    rows: np.ndarray

    def alone(self):
        return [Some(self.rows[place : place + 1]) for place in range(len(self.rows))]


def chunks(rows=40, size=7):
    return [Some(np.arange(start, min(start + size, rows))) for start in range(0, rows, size)]


def lost(chunk, why, for_good):
    return [(int(chunk.rows[0]), why, for_good)]


def collected(fate, workers=2, row_seconds=60.0, given=None):
    """What becomes of rows: row -> itself, or why it was lost."""

    def work(chunk):
        out = []
        for row in chunk.rows.tolist():
            looking_at(row)
            fate(row)
            out.append((row, row, None))
        looking_at()
        return out

    found = {}
    for made in watched_map(work, chunks() if given is None else given, lost, workers, row_seconds):
        for row, value, for_good in made:
            assert row not in found
            found[row] = value if for_good is None else (value, for_good)
    return found


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_every_row_is_done_once_in_another_process(workers):
    here = os.getpid()

    def elsewhere(row):
        assert os.getpid() != here

    assert collected(elsewhere, workers) == {row: row for row in range(40)}


def homes(workers, processes):
    return set(watched_map(lambda chunk: (os.getpid(), chunk.rows[0]), chunks(), lost, workers, 60.0, processes))


@pytest.mark.parametrize(("workers", "processes", "expected"), [(3, 0, 3), (3, 2, 2), (4, 1, 1), (20, 0, 6)])
def test_workers_are_processes_of_their_own_unless_told_otherwise(workers, processes, expected):
    found = homes(workers, processes)
    assert len({home for home, _ in found}) == expected
    assert sorted(row for _, row in found) == [0, 7, 14, 21, 28, 35]


def test_a_crash_leaves_the_other_processes_alone():
    """The first row crashes one process; the other one does all that it has."""
    homes = {}

    def work(chunk):
        looking_at(int(chunk.rows[0]))
        if chunk.rows[0] == 0:
            ctypes.string_at(0)
        return [(int(row), os.getpid(), None) for row in chunk.rows]

    for made in watched_map(work, chunks(), lost, 2, 60.0):
        homes.update({row: home for row, home, _ in made})
    assert sorted(homes) == list(range(40))
    assert homes[0] == "its decoder crashed (SIGSEGV)"
    second = {homes[row] for start in (7, 21) for row in range(start, start + 7)}
    assert len(second) == 1


def test_a_process_that_takes_longer_leaves_the_chunks_to_the_others():
    others = multiprocessing.get_context("fork").Semaphore(0)

    def work(chunk):
        if chunk.rows[0] == 0:  # beside this one it has but one more
            return all(others.acquire(timeout=60) for _ in range(4)), os.getpid()
        others.release()
        return True, os.getpid()

    made = list(watched_map(work, chunks(), lost, 2, 120.0))
    assert all(waited for waited, _ in made)
    assert sorted(Counter(home for _, home in made).values()) == [2, 4]


def test_what_a_process_had_and_never_began_is_done_by_others():
    """The other process is at the last chunk by then."""
    told = multiprocessing.get_context("fork").Semaphore(0)

    def fate(row):
        if row == 0:
            assert told.acquire(timeout=60)
            told.release()
            ctypes.string_at(0)
        if row == 39:
            told.release()

    found = collected(fate)
    assert found.pop(0) == ("its decoder crashed (SIGSEGV)", True)
    assert found == {row: row for row in range(1, 40)}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("guilty", [(0,), (39,), (3, 4, 20, 21, 38)])
def test_rows_that_crash_their_process_are_named_and_the_others_done(workers, guilty):
    def fate(row):
        if row in guilty:
            ctypes.string_at(0)

    found = collected(fate, workers)
    assert {row for row in found if found[row] != row} == set(guilty)
    assert sorted(found) == list(range(40))
    assert {found[row] for row in guilty} == {("its decoder crashed (SIGSEGV)", True)}


def test_a_decoder_that_exits_costs_its_row():
    found = collected(lambda row: os._exit(7) if row == 11 else None)
    assert found[11] == ("its decoder ended the process (exit code 7)", True)
    assert len(found) == 40


def test_a_row_that_hangs_is_ended_and_can_be_tried_again():
    found = collected(lambda row: time.sleep(3_600) if row == 25 else None, row_seconds=0.6)
    assert found.pop(25) == ("reading and measuring it took longer than 0.6 s (row_seconds)", False)
    assert found == {row: row for row in range(40) if row != 25}


def test_a_process_that_is_killed_once_costs_nothing(tmp_path):
    mark = Path(tmp_path) / "killed"

    def fate(row):
        if row == 9 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    assert collected(fate) == {row: row for row in range(40)}


def test_a_row_whose_process_is_killed_each_time_is_named_for_this_time():
    found = collected(lambda row: os.kill(os.getpid(), signal.SIGKILL) if row == 9 else None)
    why, for_good = found[9]
    assert "SIGKILL" in why
    assert "memory" in why
    assert not for_good
    assert len(found) == 40


def test_where_all_rows_end_their_process_it_is_not_the_rows():
    with pytest.raises(DataError, match="hardly the rows"):
        collected(lambda row: os._exit(1))


def test_errors_arrive_as_they_were_raised():
    def missing(row):
        raise MissingPackage("nothing", "image", "this")

    with pytest.raises(MissingPackage, match="nothing"):
        collected(missing)

    class Odd(Exception):
        def __init__(self, one, two):
            super().__init__(f"{one} {two}")

    def odd(row):
        raise Odd(1, 2)

    with pytest.raises(RuntimeError, match="Odd: 1 2"):
        collected(odd)


def test_leaving_early_ends_the_process():
    going = iter(watched_map(lambda chunk: os.getpid(), chunks(400, 1), lost, 1))
    child = next(going)
    going.close()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_nothing_to_do_starts_nothing(monkeypatch):
    monkeypatch.setattr(os, "fork", None)
    assert list(watched_map(lambda chunk: 1 / 0, [], lost)) == []


def test_config_errors_are_errors_of_the_run():
    def wrong(row):
        raise ConfigError("wrong")

    with pytest.raises(ConfigError, match="wrong"):
        collected(wrong)


@pytest.mark.parametrize("rows", [1, 3])  # with one it has been told that there is no more
@pytest.mark.parametrize("stuck", [1, 10_000])
def test_a_process_that_never_begins_is_replaced(monkeypatch, tmp_path, stuck, rows):
    """A fork may wait for a lock of the interpreter for ever, before anything of ours runs in it."""
    from curate.engines import watched_process
    from curate.engines.watched_process import WatchedProcess

    serve, forks = WatchedProcess._serve, tmp_path / "forks"

    def late(self, connection):
        with forks.open("a", encoding="utf-8") as file:
            file.write(".")
        if forks.stat().st_size <= stuck:
            time.sleep(600)
        serve(self, connection)

    monkeypatch.setattr(WatchedProcess, "_serve", late)
    monkeypatch.setattr(watched_process, "BEGIN_SECONDS", 0.3)
    monkeypatch.setattr(watched_process, "MOST_FORKS", 1)
    found = collected(lambda row: None, workers=1, given=chunks(rows=rows))
    if stuck == 1:
        assert found == {row: row for row in range(rows)}
    else:
        assert sorted(found) == list(range(rows))
        assert all("did not begin in 0.3 s" in why and not for_good for why, for_good in found.values())
