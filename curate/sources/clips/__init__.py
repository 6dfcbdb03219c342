"""Rows that are parts of sounds and videos: their files, their times, the units of these."""
