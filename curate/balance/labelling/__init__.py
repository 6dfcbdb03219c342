"""Labels that models give rows: how sure they must be, and where the probabilities come from."""
