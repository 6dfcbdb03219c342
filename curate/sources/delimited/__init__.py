"""Delimited text: the careful reader, the quick one, and what the first lines are."""
