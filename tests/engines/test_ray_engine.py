"""Pieces in order, lost nodes, deadly rows and absent files, against a stand-in for Ray."""

from dataclasses import dataclass

import pytest
from fake_ray import Crash, FakeRay, NodeDiedError, ObjectLostError, OutOfMemoryError, RayTaskError, WorkerCrashedError

from curate.engines import ray_engine
from curate.engines.engine import Absent, Piece
from curate.engines.ray_engine import ALONE, MOVES, RayEngine
from curate.errors import ConfigError, MissingPackage, StorageError


@dataclass(frozen=True)
class Numbers(Piece):
    given: tuple
    whole: bool = True

    def halves(self):
        half = len(self.given) // 2
        return [Numbers(self.given[:half]), Numbers(self.given[half:])] if half else []

    def carried(self):
        return [] if self.whole else [Numbers(self.given[:1]), Numbers(self.given[1:])]

    def lost(self, why):
        return [f"lost {self.given[0]}: {why}"]


def doubled(piece):
    if not piece.whole:
        raise Absent("numbers.arrow")
    if 13 in piece.given:
        raise Crash
    return [2 * number for number in piece.given]


def failing(number):
    if number == 3:
        raise MissingPackage("unobtainium", "all", "counting")
    return number


def pieces(count, size=4):
    return [Numbers(tuple(range(begin, begin + size))) for begin in range(100, 100 + count * size, size)]


def joined(found):
    return [number for part in found for number in part]


def test_results_come_in_order_with_few_pieces_on_their_way():
    ray = FakeRay(cpus=3)
    found = RayEngine(ray).ordered_map(doubled, iter(pieces(20)))
    assert next(found) == [200, 202, 204, 206]
    assert joined(found) == [2 * number for number in range(104, 180)]
    assert ray.most == 6
    assert list(RayEngine(ray).ordered_map(doubled, [])) == []


def test_pieces_of_lost_nodes_are_worked_on_again():
    engine = RayEngine(FakeRay(faults=[NodeDiedError(), None, NodeDiedError(), ObjectLostError()]))
    assert joined(engine.ordered_map(doubled, pieces(5))) == [2 * number for number in range(100, 120)]
    assert engine.again == 3


def test_nodes_that_are_lost_again_and_again_end_the_run():
    engine = RayEngine(FakeRay(faults=[NodeDiedError()] * (MOVES + 1)))
    with pytest.raises(StorageError, match="20 nodes of the Ray cluster were lost"):
        list(engine.ordered_map(doubled, pieces(1)))


def test_a_worker_that_dies_once_costs_nothing():
    engine = RayEngine(FakeRay(faults=[WorkerCrashedError(), None, OutOfMemoryError()]))
    assert joined(engine.ordered_map(doubled, pieces(3))) == [2 * number for number in range(100, 112)]


def test_a_deadly_row_is_found_and_the_others_stay_in_order():
    ray = FakeRay()
    given = [*pieces(2), Numbers((10, 11, 12, 13, 14, 15, 16)), *pieces(1)]
    found = joined(RayEngine(ray).ordered_map(doubled, given))
    assert found[8:11] == [20, 22, 24]
    assert found[11] == (
        f"lost 13: the worker that looked at it died or took too long, {ALONE} times with this row alone"
    )
    assert found[12:15] == [28, 30, 32]
    assert len(found) == 19
    # Whole twice, then halves, quarters and the row itself three times.
    assert ray.done < 3 + 2 + 4 + 7


def test_what_runs_out_of_memory_alone_is_said_to():
    engine = RayEngine(FakeRay(faults=[OutOfMemoryError()] * ALONE))
    [[why]] = engine.ordered_map(doubled, [Numbers((7,))])
    assert why.startswith("lost 7: its node ran out of memory")


def test_work_that_is_no_piece_and_ends_workers_ends_the_run():
    engine = RayEngine(FakeRay(faults=[WorkerCrashedError("signal 11")] * ALONE))
    with pytest.raises(StorageError, match="workers of the Ray cluster died 3 times of one piece: signal 11"):
        list(engine.ordered_map(failing, [1]))


def test_what_a_node_lacks_is_carried_there():
    engine = RayEngine(FakeRay())
    given = [*pieces(1), Numbers((1, 2, 3), whole=False), *pieces(1)]
    assert joined(engine.ordered_map(doubled, given))[4:7] == [2, 4, 6]


def test_errors_of_the_work_are_raised_as_they_are():
    ray = FakeRay()
    found = RayEngine(ray).ordered_map(failing, range(10))
    assert [next(found), next(found), next(found)] == [0, 1, 2]
    with pytest.raises(MissingPackage, match="counting needs the package 'unobtainium': pip install 'curate-data"):
        next(found)
    assert ray.cancelled == len(ray.open) + 1


def test_a_node_that_cannot_run_the_work_is_named():
    fault = RayTaskError()
    fault.cause = ModuleNotFoundError("No module named 'curate'")
    with pytest.raises(ConfigError, match="can't do the work: No module named 'curate'"):
        list(RayEngine(FakeRay(faults=[fault])).ordered_map(failing, [1]))


def test_a_cluster_without_processors_is_waited_for_only_so_long(monkeypatch):
    monkeypatch.setattr(ray_engine, "PATIENCE_SECONDS", 0.0)
    with pytest.raises(StorageError, match="has had no processor"):
        list(RayEngine(FakeRay(cpus=0)).ordered_map(failing, [1]))


def test_what_is_still_on_its_way_is_cancelled_when_nobody_waits():
    ray = FakeRay(cpus=2)
    found = RayEngine(ray).ordered_map(failing, iter([5] * 50))
    next(found)
    found.close()
    assert ray.cancelled == 3
