"""What samplers are made of: orders that are computed at any place, how draws become batches, and lengths."""
