"""Near-duplicates against planted copies: recall of each edit, and false pairs in 10,000."""
