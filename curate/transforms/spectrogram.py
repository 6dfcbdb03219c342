"""The step that makes pictures of recordings: mel bands, cepstral coefficients or plain spectra over time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from curate.errors import DataError
from curate.media import audio
from curate.media.torch_audio import torchaudio
from curate.step import Transform
from curate.transforms._columns import replaced
from curate.transforms.media.rewriting import rewrite, with_failures

if TYPE_CHECKING:
    from curate.table import Table
    from curate.task import Task


class Spectrogram(Transform):
    """Makes a time series of each recording's spectrum, bands x frames, which takes its place as input.

    Recordings are mixed into one channel and brought to one rate first. One that can't be read has none, and is
    reported. Cost: one decoding of each file and about 1 ms per second of sound, on all cores.
    Source: torchaudio (`MelSpectrogram`, `MFCC`, `Spectrogram`, `AmplitudeToDB`).
    """

    modalities = ("audio",)

    scale: Literal["mel", "mfcc", "linear"] = Field(
        "mel", description="mel bands, mel-frequency cepstral coefficients, or the bins of the Fourier transform"
    )
    rate: int = Field(
        16_000, ge=1_000, le=384_000, description="samples per second that recordings are brought to, in Hz"
    )
    window: int = Field(400, ge=16, le=65_536, description="samples of a frame")
    hop: int = Field(160, ge=1, le=65_536, description="samples from one frame to the next")
    bands: int = Field(64, ge=1, le=1_024, description="number of mel bands")
    coefficients: int = Field(20, ge=1, le=1_024, description="cepstral coefficients that are kept (mfcc)")
    min_hz: float = Field(0.0, ge=0, description="lowest edge of the mel bands, in Hz")
    max_hz: float | None = Field(
        None, gt=0, description="highest edge of the mel bands, in Hz; half the rate if left out"
    )
    log: bool = Field(True, description="power in dB (mel, linear); mfcc has it in dB always")
    floor_db: float = Field(80.0, gt=0, description="how far below its loudest point a recording reaches, in dB")
    seconds: float | None = Field(
        None,
        gt=0,
        le=3600,
        description="length all are cut or filled with silence to, in seconds; their own if left out",
    )
    column: str = Field(
        "spectrogram", min_length=1, description="name of the new column, which becomes the task's series"
    )
    keep_audio: bool = Field(False, description="whether the recording stays an input, too")

    @model_validator(mode="after")
    def _fits(self) -> Spectrogram:
        if self.scale == "mfcc" and self.coefficients > self.bands:
            raise ValueError(f"coefficients must be at most bands ({self.bands}), not {self.coefficients}")
        if self.max_hz is not None and not self.min_hz < self.max_hz <= self.rate / 2:
            raise ValueError(
                f"max_hz must lie between min_hz and half the rate ({self.rate / 2:g}), not {self.max_hz:g}"
            )
        return self

    def refuses(self, task: Task) -> str | None:
        """There is one series per row."""
        if task.series:
            return f"spectrogram makes the task's series, and there is one already ({task.series!r})"
        return super().refuses(task)

    def becomes(self, task: Task) -> Task:
        """With a series, and without the recording unless it is kept."""
        return task.model_copy(update={"series": self.column} | ({} if self.keep_audio else {"audio": None}))

    def apply(self, table: Table, fitted: dict[str, Any] | None = None) -> Table:
        """The table with a column of spectra: lists of bands, lists of float32.

        Raises:
            DataError: the column's name is taken, or there is no room for what is written.
            MissingPackage: the extra ``audio`` is not installed.
        """
        if self.column in table.dataset.column_names:
            raise DataError(f"spectrogram: there is a column {self.column!r} already; name another one with column:")
        name = str(table.task.audio)
        _ = self._transform  # made once, before threads ask for it

        def change(row: int, data: Mapping[str, bytes]) -> list[dict[str, Any]]:
            given = audio.decode(data[name], rate=self.rate)
            return [{self.column: self.of(given.samples.mean(0)).tolist()}]

        schema = pa.schema([(self.column, pa.list_(pa.list_(pa.float32())))])
        result = rewrite(table, [name], schema, change)
        return with_failures(replaced(table, result.columns, self.becomes(table.task)), result.failures)

    def of(self, samples: np.ndarray) -> np.ndarray:
        """(n,) float32 samples at the rate -> (bands, frames) float32."""
        import torch

        if self.seconds is not None:
            n = round(self.seconds * self.rate)
            samples = np.pad(samples[:n], (0, max(0, n - len(samples))))
        if len(samples) <= self.window // 2:  # the frame at each end is filled by reflection, which needs as much
            samples = np.pad(samples, (0, self.window // 2 + 1 - len(samples)))
        with torch.no_grad():
            return self._transform(torch.from_numpy(np.ascontiguousarray(samples, dtype=np.float32))).numpy()

    @cached_property
    def _transform(self) -> Any:
        found = torchaudio("making spectrograms")
        import torch

        of, decibel = found.transforms, found.transforms.AmplitudeToDB("power", self.floor_db)
        frames = {"n_fft": self.window, "win_length": self.window, "hop_length": self.hop}
        if self.scale == "linear":
            made = [of.Spectrogram(**frames)]
        else:
            mel = {"n_mels": self.bands, "f_min": self.min_hz, "f_max": self.max_hz, **frames}
            if self.scale == "mfcc":
                return of.MFCC(self.rate, self.coefficients, melkwargs=mel)
            made = [of.MelSpectrogram(self.rate, **mel)]
        return torch.nn.Sequential(*made, *([decibel] if self.log else []))
