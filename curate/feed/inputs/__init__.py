"""Inputs of a batch, one file per modality: columns of the table -> arrays under the names that trainers expect.

==================  =====================================================================================
role of the task    entries of a batch of B rows
==================  =====================================================================================
text                ``text``, a list; with a tokenizer ``input_ids``, ``attention_mask`` ... (B, T) int64
tokens              ``tokens``, lists; with a tokenizer as texts; ``labels`` (B, T) int64
image               ``pixel_values`` (B, 3, h, w) float32 or uint8; padded: ``pixel_mask`` (B, h, w) int64
mask                ``labels`` of a segmentation task, else ``masks``: (B, h, w) int64
boxes               ``labels`` of a detection task, else ``boxes``: one dict for each image
video               ``pixel_values`` (B, frames, 3, h, w), with images ``pixel_values_videos``; ``sound``: as audio
audio               ``input_values`` (B, T) float32, ``attention_mask`` (B, T) bool
transcript          ``transcript``, a list; with a tokenizer ``labels`` (B, T) int64
series              ``series`` (B, T) or (B, channels, T) float32, ``series_mask`` (B, T) bool
features            ``features`` (B, d) float32, ``features_mask`` (B, d) bool
==================  =====================================================================================

A processor of transformers gives the entries of what it reads itself. `curate.feed.targets` says what comes beside.
"""
