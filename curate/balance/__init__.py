"""Steps that decide how often and how strongly training rows count."""
