"""Cursor: how far an epoch has come, and where the next iteration starts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Cursor:
    """Where an epoch stands, counted in draws over all ranks together.

    An iteration starts at the beginning of its epoch, except the first one after a state was loaded, which goes on
    where that state was. An epoch that came to its end is followed by the next, unless `set_epoch` says otherwise.

    Attributes:
        epoch: that is handed out.
        drawn: how many of its draws were used.
        resumes: whether the next iteration goes on here.
        complete: whether the last batch was handed out. Loops that count batches never ask for the end behind it.
        named: the epoch that `set_epoch` was last called with; None since the cursor went elsewhere.
        looked: whether an iteration has stopped early, or an epoch come to its end.
    """

    epoch: int = 0
    drawn: int = 0
    resumes: bool = False
    complete: bool = False
    named: int | None = None
    looked: bool = False

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch; naming the one that a loaded state is in the middle of keeps its place."""
        if epoch != self.epoch:
            self.go_to(epoch)
        self.complete, self.named = False, epoch

    def go_to(self, epoch: int, drawn: int = 0) -> None:
        """The next iteration starts at this place."""
        self.epoch, self.drawn, self.resumes = epoch, drawn, drawn > 0
        self.complete, self.named = False, None

    def begin(self) -> tuple[int, int]:
        """Epoch and draw at which an iteration that begins now starts."""
        if not self.resumes:
            self.drawn = 0
        self.resumes = False
        return self.epoch, self.drawn

    def stop(self, epoch: int, behind_only: bool) -> None:
        """An iteration stopped early. The first one that did so behind the only batch of its epoch was a look at it.

        Loops that count batches stop there every time: they go through that epoch twice, and through all others once.
        """
        if behind_only and not self.looked and self.complete and self.epoch == epoch:
            self.go_to(epoch)
        self.looked = True

    def finish(self) -> None:
        """The epoch came to its end."""
        self.go_to(self.epoch + 1)
        self.looked = True
