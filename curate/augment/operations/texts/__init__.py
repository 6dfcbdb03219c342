"""The operations on text, one file per kind of change, and what they know of writing."""
