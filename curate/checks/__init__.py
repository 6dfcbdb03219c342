"""Steps that find what is wrong with rows and change nothing."""
