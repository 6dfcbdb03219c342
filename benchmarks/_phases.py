"""One `curate audit` in this process, with the CPU seconds and the peak memory of each of its phases.

    python -m benchmarks._phases ARGUMENTS OF curate audit

Phases nest (a check asks for the embedding, which asks for measures): seconds are those of a phase without the ones
within it; the peak is the largest resident memory while the phase was the innermost one, and what it grew by from its
beginning.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
MARK = "PHASES "


class Phases:
    """Takes the time and the peak of nested phases."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.wall: dict[str, float] = {}
        self.peak_mb: dict[str, float] = {}
        self.grown_mb: dict[str, float] = {}
        self._open = ["start"]
        self._since, self._since_wall = 0.0, time.perf_counter()

    def _close_slice(self) -> None:
        name, now, wall = self._open[-1], time.process_time(), time.perf_counter()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._since
        self.wall[name] = self.wall.get(name, 0.0) + wall - self._since_wall
        peak = _status("VmHWM")
        self.peak_mb[name] = max(self.peak_mb.get(name, 0.0), peak)
        RESET.write_text("5")
        self._since, self._since_wall = time.process_time(), time.perf_counter()

    def within(self, name: str | Callable[..., str], work: Callable[..., Any]) -> Callable[..., Any]:
        """`work` as a phase."""

        @wraps(work)
        def phase(*args: Any, **kwargs: Any) -> Any:
            self._close_slice()
            said = name if isinstance(name, str) else name(*args)
            self._open.append(said)
            before = _status("VmRSS")
            try:
                return work(*args, **kwargs)
            finally:
                self._close_slice()
                self._open.pop()
                self.grown_mb[said] = self.grown_mb.get(said, 0.0) + _status("VmRSS") - before

        return phase

    def finish(self) -> dict[str, Any]:
        """All that was taken."""
        self._close_slice()
        return {
            name: {
                "cpu": round(seconds, 2),
                "wall": round(self.wall[name], 2),
                "peak_mb": round(self.peak_mb[name]),
                "stays_mb": round(self.grown_mb.get(name, 0.0)),
            }
            for name, seconds in self.seconds.items()
        }


def _status(field: str) -> float:
    found = re.search(rf"{field}:\s+(\d+)", STATUS.read_text())
    return int(found.group(1)) * 1024 / 1e6 if found else float("nan")


def watch(phases: Phases) -> None:
    """Wrap what an audit consists of."""
    import curate.evidence.evidence as evidence
    import curate.pipeline.auditing as auditing
    import curate.sources as sources
    from curate.evidence import one_pass
    from curate.evidence.embedder import Embedder
    from curate.evidence.narrowing import measure_all
    from curate.pipeline.auditing import choose

    sources.load = phases.within("read the source", sources.load)
    auditing.audit = phases.within("report", auditing.audit)
    auditing.Views.of = phases.within("views", auditing.Views.of)
    auditing.Findings.join = phases.within("join findings", auditing.Findings.join)
    one_pass.measure_all = phases.within(lambda measure, *_: f"measure {measure.name}", measure_all)
    kind: Any = evidence.Evidence
    kind.__init__ = phases.within("evidence", kind.__init__)
    kind.prepare = phases.within("evidence", kind.prepare)
    for name in ("neighbours", "probabilities", "noise", "near_pairs", "duplicate_groups", "dynamics"):
        setattr(kind, name, phases.within(name, getattr(kind, name)))
    whole: Any = Embedder
    whole.embedding = phases.within("embedding", whole.embedding)

    def chosen(*args: Any) -> Any:
        found = choose(*args)
        for check in found:
            cls: Any = type(check)
            cls.find = phases.within(f"check {check.name}", cls.find)
        return found

    auditing.choose = chosen


def main() -> None:
    from curate.cli import invoke

    phases = Phases()
    watch(phases)
    code = phases.within("report", invoke)(["audit", *sys.argv[1:]])
    sys.stdout.flush()
    print(MARK + json.dumps({"code": code, "phases": phases.finish()}))


if __name__ == "__main__":
    main()
