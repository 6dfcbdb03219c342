"""The declarative form, the run and its result."""

from curate.pipeline.audit import audit
from curate.pipeline.curated import Curated
from curate.pipeline.pipeline import Pipeline
from curate.pipeline.store import open_folder as open

__all__ = ["Curated", "Pipeline", "audit", "open"]
