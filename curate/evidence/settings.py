"""Settings of the evidence: which encoder, how many folds, where the cache is."""

from __future__ import annotations

from pydantic import Field, field_validator

from curate.declared import Declared
from curate.evidence.memory import parse_ceiling


class EvidenceSettings(Declared):
    """The `evidence:` part of a pipeline file."""

    encoder: str = Field(
        default="auto",
        description="auto (the strongest that is installed and fits the data), classic (no model), or the name of a"
        " model: wordllama, minilm, efficientnet, or sentence-transformers:NAME, transformers:NAME, timm:NAME,"
        " open_clip:NAME",
    )
    folds: int = Field(
        default=5, ge=2, le=50, description="folds of the cross-validation behind predicted probabilities"
    )
    workers: int = Field(default=0, ge=0, description="threads that decode and measure; 0 for one per core")
    max_pixels: int = Field(
        default=100_000_000, gt=0, description="largest image or video frame that is decoded, in pixels"
    )
    max_bytes: int = Field(default=2_000_000_000, gt=0, description="largest media file that is read, in bytes")
    max_video_pixels: int = Field(
        default=2_000_000_000,
        gt=0,
        description="pixels over all frames up to which a video is decoded from end to end; of a longer one up to 240"
        " key frames are looked at",
    )
    max_seconds: float = Field(default=7_200.0, gt=0, description="longest audio or video that is decoded, in seconds")
    row_seconds: float = Field(
        default=300.0,
        gt=0,
        description="longest time that reading and measuring one media file may take, in seconds; where media are"
        " decoded in processes of their own (isolate)",
    )
    isolate: bool = Field(
        default=True,
        description="decode media in processes of their own, so that a file on which a decoder crashes or hangs costs"
        " one row and not the run (on Linux; models always run in this process)",
    )
    memory: int | None = Field(
        default=None,
        description="memory that decoding and measuring may take beside the program itself, such as 2GB; a file that"
        " takes more than half of it alone is not decoded; if left out, what the other limits allow for each thread",
    )

    @field_validator("memory", mode="before", json_schema_input_type=int | str | None)
    @classmethod
    def _bytes(cls, value: object) -> object:
        return None if value is None else parse_ceiling(value)
