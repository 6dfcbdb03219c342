"""A report for other programs: one file per format."""
