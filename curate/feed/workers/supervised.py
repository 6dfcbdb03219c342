"""A worker process that is replaced when it ends, and what became of the row that ended it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from curate.errors import ConfigError, DataError
from curate.feed.draws import Draw
from curate.feed.workers.process import Worker, WorkerLost

if TYPE_CHECKING:
    from curate.feed.batches import Batches

LIVES = 3
"""So many workers may end over one batch without any of its rows being to blame."""

ALL_GUILTY = 3
"""Where the first rows all end their workers alone, something else does."""

_logger = logging.getLogger("curate.feed")


class Supervised:
    """Makes batches in a process of its own; a row that ends the process, or hangs, counts as one that can't be read.

    Which row it was is asked of a new process, row by row where the old one was reading none.
    """

    def __init__(self, dataset: Batches, context: Any, row_seconds: float | None) -> None:
        self._dataset, self._context, self._row_seconds = dataset, context, row_seconds
        self._closing = self._answered = False
        self._worker: Worker | None = self._new()

    def _new(self) -> Worker:
        return Worker(self._dataset, self._context, self._row_seconds)

    def batch(self, draws: Sequence[Draw]) -> Any:
        """The batch of some draws, whatever it takes.

        Raises:
            DataError: worker after worker ended, and none of the rows does that alone; or `on_error` is ``raise``.
            ConfigError: processes that are not forked end before they have begun.
        """
        broken: dict[Draw, str] = {}
        lives = LIVES
        while True:
            try:
                return self._asked(draws, broken)
            except WorkerLost as lost:
                if self._closing:
                    raise
                self._refuse_unguarded(lost)
                _logger.warning("a worker is replaced by a new one: %s", lost.reason)
                found = self._guilty(lost, draws, broken)
                lives -= found.keys() <= broken.keys()
                broken |= found
                if not lives:
                    raise DataError(
                        f"{LIVES} worker processes ended over one batch of {len(draws)} rows, though each of them can"
                        f" be read alone (the last: {lost.reason}): memory may be short; pass a smaller batch_size or"
                        " fewer workers"
                    ) from lost

    def _asked(self, draws: Sequence[Draw], broken: dict[Draw, str]) -> Any:
        if self._worker is None:
            self._worker = self._new()
        try:
            made = self._worker.batch(draws, broken)
            self._answered = True
            return made
        except WorkerLost:
            self._worker = None
            raise

    def _refuse_unguarded(self, lost: WorkerLost) -> None:
        """Raise ConfigError where a process that runs the user's script anew ended by itself before it read a row."""
        if self._answered or lost.draw is not None or lost.killed or self._context.get_start_method() == "fork":
            return
        raise ConfigError(
            f"{lost.reason} before it read a row. Processes that are not forked run the script anew: what it does must"
            " stand below if __name__ == '__main__': (or pass multiprocessing_context='fork', or workers='threads')"
        ) from lost

    def _guilty(self, lost: WorkerLost, draws: Sequence[Draw], broken: dict[Draw, str]) -> dict[Draw, str]:
        """The draws that end a worker, with the reason."""
        if lost.draw is not None:
            suspect = Draw(*lost.draw)
            if lost.hung:
                return {suspect: lost.reason}
            found = self._tried(suspect, broken)
            if found:
                return found
        found = {}
        for number, draw in enumerate((draw for draw in draws if draw not in broken), start=1):
            found |= self._tried(draw, broken)
            if len(draws) > number == len(found) == ALL_GUILTY:
                return {}  # it is not the rows: no worker lives long enough to read one
        return found

    def _tried(self, draw: Draw, broken: dict[Draw, str]) -> dict[Draw, str]:
        """The draw and what happened, if it ends a worker alone."""
        try:
            self._asked([draw], broken)
        except WorkerLost as lost:
            # A partner that is mixed into it may be to blame.
            return {draw if lost.draw is None else type(draw)(*lost.draw): lost.reason}
        except Exception as error:
            _logger.debug("reading draw %s alone failed, which its batch will report: %s", draw, error)
            return {}
        return {}

    def interrupt(self) -> None:
        """Stop what is being done, from another thread; the thread that waits for it gets `WorkerLost`."""
        self._closing = True
        worker = self._worker
        if worker is not None and worker.busy:
            worker.process.terminate()

    def end(self) -> None:
        """End the process."""
        if self._worker is not None:
            self._worker.end()
            self._worker = None
