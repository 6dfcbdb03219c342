"""Inputs of a batch, one file per modality: columns of the table -> arrays under the names that trainers expect."""
