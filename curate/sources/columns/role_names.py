"""The names that columns of each role usually have, in lower case, the surest first."""

from __future__ import annotations

LABEL_NAMES = ("label", "labels", "class", "target", "y")
GOLD_NAMES = ("gold_label", "gold_labels")
"""Of the label on which annotators agreed, beside others."""
LIKELY_LABEL_NAMES = (
    "category", "intent", "sentiment", "topic", "domain", "emotion", "species", "genre", "tag", "tags",
    "classname", "class_name", "class_label", "label_name", "class_id", "classid", "label_id", "category_id", "outcome",
    "diagnosis", "dx", "categories", "ground_truth", "annotation", "is_duplicate",
)  # fmt: skip
TEXT_NAMES = (
    "text", "texts", "sentence", "content", "body", "message", "review", "utterance", "comment", "tweet", "document",
    "question", "query", "prompt", "sms", "email", "abstract", "headline", "description",
)  # fmt: skip
MASK_NAMES = (
    "mask", "masks", "mask_path", "mask_file", "mask_file_name", "mask_filename", "segmentation", "segmentation_mask",
    "seg", "annotation", "label", "labels", "label_path", "gt", "ground_truth", "target", "trimap",
)  # fmt: skip
TRANSCRIPT_NAMES = ("transcript", "transcription", "transcripts", "normalized_text")
SPOKEN_NAMES = ("sentence", "text", "raw_text", "utterance", "sentences")
"""Names of what is said in a sound, where it hardly repeats; of a word to be told from others, where it does."""
BOX_NAMES = ("boxes", "bboxes", "bbox", "bounding_boxes", "bounding_box", "objects", "annotations", "detections")
FEATURE_NAMES = ("features", "x", "vector", "vectors", "data")
SERIES_NAMES = ("series", "signal", "timeseries", "time_series", "waveform")
SPLIT_NAMES = ("split", "fold", "subset", "partition", "set", "usage")
ID_NAMES = ("id", "uuid", "guid", "row_id", "rowid", "rec_id", "record_id", "sample_id", "example_id", "key", "_id")
