"""Parts of the transforms of text: where sentences and tokens stand, cleaning rules, ranking, generation."""
