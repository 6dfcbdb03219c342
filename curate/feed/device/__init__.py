"""Batches on the device where the model is: copied ahead, normalised and, if asked, augmented there."""
