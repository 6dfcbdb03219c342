"""Encoded bytes and arrays: the only place that decodes, and that reads files named by rows."""
