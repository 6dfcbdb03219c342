"""What people read: one report as terminal text, JSON and a self-contained page."""

from curate.report.model import schema
from curate.report.report import Report
from curate.report.terminal import render

__all__ = ["Report", "render", "schema"]
