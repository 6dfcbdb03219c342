"""Seeded changes of items on their way into a batch: operations per modality, and mixing across rows."""
