"""Columns by their values alone: numbers, dates, media, vectors, texts that are made of several."""
