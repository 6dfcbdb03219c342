"""The step that mixes pairs of rows: mixup and CutMix."""

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
    """

    partner: int
    share: float
    box: tuple[float, float, float, float] | None = None


class Mix(step.Augment):
    """Mixes each row of a batch with another draw of the plan, inputs and labels alike.

    mixup (Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization") takes the weighted mean of two items; CutMix
    (Yun et al. 2019, "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features") puts a
    part of one into the other: a box of an image, a span of sound, series or features. With both, each row takes one
    of them with equal chance. The partner is drawn from the whole plan, so that what happens to a row does not depend
    on its batch.
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
    probability: float = Field(1.0, ge=0, le=1, description="probability that a draw is mixed at all")

    @model_validator(mode="after")
    def _something_to_do(self) -> Mix:
        if not self.mixup_alpha and not self.cutmix_alpha:
            raise ValueError("mixup_alpha and cutmix_alpha are both 0: nothing would be mixed")
        return self

    def refuses(self, task: Task) -> str | None:
        """Mixing needs labels that can be mixed too, and arrays."""
        if task.kind not in ("classification", "multilabel", "regression"):
            return f"mix mixes labels of classes or numbers, and this is a {task.kind} task"
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
        partner = int(rng.integers(positions))
        cut = bool(self.cutmix_alpha) and (not self.mixup_alpha or rng.random() < 0.5)
        alpha = self.cutmix_alpha if cut else self.mixup_alpha
        share = float(rng.beta(alpha, alpha))
        if not cut:
            return Mixing(partner, share)
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
        if drawn.share == 1.0:
            return item.copy()
        partner = _fitted(partner, item.shape)
        if drawn.box is None:
            return _blend(item, partner, drawn.share)
        mixed = item.copy()
        place = _inside(item.shape, drawn.box)
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
