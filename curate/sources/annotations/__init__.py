"""What is marked within a row: boxes, spans, tags of words."""
