"""Being asked to end, as by `kill`, a scheduler or a closed terminal: what is half written is cleared away first."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

STOPS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))

AGAIN_SECONDS = 0.1
"""Time after which a signal is sent once more whose exception was lost."""

_asked: list[int] = []


class Stopped(KeyboardInterrupt):
    """The process is asked to end; goes the way of Ctrl-C."""


def end_in_order() -> None:
    """From now on this process answers such a signal with `Stopped`; processes that it forks end at once.

    Where Python drops what is raised (around a fork, when an object goes), that and Ctrl-C are raised again soon after.
    """
    before = sys.unraisablehook

    def dropped(what: Any) -> None:
        if issubclass(what.exc_type, KeyboardInterrupt):
            again = threading.Timer(AGAIN_SECONDS, os.kill, (os.getpid(), asked() or signal.SIGINT))
            again.daemon = True
            again.start()
        else:
            before(what)

    sys.unraisablehook = dropped
    for number in STOPS:
        if signal.getsignal(number) == signal.SIG_DFL:  # else somebody minds it, or it is ignored (`nohup`)
            signal.signal(number, _stop)
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=lambda number=number: signal.signal(number, signal.SIG_DFL))


def asked() -> int | None:
    """The signal that asked; None where there was none. What it raised may have been turned into something else."""
    return _asked[-1] if _asked else None


def _stop(number: int, frame: FrameType | None) -> None:
    _asked.append(number)
    raise Stopped(signal.Signals(number).name)
