"""Ways to see rows as points, and detectors of those that lie apart."""
