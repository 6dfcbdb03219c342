"""Servers of remote data: which are asked, how, and where copies lie."""
