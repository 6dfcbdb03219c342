"""The step that mixes pairs of rows: mixup, CutMix, SpecMix, sounds at one loudness, swap noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from curate import step
from curate.errors import ConfigError, DataError

if TYPE_CHECKING:
    import numpy as np

    from curate.task import Task


@dataclass(frozen=True)
class Mixing:
    """What was drawn for one row.

    Attributes:
        partner: position in the plan of the draw that is mixed in.
        share: how much of the result is the row's own, in [0, 1]; its label and weight count with this share, the
            partner's with the rest. 1 says that the row stays as it is and the partner need not be read.
        box: for CutMix the part that is the partner's, as fractions (top, left, bottom, right); None for mixup.
        bands: for SpecMix the parts that are the partner's, as fractions like `box`.
        swapped: for swap noise the share of numbers that are the partner's, and the seed of which; the label stays.
    """

    partner: int
    share: float
    box: tuple[float, float, float, float] | None = None
    bands: tuple[tuple[float, float, float, float], ...] = ()
    swapped: tuple[float, int] | None = None

    @property
    def idle(self) -> bool:
        """Whether the row stays as it is."""
        return self.share == 1.0 and self.swapped is None


class Mix(step.Augment):
    """Mixes each row of a batch with another draw of the plan, inputs and labels alike.

    mixup takes the weighted mean of two items (of text it mixes vectors: embed first, with `fuse`); CutMix puts a part
    of one into the other: a box of an image, a span of sound, series or features; SpecMix does so with bands of
    channels and of time of a series; swap noise gives single numbers of a vector the partner's values and leaves the
    label. Of those that are asked for, each row takes one with equal chance. The partner is drawn from the whole plan,
    so that what happens to a row does not depend on its batch. For CutOut see the image operation CoarseDropout.
    Source: Zhang and others, mixup: Beyond empirical risk minimization, 2018; Yun and others, CutMix, 2019; Kim and
    others, SpecMix, 2021; Tokozume and others, Learning from between-class examples for deep sound recognition, 2018;
    swap noise after Jahrer, Porto Seguro's safe driver prediction, 2017.
    """

    modalities = ("image", "video", "audio", "series", "features")

    mixup_alpha: float = Field(
        0.2, ge=0, le=100, description="both parameters of the beta distribution of the share in mixup; 0 for no mixup"
    )
    cutmix_alpha: float = Field(
        0.0,
        ge=0,
        le=100,
        description="both parameters of the beta distribution of the share in CutMix; 0 for no CutMix",
    )
    specmix_alpha: float = Field(
        0.0,
        ge=0,
        le=100,
        description="both parameters of the beta distribution of the widths in SpecMix (spectrograms as series); 0 for"
        " none",
    )
    specmix_bands: int = Field(1, ge=1, le=10, description="bands of channels, and of time, that SpecMix exchanges")
    swap_fraction: float = Field(
        0.0, ge=0, le=1, description="largest share of a vector's numbers that swap noise exchanges; 0 for none"
    )
    same_loudness: bool = Field(
        False, description="mixup of sound brings the partner to the row's loudness before they are mixed"
    )
    min_share: float = Field(
        0.0, ge=0, le=0.5, description="smallest share that a row keeps in mixup; 0.5 never lets the partner prevail"
    )
    probability: float = Field(1.0, ge=0, le=1, description="probability that a draw is mixed at all")

    @model_validator(mode="after")
    def _something_to_do(self) -> Mix:
        if not self.ways:
            raise ValueError("mixup_alpha, cutmix_alpha, specmix_alpha and swap_fraction are 0: nothing would be mixed")
        return self

    @property
    def ways(self) -> tuple[str, ...]:
        """The ways of mixing that are asked for."""
        asked = (("mixup", self.mixup_alpha), ("cutmix", self.cutmix_alpha), ("specmix", self.specmix_alpha))
        return (*(name for name, alpha in asked if alpha), *(("swap",) if self.swap_fraction else ()))

    def refuses(self, task: Task) -> str | None:
        """Mixing needs labels that can be mixed too, and arrays."""
        if task.kind not in ("classification", "multilabel", "regression"):
            return f"mix mixes labels of classes or numbers, and this task's kind is {task.kind}"
        arrays = [modality for modality in task.modalities if modality != "text"]
        if self.specmix_alpha and arrays and arrays != ["series"]:
            return f"mix: SpecMix mixes series, and the task has {' and '.join(arrays)} (see the step spectrogram)"
        if self.swap_fraction and arrays and arrays != ["features"]:
            return f"mix: swap noise exchanges numbers of features, and the task has {' and '.join(arrays)}"
        if self.same_loudness and arrays and arrays != ["audio"]:
            return f"mix: same_loudness is for sound, and the task has {' and '.join(arrays)}"
        return super().refuses(task)

    def recipe(self, task: Task) -> dict[str, Any]:
        """The settings, all of them."""
        reason = self.refuses(task)
        if reason:
            raise ConfigError(reason)
        return {"step": "mix", **self.model_dump(mode="json")}

    def draw(self, rng: np.random.Generator, positions: int, shape: tuple[int, ...] | None = None) -> Mixing:
        """Partner, share and box for one row.

        Args:
            rng: the row's generator.
            positions: number of draws in the plan.
            shape: shape of the row's final array; with it the box of CutMix falls on whole pixels and the share is
                exactly that of the pixels. CutMix of anything but images needs it.
        """
        if positions < 2 or (self.probability < 1 and rng.random() >= self.probability):
            return Mixing(partner=0, share=1.0)
        partner, ways = int(rng.integers(positions)), list(self.ways)
        way = ways[int(rng.integers(len(ways)))] if len(ways) > 1 else ways[0]
        if way == "swap":
            return Mixing(partner, 1.0, swapped=(float(rng.uniform(0.0, self.swap_fraction)), int(rng.integers(2**63))))
        alpha = {"mixup": self.mixup_alpha, "cutmix": self.cutmix_alpha, "specmix": self.specmix_alpha}[way]
        if way == "specmix":
            return _bands(partner, rng, alpha, self.specmix_bands, shape)
        share = float(rng.beta(alpha, alpha))
        if way == "mixup":
            return Mixing(partner, max(share, 1.0 - share) if self.min_share >= 0.5 else max(share, self.min_share))
        return _cut(partner, share, float(rng.random()), float(rng.random()), shape)

    def apply(self, item: np.ndarray, partner: np.ndarray, drawn: Mixing) -> np.ndarray:
        """The mixed item, of the item's own shape and dtype; neither input is changed.

        Args:
            item: final array: image (h, w, c) or (c, h, w), video with a leading t, audio or series (channels, n) or
                (n,), features (d,). float or uint8.
            partner: array of the same shape; one of another length along the last axis (sound) is cut or filled with
                zeros.
            drawn: what `draw` gave.

        Raises:
            DataError: the shapes differ otherwise.
        """
        if drawn.idle:
            return item.copy()
        partner = _fitted(partner, item.shape)
        if drawn.swapped is not None:
            return _swapped(item, partner, *drawn.swapped)
        boxes = drawn.bands or (() if drawn.box is None else (drawn.box,))
        if not boxes:
            return _blend(item, _as_loud(partner, item) if self.same_loudness else partner, drawn.share)
        mixed = item.copy()
        for box in boxes:
            place = _inside(item.shape, box) if not drawn.bands else _of_picture(item.shape, box)
            mixed[place] = partner[place]
        return mixed


def _plane(shape: tuple[int, ...]) -> list[int]:
    """The axes that a box cuts: height and width of images, the last axis of anything else."""
    if len(shape) < 3:
        return [len(shape) - 1]
    channels_last = shape[-1] in (1, 2, 3, 4) and shape[-3] not in (1, 2, 3, 4)
    return [len(shape) - 3, len(shape) - 2] if channels_last else [len(shape) - 2, len(shape) - 1]


def _cut(partner: int, share: float, down: float, across: float, shape: tuple[int, ...] | None) -> Mixing:
    """The box that takes 1 - share of the area around a drawn centre, cut at the edges, and the share that is left."""
    flat = shape is not None and len(_plane(shape)) == 1
    side = (1.0 - share) if flat else (1.0 - share) ** 0.5
    left, right = max(0.0, across - side / 2), min(1.0, across + side / 2)
    top, bottom = (0.0, 1.0) if flat else (max(0.0, down - side / 2), min(1.0, down + side / 2))
    if shape is not None:
        lengths = [shape[axis] for axis in _plane(shape)]
        left, right = (round(x * lengths[-1]) / max(1, lengths[-1]) for x in (left, right))
        if not flat:
            top, bottom = (round(y * lengths[0]) / max(1, lengths[0]) for y in (top, bottom))
    return Mixing(partner, 1.0 - (right - left) * (bottom - top), (top, left, bottom, right))


def _bands(partner: int, rng: np.random.Generator, alpha: float, bands: int, shape: tuple[int, ...] | None) -> Mixing:
    """Bands of channels (over all of time) and of time (over all channels) whose widths add up to 1 - share each way.

    The share is that of the numbers that stay the row's own, on whole channels and points where the shape is known.
    """
    import numpy as np

    columns = shape[-1] if shape else 1000
    rows = shape[-2] if shape and len(shape) > 1 else 1
    taken = np.zeros((rows, columns), dtype=bool)
    boxes: list[tuple[float, float, float, float]] = []
    for _ in range(bands):
        for axis, length in ((0, rows), (1, columns)):
            width = round((1.0 - float(rng.beta(alpha, alpha))) / bands / 2 * length)
            start = int(rng.integers(0, length - width + 1))
            if not width or (axis == 0 and rows < 2):
                continue
            box = (start / rows, 0.0, (start + width) / rows, 1.0)
            box = box if axis == 0 else (0.0, start / columns, 1.0, (start + width) / columns)
            taken[_of_picture((rows, columns), box)] = True
            boxes.append(box)
    return Mixing(partner, 1.0 - float(taken.mean()), bands=tuple(boxes))


def _of_picture(shape: tuple[int, ...], box: tuple[float, float, float, float]) -> tuple[slice, ...]:
    """The part of (..., channels, length), or (length,), that fractions (top, left, bottom, right) name."""
    top, left, bottom, right = box
    across = slice(round(left * shape[-1]), round(right * shape[-1]))
    if len(shape) < 2:
        return (across,)
    return (*[slice(None)] * (len(shape) - 2), slice(round(top * shape[-2]), round(bottom * shape[-2])), across)


def _swapped(item: np.ndarray, partner: np.ndarray, share: float, seed: int) -> np.ndarray:
    import numpy as np

    return np.where(np.random.default_rng(seed).random(item.shape) < share, partner, item).astype(item.dtype)


def _as_loud(partner: np.ndarray, item: np.ndarray) -> np.ndarray:
    """The partner with the item's root mean square; silence stays."""
    import numpy as np

    own, theirs = (float(np.mean(np.square(one, dtype=np.float64))) for one in (item, partner))
    return partner * np.float32((own / theirs) ** 0.5) if own and theirs else partner


def _inside(shape: tuple[int, ...], box: tuple[float, float, float, float]) -> tuple[slice, ...]:
    place = [slice(None)] * len(shape)
    top, left, bottom, right = box
    axes = _plane(shape)
    across, down = axes[-1], axes[:-1]
    place[across] = slice(round(left * shape[across]), round(right * shape[across]))
    for axis in down:
        place[axis] = slice(round(top * shape[axis]), round(bottom * shape[axis]))
    return tuple(place)


def _blend(item: np.ndarray, partner: np.ndarray, share: float) -> np.ndarray:
    import numpy as np

    mixed = item.astype(np.float32) * np.float32(share) + partner.astype(np.float32) * np.float32(1.0 - share)
    if np.issubdtype(item.dtype, np.integer):
        mixed = np.rint(mixed)
    return mixed.astype(item.dtype)


def _fitted(partner: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    import numpy as np

    if partner.shape == shape:
        return partner
    if not shape or partner.ndim != len(shape) or len(shape) > 2 or partner.shape[:-1] != shape[:-1]:
        raise DataError(
            f"mix: two items have the shapes {shape} and {partner.shape}; bring them to one size first"
            " (image: [{Resize: {height: 224, width: 224}}])"
        )
    fitted = np.zeros(shape, dtype=partner.dtype)
    length = min(fitted.shape[-1], partner.shape[-1])
    fitted[..., :length] = partner[..., :length]
    return fitted
