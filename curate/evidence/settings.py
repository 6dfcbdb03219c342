"""Settings of the evidence: which encoder, how many folds, where the cache is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class EvidenceSettings(BaseModel):
    """The `evidence:` part of a pipeline file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
