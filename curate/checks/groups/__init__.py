"""Rows that belong together: equal ones and near-duplicates."""
