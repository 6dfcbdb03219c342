"""What the magnitude of an image transform is: parameters that do nothing at one value, and more the farther away."""

from __future__ import annotations

import inspect
from typing import Any

from curate.augment.operations.operation import toward

LIMITS = {"shift_limit": 0, "scale_limit": 0, "rotate_limit": 0}
NEUTRAL: dict[str, dict[str, int]] = {
    "AdvancedBlur": {"blur_limit": 3},
    "Affine": {"scale": 1, "translate_percent": 0, "translate_px": 0, "rotate": 0, "shear": 0},
    "Blur": {"blur_limit": 3},
    "ChromaticAberration": {"primary_distortion_limit": 0, "secondary_distortion_limit": 0},
    "CoarseDropout": {"hole_height_range": 0, "hole_width_range": 0},
    "ColorJitter": {"brightness": 1, "contrast": 1, "saturation": 1, "hue": 0},
    "CropAndPad": {"px": 0, "percent": 0},
    "Defocus": {"radius": 1},
    "ElasticTransform": {"alpha": 0},
    "Emboss": {"alpha": 0},
    "Erasing": {"scale": 0},
    "FancyPCA": {"alpha": 0},
    "GaussNoise": {"std_range": 0, "mean_range": 0},
    "GaussianBlur": {"sigma_limit": 0},
    "GridDistortion": {"distort_limit": 0},
    "HEStain": {"intensity_scale_range": 1, "intensity_shift_range": 0},
    "HueSaturationValue": {"hue_shift_limit": 0, "sat_shift_limit": 0, "val_shift_limit": 0},
    "ISONoise": {"color_shift": 0, "intensity": 0},
    "ImageCompression": {"quality_range": 100},
    "MedianBlur": {"blur_limit": 3},
    "MotionBlur": {"blur_limit": 3},
    "MultiplicativeNoise": {"multiplier": 1},
    "OpticalDistortion": {"distort_limit": 0},
    "Perspective": {"scale": 0},
    "PiecewiseAffine": {"scale": 0},
    "PixelDropout": {"dropout_prob": 0},
    "PlasmaBrightnessContrast": {"brightness_range": 0, "contrast_range": 0},
    "PlasmaShadow": {"shadow_intensity_range": 0},
    "RGBShift": {"r_shift_limit": 0, "g_shift_limit": 0, "b_shift_limit": 0},
    "RandomBrightnessContrast": {"brightness_limit": 0, "contrast_limit": 0},
    "RandomCropFromBorders": {"crop_left": 0, "crop_right": 0, "crop_top": 0, "crop_bottom": 0},
    "RandomFog": {"fog_coef_range": 0},
    "RandomGamma": {"gamma_limit": 100},
    "RandomResizedCrop": {"scale": 1},
    "RandomScale": {"scale_limit": 0},
    "RandomShadow": {"shadow_intensity_range": 0},
    "RandomSnow": {"snow_point_range": 0},
    "RandomToneCurve": {"scale": 0},
    "Rotate": {"limit": 0},
    "SafeRotate": {"limit": 0},
    "SaltAndPepper": {"amount": 0},
    "Sharpen": {"alpha": 0},
    "ShiftScaleRotate": LIMITS | {"shift_limit_x": 0, "shift_limit_y": 0},
    "ShotNoise": {"scale_range": 0},
    "Solarize": {"threshold_range": 1},
    "Superpixels": {"p_replace": 0},
    "ThinPlateSpline": {"scale_range": 0},
    "UnsharpMask": {"alpha": 0},
}
"""Transform -> parameter -> the value that does nothing (for kernels, the least that it takes). Transforms that are not
here are all or nothing (flips, channel shuffles, crops to a size): a strength is a share of their probability."""

WHOLE = {
    "blur_limit", "px", "quality_range", "radius", "translate_px", "r_shift_limit", "g_shift_limit", "b_shift_limit",
}  # fmt: skip
"""Parameters that are counted in whole pixels or steps."""
ODD = {"AdvancedBlur", "Blur", "MedianBlur", "MotionBlur"}
"""Transforms whose magnitude is the odd side of a kernel, in pixels."""


def scaled(transform: str, kind: type, parameters: dict[str, Any], strength: float) -> dict[str, Any]:
    """The parameters of a transform with a magnitude (`NEUTRAL`), that share of the way from doing nothing."""
    defaults = inspect.signature(kind.__init__).parameters
    changed = dict(parameters)
    for name, neutral in NEUTRAL[transform].items():
        value = parameters.get(name, defaults[name].default)
        if value is None or (name == "translate_px" and isinstance(value, str)):
            continue
        value = _limits(transform, name, value, neutral)
        between = toward(neutral, value if name in WHOLE else _floats(value), strength)
        changed[name] = _odd(between) if transform in ODD else between
    return changed


def _limits(transform: str, name: str, value: Any, neutral: float) -> Any:
    """A single number around which the library lays its range, as that range, where the range is not around 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if transform == "ColorJitter" and neutral == 1:
        return (max(0.0, 1.0 - value), 1.0 + value)
    return value


def _floats(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_floats(part) for part in value)
    if isinstance(value, dict):
        return {key: _floats(part) for key, part in value.items()}
    return float(value) if isinstance(value, int) else value


def _odd(value: Any) -> Any:
    """The nearest odd numbers from 3 on."""
    if isinstance(value, list | tuple):
        return type(value)(_odd(part) for part in value)
    return max(3, 2 * round((value - 1) / 2) + 1)
