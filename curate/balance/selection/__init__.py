"""Which rows of a pool to take: orders of rows, and how much of an order a budget allows."""
