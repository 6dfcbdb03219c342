"""Policies: operations on images that draw which of a fixed set of changes they do, and how strongly."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from curate.augment.operations import image_pixels as pixels
from curate.augment.operations.image_transform import Image
from curate.augment.operations.operation import Drawn, Operation
from curate.augment.operations.scene import Scene

Change = list[Any]
"""[name, amount]: one change of an image, in the unit of `changed`."""

MOVING = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")
RANDAUGMENT = {
    "identity": 0.0, "shear_x": 0.3, "shear_y": 0.3, "translate_x": 150 / 331, "translate_y": 150 / 331, "rotate": 30.0,
    "brightness": 0.9, "colour": 0.9, "contrast": 0.9, "sharpness": 0.9, "posterize": 4.0, "solarize": 256.0,
    "autocontrast": 0.0, "equalize": 0.0,
}  # fmt: skip
"""Change -> its largest amount: shear as a tangent, shift as a share of the side, rotation in degrees, the others as
the change of a factor around 1, bits taken away, or how far the threshold is below white."""
TRIVIAL = RANDAUGMENT | {
    "shear_x": 0.99, "shear_y": 0.99, "translate_x": 32 / 224, "translate_y": 32 / 224, "rotate": 135.0,
    "brightness": 0.99, "colour": 0.99, "contrast": 0.99, "sharpness": 0.99, "posterize": 6.0,
}  # fmt: skip
AUGMIX = {
    "shear_x": 0.3, "shear_y": 0.3, "translate_x": 1 / 3, "translate_y": 1 / 3, "rotate": 30.0, "posterize": 4.0,
    "solarize": 256.0, "autocontrast": 0.0, "equalize": 0.0,
}  # fmt: skip
BINS = 31
"""Amounts are one of so many steps from nothing to the largest, as in the papers' code."""


class _Policy(Operation):
    modality: ClassVar[str] = "image"
    needs: ClassVar[None] = None

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Policies stand beside the transforms of Albumentations and are written as they are."""
        super().__pydantic_init_subclass__(**kwargs)
        cls.name = cls.__name__

    def apply(self, item: Any, drawn: Drawn) -> Any:
        """The image (h, w, 3) uint8, frames (t, h, w, 3) or scene after the drawn changes, in order."""
        return done(item, drawn["changes"])


class RandAugment(_Policy):
    """Does some changes of fourteen in turn, all of one magnitude.

    Shears, shifts, rotation, brightness, colour, contrast, sharpness, posterising, solarising, contrast stretching,
    equalising, nothing; amounts as in the paper's code. Cost: 0.1 to 0.4 ms per change at 224 x 224 pixels.

    Source: Cubuk et al. 2020, "RandAugment: Practical Automated Data Augmentation with a Reduced Search Space".
    """

    neutral = {"magnitude": 0.0}

    count: int = Field(2, ge=1, le=14, description="changes of one image")
    magnitude: float = Field(9.0, ge=0, le=30, description="of every change, from 0 (nothing) to 30 (the largest)")
    magnitude_sigma: float = Field(
        0.0, ge=0, le=30, description="standard deviation of the magnitude from change to change; 0 for one magnitude"
    )

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """The changes."""
        changes = []
        for name in rng.choice(list(RANDAUGMENT), self.count):
            level = self.magnitude + (rng.normal(0.0, self.magnitude_sigma) if self.magnitude_sigma else 0.0)
            changes.append(_amount(str(name), RANDAUGMENT[name], min(max(level / 30, 0.0), 1.0), rng))
        return {"changes": changes}


class TrivialAugment(_Policy):
    """Does one change of fourteen, of a drawn magnitude in the paper's wide space.

    Cost: 0.1 to 0.4 ms at 224 x 224 pixels.

    Source: Müller and Hutter 2021, "TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation".
    """

    neutral = {"max_magnitude": 0.0}

    max_magnitude: float = Field(1.0, ge=0, le=1, description="largest magnitude, as a share of the paper's")

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """The change."""
        name = str(rng.choice(list(TRIVIAL)))
        level = self.max_magnitude * int(rng.integers(BINS)) / (BINS - 1)
        return {"changes": [_amount(name, TRIVIAL[name], level, rng)]}


class AugMix(_Policy):
    """Blends the image with chains of changes of it.

    Where masks, boxes or keypoints are to be kept, the chains hold only changes that move nothing. Cost: about
    2 ms at 224 x 224 pixels.

    Source: Hendrycks et al. 2020, "AugMix: A Simple Data Processing Method to Improve Robustness and Uncertainty".
    """

    neutral = {"severity": 0.0}

    severity: float = Field(3.0, ge=0, le=10, description="of every change, from 0 (nothing) to 10 (the largest)")
    width: int = Field(3, ge=1, le=10, description="number of chains")
    max_depth: int = Field(3, ge=1, le=10, description="most changes in a chain")
    alpha: float = Field(
        1.0, gt=0, le=100, description="parameter of the Dirichlet and beta distributions of the chains' shares"
    )

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """The chains, the share of each, and the share of all of them in the result."""
        names = [name for name in AUGMIX if not isinstance(item, Scene) or name not in MOVING]
        chains = []
        for _ in range(self.width):
            chosen = rng.choice(names, int(rng.integers(1, self.max_depth + 1)))
            level = [float(rng.uniform(0.0, self.severity / 10)) for _ in chosen]
            chains.append([_amount(str(n), AUGMIX[n], at, rng) for n, at in zip(chosen, level)])
        shares = rng.dirichlet([self.alpha] * self.width).tolist()
        return {"chains": chains, "shares": shares, "share": float(rng.beta(self.alpha, self.alpha))}

    def apply(self, item: Any, drawn: Drawn) -> Any:
        """The blend, of the item's own form."""
        if isinstance(item, Scene):
            return item.moved(self.apply(item.image, drawn), {}, {})
        if not item.size:
            return item
        mixed = item.astype(np.float32) * np.float32(1.0 - drawn["share"])
        for chain, share in zip(drawn["chains"], drawn["shares"]):
            mixed += done(item, chain).astype(np.float32) * np.float32(drawn["share"] * share)
        return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


POLICIES: dict[str, type[Operation]] = {policy.name: policy for policy in (RandAugment, TrivialAugment, AugMix)}


def _amount(name: str, largest: float, level: float, rng: np.random.Generator) -> Change:
    """A change at a level in [0, 1], in either direction where it has two; in steps, so that few are built."""
    stepped = round(level * (BINS - 1)) / (BINS - 1)
    sign = -1.0 if rng.random() < 0.5 else 1.0
    amount = stepped * largest
    return [name, amount if name in ("posterize", "solarize") else sign * amount]


def done(item: Any, changes: list[Change]) -> Any:
    """An image, frames or a scene after changes, in order."""
    for name, amount in changes:
        item = changed(item, name, amount)
    return item


def changed(item: Any, name: str, amount: float) -> Any:
    """An image (h, w, 3), frames (t, h, w, 3) or a scene after one change; amounts as in `RANDAUGMENT`."""
    still = name not in ("autocontrast", "equalize") and not amount
    if name == "identity" or still or not (item.image if isinstance(item, Scene) else item).size:
        return item
    if name in MOVING:
        return _moving(name, amount).apply(item, {"seed": 0})
    if isinstance(item, Scene):
        return item.moved(changed(item.image, name, amount), {}, {})
    if item.ndim == 4:
        return np.stack([changed(frame, name, amount) for frame in item])
    item = np.ascontiguousarray(item)
    if name in ("autocontrast", "equalize"):
        return getattr(pixels, name)(item)
    if name == "posterize":
        return pixels.posterize(item, 8 - round(amount))
    if name == "solarize":
        return pixels.solarize(item, round(256 - amount))
    return getattr(pixels, name)(item, 1.0 + amount)


@lru_cache(maxsize=1024)
def _moving(name: str, amount: float) -> Image:
    """The transform of Albumentations that moves the image by exactly that."""
    kind, _, axis = name.partition("_")
    if kind == "rotate":
        parameters: dict[str, Any] = {"rotate": [amount, amount]}
    else:
        value = math.degrees(math.atan(amount)) if kind == "shear" else amount
        both = {"x": [0.0, 0.0], "y": [0.0, 0.0], axis: [value, value]}
        parameters = {"shear" if kind == "shear" else "translate_percent": both}
    return Image(transform="Affine", parameters=parameters, p=1.0)
