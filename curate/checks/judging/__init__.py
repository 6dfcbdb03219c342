"""Judging measured values: against bounds, and against what is usual in their set."""
