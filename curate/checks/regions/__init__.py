"""Boxes and masks as arrays, and what the set uses of them."""
