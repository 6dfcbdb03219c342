"""Operations on one item of a modality, by the names that stand in a pipeline file."""

from curate.augment.operations.catalogue import build, known

__all__ = ["build", "known"]
