"""Which encoder each input role of a task gets, and why."""

from __future__ import annotations

from curate.evidence.encoders import fitted
from curate.evidence.encoders.encoder import Encoder
from curate.evidence.measurements import Measurements
from curate.evidence.settings import EvidenceSettings
from curate.table import Table


def choose(table: Table, settings: EvidenceSettings, measurements: Measurements) -> tuple[list[Encoder], list[str]]:
    """The encoders of all input roles, and a sentence about each. Raises ConfigError, MissingPackage."""
    task = table.task
    encoders = []
    if task.text:
        encoders.append(fitted.text_encoder(task.text))
    if isinstance(task.features, str):
        encoders.append(fitted.vector_encoder(task.features))
    return encoders, [f"{e.role}: embedded by {e.title}" for e in encoders]
