"""A stand-in for the module `ray`: tasks run when they are waited for, and everything travels as a copy."""

import copy
from types import SimpleNamespace

from curate.engines.engine import LOCAL, using


class NodeDiedError(Exception):
    pass


class ObjectLostError(Exception):
    pass


class ObjectFetchTimedOutError(Exception):
    pass


class WorkerCrashedError(Exception):
    pass


class OutOfMemoryError(Exception):
    pass


class RayTaskError(Exception):
    cause = None


class Crash(BaseException):
    """Raised by work that would end its process."""


class FakeRay:
    """Tasks of a cluster with `cpus` processors.

    Attributes:
        moved: changes the copy of a work or piece as if it were on another machine.
        faults: exceptions that stand in for what is made of the next tasks, in order; None for none.
        done: tasks that were waited for.
        cancelled: tasks that nobody waits for any more.
        most: tasks that were on their way at once.
        at_work: tasks that are being worked on now.
    """

    exceptions = SimpleNamespace(**{
        error.__name__: error
        for error in (
            NodeDiedError, ObjectLostError, ObjectFetchTimedOutError, WorkerCrashedError, OutOfMemoryError, RayTaskError
        )
    })  # fmt: skip

    def __init__(self, cpus=2, faults=(), moved=lambda value: value):
        self.cpus, self.faults, self.moved = cpus, list(faults), moved
        self.open, self.done, self.cancelled, self.most, self.at_work = {}, 0, 0, 0, 0

    def cluster_resources(self):
        return {"CPU": float(self.cpus)}

    def put(self, value):
        return self.moved(copy.deepcopy(value))

    def remote(self, **options):
        assert options == {"num_cpus": 1, "max_retries": 0}

        def of(function):
            def hand_in(sent, key, piece):
                ref = object()
                self.open[ref] = function, sent[0], key, self.moved(copy.deepcopy(piece))
                self.most = max(self.most, len(self.open))
                return ref

            return SimpleNamespace(remote=hand_in)

        return of

    def wait(self, refs, timeout, num_returns=None):
        if num_returns is not None:  # whether they are all done by themselves
            return [], refs
        return (refs, []) if self.cpus else ([], refs)

    def get(self, ref):
        function, work, key, piece = self.open.pop(ref)
        self.done += 1
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        from curate.engines import ray_engine

        ray_engine._WORKS.held[key] = work
        self.at_work += 1
        try:
            with using(LOCAL):  # a worker knows of no cluster
                return copy.deepcopy(function([None], key, piece))
        except Crash as crash:
            raise WorkerCrashedError from crash
        finally:
            self.at_work -= 1

    def cancel(self, ref, force):
        self.cancelled += 1
