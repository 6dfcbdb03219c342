"""A curated set in the formats of others: Parquet, the Hugging Face hub's, WebDataset, folders of files, Croissant."""
