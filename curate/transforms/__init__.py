"""Steps that give rows new content: 1 to 0, 1 or n."""
