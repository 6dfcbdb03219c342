"""What was likely meant by parts of a pipeline that stand in the wrong place."""

from __future__ import annotations

from collections.abc import Mapping

from curate import registry
from curate.evidence.settings import EvidenceSettings
from curate.pipeline.settings import FeedSettings, SourceSettings
from curate.step import Step
from curate.task import Task

PARTS = {"source": SourceSettings, "task": Task, "evidence": EvidenceSettings, "feed": FeedSettings}


def home_of(key: str) -> str:
    """A hint where a key beside the parts is a step or a setting of one of them, or the empty string."""
    if key in registry.step_names():
        return " (a step: it belongs in the list below steps)"
    homes = [part for part, model in PARTS.items() if key in model.model_fields]
    return f" (it belongs below {' or '.join(homes)})" if homes else ""


def meant_by(entry: object) -> str:
    """A hint behind an entry of the list of steps that is none, or the empty string."""
    if isinstance(entry, type) and issubclass(entry, Step):
        return f": write {entry.__name__}()"
    if isinstance(entry, Mapping) and len(entry) > 1 and next(iter(entry.values())) is None:
        name, *settings = map(str, entry)
        return f": indent {', '.join(settings)} further than {name}"
    return ""
