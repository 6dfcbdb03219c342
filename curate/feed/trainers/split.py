"""A split of a result in the place of a dataset."""

from __future__ import annotations


class Split:
    """A split of a result, in the place of a dataset: ``trainer.predict(trainer.split("test"))``."""

    def __init__(self, name: str, rows: int) -> None:
        self.name, self.rows = name, rows

    def __len__(self) -> int:
        """Number of its planned draws."""
        return self.rows
