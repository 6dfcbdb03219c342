"""Sources: files, folders, hubs and memory become a Table."""

from curate.sources.describing import describe
from curate.sources.opening import load

__all__ = ["describe", "load"]
