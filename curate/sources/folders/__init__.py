"""Folders: what lies in them, and the layouts in which data sets come."""
