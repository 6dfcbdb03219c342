"""The parts of `resample`: methods, targets, the matrix of a table's inputs, selecting and making rows."""
