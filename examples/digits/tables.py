"""The tables that the demo prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from rich.table import Table

from curate.wording import counted
from examples.digits.compare import Decided, Detection, Promise, recovered


def of_detections(found: Sequence[Detection]) -> Table:
    """Planted, found, false alarms of each fault."""
    grid = Table(title="1. Faults: planted and found", title_justify="left")
    grid.add_column("fault")
    for name in ("planted", "found", "false alarms", "recall", "precision"):
        grid.add_column(name, justify="right")
    grid.add_column("found by")
    for line in found:
        figures = (line.planted, line.found, line.false_alarms)
        grid.add_row(line.fault, *map(str, figures), f"{line.recall:.1%}", f"{line.precision:.1%}", line.check)
    return grid


def of_decisions(lines: Sequence[Decided]) -> Table:
    """What became of the rows, and of how many the truth approves."""
    grid = Table(title="2. Rows: what was decided", title_justify="left")
    grid.add_column("")
    grid.add_column("rows", justify="right")
    grid.add_column("rightly so", justify="right")
    grid.add_column("")
    for line in lines:
        grid.add_row(line.what, str(line.rows), "" if line.right is None else str(line.right), line.meaning)
    return grid


def of_accuracies(accuracies: Mapping[str, np.ndarray], steps: int) -> Table:
    """Test accuracy of each training set."""
    seeds = len(next(iter(accuracies.values())))
    grid = Table(
        title=f"3. Test accuracy of a small CNN: {steps} steps, mean of {counted(seeds, 'seed')}",
        title_justify="left",
        caption="All three: as many steps, and the pipeline's class weights, smoothing and augmentation."
        " raw: every file that can be read, as filed. clean: the genuine images with their true labels.",
        caption_justify="left",
    )
    grid.add_column("trained on")
    for name in ("accuracy", "spread", "recovered"):
        grid.add_column(name, justify="right")
    for name, values in accuracies.items():
        share = f"{recovered(accuracies):.0%}" if name == "curated" else ""
        grid.add_row(name, f"{values.mean():.1%}", f"± {values.std():.1%}", share)
    return grid


def of_promises(promises: Sequence[Promise]) -> Table:
    """What the demo promises, and whether it holds."""
    grid = Table(title="Promises", title_justify="left", show_header=False)
    for promise in promises:
        verdict = "[green]holds[/green]" if promise.holds else "[red]broken[/red]"
        grid.add_row(promise.what, f"{promise.value:.1%}", f"at least {promise.least:.0%}", verdict)
    return grid
