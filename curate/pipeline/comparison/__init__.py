"""Whether curation helps: the same model on raw rows, on curated rows and without each step, on untouched test rows."""

from curate.pipeline.comparison.options import METRICS
from curate.pipeline.comparison.study import compare

__all__ = ["METRICS", "compare"]
